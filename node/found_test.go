package node

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/discovery"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/epmd"
	"github.com/liminal-bus/liminal/internal/links"
)

// Defects that were found by using the node, each with the test that keeps it
// away.

// A liminal peer that freezes right after its hello, before it has answered a
// probe, is found by the same rule as any other.
func TestSilentSinceHello(t *testing.T) {
	n := start(t, fastProbes(t, "a"))
	p := newLight(t, "b", sayingHello)
	p.dial(n)
	down := peerState(t, n, p.name(), StateDown)
	if down.Reason != string(dist.ReasonProbeTimeout) {
		t.Errorf("reason %q, want probe_timeout", down.Reason)
	}
}

// Waiting for a seed that refuses us mends nothing.
func TestRefusedSeedEndsTheWait(t *testing.T) {
	other := start(t, testConfig(t, "other"))
	c := testConfig(t, "a")
	c.Cookie, c.Seeds, c.JoinTimeout = NewCookie("another cookie than the others"), []string{other.testAddr()}, time.Hour
	if n, err := Start(t.Context(), c); n != nil || !errors.Is(err, ErrCookie) || !errors.Is(err, ErrClusterJoin) {
		t.Errorf("start: %v", err)
	}
}

// The same node under a name of the other form is a matter of name forms, not
// of another node in its place.
func TestWrongNameOfTheOtherForm(t *testing.T) {
	long := start(t, testConfig(t, "b"))
	c := testConfig(t, "a")
	c.Name = "a@localhost"
	c.Local = func(_ context.Context, name string) (string, bool) { return long.testAddr(), name == "b" }
	n := start(t, c)
	j := n.Join(t.Context(), "b")
	var dial *DialError
	if !errors.Is(j.Err, ErrNameMode) || !errors.As(j.Err, &dial) || dial.Peer != long.name {
		t.Errorf("join b: %v", j.Err)
	}
	c.Name, c.Seeds = "c@127.0.0.1", nil
	if j := start(t, c).Join(t.Context(), "d@"+long.testAddr()); !errors.Is(j.Err, ErrWrongName) {
		t.Errorf("join d where b is: %v", j.Err)
	}
}

// A peer that dialled us is shown with the address where it listens.
func TestAddressIsWhereItListens(t *testing.T) {
	a := start(t, testConfig(t, "a"))
	c := testConfig(t, "b")
	c.Seeds = []string{a.testAddr()}
	b := start(t, c)
	if p := peerState(t, a, b.name, StateUp); p.Addr != b.listen[0] || p.Outgoing {
		t.Errorf("a shows b at %v, it listens on %v", p.Addr, b.listen[0])
	}
}

func TestIsolated(t *testing.T) {
	up := SeedStatus{Address: "b", State: "up"}
	for _, s := range []struct {
		seed SeedStatus
		want bool
	}{
		{up, false},
		{SeedStatus{State: "waiting"}, true},
		{SeedStatus{State: "refused"}, true},
		{SeedStatus{State: "self"}, false},
		{SeedStatus{State: "waiting", Joined: true}, false},
	} {
		if got := missing(s.seed); got != s.want {
			t.Errorf("%+v: %t", s.seed, got)
		}
	}
	n := start(t, testConfig(t, "a"))
	n.Join(t.Context(), freeAddr(t))
	if s := n.Status(); s.Isolated {
		t.Errorf("a typing error in join is no isolation: %+v", s.Seeds)
	}
}

// A seed stays listed however long it is down: it is still dialled.
func TestSeedIsNotForgotten(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	n.mu.Lock()
	for _, name := range []string{"seed@127.0.0.1", "told@127.0.0.1"} {
		p := n.record(name)
		p.listed, p.state, p.changed = true, StateDown, time.Now().Add(-time.Hour)
	}
	n.plan.SetSeeds([]discovery.Address{{Name: "seed", Host: "127.0.0.1"}})
	n.mu.Unlock()
	n.forgetOld(time.Now())
	if got := n.Peers(); len(got) != 1 || got[0].Name != "seed@127.0.0.1" {
		t.Errorf("listed: %+v", got)
	}
}

// What names a peer may have is decided in two places that do not know each
// other.
func TestOneRuleForNames(t *testing.T) {
	for _, name := range []string{
		"a@b", "a@b.c", "a@127.0.0.1", "a@::1", "A_1.x-y@h-1", "", "a", "@b", "a@", "a@b@c", "a b@c", "a@b c",
		"a:b@c", "é@b", "a@b\x1b", "a@[::1]", strings.Repeat("a", 253) + "@b", strings.Repeat("a", 254) + "@b",
	} {
		if a, b := discovery.ValidName(name), dist.CheckName(name); (a == nil) != (b == nil) {
			t.Errorf("%q: discovery says %v, dist says %v", name, a, b)
		}
	}
}

func TestBrief(t *testing.T) {
	n := stillNode(t)
	at := netip.MustParseAddrPort("127.0.0.1:9")
	target := discovery.Target{Address: discovery.Address{Name: "b", Host: "127.0.0.1"}}
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{&discovery.ResolveError{Stage: "epmd", Err: epmd.ErrNoSuchName}, "its epmd does not know that name"},
		{&dist.HandshakeError{Stage: dist.StageAck, Err: dist.ErrCookie}, "the cookies differ"},
		{&dist.HandshakeError{Stage: dist.StageChallenge, Err: links.ErrDuplicate}, "several nodes run under its name"},
	} {
		if got := brief(n.dialError(target, at, c.err)); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}
