package node

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
)

// scopePid is the scope of a light peer.
func (p *light) scopePid() etf.Pid { return etf.Pid{Node: p.pid.Node, ID: 7, Creation: p.pid.Creation} }

// tellScope sends a term to n's scope.
func (p *light) tellScope(l *dist.Link, term etf.Term) {
	p.t.Helper()
	msg, err := etf.Append(nil, term)
	if err == nil {
		err = l.SendName(p.scopePid(), "pg", msg)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func syncTerm(scope etf.Pid, groups etf.List) etf.Term {
	return etf.Tuple{etf.Atom("$gen_cast"), etf.Tuple{etf.Atom("sync"), scope, groups}}
}

func joinTerm(scope etf.Pid, group string, member etf.Pid) etf.Term {
	return etf.Tuple{etf.Atom("join"), scope, etf.Binary(group), member}
}

// settled returns once n has read all that was sent over l before.
func (p *light) settled(n *Node, l *dist.Link, channel string) {
	p.t.Helper()
	p.tellScope(l, joinTerm(p.scopePid(), channel, p.scopePid()))
	await(p.t, n, channel, 1)
}

// S19: a peer speaks for itself: of its own processes and this life of it.
func TestForgedMembersAreRefused(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	other := newLight(t, "other", sayingHello)
	lo := other.dial(n)
	other.tellScope(lo, syncTerm(other.scopePid(), etf.List{}))
	other.settled(n, lo, "theirs")

	p := newLight(t, "forger", sayingHello)
	l := p.dial(n)
	p.tellScope(l, syncTerm(p.scopePid(), etf.List{}))
	old := p.scopePid()
	old.Creation--
	forged := 0
	for _, pid := range []etf.Pid{other.scopePid(), n.self, old, {Node: "nobody@127.0.0.1", ID: 1, Creation: 1}} {
		p.tellScope(l, joinTerm(p.scopePid(), "forged", pid))
		p.tellScope(l, joinTerm(pid, "forged", p.scopePid()))
		p.tellScope(l, syncTerm(p.scopePid(), etf.List{etf.Tuple{etf.Binary("forged"), etf.List{p.scopePid(), pid}}}))
		p.tellScope(l, etf.Tuple{etf.Atom("leave"), p.scopePid(), pid, etf.List{etf.Binary("theirs")}})
		p.tellScope(l, etf.Tuple{etf.Atom("leave"), pid, pid, etf.List{etf.Binary("theirs")}})
		forged += 5
	}
	p.settled(n, l, "ours")
	if got := n.Status().Counters["pg_forged"]; got != uint64(forged) {
		t.Errorf("%d forged messages were counted, want %d", got, forged)
	}
	if subs := n.Subscriptions(other.name()); !slices.Equal(subs, []string{"theirs"}) {
		t.Errorf("the other peer has joined %q", subs)
	}
	if subs := n.Subscriptions(p.name()); !slices.Equal(subs, []string{"ours"}) {
		t.Errorf("the forger has joined %q", subs)
	}
}

// S18: whatever a peer sends to the scope, it stays, and so does the link.
func TestNonsenseToTheScope(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	p := newLight(t, "b", sayingHello)
	l := p.dial(n)
	p.tellScope(l, syncTerm(p.scopePid(), etf.List{}))
	for _, term := range []etf.Term{
		etf.Atom("nonsense"), etf.Tuple{}, etf.Tuple{etf.Atom("discover")}, etf.Tuple{etf.Atom("discover"), etf.Atom("x")},
		syncTerm(p.scopePid(), etf.List{etf.Atom("x")}), etf.Tuple{etf.Atom("join"), p.scopePid(), etf.Atom("g"), etf.Atom("x")},
		etf.Tuple{etf.Atom("leave"), p.scopePid(), p.scopePid(), etf.Atom("x")}, etf.Tuple{etf.Atom("update"), p.scopePid(), etf.List{}},
		etf.ImproperList{Head: []etf.Term{etf.Atom("a")}, Tail: etf.Atom("b")},
	} {
		p.tellScope(l, term)
	}
	p.settled(n, l, "after")
	c := n.Status().Counters
	if c["pg_unknown"]+c["pg_bad"] != 9 {
		t.Errorf("%d unknown and %d bad messages were counted, want 9", c["pg_unknown"], c["pg_bad"])
	}
}

// S20: too much ends the link, and the peer is not let in again for a while.
func TestQuotaExpels(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	p := newLight(t, "b", sayingHello)
	l := p.dial(n)
	waitFor(t, n, "b is up", hasPeers(p.name()))
	p.tellScope(l, syncTerm(p.scopePid(), etf.List{}))
	p.settled(n, l, "first")
	pids := make(etf.List, 1000)
	for i := range pids {
		pids[i] = etf.Pid{Node: p.pid.Node, ID: uint32(i), Creation: p.pid.Creation}
	}
	for i := range 300 { // 300,000 members
		msg, _ := etf.Append(nil, etf.Tuple{etf.Atom("join"), p.scopePid(), etf.Binary(fmt.Sprint(i)), pids})
		if _, drop := l.PublishWait(t.Context(), n.groups.self, msg); drop != dist.DropNone {
			break // it has hung up
		}
	}
	down := peerState(t, n, p.name(), StateDown)
	<-l.Done() // or its own table would refuse to dial
	if down.Reason != string(dist.ReasonQuota) {
		t.Errorf("reason %q, want quota", down.Reason)
	}
	if got := n.Subscriptions(p.name()); len(got) != 0 {
		t.Errorf("%d groups are left", len(got))
	}
	if info, err := p.table.Dial(t.Context(), time.Second, n.listen[0], n.name); !errors.Is(err, dist.ErrNotAllowed) {
		t.Errorf("let in again at once: %+v, %v", info, err)
	}
	if c := n.Status().Counters["peers_expelled"]; c != 1 {
		t.Errorf("%d peers were expelled, want 1", c)
	}
}

// A message for a channel that is longer than messages may be is dropped and
// counted, whichever way it comes.
func TestTooLongFromAPeer(t *testing.T) {
	c := testConfig(t, "a")
	c.MaxMessage = 1000
	n := start(t, c)
	s := subscribe(t, n, "x")
	p := newLight(t, "b", sayingHello)
	l := p.dial(n)
	id, serial := n.bus.Channel("x").Number()
	for _, size := range []int{1001, 100_000, 5 << 20} {
		if _, drop := l.Publish(n.process(id, serial), etf.AppendBinary(nil, make([]byte, size))); drop != dist.DropNone {
			t.Fatalf("%d bytes: %v", size, drop)
		}
		if _, drop := l.Publish(n.process(id, serial), etf.AppendBinary(nil, fmt.Appendf(nil, "after %d", size))); drop != dist.DropNone {
			t.Fatal(drop)
		}
		if m := arrived(t, s); string(m.Payload) != fmt.Sprintf("after %d", size) || m.Lost != 0 {
			t.Errorf("message %.40q, lost %d", m.Payload, m.Lost)
		}
	}
	counters := n.Status().Counters
	if counters["dropped_too_long"]+counters["link_dropped_too_long"] < 3 {
		t.Errorf("three were too long, counted: %d and %d", counters["dropped_too_long"], counters["link_dropped_too_long"])
	}
}

// A peer that stops reading costs its own copies, not those of others.
func TestStalledPeerDelaysNobody(t *testing.T) {
	nodes := cluster(t, "a", "b")
	a, b := nodes[0], nodes[1]
	s := subscribe(t, b, "x")
	await(t, a, "x", 1)
	p := newLight(t, "stalled", sayingHello)
	stop := make(chan struct{})
	p.mu.Lock()
	p.handle = func(*dist.Link, []byte) { <-stop } // its reader waits for ever
	p.mu.Unlock()
	t.Cleanup(func() { close(stop) })
	l := p.dial(a)
	p.tellScope(l, syncTerm(p.scopePid(), etf.List{etf.Tuple{etf.Binary("x"), etf.List{p.scopePid()}}}))
	await(t, a, "x", 2)
	payload := make([]byte, 10_000)
	dropped := uint64(0)
	for i := 0; dropped == 0 && i < 100_000; i++ {
		r, err := a.Publish(t.Context(), "x", payload)
		if err != nil {
			t.Fatal(err)
		}
		dropped += r.Dropped
		for _, o := range r.Peers {
			if o.Node == b.name && o.Dropped > 0 {
				t.Fatalf("a copy for the healthy peer was dropped: %+v", r)
			}
			if o.Node == p.name() && o.Dropped > 0 && o.Outcome != OutcomeFull && o.Outcome != OutcomeLinkDown {
				t.Errorf("outcome %+v", o)
			}
		}
		arrived(t, s)
	}
	if dropped == 0 {
		t.Error("a peer that reads nothing took a hundred thousand messages")
	}
}
