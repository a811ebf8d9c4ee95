package node

import (
	"sync"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// What a peer's processes may have published here by {pub, ...}, in copies: one
// message counts as many as it has subscribers and members. One word of theirs
// becomes one to each node, so that a flood of them would be a flood of ours. In
// a small cluster the bound is above what an Erlang process can send.
const (
	pubRate  = 500_000 // copies a second
	pubBurst = 1_000_000
)

// pubRates keeps the account of each link that had something published. It is
// guarded by its lock; a link's reader is the only one to draw on its account.
type pubRates struct {
	mu sync.Mutex
	of map[*dist.Link]*pubAccount
}

type pubAccount struct {
	room float64 // copies; below zero after one message with more of them
	at   time.Time
	told bool // that messages are dropped; again once the account is full again
}

// take books a message of that many copies. It is not ok where the link has had
// its share, and first where that is news; the message is to be dropped then. One
// message is taken whenever there is any room, however many copies it has.
func (p *pubRates) take(l *dist.Link, copies int, now time.Time) (ok, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.of[l]
	if a == nil {
		if down, _, _ := l.Down(); down != "" {
			return false, false // its end, which drops the account, has been
		}
		if p.of == nil {
			p.of = map[*dist.Link]*pubAccount{}
		}
		a = &pubAccount{room: pubBurst, at: now}
		p.of[l] = a
	}
	if passed := now.Sub(a.at); passed > 0 {
		a.room, a.at = min(pubBurst, a.room+passed.Seconds()*pubRate), now
	}
	a.told = a.told && a.room < pubBurst
	if a.room < 1 {
		first, a.told = !a.told, true
		return false, first
	}
	a.room -= float64(copies)
	return true, false
}

// drop closes the account of a link that has ended.
func (p *pubRates) drop(l *dist.Link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.of, l)
}

// mayPublish says whether a message of the link's peer may be published to that
// many, and counts it where not.
func (n *Node) mayPublish(l *dist.Link, copies int) bool {
	ok, first := n.pubs.take(l, copies, time.Now())
	if ok {
		return true
	}
	n.counts.pubRate.Add(1)
	if first {
		n.log.Warn("messages that a peer has published here are dropped", "peer", l.Peer(),
			"because", "it sends more than its share", "copies_per_second", pubRate)
	}
	return false
}
