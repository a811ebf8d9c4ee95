package node

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/pg"
)

// Who came and went stays in the ring, whatever channels are joined; the counts
// are right in the end.
func TestSubEventsLeaveRoom(t *testing.T) {
	c := quiet(t, "a")
	c.Poll, c.Tick = time.Hour, 9*time.Hour
	n := start(t, c)
	b := newLight(t, "b", sayingHello)
	l := b.dial(n)
	waitFor(t, n, "b", func(n *Node) bool { n.PollOnce(); return hasPeers(b.name())(n) })
	l.Close(dist.ReasonReset, nil)
	waitFor(t, n, "b is gone", func(n *Node) bool { n.PollOnce(); return hasPeers()(n) })
	r := newReader(t, n)
	seq, begin := n.feed.seq(), time.Now()
	const polls, each = 300, 16
	for i := range polls {
		var names []string
		for k := range each {
			names = append(names, fmt.Sprintf("reply-%d-%d", i, k))
		}
		subscribe(t, n, names...)
		n.PollOnce()
	}
	events := float64(n.feed.seq() - seq)
	if most := subsBurst + subsRate*time.Since(begin).Seconds() + 2; events > most || events < subsBurst {
		t.Errorf("%.0f events for %d channels, at most %.0f", events, polls*each, most)
	}
	n.pollMu.Lock()
	n.budget.room = subsBurst // time goes by
	n.pollMu.Unlock()
	n.PollOnce()
	if err := r.check(); err != nil || r.subs[n.name] != polls*each {
		t.Errorf("a reader has %d channels, want %d: %v", r.subs[n.name], polls*each, err)
	}
}

// However changes come, no more is told than there is room for, what is told
// adds up, and everybody gets a turn.
func TestSubsBudget(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		begin := time.Unix(0, 0)
		now, b := begin, newSubsBudget(begin)
		all := make([]*memberLink, 40)
		for i := range all {
			all[i] = &memberLink{name: fmt.Sprint(i), met: true}
		}
		queue := all // in the order in which they changed
		did, told, spent := map[*memberLink]int{}, map[*memberLink]int{}, 0.0
		tell := func(c change) {
			spent += events(c)
			told[c.Link] += len(c.Added) + c.MoreAdded
		}
		for range rapid.IntRange(1, 100).Draw(rt, "polls") {
			now = now.Add(time.Duration(rapid.IntRange(0, 1000).Draw(rt, "ms")) * time.Millisecond)
			ready := map[*memberLink]bool{}
			for _, m := range all {
				ready[m] = true
			}
			b.choose(now, queue, ready)
			own := change{Own: true, Added: make([]pg.Key, rapid.IntRange(0, 16).Draw(rt, "own")), MoreAdded: 3}
			did[nil] += len(own.Added) + 3
			changes := []change{own}
			var took, kept []*memberLink
			for _, m := range queue {
				did[m] += 7
				if !ready[m] {
					kept = append(kept, m)
					continue
				}
				took = append(took, m)
				changes = append(changes, change{Link: m, Added: make([]pg.Key, min(16, did[m]-told[m])), MoreAdded: max(0, did[m]-told[m]-16)})
			}
			queue = append(kept, took...)
			for _, c := range changes {
				if c, ok := b.pay(c); ok {
					tell(c)
				}
			}
			if most := subsBurst + now.Sub(begin).Seconds()*subsRate + folded; spent > most {
				rt.Fatalf("%.0f events after %v, at most %.0f", spent, now.Sub(begin), most)
			}
		}
		b.choose(now.Add(time.Hour), queue, map[*memberLink]bool{})
		if c, ok := b.settle(); ok {
			tell(c)
		}
		if told[nil] != did[nil] || b.owes() {
			rt.Fatalf("of our own %d channels %d were told", did[nil], told[nil])
		}
	})
}
