package node

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/membership"
	"github.com/liminal-bus/liminal/internal/perf"
)

// spread reports the median and the extremes of b.N runs, in ms.
func spread(b *testing.B, runs []time.Duration) {
	slices.Sort(runs)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	b.ReportMetric(ms(runs[0]), "min-ms")
	b.ReportMetric(ms(runs[len(runs)/2]), "median-ms")
	b.ReportMetric(ms(runs[len(runs)*9/10]), "p90-ms")
	b.ReportMetric(ms(runs[len(runs)-1]), "max-ms")
	b.ReportMetric(0, "ns/op")
}

// manyRows is a node that has polled a table of that many members.
func manyRows(t testing.TB, rows int) *Node {
	n, _ := linkedNode(t)
	s := membership.Snapshot{Version: n.table.Version()}
	for i := range rows {
		s.Entries = append(s.Entries, membership.Entry{
			Peer: membership.Peer{Name: fmt.Sprintf("n%05d@127.0.0.1", i), Creation: 1, Generation: 1}, Up: true,
		})
	}
	if d := n.tracker.Poll(s); len(d.Joined) != rows {
		t.Fatal("the tracker has not taken the rows")
	}
	n.polled.Store(s.Version + 1)
	return n
}

func BenchmarkPollUnchanged(b *testing.B) {
	n := manyRows(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		n.PollOnce()
	}
}

// An unchanged poll costs nothing at all, however many peers there are.
func TestCostOfAnUnchangedPoll(t *testing.T) {
	n := manyRows(t, 10_000)
	perf.Most(t, "node.poll_unchanged.allocs", testing.AllocsPerRun(100, n.PollOnce))
}

// BenchmarkJoin16 is sixteen nodes that start at one moment through one seed,
// until all know all.
func BenchmarkJoin16(b *testing.B) {
	var runs []time.Duration
	for b.Loop() {
		addr := freeAddr(b)
		configs := meshConfigs(b, addr, 15)
		seed := quiet(b, "seed")
		seed.Listen = addr
		begin := time.Now()
		nodes := startAll(b, append(configs, seed))
		allKnowAll(b, nodes)
		runs = append(runs, time.Since(begin))
		closeAll(nodes)
	}
	spread(b, runs)
}

func closeAll(nodes []*Node) {
	for _, n := range nodes {
		n.Close()
	}
}

// BenchmarkDetectKill is the time from a peer's socket closing, as the kernel
// does it for a process that was killed, to the event.
func BenchmarkDetectKill(b *testing.B) {
	for _, nudges := range []bool{true, false} {
		b.Run(fmt.Sprintf("nudges=%t", nudges), func(b *testing.B) {
			c := quiet(b, "a")
			c.NoNudge = !nudges
			n := start(b, c)
			p := newLight(b, "b", sayingHello)
			w := n.Watch(0)
			takeSnapshot(b, w)
			var runs []time.Duration
			for b.Loop() {
				l := p.dial(n)
				if ev := take(b, w); ev.Type != EventJoin && ev.Type != EventRejoin {
					b.Fatalf("%+v", ev)
				}
				begin := time.Now()
				l.Close(dist.ReasonReset, nil)
				if ev := take(b, w); ev.Type != EventDown {
					b.Fatalf("%+v", ev)
				}
				runs = append(runs, time.Since(begin))
			}
			spread(b, runs)
		})
	}
}

// idleNode has seven peers that are up and nothing to say.
func idleNode(t testing.TB) (*Node, *beater) {
	n, b := idleLoop(t)
	for i := range 7 {
		newLight(t, fmt.Sprintf("z%d", i), sayingHello).dial(n) // they would probe, not we
	}
	waitFor(t, n, "seven are up", func(n *Node) bool {
		n.PollOnce()
		return len(n.PeerNames()) == 7 && !slices.ContainsFunc(n.Peers(), func(p Peer) bool { return p.Kind != KindLiminal })
	})
	for range 3 { // the mesh's turn, buffers that shrink, the plan's look around
		b.beat(n, time.Minute)
		n.dialDue(b.now)
	}
	return n, b
}

// parts are what one round of the loop consists of.
var parts = []struct {
	row string // its allocations, with nothing to do
	run func(n *Node, now time.Time)
}{
	{"node.idle.poll.allocs", func(n *Node, _ time.Time) { n.PollOnce() }},
	{"node.idle.beat.allocs", func(n *Node, now time.Time) { n.table.Beat(now) }},
	{"node.idle.watch.allocs", (*Node).watchPeers},
	{"node.idle.calls.allocs", (*Node).expireCalls},
	{"node.idle.mesh.allocs", (*Node).askMesh},
	{"node.idle.forget.allocs", (*Node).forgetOld},
	{"node.idle.dial.allocs", (*Node).dialDue},
}

// A beat with nothing to do allocates next to nothing.
func TestCostOfAnIdleBeat(t *testing.T) {
	n, b := idleNode(t)
	for _, p := range parts {
		perf.Most(t, p.row, testing.AllocsPerRun(100, func() { p.run(n, b.now) }))
	}
}

func BenchmarkIdleBeat(b *testing.B) {
	n, beat := idleNode(b)
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range parts {
			p.run(n, beat.now)
		}
	}
}

// manyPeers is a node that lists that many peers, all of them down.
func manyPeers(t testing.TB, count int) *Node {
	n := start(t, quiet(t, "a"))
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range count {
		n.list(fmt.Sprintf("n%05d@127.0.0.1", i)).setState(StateDown, time.Now())
	}
	return n
}

// BenchmarkPeers5000 is the list of many peers, in one pass.
func BenchmarkPeers5000(b *testing.B) {
	n := manyPeers(b, 5000)
	b.ReportAllocs()
	for b.Loop() {
		if len(n.Peers()) != 5000 {
			b.Fatal("not all are listed")
		}
	}
}

// BenchmarkPollOneJoin is a poll after one channel was joined or left.
func BenchmarkPollOneJoin(b *testing.B) {
	c := quiet(b, "a")
	c.Poll, c.Tick = time.Hour, 9*time.Hour
	n := start(b, c)
	b.ReportAllocs()
	for b.Loop() {
		s := subscribe(b, n, "chat")
		n.PollOnce()
		s.Close()
		n.PollOnce()
	}
}
