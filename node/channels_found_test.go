package node

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/links"
)

// pubMessage is what an Erlang process sends to liminal to publish.
func pubMessage(channel, payload string) []byte {
	b := etf.AppendAtom(etf.AppendTuple(nil, 3), "pub")
	return etf.AppendBinary(etf.AppendBinary(b, []byte(channel)), []byte(payload))
}

// Names that a peer makes up cost nothing where nobody listens.
func TestPubToNobodyKeepsNothing(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	s := subscribe(t, n, "heard")
	p := newLight(t, "b", sayingHello)
	l := p.dial(n)
	before := n.bus.Counters()["bus_channels"]
	const made = 10_000
	for i := range made {
		p.say(l, pubMessage(fmt.Sprint("made up ", i), "x"))
		if i%1000 == 999 {
			if err := l.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.say(l, pubMessage("heard", "the last"))
	if m := arrived(t, s); string(m.Payload) != "the last" || m.From != p.name() {
		t.Errorf("message %+v", m)
	}
	if after := n.bus.Counters()["bus_channels"]; after != before {
		t.Errorf("%d channels are kept, %d before", after, before)
	}
	if c := n.Status().Counters["pub_to_nobody"]; c != made {
		t.Errorf("%d were counted, want %d", c, made)
	}
}

// Terms that only look like calls are messages.
func TestTermsThatAreNoCalls(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	s := subscribe(t, n, "x")
	p := newLight(t, "b", sayingHello)
	l := p.dial(n)
	id, serial := n.bus.Channel("x").Number()
	for _, c := range []struct {
		term etf.Term
		text string
	}{
		{etf.Tuple{etf.Atom("system"), etf.Atom("cpu"), int64(93)}, "{system,cpu,93}"},
		{etf.Tuple{etf.Atom("io_request"), etf.Atom("GET"), etf.Atom("path"), int64(1)}, "{io_request,'GET',path,1}"},
		{etf.Tuple{etf.Atom("$gen_call"), etf.Tuple{int64(1), int64(2)}, int64(3)}, "{'$gen_call',{1,2},3}"},
	} {
		msg, err := etf.Append(nil, c.term)
		if err != nil {
			t.Fatal(err)
		}
		if _, drop := l.Publish(n.process(id, serial), msg); drop != dist.DropNone {
			t.Fatal(drop)
		}
		if m := arrived(t, s); string(m.Payload) != c.text || m.Encoding != EncodingErlang {
			t.Errorf("%s came as %+v", c.text, m)
		}
	}
}

// fillStalledPeer gives n a peer that is a member of the channel and reads nothing,
// and publishes until its link takes no more. It says no hello: so it is not probed,
// and not found to be silent.
func fillStalledPeer(t *testing.T, n *Node, channel string) {
	t.Helper()
	p := newLight(t, "stalled")
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	p.mu.Lock()
	p.handle = func(*dist.Link, []byte) { <-stop }
	p.mu.Unlock()
	p.tellScope(p.dial(n), syncTerm(p.scopePid(), etf.List{etf.Tuple{etf.Binary(channel), etf.List{p.scopePid()}}}))
	await(t, n, channel, 1)
	for dropped := uint64(0); dropped == 0; {
		r, err := n.Publish(t.Context(), channel, make([]byte, 100_000))
		if err != nil {
			t.Fatal(err)
		}
		dropped = r.Dropped
	}
}

// A peer that takes nothing does not cost the others our goodbye.
func TestGoodbyeBesideAStalledPeer(t *testing.T) {
	ca := testConfig(t, "a")
	ca.Drain = 2 * time.Second
	a := start(t, ca)
	cb := testConfig(t, "b")
	cb.Seeds = []string{a.testAddr()}
	b := start(t, cb)
	waitFor(t, a, "b is up", hasPeers(b.name))
	fillStalledPeer(t, a, "x")
	begin := time.Now()
	a.Close()
	peerState(t, b, a.name, StateLeft)
	if took := time.Since(begin); took > 2*ca.Drain+partTime {
		t.Errorf("closing took %v", took)
	}
}

// A node that would be expelled for what it joins is told so instead.
func TestTooManyChannels(t *testing.T) {
	if testing.Short() {
		t.Skip("joins 262,144 channels")
	}
	n := start(t, testConfig(t, "a"))
	names := make([]string, 1<<18)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	s := subscribe(t, n, names...)
	if _, err := n.Subscribe(t.Context(), SubscribeOptions{}, "one more"); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
	subscribe(t, n, names[7]) // joined already
	s.Close()
	subscribe(t, n, "one more")
}

// A watch that comes over a link which has just ended is not filed.
func TestWatchOfAnEndedLink(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	subscribe(t, n, "x")
	p := newLight(t, "b", sayingHello)
	p.dial(n)
	waitFor(t, n, "b is up", hasPeers(p.name()))
	l := liveLinks(n)[0]
	id, serial := n.bus.Channel("x").Number()
	of := n.process(id, serial)
	h := handler{n}
	h.Monitored(l, p.pid, dist.PidTarget(of), testRef())
	h.Linked(l, p.pid, of)
	if got := len(n.ends.watched[of]); got != 2 {
		t.Fatalf("%d watches", got)
	}
	l.Close(dist.ReasonClosed, nil)
	<-l.Done()
	h.Monitored(l, p.pid, dist.PidTarget(of), testRef())
	h.Linked(l, p.pid, of)
	if len(n.ends.watched) != 0 || len(n.ends.perLink) != 0 {
		t.Errorf("%d processes are watched over %d links", len(n.ends.watched), len(n.ends.perLink))
	}
}

// A peer that looks as if it had no scope is answered if it has one.
func TestScopeOfAPlainPeer(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	subscribe(t, n, "x")
	p := newLight(t, "plain", func(_ *light, c *links.Config) { c.Local.Flags &^= dist.FlagFragments })
	got := make(chan []byte, 16)
	p.mu.Lock()
	p.handle = func(_ *dist.Link, msg []byte) { got <- append([]byte(nil), msg...) }
	p.mu.Unlock()
	l := p.dial(n)
	p.tellScope(l, etf.Tuple{etf.Atom("discover"), p.scopePid()})
	p.settled(n, l, "theirs")
	for range 2 { // discover to the name, sync to the pid
		select {
		case <-got:
		case <-time.After(within):
			t.Fatal("no answer to discover")
		}
	}
}

// What an Erlang process has published here is marked as what it is on other nodes
// too, and takes no number of ours.
func TestPubOfATermReachesOthers(t *testing.T) {
	nodes := cluster(t, "a", "b")
	a, b := nodes[0], nodes[1]
	here, there := subscribe(t, a, "x"), subscribe(t, b, "x")
	await(t, a, "x", 2)
	p := newLight(t, "erlang", sayingHello)
	l := p.dial(a)
	msg, err := etf.Append(nil, etf.Tuple{etf.Atom("pub"), etf.Binary("x"), etf.Tuple{etf.Atom("a"), int64(1)}})
	if err != nil {
		t.Fatal(err)
	}
	p.say(l, msg)
	for _, c := range []struct {
		s    *Subscription
		from string
	}{{here, p.name()}, {there, a.name}} {
		m := arrived(t, c.s)
		if string(m.Payload) != "{a,1}" || m.Encoding != EncodingErlang || m.From != c.from || m.Seq != 0 || m.ID == "" {
			t.Errorf("message %+v, want it from %s", m, c.from)
		}
	}
	publish(t, a, "x", "ours")
	if m := arrived(t, there); m.Seq != 1 || m.Encoding != EncodingBytes {
		t.Errorf("our first message is %+v", m)
	}
}

// A stream that waits for a full link has been heard on its own node.
func TestLocalSubscribersDoNotWaitForAFullLink(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	fillStalledPeer(t, n, "x")
	s := subscribe(t, n, "x")
	pub, err := n.Publisher("x")
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- pub.Publish(ctx, make([]byte, 100_000)) }()
	if m := arrived(t, s); len(m.Payload) != 100_000 {
		t.Errorf("message of %d bytes", len(m.Payload))
	}
	select {
	case err := <-done:
		t.Errorf("the stream does not wait for the peer: %v", err)
	default:
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("publish: %v", err)
	}
}
