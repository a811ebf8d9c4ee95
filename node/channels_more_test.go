package node

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/liminal-bus/liminal/internal/bus"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/links"
)

// A Disconnect subscription that runs over ends, also where the messages come
// from a peer, and the cluster sees it go.
func TestDisconnectRunsOver(t *testing.T) {
	nodes := cluster(t, "a", "b")
	a, b := nodes[0], nodes[1]
	for _, from := range nodes {
		s, err := a.Subscribe(t.Context(), SubscribeOptions{Policy: PolicyDisconnect, Queue: 10}, "x")
		if err != nil {
			t.Fatal(err)
		}
		other := subscribe(t, a, "x")
		await(t, b, "x", 1)
		for range 11 {
			publish(t, from, "x", "m")
		}
		for range 11 {
			arrived(t, other)
		}
		if _, err := s.Next(t.Context()); !errors.Is(err, ErrSlow) {
			t.Errorf("from %s: %v, want ErrSlow", from.name, err)
		}
		if offered, out, lost, queued := s.Stats(); offered != 11 || out != 0 || lost != 11 || queued != 0 {
			t.Errorf("from %s: offered %d, taken %d, dropped %d, queued %d", from.name, offered, out, lost, queued)
		}
		if list, _, _ := b.Channels(t.Context(), "x"); len(list) != 1 || list[0].Subscribers != 1 {
			t.Errorf("from %s: b sees %+v, want the other one alone", from.name, list)
		}
		other.Close()
		gone(t, b, "x", 0)
	}
}

// A Block subscription holds up who publishes on its node and nobody else.
func TestBlockHoldsUpItsNode(t *testing.T) {
	nodes := cluster(t, "a", "b")
	a, b := nodes[0], nodes[1]
	blocked, err := a.Subscribe(t.Context(), SubscribeOptions{Policy: PolicyBlock, Queue: 10}, "x")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blocked.Close() })
	there, free := subscribe(t, b, "x"), subscribe(t, a, "y")
	await(t, a, "x", 2)
	await(t, b, "x", 2)
	await(t, b, "y", 1)

	// From here: ten are queued, and the next one waits. Others get it meanwhile.
	const total = 100
	done := make(chan error, 1)
	p, err := a.Publisher("x")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	go func() {
		for i := range total {
			if err := p.Publish(t.Context(), fmt.Append(nil, i)); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for range 11 {
		arrived(t, there)
	}
	select {
	case err := <-done:
		t.Fatalf("a full queue held up nobody: %v", err)
	default:
	}
	// Who does not want to wait any longer is told so, and it counts as lost.
	if r, err := a.Publish(ended, "x", []byte("in vain")); !errors.Is(err, context.Canceled) || r.Subscribers != 1 {
		t.Errorf("a publish given up: %+v, %v", r, err)
	}
	got, lost := 0, uint64(0)
	for got < total {
		m := arrived(t, blocked)
		lost += m.Lost
		if string(m.Payload) != fmt.Sprint(got) {
			t.Fatalf("message %d is %q", got, m.Payload)
		}
		got++
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if offered, out, dropped, queued := blocked.Stats(); offered != total+1 || out != total || dropped != 1 || queued != 0 {
		t.Errorf("offered %d, taken %d, dropped %d, queued %d", offered, out, dropped, queued)
	}

	// From a peer: the oldest go, and the link's reader does not wait.
	for i := range total {
		publish(t, b, "x", fmt.Sprint("peer ", i))
	}
	publish(t, b, "y", "past it")
	if m := arrived(t, free); string(m.Payload) != "past it" {
		t.Errorf("message %q", m.Payload)
	}
	for i := range 10 {
		m := arrived(t, blocked)
		lost += m.Lost
		if want := fmt.Sprint("peer ", total-10+i); string(m.Payload) != want {
			t.Errorf("message %q, want %q", m.Payload, want)
		}
	}
	if offered, out, dropped, _ := blocked.Stats(); dropped != lost || offered != out+dropped || dropped != total-10+1 {
		t.Errorf("offered %d, taken %d, dropped %d, marked %d", offered, out, dropped, lost)
	}
	if q := peerState(t, b, a.name, StateUp); q.Generation != 1 || q.Flaps != 0 {
		t.Errorf("the link has not lasted: %+v", q)
	}
}

// A short message may overtake a long one that is for another process. Neither
// Flush nor the receipt may forget the long one over it.
func TestFlushAwaitsBothLanes(t *testing.T) {
	a, b, v := behindValve(t)
	first := subscribe(t, b, "x")
	await(t, a, "x", 1)
	p, err := a.Publisher("x")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	l := linkTo(t, a, b.name)
	for round := range 5 {
		v.shut()
		for range 6 {
			if err := p.Publish(t.Context(), make([]byte, 1<<20)); err != nil {
				t.Fatal(err)
			}
		}
		first.Close() // the process of the channel ends, the next has a number of its own
		gone(t, a, "x", 0)
		first = subscribe(t, b, "x")
		await(t, a, "x", 1)
		if err := p.Publish(t.Context(), []byte("short")); err != nil {
			t.Fatal(err)
		}
		v.release()
		if err := p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if q := l.Stats().Queued; q > 0 {
			t.Errorf("round %d: %d messages are not written after a flush", round, q)
		}
		if o := p.Receipt().Peers[0].Outcome; o != OutcomeWritten {
			t.Errorf("round %d: %s after a flush", round, o)
		}
	}
}

// What an Erlang process has us publish waits for nobody: where a link is full
// it is dropped, and both the link and the channel count it.
func TestRelayToAFullLink(t *testing.T) {
	a, b, v := behindValve(t)
	subscribe(t, b, "x")
	await(t, a, "x", 1)
	p := newLight(t, "erlang", sayingHello)
	l := p.dial(a)
	jam(t, a, v, "x")
	before, counted := linkTo(t, a, b.name).Stats(), info(a, "x")
	msg, err := etf.Append(nil, etf.Tuple{etf.Atom("pub"), etf.Binary("x"), etf.Binary(make([]byte, shotSize))})
	if err != nil {
		t.Fatal(err)
	}
	const count = 300
	for range count {
		p.say(l, msg)
	}
	waitFor(t, a, "all are published", func(n *Node) bool { return info(n, "x").In == counted.In+count })
	s := lawful(t, "the full link", linkTo(t, a, b.name))
	v.release() // or Close would wait for it
	full, drops := s.Dropped["full"]-before.Dropped["full"], info(a, "x").Drops-counted.Drops
	if s.Offered-before.Offered != count || full != drops || full == 0 {
		t.Errorf("of %d the link was offered %d and dropped %d, the channel counts %d", count, s.Offered-before.Offered, full, drops)
	}
}

func info(n *Node, channel string) bus.Info {
	i, _ := n.bus.Info(channel)
	return i
}

// A join from a peer whose scope has not introduced itself is counted, also where
// the peer does not look as if it had one.
func TestStrangerToTheScope(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	p := newLight(t, "c", func(_ *light, c *links.Config) { c.Local.Flags &^= dist.FlagFragments })
	l := p.dial(n)
	p.tellScope(l, joinTerm(p.scopePid(), "x", p.scopePid()))
	waitFor(t, n, "it is counted", func(n *Node) bool { return n.Status().Counters["pg_stale"] == 1 })
}
