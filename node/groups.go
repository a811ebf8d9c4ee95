package node

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/links"
	"github.com/liminal-bus/liminal/internal/pg"
)

// scopeID is the number of the process that is the pg scope. It lives as long
// as the node.
const scopeID = 101

// quotaHold is how long a peer that overran its quota is not let in again.
const quotaHold = time.Minute

// memberLink is a link as the scope knows it.
type memberLink struct {
	link       *dist.Link
	name       string
	generation uint64
	met        bool // its channels were told once; guarded by Node.pollMu
}

type (
	target = pg.Target[*memberLink]
	out    = pg.Out[*memberLink]
)

// groups is the scope with the one lock around it. What the scope wants sent is
// queued on the links before the lock is let go, which makes snapshot and
// changes reach a peer in the order in which they happened. Queuing never
// waits. The lock comes before those of the links and the bus; Node.mu is never
// taken under it.
type groups struct {
	n    *Node
	name string // of the scope
	self etf.Pid

	mu      sync.RWMutex
	scope   *pg.Scope[*memberLink]
	links   map[*dist.Link]*memberLink
	pace    pacer
	changed chan struct{} // closed and replaced when members come or go
	waiting int           // who waits for that

	moved atomic.Bool // a journal has something: a poll is to look
	left  bool        // some were left for after a join; guarded by Node.pollMu
}

func newGroups(n *Node, name string) *groups {
	g := &groups{n: n, name: name, links: map[*dist.Link]*memberLink{}, changed: make(chan struct{}), pace: newPacer(n.started)}
	g.self = etf.Pid{Node: etf.Atom(n.name), ID: scopeID, Creation: n.creation}
	g.scope = pg.New[*memberLink](pg.Config{Self: g.self, Limits: n.cfg.scopeLimits})
	return g
}

// up introduces the scope to a new peer. Its reader has not started.
func (g *groups) up(info links.Info) {
	m := &memberLink{link: info.Link, name: info.Name, generation: info.Generation}
	g.do(func() []out {
		g.links[info.Link] = m
		return g.scope.LinkUp(m, pg.Origin{Node: info.Name, Creation: info.Creation})
	})
}

// down forgets what the peer had joined. It is done when it returns.
func (g *groups) down(l *dist.Link) {
	g.do(func() []out {
		if m := g.links[l]; m != nil {
			delete(g.links, l)
			g.scope.LinkDown(m)
		}
		return nil
	})
}

// receive takes a message for the scope. The costly part, taking a sync apart,
// is done before the lock.
func (g *groups) receive(l *dist.Link, msg []byte) {
	defer g.n.gate.enter(len(msg))()
	r := l.Remote()
	m, err := pg.Parse(msg, pg.Origin{Node: r.Name, Creation: r.Creation}, g.n.cfg.scopeLimits)
	switch {
	case errors.Is(err, pg.ErrQuota):
		g.refused(err)
		g.expel(l, err)
		return
	case err != nil:
		g.refused(err)
		g.n.log.Debug("message to the pg scope not understood", "peer", r.Name, "error", err)
		return
	}
	g.do(func() (outs []out) {
		from, outs := g.sender(l)
		if from == nil {
			g.n.counts.scopeLate.Add(1)
			return nil
		}
		more, failed := g.scope.Receive(from, m)
		err = failed
		return append(outs, more...)
	})
	if err != nil {
		g.expel(l, err)
	}
}

// sender is the link as the scope knows it, nil if it has ended. One that was not
// introduced when it came up, since its peer did not look like one with a scope,
// is introduced now. The caller holds g.mu.
func (g *groups) sender(l *dist.Link) (m *memberLink, outs []out) {
	if m = g.links[l]; m != nil {
		return m, nil
	}
	if down, _, _ := l.Down(); down != "" {
		return nil, nil // after this look its end finds what is filed for it
	}
	r := l.Remote()
	row, _ := g.n.table.Lookup(r.Name)
	m = &memberLink{link: l, name: r.Name, generation: row.Generation}
	g.links[l] = m
	return m, g.scope.LinkUp(m, pg.Origin{Node: r.Name, Creation: r.Creation})
}

// refused counts a message that could not be parsed.
func (g *groups) refused(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.scope.Refused(err)
}

// expel ends the link of a peer that wants more than a peer may have: to drop a
// part of what it says would make its membership wrong for ever.
func (g *groups) expel(l *dist.Link, err error) {
	name := l.Remote().Name
	g.n.counts.quota.Add(1)
	g.n.table.Hold(name, quotaHold)
	g.n.log.Warn("peer expelled", "peer", name, "for", quotaHold, "error", err)
	l.Close(dist.ReasonQuota, err)
}

// scopeDown says that a scope which we monitor is gone.
func (g *groups) scopeDown(l *dist.Link, ref uint64) {
	g.do(func() []out {
		if m := g.links[l]; m != nil {
			return g.scope.Down(m, ref)
		}
		return nil
	})
}

// tick lets the scope ask again where nobody has answered.
func (g *groups) tick(now time.Time) {
	g.do(func() []out { return g.scope.Tick(now.Sub(g.n.started).Milliseconds()) })
}

// do changes the scope and sends what it wants sent.
func (g *groups) do(change func() []out) {
	g.mu.Lock()
	before := g.scope.Version()
	lost := g.send(change())
	if g.scope.Version() != before {
		g.wake()
	}
	if g.scope.Pending() && !g.moved.Load() {
		g.moved.Store(true)
	}
	g.mu.Unlock()
	for _, l := range lost {
		l.link.Close(dist.ReasonControlOverflow, l.err)
	}
}

// lostLink is a link that did not take what it was to be told.
type lostLink struct {
	link *dist.Link
	err  error
}

// send queues outs in order. A link that does not take one of them is told
// nothing more and must be closed: a peer that missed a join would crash over
// the leave. The caller holds g.mu.
func (g *groups) send(outs []out) (lost []lostLink) {
	for _, o := range outs {
		m := o.Link
		if g.links[m.link] != m {
			continue
		}
		if err := g.sendOne(m.link, o); err != nil {
			delete(g.links, m.link)
			g.scope.LinkDown(m)
			lost = append(lost, lostLink{m.link, err}) // one that is down already takes no harm
		}
	}
	return lost
}

func (g *groups) sendOne(l *dist.Link, o out) error {
	switch o.Act {
	case pg.SendName:
		return l.SendName(g.self, g.name, o.Msg)
	case pg.SendPid:
		return l.SendShared(g.self, o.To, o.Msg) // a sync goes to many
	case pg.Monitor:
		return l.MonitorPid(g.self, o.To, g.n.ref(scopeRef|o.Ref))
	case pg.Demonitor:
		return l.DemonitorPid(g.self, o.To, g.n.ref(scopeRef|o.Ref))
	}
	return nil
}

// scopeRef marks the numbers of references that are the scope's.
const scopeRef = 1 << 63

// paced books a join or leave and says how long a join should wait for it. With
// nobody to tell there is nothing to wait for. The caller holds g.mu.
func (g *groups) paced() time.Duration {
	now := time.Now()
	if len(g.links) == 0 {
		g.pace = newPacer(now)
		return 0
	}
	return g.pace.take(now)
}

// maxBehind is how much may wait in a link's control lane before who joins more
// has to wait too. A lane that fills up ends its link.
const maxBehind = 1 << 20

// settle waits until no peer is far behind with what it is told. The error is
// ctx's cause.
func (g *groups) settle(ctx context.Context) error {
	for _, l := range g.behind() {
		if err := l.Flush(ctx); err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// behind lists the links with much to write.
func (g *groups) behind() (late []*dist.Link) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	for l := range g.links {
		if l.ControlBytes() > maxBehind {
			late = append(late, l)
		}
	}
	return late
}

// wake lets those look again who wait for members. The caller holds g.mu.
func (g *groups) wake() {
	if g.waiting > 0 {
		close(g.changed)
		g.changed = make(chan struct{})
		g.waiting = 0
	}
}

// remote appends the members of a group on other nodes to dst.
func (g *groups) remote(k pg.Key, dst []target) []target {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.scope.Remote(k, dst)
}

// counted says how many members a group has on other nodes.
func (g *groups) counted(k pg.Key) (members, nodes int) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.scope.Count(k)
}

// sizes gives how many groups the node behind each link is in.
func (g *groups) sizes() map[*dist.Link]int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	sizes := make(map[*dist.Link]int, len(g.links))
	for l, m := range g.links {
		sizes[l] = g.scope.PeerSize(m)
	}
	return sizes
}

// counters are the scope's own.
func (g *groups) counters() map[string]uint64 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.scope.Counters()
}
