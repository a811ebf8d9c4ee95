package node

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/otptest"
)

// listed is the names of Peers.
func listed(n *Node) (names []string) {
	for _, p := range n.Peers() {
		names = append(names, p.Name)
	}
	return names
}

// mustForget forgets and checks what that says.
func mustForget(t testing.TB, n *Node, asked string, want Forgotten) {
	t.Helper()
	if f, err := n.Forget(asked); err != nil || f != want {
		t.Fatalf("forget %s: %+v, %v, want %+v", asked, f, err, want)
	}
	if want.Name != "" && (slices.Contains(listed(n), want.Name) || n.knows(want.Name)) {
		t.Fatalf("%s is listed or dialled still: %+v", want.Name, n.Peers())
	}
}

// lostPeer is a node that has had a liminal peer b, which is cut off and lives on.
func lostPeer(t testing.TB) (n *Node, b *light) {
	n, b = start(t, quiet(t, "a")), newLight(t, "b", sayingHello)
	l := b.dial(n)
	peerState(t, n, b.name(), StateUp)
	l.Close(dist.ReasonReset, nil)
	peerState(t, n, b.name(), StateDown)
	return n, b
}

// A forgotten peer is not listed, not dialled and not let in, whatever others
// say of it.
func TestForget(t *testing.T) {
	n, b := lostPeer(t)
	w := n.Watch(n.feed.seq())
	mustForget(t, n, "b", Forgotten{Name: b.name(), State: StateDown, Address: b.name()})
	if ev := take(t, w); ev.Type != EventForget || ev.Peer.Name != b.name() || ev.Peer.State != StateDown {
		t.Errorf("%+v, want its forget", ev)
	}
	n.told("x@127.0.0.1", b.name(), "127.0.0.1", 1)
	if got := listed(n); got != nil || n.counter("told_forgotten") != 1 {
		t.Errorf("told of it: %v, %d counted", got, n.counter("told_forgotten"))
	}
	_, err := b.table.Dial(t.Context(), within, n.listen[0], n.name)
	if !errors.Is(err, dist.ErrNotAllowed) || n.counter("forgot_refused") != 1 {
		t.Errorf("it called: %v, %d counted", err, n.counter("forgot_refused"))
	}
	if _, err := n.Forget("b"); !errors.Is(err, ErrUnknownPeer) {
		t.Errorf("a second time: %v", err)
	}
	newLight(t, "b", sayingHello).dial(n) // its next life
	if ev := take(t, w); ev.Type != EventJoin || ev.Peer.Generation != 1 {
		t.Errorf("%+v, want a join as of a stranger", ev)
	}
	n.told("x@127.0.0.1", b.name(), "127.0.0.1", 1)
	if n.counter("told_forgotten") != 1 {
		t.Error("its next life is up, and it is forgotten still")
	}
}

// What cannot be forgotten, and that nothing changes by it.
func TestForgetRefuses(t *testing.T) {
	n := start(t, quiet(t, "a"))
	up := newLight(t, "up", sayingHello)
	up.dial(n)
	peerState(t, n, up.name(), StateUp)
	n.told("x@127.0.0.1", "two@here", "", 0)
	n.mu.Lock()
	n.list("two@there")
	n.list("two@here")
	n.mu.Unlock()
	seq := n.feed.seq()
	for _, c := range []struct {
		asked string
		want  error
	}{
		{"up", ErrUp}, {up.name(), ErrUp}, {"two", ErrAmbiguous}, {"none", ErrUnknownPeer}, {"none@127.0.0.1", ErrUnknownPeer},
		{"127.0.0.1:1", ErrUnknownPeer}, {"no address", ErrUnknownPeer}, {"", ErrUnknownPeer}, {"a", ErrSelf}, {n.name, ErrSelf},
	} {
		if f, err := n.Forget(c.asked); !errors.Is(err, c.want) || f != (Forgotten{}) {
			t.Errorf("%q: %+v, %v, want %v", c.asked, f, err, c.want)
		}
	}
	if n.feed.seq() != seq || len(n.PeerNames()) != 1 || !n.knows(up.name()) {
		t.Errorf("something has changed: %+v", n.Peers())
	}
	n.Close()
	if _, err := n.Forget("up"); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed node: %v", err)
	}
}

// A peer of which we only heard, one by a joined address, and an address at
// which nobody ever answered.
func TestForgetWhatNeverWasUp(t *testing.T) {
	n := start(t, quiet(t, "a"))
	n.told("x@127.0.0.1", "told@127.0.0.1", "127.0.0.1", 1)
	mustForget(t, n, "told@127.0.0.1", Forgotten{Name: "told@127.0.0.1", State: StateDialling, Address: "told@127.0.0.1"})
	free := freeAddr(t)
	n.Join(t.Context(), free)
	n.Join(t.Context(), "c@"+free)
	mustForget(t, n, "c@"+free, Forgotten{Name: "c@127.0.0.1", State: StateDialling, Address: "c@" + free})
	mustForget(t, n, free, Forgotten{Address: free})
	if s := n.Status().Seeds; len(s) != 0 {
		t.Errorf("dialled are %+v", s)
	}
	// Its life was never known: it is let in as soon as it calls.
	newLight(t, "told", sayingHello).dial(n)
	peerState(t, n, "told@127.0.0.1", StateUp)
}

// Join of a forgotten peer takes it back, by its name and by its address.
func TestForgottenIsJoined(t *testing.T) {
	for _, byName := range []bool{true, false} {
		a, b := start(t, quiet(t, "a")), start(t, quiet(t, "b"))
		address := b.testAddr()
		if byName {
			address = "b@" + address
		}
		if j := a.Join(t.Context(), address); j.Err != nil {
			t.Fatal(j.Err)
		}
		b.table.Hold(a.name, time.Hour)
		for _, l := range liveLinks(a) {
			l.Close(dist.ReasonReset, nil)
		}
		peerState(t, a, b.name, StateDown)
		mustForget(t, a, b.name, Forgotten{Name: b.name, State: StateDown, Address: address})
		b.table.Hold(a.name, 0)
		if j := a.Join(t.Context(), address); j.Err != nil || a.table.Disowned(b.name) {
			t.Errorf("join %s: %+v, forgotten still: %t", address, j, a.table.Disowned(b.name))
		}
		a.Close()
		b.Close()
	}
}

// A seed that was forgotten stays away over a reload that does not name it newly.
func TestForgottenSeed(t *testing.T) {
	seed := freeAddr(t)
	c := quiet(t, "a", "s@"+seed)
	c.RetryJoin, c.Listening = true, nil
	n := startLater(t, c)
	peerState(t, n, "s@127.0.0.1", StateDialling)
	mustForget(t, n, "s@"+seed, Forgotten{Name: "s@127.0.0.1", State: StateDialling, Address: "s@" + seed})
	for _, step := range []struct {
		seeds []string
		want  bool
	}{{[]string{"s@" + seed}, false}, {[]string{}, false}, {[]string{"s@" + seed}, true}} {
		if err := n.Reload(Settings{Seeds: step.seeds}); err != nil {
			t.Fatal(err)
		}
		if got := slices.Contains(listed(n), "s@127.0.0.1"); got != step.want {
			t.Errorf("after a reload with %v it is listed: %t", step.seeds, got)
		}
	}
}

// startLater starts a node whose seeds do not answer, and ends it with the test.
func startLater(t testing.TB, c Config) *Node {
	t.Helper()
	there, ended := make(chan *Node, 1), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	c.Listening = func(n *Node) { there <- n }
	go func() {
		defer close(ended)
		if n, err := Start(ctx, c); err == nil {
			n.Close()
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	select {
	case n := <-there:
		return n
	case <-time.After(within):
		t.Fatal("it does not listen")
		return nil
	}
}

// A dial that is out when its target is forgotten ends at once, whoever waits
// for it in Join is told, and it lists nobody when it comes back.
func TestForgetEndsDial(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	n := start(t, quiet(t, "a"))
	for _, address := range []string{"c@" + mute.Addr().String(), mute.Addr().String()} {
		joined := make(chan Joined, 1)
		go func() { joined <- n.Join(t.Context(), address) }()
		conn, err := mute.Accept() // the dial is out
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if _, err := n.Forget(address); err != nil {
			t.Fatal(err)
		}
		if j := <-joined; !errors.Is(j.Err, ErrForgotten) {
			t.Errorf("join %s: %v", address, j.Err)
		}
		if took := time.Since(begin); took > dist.SetupTime/2 {
			t.Errorf("forgetting %s took %v", address, took)
		}
		if got := listed(n); got != nil || n.knows("c@127.0.0.1") {
			t.Errorf("after forgetting %s %v are listed", address, got)
		}
		n.mu.Lock()
		if len(n.flights)+n.plan.Stats().InFlight != 0 {
			t.Errorf("%d dials are out", len(n.flights))
		}
		n.mu.Unlock()
		conn.Close()
	}
}

// Forgetting at every moment of a dial leaves the peer either up, and not
// forgotten, or not listed and not dialled.
func TestForgetWhileDialled(t *testing.T) {
	a, b := start(t, quiet(t, "a")), start(t, quiet(t, "b"))
	r := newReader(t, a)
	for i := range 60 {
		joined := make(chan Joined, 1)
		address := []string{b.testAddr(), "b@" + b.testAddr()}[i%2]
		go func() { joined <- a.Join(t.Context(), address) }()
		for range i % 20 {
			a.PollOnce() // let some time go by, another each round
			_ = a.Peers()
		}
		f, err := a.Forget(address)
		j := <-joined
		a.PollOnce()
		switch {
		case err == nil && (f.Name == "" || f.Name == b.name):
			if slices.Contains(listed(a), b.name) {
				t.Fatalf("round %d: forgotten as %+v and listed: %+v", i, f, a.Peers())
			}
		case !errors.Is(err, ErrUp) && !errors.Is(err, ErrUnknownPeer): // not asked for yet, or done
			t.Fatalf("round %d: %+v, %v", i, f, err)
		case errors.Is(err, ErrUnknownPeer) && j.Err != nil:
			t.Fatalf("round %d: nothing was forgotten, and join said %v", i, j.Err)
		}
		if err := r.check(); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		waitFor(t, b, "a has left", hasPeers())
		if slices.Contains(listed(a), b.name) { // an address alone does not say whose row that is
			mustForget(t, a, b.name, Forgotten{Name: b.name, State: StateLeft})
		}
	}
}

// A liminal node that was forgotten comes back with its next life, and not
// before: its own redials are refused.
func TestForgottenNodeRestarts(t *testing.T) {
	a := start(t, quiet(t, "a"))
	b := start(t, quiet(t, "b", a.testAddr()))
	waitFor(t, a, "b is up", hasPeers(b.name))
	a.table.Hold(b.name, time.Hour) // cut off
	for _, l := range liveLinks(a) {
		l.Close(dist.ReasonReset, nil)
	}
	peerState(t, a, b.name, StateDown)
	peerState(t, b, a.name, StateDown)
	mustForget(t, a, b.name, Forgotten{Name: b.name, State: StateDown, Address: b.name})
	a.table.Hold(b.name, 0)
	if j := b.Join(t.Context(), a.testAddr()); !errors.Is(j.Err, ErrRefused) {
		t.Errorf("the life that was forgotten: %+v", j)
	}
	if got := listed(a); got != nil {
		t.Errorf("listed are %v", got)
	}
	b.Close()
	again := start(t, quiet(t, "b", a.testAddr()))
	p := peerState(t, a, b.name, StateUp)
	if p.Creation != again.creation || a.table.Disowned(b.name) {
		t.Errorf("its next life is %+v", p)
	}
}

// The same of an OTP node.
func TestForgottenOTPRestarts(t *testing.T) {
	otptest.Need(t)
	epmd := otptest.NewEPMD(t)
	otp := otptest.Start(t, otptest.Options{EPMD: epmd})
	n := start(t, otpConfig(t, "a", otp))
	if j := n.Join(t.Context(), otp.Name); j.Err != nil {
		t.Fatal(j.Err)
	}
	n.table.Hold(otp.Name, time.Hour)
	for _, l := range liveLinks(n) {
		l.Close(dist.ReasonReset, nil)
	}
	peerState(t, n, otp.Name, StateDown)
	mustForget(t, n, otp.Name, Forgotten{Name: otp.Name, State: StateDown, Address: otp.Name})
	n.table.Hold(otp.Name, 0)
	connect := "net_kernel:connect_node('" + n.name + "')."
	otp.WaitEval(t, "ets:member(sys_dist, '"+n.name+"').", "false", within)
	if got := otp.Eval(t, connect); got != "false" || n.counter("forgot_refused") == 0 {
		t.Errorf("the life that was forgotten connects: %s", got)
	}
	otp.Kill()
	otp.Wait()
	again := otptest.Start(t, otptest.Options{EPMD: epmd, Cookie: otp.Cookie})
	if got := again.Eval(t, connect); got != "true" {
		t.Fatalf("its next life connects: %s", got)
	}
	peerState(t, n, otp.Name, StateUp)
	if n.table.Disowned(otp.Name) {
		t.Error("it is forgotten still")
	}
}
