package node

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/links"
)

// echoing makes a light peer answer probes while on is set.
func echoing(on *atomic.Bool) lightOption {
	return func(p *light, _ *links.Config) {
		p.handle = func(l *dist.Link, msg []byte) {
			r := etf.NewReader(msg, etf.WireLimits())
			if _, err := r.TupleHeader(); err != nil || !r.AtomIs("probe") || r.Skip() != nil || !on.Load() {
				return
			}
			if number, err := r.Uint(); err == nil {
				_ = l.SendName(p.pid, selfName, encodeEcho(number))
			}
		}
	}
}

// fastProbes is a node that notices silence soon.
func fastProbes(t testing.TB, name string) Config {
	c := testConfig(t, name)
	c.Poll, c.Probe, c.ProbeTimeout = 10*time.Millisecond, 50*time.Millisecond, 150*time.Millisecond
	c.Logger = slog.New(slog.DiscardHandler)
	return c
}

func (n *Node) counter(name string) uint64 { return n.Status().Counters[name] }

// Each of two nodes may be the one that falls silent: the one with the greater
// name probes, the other knows it by the probes that no longer come.
func TestSilentPeer(t *testing.T) {
	for _, name := range []string{"a", "z"} {
		t.Run("the silent one is "+name, func(t *testing.T) {
			n := start(t, fastProbes(t, "m"))
			w := n.Watch(0)
			takeSnapshot(t, w)
			var on atomic.Bool
			on.Store(true)
			p := newLight(t, name, sayingHello, echoing(&on))
			l := p.dial(n)
			if name > "m" {
				go prober(p, l, &on)
			}
			if ev := take(t, w); ev.Type != EventJoin || ev.Peer.Kind != KindLiminal {
				t.Fatalf("%+v", ev)
			}
			waitFor(t, n, "it has answered", func(n *Node) bool { return n.answeredBy(p.name()) })
			on.Store(false)
			if ev := take(t, w); ev.Type != EventState || ev.Peer.State != StateSuspect {
				t.Fatalf("%+v, want suspect first", ev)
			}
			ev := takeMember(t, w)
			if ev.Type != EventDown || ev.Reason != string(dist.ReasonProbeTimeout) || ev.Detail == "" {
				t.Fatalf("%+v, want down by probe_timeout", ev)
			}
			if n.counter("peers_suspected") == 0 {
				t.Error("it was not suspected first")
			}
		})
	}
}

// prober probes as the node with the greater name does.
func prober(p *light, l *dist.Link, on *atomic.Bool) {
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for number := uint64(1); on.Load(); number++ {
		_ = l.SendName(p.pid, selfName, encodeProbe(number, 321))
		select {
		case <-every.C:
		case <-l.Done():
			return
		}
	}
}

func (n *Node) answeredBy(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.peers[name]
	return p != nil && p.answered
}

// A peer that misses some probes and answers again was suspect, and no event
// says that it was gone: each change is one of its state.
func TestSuspectRecovers(t *testing.T) {
	c := fastProbes(t, "m")
	c.ProbeTimeout = time.Minute
	n := start(t, c)
	var on atomic.Bool
	on.Store(true)
	p := newLight(t, "a", sayingHello, echoing(&on))
	p.dial(n)
	waitFor(t, n, "it has answered", func(n *Node) bool { return n.answeredBy(p.name()) })
	for range 3 {
		on.Store(false)
		peerState(t, n, p.name(), StateSuspect)
		if got := n.PeerNames(); len(got) != 1 {
			t.Fatalf("a suspect is still a member: %v", got)
		}
		on.Store(true)
		peerState(t, n, p.name(), StateUp)
	}
	w := n.WatchAfter(0, n.creation)
	if ev := take(t, w); ev.Type != EventJoin {
		t.Errorf("it begins with %+v", ev)
	}
	for i := range 6 { // a loaded machine may add some
		want := []State{StateSuspect, StateUp}[i%2]
		if ev := take(t, w); ev.Type != EventState || ev.Peer.State != want {
			t.Errorf("event %d: %+v, want %s", i, ev, want)
		}
	}
}

// A peer that never answered a probe is left to the tick rule.
func TestNeverAnswered(t *testing.T) {
	n, l := idleLoop(t)
	p := newLight(t, "a", sayingHello)
	link := p.dial(n)
	waitFor(t, n, "hello came", saidHello)
	n.PollOnce()
	l.beats(n, time.Second, 100)
	if got := n.Peers()[0]; got.State != StateUp {
		t.Errorf("%+v", got)
	}
	select {
	case <-link.Done():
		t.Error("the link was ended")
	default:
	}
}

// idleLoop is a node whose loop sleeps for hours, so that a test can beat in
// its place with the times it wants.
type beater struct{ now time.Time }

func idleLoop(t testing.TB) (*Node, *beater) {
	c := testConfig(t, "m")
	c.Poll, c.Tick, c.ForgetAfter = time.Hour, 9*time.Hour, 1000*time.Hour
	c.Logger = slog.New(slog.DiscardHandler)
	n := start(t, c)
	return n, &beater{now: time.Now()}
}

func (b *beater) beat(n *Node, pause time.Duration) {
	for _, l := range liveLinks(n) { // else a write in real time seems to last for hours
		_ = l.Flush(context.Background())
	}
	b.now = b.now.Add(pause)
	n.beat(b.now, pause)
}

func (b *beater) beats(n *Node, pause time.Duration, times int) {
	for range times {
		b.beat(n, pause)
	}
}

// A loop that comes late was suspended or starved; the silence was its own.
func TestLateLoopForgives(t *testing.T) {
	n, b := idleLoop(t)
	var on atomic.Bool
	on.Store(true)
	p := newLight(t, "a", sayingHello, echoing(&on))
	p.dial(n)
	waitFor(t, n, "hello came", saidHello)
	n.PollOnce()
	b.beat(n, 0)
	b.beat(n, 2*time.Second)
	waitFor(t, n, "it has answered", func(n *Node) bool { return n.answeredBy(p.name()) })
	on.Store(false)
	b.beat(n, time.Second)    // hears the answer
	b.beat(n, 12*time.Hour)   // late: far beyond every limit
	b.beat(n, 30*time.Minute) // within them again
	if got := n.Peers()[0]; got.State != StateUp || n.counter("loop_late") != 1 {
		t.Fatalf("after a late beat: %+v, %d late", got, n.counter("loop_late"))
	}
	b.beats(n, time.Hour, 3) // in time, and silent
	if got := peerState(t, pollLater(n), p.name(), StateDown); got.Reason != string(dist.ReasonProbeTimeout) {
		t.Errorf("%+v", got)
	}
}

// pollLater polls once, since the loop of n does not.
func pollLater(n *Node) *Node {
	n.PollOnce()
	return n
}

// The round trip is known on both sides, from the first moment on.
func TestRTTOnBothSides(t *testing.T) {
	c := fastProbes(t, "a")
	c.ProbeTimeout = within
	a := start(t, c)
	c.Name, c.Seeds = "b@127.0.0.1", []string{a.testAddr()}
	b := start(t, c)
	waitFor(t, a, "b is known", hasPeers(b.name))
	for _, n := range []*Node{a, b} {
		if got := n.known()[0]; got.RTT <= 0 || got.RTT > within {
			t.Errorf("round trip of the handshake: %+v", got)
		}
		n.mu.Lock()
		for _, p := range n.peers {
			p.rtt = 0
		}
		n.mu.Unlock()
	}
	for _, n := range []*Node{a, b} {
		waitFor(t, n, "the round trip of a probe", func(n *Node) bool { return n.known()[0].RTT > 0 })
	}
}

// The side that does not probe takes the prober's figure, within reason.
func TestRTTAsTold(t *testing.T) {
	n, l := linkedNode(t)
	for _, c := range []struct {
		micros int64
		want   time.Duration
	}{{321, 321 * time.Microsecond}, {0, 321 * time.Microsecond}, {-5, 321 * time.Microsecond}, {1 << 62, 321 * time.Microsecond}, {5, 5 * time.Microsecond}} {
		if err := n.deliver(l, encodeProbe(1, c.micros)); err != nil {
			t.Fatal(err)
		}
		if got := n.known()[0].RTT; got != c.want {
			t.Errorf("told %d µs, and it is %v, want %v", c.micros, got, c.want)
		}
	}
}

// An answer that waited for our own loop says nothing about the line.
func TestRTTOfALateLoop(t *testing.T) {
	n, l := linkedNode(t)
	p := n.peers["b@127.0.0.1"]
	for _, c := range []struct{ out, most time.Duration }{{10 * time.Millisecond, time.Second}, {time.Minute, time.Second}} {
		p.pending, p.probeN, p.probed = true, p.probeN+1, time.Now().Add(-c.out)
		n.probeAnswered(l, p.probeN)
		if !p.answered || p.pending || p.rtt < 10*time.Millisecond || p.rtt > c.most {
			t.Errorf("out for %v: %v", c.out, p.rtt)
		}
	}
	if got := n.patience(p); got > n.cfg.ProbeTimeout && p.kind == KindLiminal {
		t.Errorf("patience %v", got)
	}
}

// A peer may be set to probe more rarely than this node is patient. As long as
// it answers, the link stays.
func TestPeerThatProbesRarely(t *testing.T) {
	c := fastProbes(t, "m")
	c.ProbeTimeout = 3 * time.Second // a loaded machine answers late
	n := start(t, c)
	var on atomic.Bool
	on.Store(true)
	p := newLight(t, "z", sayingHello, echoing(&on))
	l := p.dial(n)
	p.say(l, encodeProbe(1, 100)) // its only one
	waitFor(t, n, "it has answered", func(n *Node) bool { return n.answeredBy(p.name()) })
	waitFor(t, n, "it was asked a few times", func(n *Node) bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.peers[p.name()].probeN >= 5
	})
	if got := peerState(t, n, p.name(), StateUp); got.Generation != 1 {
		t.Errorf("%+v", got)
	}
}

// Settings that would end every link are not possible: a probe has time to go
// out, and its answer to come, before the silence counts.
func TestProbeTimeoutBelowProbe(t *testing.T) {
	n, _ := linkedNode(t)
	n.cfg.Poll, n.cfg.Probe, n.cfg.ProbeTimeout = time.Second, 10*time.Second, 3*time.Second
	p := n.peers["b@127.0.0.1"]
	p.kind = KindLiminal
	if got := n.patience(p); got < 21*time.Second {
		t.Errorf("patience %v with a probe every %v", got, n.cfg.Probe)
	}
	p.kind, n.cfg.OTPProbeTimeout = KindOTP, time.Second
	if got := n.patience(p); got < 21*time.Second {
		t.Errorf("patience %v with an OTP node", got)
	}
}

// A peer on a slow line gets more time than Config.ProbeTimeout.
func TestPatienceFollowsTheRoundTrip(t *testing.T) {
	n, _ := linkedNode(t)
	p := n.peers["b@127.0.0.1"]
	p.kind = KindLiminal
	if got := n.patience(p); got != n.cfg.ProbeTimeout {
		t.Errorf("%v at first", got)
	}
	for range 100 {
		p.measured(2 * time.Second)
	}
	if got := n.patience(p); got < 15*time.Second || got > 16*time.Second {
		t.Errorf("%v with round trips of 2 s, want eight of them", got)
	}
	if p.kind = KindOther; n.patience(p) != 0 {
		t.Error("others are left to the tick rule")
	}
}
