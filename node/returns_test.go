package node

import (
	"bytes"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// seekAtOnce takes the pauses out of the dials of forgotten peers.
func seekAtOnce(n *Node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.returns.first, n.returns.never, n.returns.pause.First, n.returns.pause.Max = 0, 0, 0, 0
}

// sought says how often a forgotten peer was dialled.
func sought(n *Node, name string) (tries int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if w := n.returns.ways[name]; w != nil {
		return w.tries
	}
	return 0
}

// A forgotten peer that comes back behind another one is found by what that one
// tells, and not listed before its link is up; its old life stays away.
func TestForgottenReturnsBehindAnother(t *testing.T) {
	a := start(t, quiet(t, "a"))
	seekAtOnce(a)
	b := start(t, quiet(t, "b", a.testAddr()))
	c := quiet(t, "x", b.testAddr())
	c.NoMesh = true // it never dials a
	x := start(t, c)
	waitFor(t, a, "it has both", hasPeers(b.name, x.name))
	a.table.Hold(x.name, time.Hour) // cut off, and alive
	for _, l := range liveLinks(a) {
		if l.Remote().Name == x.name {
			l.Close(dist.ReasonReset, nil)
		}
	}
	peerState(t, a, x.name, StateDown)
	if _, err := a.Forget(x.name); err != nil {
		t.Fatal(err)
	}
	a.table.Hold(x.name, 0)
	r := newReader(t, a)
	seq, joined := a.feed.seq(), x.counter("peers_joined")
	for round := 1; round <= 3; round++ {
		waitFor(t, a, "the old life was dialled", func(a *Node) bool {
			a.told(b.name, x.name, "127.0.0.1", x.listen[0].Port())
			return sought(a, x.name) >= round
		})
	}
	if a.feed.seq() != seq || x.counter("peers_joined") != joined || !hasPeers(b.name)(a) {
		t.Errorf("the old life made events, or saw a link: %v", listed(a))
	}
	x.Close()
	again := start(t, c)
	waitFor(t, a, "its next life is found", func(a *Node) bool {
		a.told(b.name, x.name, "127.0.0.1", again.listen[0].Port())
		return hasPeers(b.name, x.name)(a)
	})
	if p := peerState(t, a, x.name, StateUp); p.Creation != again.creation || p.Generation != 1 || a.table.Disowned(x.name) {
		t.Errorf("its next life is %+v", p)
	}
	if err := r.check(); err != nil || r.kinds[EventState] > 0 || r.kinds[EventJoin] != 1 {
		t.Errorf("events %v, %v", r.kinds, err)
	}
}

// When a forgotten peer is dialled that others speak of all the time.
func TestSeekIsSlow(t *testing.T) {
	n, b := lostPeer(t)
	if _, err := n.Forget(b.name()); err != nil {
		t.Fatal(err)
	}
	_, since, _ := n.table.Forgotten(b.name())
	n.mu.Lock()
	defer n.mu.Unlock()
	n.returns.flying = maxReturns // none goes out
	n.seek(since.Add(time.Hour), b.name(), since)
	w := n.returns.ways[b.name()]
	if w.out || !w.next.Equal(since.Add(returnAfter)) {
		t.Errorf("%+v, want the first one %v after %v", w, returnAfter, since)
	}
	for tries, want := range map[int]time.Duration{1: 30 * time.Second, 2: time.Minute, 9: 4 * time.Minute} {
		if got := n.returns.pause.Delay(tries, 0); got != want {
			t.Errorf("after %d tries a pause of %v, want %v", tries, got, want)
		}
	}
	n.returns.flying = 0
}

// One that never had a link stays away for a while, and is then as one that
// nobody ever spoke of.
func TestForgottenUnmetIsToldAgain(t *testing.T) {
	n := start(t, quiet(t, "a"))
	const name = "told@127.0.0.1"
	tell := func() bool {
		n.told("x@127.0.0.1", name, "127.0.0.1", 1)
		return slices.Contains(listed(n), name)
	}
	if !tell() {
		t.Fatal("not listed")
	}
	if _, err := n.Forget(name); err != nil {
		t.Fatal(err)
	}
	if tell() || n.counter("told_forgotten") != 1 {
		t.Error("listed at once")
	}
	seekAtOnce(n)
	if !tell() || n.table.Disowned(name) {
		t.Error("not listed after the pause")
	}
}

// Forget does nothing where a link is ending, or up: a dial that is out goes on.
func TestForgetLeavesFlightsAlone(t *testing.T) {
	c := quiet(t, "a")
	c.Poll, c.Tick = time.Hour, 9*time.Hour
	n, b := start(t, c), newLight(t, "b", sayingHello)
	l := b.dial(n)
	waitFor(t, n, "b is up", func(n *Node) bool { n.PollOnce(); return hasPeers(b.name())(n) })
	n.mu.Lock()
	_, fl := n.fly(n.targets()[b.name()].ID)
	n.mu.Unlock()
	n.groups.mu.Lock() // its Down does not return
	l.Close(dist.ReasonReset, nil)
	for n.table.Up(b.name()) {
		runtime.Gosched()
	}
	_, flights, ending, err := n.forgetNow(b.name())
	n.groups.mu.Unlock()
	if ending == nil || err == nil || len(flights) > 0 {
		t.Errorf("%d flights recalled; %v", len(flights), err)
	}
	n.mu.Lock()
	n.flights = map[uint64]*flight{}
	n.mu.Unlock()
	fl.cancel(nil)
}

// lines is a log that tests read.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), what)
}

// The first refusal of a forgotten life is told, with the way out; more are not.
func TestForgottenRefusalIsToldOnce(t *testing.T) {
	log, c := &lines{}, quiet(t, "a")
	c.Logger = slog.New(slog.NewTextHandler(log, nil))
	n, b := start(t, c), newLight(t, "b", sayingHello)
	l := b.dial(n)
	peerState(t, n, b.name(), StateUp)
	l.Close(dist.ReasonReset, nil)
	peerState(t, n, b.name(), StateDown)
	if _, err := n.Forget(b.name()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, _ = b.table.Dial(t.Context(), within, n.listen[0], n.name)
	}
	waitFor(t, n, "refused", func(n *Node) bool { return n.counter("handshakes_failed_in") >= 3 })
	n.Close()
	want := fmt.Sprintf("level=WARN msg=%q peer=%s", "forgotten peer refused", b.name())
	if log.count(want) != 1 || log.count("join it here") != 1 {
		t.Errorf("the log:\n%s", log.b.String())
	}
}
