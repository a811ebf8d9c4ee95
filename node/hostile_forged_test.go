package node

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
)

// forger makes messages to a scope that speak of others: of a third node, of us,
// of an older life of its own. Each has a true pid in it as often as not, which
// must not carry the false one through.
type forger struct {
	rng    *rand.Rand
	own    etf.Pid
	others []etf.Pid
	groups []string
}

func (f *forger) pick(pids []etf.Pid) etf.Pid { return pids[f.rng.IntN(len(pids))] }

func (f *forger) group() etf.Binary {
	return etf.Binary(f.groups[f.rng.IntN(len(f.groups))])
}

// pids are a few of its own with a false one among them.
func (f *forger) pids() etf.List {
	l := etf.List{f.pick(f.others)}
	for range f.rng.IntN(3) {
		l = append(l, f.own)
	}
	f.rng.Shuffle(len(l), func(i, j int) { l[i], l[j] = l[j], l[i] })
	return l
}

func (f *forger) message() etf.Term {
	bad := f.pick(f.others)
	switch f.rng.IntN(7) {
	case 0:
		return joinTerm(f.own, string(f.group()), bad)
	case 1:
		return joinTerm(bad, string(f.group()), f.own)
	case 2:
		return etf.Tuple{etf.Atom("join"), f.own, f.group(), f.pids()}
	case 3:
		return etf.Tuple{etf.Atom("leave"), f.own, bad, etf.List{f.group(), f.group()}}
	case 4:
		return etf.Tuple{etf.Atom("leave"), f.own, f.pids(), etf.List{f.group()}}
	case 5:
		return syncTerm(bad, etf.List{etf.Tuple{f.group(), etf.List{f.own}}})
	default:
		return syncTerm(f.own, etf.List{etf.Tuple{f.group(), f.pids()}})
	}
}

// S19: twenty thousand messages that speak of others' processes, or of ones of an
// older life, change nothing but the counter: neither what others have joined
// nor what the forger truly has.
func TestManyForgedMembers(t *testing.T) {
	n := start(t, quiet(t, "a"))
	subscribe(t, n, "ours")
	other := newLight(t, "other", sayingHello)
	lo := other.dial(n)
	other.tellScope(lo, syncTerm(other.scopePid(), etf.List{}))
	other.settled(n, lo, "theirs")
	p := newLight(t, "forger", sayingHello)
	l := p.dial(n)
	p.tellScope(l, syncTerm(p.scopePid(), etf.List{}))
	p.settled(n, l, "its own")

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	old, next, third := p.scopePid(), p.scopePid(), p.scopePid()
	old.Creation--
	next.Creation++
	third.Node = "third@127.0.0.1" // of the forger's own creation
	id, serial := n.bus.Channel("ours").Number()
	f := &forger{
		rng: rand.New(rand.NewPCG(seed, 4)), own: p.scopePid(), groups: []string{"ours", "theirs", "its own", "nobody's"},
		others: []etf.Pid{other.scopePid(), n.self, n.process(id, serial), old, next, third},
	}
	const count = 20_000
	for range count {
		p.tellScope(l, f.message())
	}
	waitFor(t, n, "each was refused", func(n *Node) bool { return n.counter("pg_forged") == count })
	for who, want := range map[string][]string{other.name(): {"theirs"}, p.name(): {"its own"}} {
		if got := n.Subscriptions(who); !slices.Equal(got, want) {
			t.Errorf("%s has joined %q, want %q", who, got, want)
		}
	}
	for _, c := range []string{"ours", "theirs", "its own", "nobody's"} {
		want := 1
		if c == "nobody's" {
			want = 0
		}
		if r, err := n.Publish(t.Context(), c, []byte("x")); err != nil || r.Subscribers+r.Members != want {
			t.Errorf("%s has %+v, %v", c, r, err)
		}
	}
}

// S19: what is sent to a process of an older life of ours, or of another node, is
// dropped and counted, by pid and by alias, and reaches nobody.
func TestSendToAnOlderLife(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	s := subscribe(t, n, "x")
	p := newLight(t, "b", sayingHello)
	l := p.dial(n)
	id, serial := n.bus.Channel("x").Number()
	to := n.process(id, serial)
	old, third := to, to
	old.Creation--
	third.Node = "third@127.0.0.1"
	const each = 100
	for k := range each {
		for _, pid := range []etf.Pid{old, third} {
			if _, drop := l.Publish(pid, etf.AppendBinary(nil, fmt.Appendf(nil, "stale %d", k))); drop != dist.DropNone {
				t.Fatal(drop)
			}
		}
	}
	if _, drop := l.Publish(to, etf.AppendBinary(nil, []byte("present"))); drop != dist.DropNone {
		t.Fatal(drop)
	}
	if m := arrived(t, s); string(m.Payload) != "present" {
		t.Errorf("got %q", m.Payload)
	}
	c := n.Status().Counters
	if c["link_dropped_stale_creation"] != each || c["link_dropped_not_ours"] != each {
		t.Errorf("counted %d stale and %d of another node, want %d", c["link_dropped_stale_creation"], c["link_dropped_not_ours"], each)
	}
}
