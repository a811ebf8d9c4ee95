package node

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/links"
	"github.com/liminal-bus/liminal/internal/pg"
)

// long says that the full sizes of the heavy tests are wanted.
func long() bool { return os.Getenv("LIMINAL_TEST_LONG") == "1" }

// limited is what one peer may have in TestQuotas: little, so that it is overrun
// in a moment. TestDefaultLimits of internal/pg has the numbers themselves.
var limited = pg.Limits{Groups: 50, Members: 200, Rate: 1, Burst: 1000}

// greedy is one way to want more than a peer may have; why is in the log.
type greedy struct {
	name string
	send func(p *light, l *dist.Link)
	why  string
}

func greedyPeers() []greedy {
	join := func(p *light, l *dist.Link, group string, members int) {
		pids := make(etf.List, members)
		for i := range pids {
			pids[i] = etf.Pid{Node: p.pid.Node, ID: uint32(1000 + i), Creation: p.pid.Creation}
		}
		msg, err := etf.Append(nil, etf.Tuple{etf.Atom("join"), p.scopePid(), etf.Binary(group), pids})
		if err == nil {
			_ = l.SendName(p.scopePid(), "pg", msg) // it may be expelled by now
		}
	}
	return []greedy{
		{"groups, one by one", func(p *light, l *dist.Link) {
			for i := range 60 {
				join(p, l, fmt.Sprint(i), 1)
			}
		}, "groups"},
		{"groups in a sync", func(p *light, l *dist.Link) {
			var all etf.List
			for i := range 60 {
				all = append(all, etf.Tuple{etf.Binary(fmt.Sprint(i)), etf.List{p.scopePid()}})
			}
			p.tellScope(l, syncTerm(p.scopePid(), all))
		}, "groups"},
		{"members of many groups", func(p *light, l *dist.Link) {
			for i := range 30 {
				join(p, l, fmt.Sprint(i), 10)
			}
		}, "members"},
		{"members of one group", func(p *light, l *dist.Link) { join(p, l, "x", 300) }, "members"},
		{"operations", func(p *light, l *dist.Link) {
			for range 1500 {
				join(p, l, "x", 0)
			}
		}, "messages a second"},
		{"questions", func(p *light, l *dist.Link) {
			msg, _ := etf.Append(nil, etf.Tuple{etf.Atom("discover"), p.scopePid()})
			for range 1500 {
				_ = l.SendName(p.scopePid(), "pg", msg)
			}
		}, "messages a second"},
	}
}

// S20: a peer that wants more groups, members or operations than a peer may have
// is parted from with reason quota, all it had goes, and it is held off for a
// minute; another peer keeps what it has, and may come and go meanwhile.
func TestQuotas(t *testing.T) {
	for _, c := range greedyPeers() {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig(t, "a")
			cfg.scopeLimits = limited
			n := start(t, cfg)
			other := newLight(t, "other", sayingHello)
			lo := other.dial(n)
			other.tellScope(lo, syncTerm(other.scopePid(), etf.List{}))
			other.settled(n, lo, "theirs")
			p := newLight(t, "greedy", sayingHello)
			l := p.dial(n)
			p.tellScope(l, syncTerm(p.scopePid(), etf.List{}))
			p.settled(n, l, "first")

			c.send(p, l)
			down := peerState(t, n, p.name(), StateDown)
			<-l.Done() // it has seen that too
			if down.Reason != string(dist.ReasonQuota) || len(n.Subscriptions(p.name())) != 0 {
				t.Errorf("it went down with %q, and is in %d groups", down.Reason, len(n.Subscriptions(p.name())))
			}
			if !strings.Contains(down.Detail, c.why) {
				t.Errorf("the reason told is %q, and has no %q", down.Detail, c.why)
			}
			if _, err := p.table.Dial(t.Context(), within, n.listen[0], n.name); !errors.Is(err, dist.ErrNotAllowed) {
				t.Errorf("it dials again: %v", err)
			}
			if j := n.Join(t.Context(), p.name()); j.Err == nil {
				t.Error("it was dialled while it is held off")
			}
			if got := n.Subscriptions(other.name()); !slices.Equal(got, []string{"theirs"}) {
				t.Errorf("the other peer is in %q", got)
			}
			other.settled(n, lo, "more of theirs")
			counters := n.Status().Counters
			if counters["peers_expelled"] != 1 || counters["pg_quota"] != 1 || counters["handshakes_refused_held"] == 0 {
				t.Errorf("expelled %d, over quota %d, held off %d", counters["peers_expelled"], counters["pg_quota"], counters["handshakes_refused_held"])
			}
			n.table.Hold(p.name(), 0) // the minute is over
			l = p.dial(n)
			p.tellScope(l, syncTerm(p.scopePid(), etf.List{}))
			p.settled(n, l, "again")
		})
	}
}

// S20: a group whose name is longer than 255 bytes is left out and counted; the
// peer that has it, and its other groups, stay.
func TestLongGroupNames(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	p := newLight(t, "b", sayingHello)
	l := p.dial(n)
	p.tellScope(l, syncTerm(p.scopePid(), etf.List{
		etf.Tuple{etf.Binary(strings.Repeat("x", 255)), etf.List{p.scopePid()}},
		etf.Tuple{etf.Binary(strings.Repeat("y", 256)), etf.List{p.scopePid()}},
	}))
	p.tellScope(l, joinTerm(p.scopePid(), strings.Repeat("z", 100_000), p.scopePid()))
	p.settled(n, l, "after")
	if got, want := n.Subscriptions(p.name()), []string{"after", strings.Repeat("x", 255)}; !slices.Equal(got, want) {
		t.Errorf("listed are %q", got)
	}
	if c := n.Status().Counters; c["pg_long_names"] != 2 || c["peers_expelled"] != 0 {
		t.Errorf("%d long names, %d expelled", c["pg_long_names"], c["peers_expelled"])
	}
}

// S20: a node has a bounded number of peers, 1,024 where no test says less. The
// next one is refused, whoever dials, and costs the others nothing; it has its
// place as soon as one is free.
func TestPeersAreBounded(t *testing.T) {
	c := quiet(t, "hub")
	c.Probe, c.ProbeTimeout = time.Minute, time.Hour
	most := 40
	if long() {
		most = links.DefaultMaxPeers
	} else {
		c.maxPeers = most
	}
	n := start(t, c)
	before := heapInUse()
	var all []*light
	var names []string
	for i := range most {
		p := newLight(t, fmt.Sprintf("p%04d", i), sayingHello)
		p.dial(n)
		all, names = append(all, p), append(names, p.name())
	}
	waitFor(t, n, "all are up", hasPeers(names...))
	t.Logf("%d peers, each in this process too: %d bytes a pair of link ends", most, (heapInUse()-before)/uint64(most))

	last := newLight(t, "last", sayingHello)
	if _, err := last.table.Dial(t.Context(), within, n.listen[0], n.name); !errors.Is(err, dist.ErrNotAllowed) {
		t.Errorf("one more dials: %v", err)
	}
	full := start(t, testConfig(t, "full"))
	if j := n.Join(t.Context(), full.testAddr()); !errors.Is(j.Err, ErrFull) {
		t.Errorf("one more is dialled: %v", j.Err)
	}
	if j := n.Join(t.Context(), full.name+":"+port(full)); !errors.Is(j.Err, ErrFull) {
		t.Errorf("one more is dialled by name: %v", j.Err)
	}
	if c := full.Status().Counters; len(full.PeerNames()) > 0 || c["links_accepted"] > 0 {
		t.Errorf("the node that was dialled has seen %v, and %d links", full.PeerNames(), c["links_accepted"])
	}
	if counters := n.Status().Counters; len(n.PeerNames()) != most || counters["peers_left"] != 0 || counters["handshakes_refused_full"] < 3 {
		t.Errorf("%d peers, %d left, %d refused", len(n.PeerNames()), counters["peers_left"], counters["handshakes_refused_full"])
	}
	full.Close()
	firstLink(all[0]).Close(dist.ReasonClosed, nil)
	waitFor(t, n, "one has gone", hasPeers(names[1:]...))
	last.dial(n)
	waitFor(t, n, "the last is in", hasPeers(append(names[1:], last.name())...))
}

func port(n *Node) string { return fmt.Sprint(n.listen[0].Port()) }

// heapInUse is what is alive.
func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
