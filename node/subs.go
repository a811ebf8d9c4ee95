package node

import (
	"time"

	"github.com/liminal-bus/liminal/internal/pg"
)

// change is what the scope tells that a node joined and left.
type change = pg.Change[*memberLink]

// pollSubs announces who joined and left which channels since the last poll.
// A peer whose own join is not announced yet keeps its changes until it is; one
// whose link has ended has none any more, since its leave says it all. So does a
// peer for which the budget has nothing left. The caller holds n.pollMu, which
// keeps members what they are.
func (n *Node) pollSubs(now time.Time) {
	g := n.groups
	if !g.moved.Swap(false) && !g.left {
		return
	}
	g.mu.RLock()
	links := g.scope.Changed()
	g.mu.RUnlock()
	ready := n.announced(links)
	g.left = len(ready) < len(links)
	held := n.budget.choose(now, links, ready)
	g.mu.Lock()
	changes := g.scope.Take(func(m *memberLink) bool { return ready[m] })
	g.mu.Unlock()
	n.mu.Lock()
	for _, c := range changes {
		if c, ok := n.budget.pay(c); ok {
			n.tellSubs(now, c)
		}
	}
	if c, ok := n.budget.settle(); ok {
		n.tellSubs(now, c)
	}
	n.mu.Unlock()
	if held || n.budget.owes() {
		g.moved.Store(true) // the next poll looks again
	}
}

// announced finds the links that watchers have heard of.
func (n *Node) announced(all []*memberLink) map[*memberLink]bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	heard := map[*memberLink]bool{}
	for _, m := range all {
		if p := n.peers[m.name]; p != nil && p.member && p.number == m.generation {
			heard[m] = true
		}
	}
	return heard
}

// tellSubs makes the events of one node's changes: one for each channel that is
// named, one in each direction for the rest. What was added is told first, so
// that no count on the way is less than none. The caller holds n.mu.
func (n *Node) tellSubs(now time.Time, c change) {
	p := n.ownRow()
	if !c.Own {
		p = n.peers[c.Link.name]
	}
	p.subs = c.Groups - len(c.Added) - c.MoreAdded + len(c.Removed) + c.MoreRemoved
	n.tellChannels(now, p, EventSubAdd, 1, c.Added, c.MoreAdded)
	n.tellChannels(now, p, EventSubRemove, -1, c.Removed, c.MoreRemoved)
}

// ownRow is this node as its own events show it: no peer, and without a state.
func (n *Node) ownRow() *peer {
	p := &peer{name: n.name, kind: KindLiminal, version: Version, listed: true}
	p.info.Creation = n.creation
	return p
}

// tellChannels is one direction of tellSubs; step is what one channel adds.
func (n *Node) tellChannels(now time.Time, p *peer, what EventType, step int, named []pg.Key, more int) {
	for _, k := range named {
		name, _ := k.Channel()
		p.subs += step
		n.emit(now, p, Event{Type: what, Channel: name})
	}
	if more > 0 {
		p.subs += step * more
		n.emit(now, p, Event{Type: what, Count: uint64(more)})
	}
}
