package node

import (
	"time"

	"github.com/liminal-bus/liminal/internal/links"
	"github.com/liminal-bus/liminal/internal/membership"
)

// pollLoop owns the node's one timer. It polls on every tick of it and on
// every nudge, and starts the dials that are due.
func (n *Node) pollLoop() {
	tick := time.NewTicker(n.cfg.Poll)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-n.nudges:
			n.PollOnce()
		case <-n.kicks:
		case <-n.rounds: // Alive
		case <-tick.C:
			now := time.Now()
			n.beat(now, now.Sub(last))
			last = now
			n.PollOnce()
		}
		n.dialDue(time.Now())
	}
}

// lateBy is how far behind its time the loop may be before it distrusts its
// own clocks: it was suspended or starved, and the silence was its own.
const lateBy = time.Second

// beat drives everything that goes by time.
func (n *Node) beat(now time.Time, since time.Duration) {
	if since > n.cfg.Poll+lateBy {
		n.counts.late.Add(1)
		n.table.Forgive(now)
	}
	n.delays.add(since - n.cfg.Poll)
	n.table.Beat(now)
	n.groups.tick(now)
	if now.Sub(n.sampled) >= time.Second {
		n.bus.Sample(now)
		n.pulse.feel(now, n.watched())
		n.remindOfTLS(now)
		n.sampled = now
	}
	n.watchPeers(now)
	n.expireCalls(now)
	n.askMesh(now)
	n.forgetOld(now)
}

// PollOnce compares the connection table with what it was at the last poll and
// announces the difference. The poll loop calls it; embedders and tests may.
// When nothing changed it takes no lock that others work under.
func (n *Node) PollOnce() {
	if n.polled.Load() == n.table.Version()+1 && !n.groups.moved.Load() {
		return
	}
	n.pollMu.Lock()
	defer n.pollMu.Unlock()
	n.poll(time.Now())
}

// poll is PollOnce for who holds n.pollMu.
func (n *Node) poll(now time.Time) {
	if n.polled.Load() != n.table.Version()+1 {
		n.pollTable(now)
	}
	n.pollSubs(now)
}

func (n *Node) pollTable(now time.Time) {
	version, rows := n.table.Snapshot()
	rows, held := n.hold(now, rows)
	n.polls++
	delta := n.tracker.Poll(snapshot(n.polls, rows))
	if !delta.Empty() {
		n.apply(now, rows, delta)
		signal(n.settled)
	}
	if held {
		version-- // what is held makes the next poll look again
	}
	n.polled.Store(version + 1) // last: who polls and sees it relies on all being announced
}

// snapshot is the table in the tracker's terms.
func snapshot(version uint64, rows []links.Info) membership.Snapshot {
	s := membership.Snapshot{Version: version, Entries: make([]membership.Entry, len(rows))}
	for i, r := range rows {
		s.Entries[i] = membership.Entry{
			Peer:   membership.Peer{Name: r.Name, Creation: r.Creation, Generation: r.Generation},
			Up:     r.Up,
			Reason: string(r.Reason),
		}
	}
	return s
}

// forgetOld drops peers that have not been up for Config.ForgetAfter. Their
// rows go from the table, the tracker and the plan alike. A seed or a joined
// address that leads to a peer keeps it listed, since it is still dialled.
func (n *Node) forgetOld(now time.Time) {
	n.pollMu.Lock()
	defer n.pollMu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, p := range n.peers {
		if p.link != nil || p.member || now.Sub(p.changed) < n.forget && !n.givenUp(p) && !n.rowGone(p) && !p.looks() {
			continue
		}
		n.plan.Unlearn(name)
		if n.plan.Knows(name) && !n.rowGone(p) {
			continue
		}
		if row, known := n.table.Lookup(name); known && (!n.polledRow(row) || !n.table.Forget(name)) {
			continue // it came back at this very moment
		}
		n.tracker.Forget(name)
		n.resolver.Forget(name)
		n.unlist(now, p)
	}
}

// rowGone says whether the table had a row for p and has dropped it, as it does
// when too many names are down; what is kept here is bounded by that too.
func (n *Node) rowGone(p *peer) bool {
	if p.info.Generation == 0 {
		return false
	}
	_, known := n.table.Lookup(p.name)
	return !known
}

// polledRow says whether a poll has seen every link of a row: one that came
// and went since then is still to be counted. The caller holds n.pollMu.
func (n *Node) polledRow(r links.Info) bool {
	return r.Generation == n.tracker.Counts(r.Name).Generation
}

// givenUp says whether p was only ever heard of, and is not dialled any more. A
// look lists what it cannot reach. The caller holds n.mu.
func (n *Node) givenUp(p *peer) bool {
	return !n.cfg.look && p.state == StateDialling && !n.plan.Knows(p.name)
}
