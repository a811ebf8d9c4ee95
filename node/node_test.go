package node

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/liminal-bus/liminal/internal/discovery"
)

func TestMain(m *testing.M) {
	if play() {
		return
	}
	goleak.VerifyTestMain(m)
}

// within bounds every wait of these tests. It is long because a loaded machine
// is slow; nothing sleeps for it.
const within = 20 * time.Second

// testConfig is a node on loopback that keeps to itself.
func testConfig(t testing.TB, name string) Config {
	return Config{
		Name: name + "@127.0.0.1", Cookie: NewCookie("a cookie for these tests"), EPMD: EPMDOff,
		Listen: "127.0.0.1:0", Logger: slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimRight(string(b), "\n"))
	return len(b), nil
}

// start runs a node until the test ends.
func start(t testing.TB, c Config) *Node {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	n, err := Start(ctx, c)
	if err != nil {
		t.Fatalf("start %s: %v", c.Name, err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func (n *Node) testAddr() string { return n.listen[0].String() }

// waitFor reads events until ok says that the node is as wanted.
func waitFor(t testing.TB, n *Node, what string, ok func(*Node) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	w := n.Watch(0)
	defer w.Close()
	for !ok(n) {
		tick, stop := context.WithTimeout(ctx, 20*time.Millisecond) // kinds and states change without an event
		_, err := w.Next(tick)
		stop()
		if err != nil && ctx.Err() != nil {
			t.Fatalf("%s: not within %v: %s\npeers: %+v", n.name, within, what, n.Peers())
		}
	}
}

func hasPeers(names ...string) func(*Node) bool {
	slices.Sort(names)
	return func(n *Node) bool { return slices.Equal(n.PeerNames(), names) }
}

// peerState waits until name is in state.
func peerState(t testing.TB, n *Node, name string, state State) Peer {
	t.Helper()
	var found Peer
	waitFor(t, n, fmt.Sprintf("%s is %s", name, state), func(n *Node) bool {
		for _, p := range n.Peers() {
			if p.Name == name && p.State == state {
				found = p
				return true
			}
		}
		return false
	})
	return found
}

// known is Peers with those that no poll has seen yet.
func (n *Node) known() (all []Peer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.peers {
		all = append(all, n.view(time.Now(), p, discovery.TargetStatus{}))
	}
	return all
}

// saidHello says that the only peer is a liminal one, seen by a poll or not.
func saidHello(n *Node) bool {
	all := n.known()
	return len(all) == 1 && all[0].Kind == KindLiminal
}

// takeMember is take but for events that make or end no member.
func takeMember(t testing.TB, w *Watcher) Event {
	t.Helper()
	for {
		switch ev := take(t, w); ev.Type {
		case EventState, EventSubAdd, EventSubRemove:
		default:
			return ev
		}
	}
}

func TestTwoNodes(t *testing.T) {
	a := start(t, testConfig(t, "a"))
	cb := testConfig(t, "b")
	cb.Seeds = []string{a.testAddr()}
	b := start(t, cb)
	if got := b.PeerNames(); !slices.Equal(got, []string{"a@127.0.0.1"}) {
		t.Fatalf("b knows %v when Start returns, want a", got)
	}
	waitFor(t, a, "b is up", hasPeers("b@127.0.0.1"))
	p := peerState(t, a, "b@127.0.0.1", StateUp)
	if p.Kind != KindLiminal || p.RTT <= 0 || p.Version != Version || p.Outgoing {
		t.Errorf("a sees b as %+v", p)
	}
	b.Close()
	p = peerState(t, a, "b@127.0.0.1", StateLeft)
	if p.Reason != "goodbye" {
		t.Errorf("b left with reason %q, want goodbye", p.Reason)
	}
}

func TestFullMeshThroughOneSeed(t *testing.T) {
	seed := start(t, testConfig(t, "seed"))
	names := []string{seed.name}
	nodes := []*Node{seed}
	for i := range 5 {
		c := testConfig(t, fmt.Sprintf("n%d", i))
		c.Seeds = []string{seed.testAddr()}
		n := start(t, c)
		nodes, names = append(nodes, n), append(names, n.name)
	}
	for _, n := range nodes {
		others := slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == n.name })
		waitFor(t, n, "all know all", hasPeers(others...))
	}
}

func TestJoinAndLeave(t *testing.T) {
	a, b := start(t, testConfig(t, "a")), start(t, testConfig(t, "b"))
	j := a.Join(t.Context(), b.testAddr())
	if j.Err != nil || j.Name != b.name || j.Already || j.RTT <= 0 {
		t.Fatalf("join: %+v", j)
	}
	if j = a.Join(t.Context(), b.testAddr()); j.Err != nil || !j.Already {
		t.Fatalf("second join: %+v", j)
	}
	waitFor(t, b, "a is up", hasPeers(a.name))
	left, err := a.Leave(t.Context())
	if err != nil || left.Told != 1 {
		t.Fatalf("leave: %+v, %v", left, err)
	}
	peerState(t, b, a.name, StateLeft)
	peerState(t, a, b.name, StateLeft)
	if j := b.Join(t.Context(), a.testAddr()); j.Err == nil {
		t.Fatalf("b joined a node that left: %+v", j)
	}
	if j = a.Join(t.Context(), b.testAddr()); j.Err != nil {
		t.Fatalf("join after leave: %+v", j)
	}
	waitFor(t, b, "a is back", hasPeers(a.name))
}

func freeAddr(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
