package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// quiet is a testConfig whose log is not shown, and that redials soon.
func quiet(t testing.TB, name string, seeds ...string) Config {
	c := testConfig(t, name)
	c.Logger, c.Seeds, c.RetryMax = slog.New(slog.DiscardHandler), seeds, 100*time.Millisecond
	return c
}

// startAll starts nodes at one moment.
func startAll(t testing.TB, configs []Config) []*Node {
	t.Helper()
	nodes, errs := make([]*Node, len(configs)), make([]error, len(configs))
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	var wg sync.WaitGroup
	for i, c := range configs {
		wg.Go(func() { nodes[i], errs[i] = Start(ctx, c) })
	}
	wg.Wait()
	for _, n := range nodes {
		if n != nil {
			t.Cleanup(func() { n.Close() })
		}
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return nodes
}

func names(nodes []*Node) []string {
	var all []string
	for _, n := range nodes {
		all = append(all, n.name)
	}
	return all
}

func allKnowAll(t testing.TB, nodes []*Node) {
	t.Helper()
	for _, n := range nodes {
		waitFor(t, n, "all know all", hasPeers(except(names(nodes), n.name)...))
	}
}

func meshConfigs(t testing.TB, seed string, count int) []Config {
	var all []Config
	for i := range count {
		all = append(all, quiet(t, fmt.Sprintf("n%02d", i), seed))
	}
	return all
}

// Sixteen nodes at one moment through one seed, which starts last of all.
func TestSixteenAtOnce(t *testing.T) {
	addr := freeAddr(t)
	configs := meshConfigs(t, addr, 15)
	seed := quiet(t, "seed", addr) // itself, as a shared configuration has it
	seed.Listen = addr
	nodes := startAll(t, append(configs, seed))
	allKnowAll(t, nodes)
	for _, n := range nodes {
		for _, p := range n.Peers() {
			if p.State != StateUp || p.Flaps != 0 {
				t.Errorf("%s sees %s as %s after %d losses (%s)", n.name, p.Name, p.State, p.Flaps, p.Reason)
			}
		}
	}
}

func TestPartitionHeals(t *testing.T) {
	seed := start(t, quiet(t, "seed"))
	nodes := append(startAll(t, meshConfigs(t, seed.testAddr(), 3)), seed)
	allKnowAll(t, nodes)
	before := map[*Node]uint64{}
	for _, n := range nodes {
		before[n] = n.feed.seq()
	}
	for _, n := range nodes { // each link is cut from both sides
		for _, l := range liveLinks(n) {
			l.Close(dist.ReasonReset, nil)
		}
	}
	for _, n := range nodes {
		n.PollOnce()
	}
	allKnowAll(t, nodes)
	for _, n := range nodes {
		w := n.Watch(before[n])
		back := map[string]int{}
		for seq := before[n]; seq < n.feed.seq(); seq++ {
			switch ev := take(t, w); ev.Type {
			case EventRejoin:
				back[ev.Peer.Name]++
			case EventDown:
				back[ev.Peer.Name]--
			case EventState:
			default:
				t.Errorf("%s: %+v", n.name, ev)
			}
		}
		for name, sum := range back {
			if sum != 0 {
				t.Errorf("%s: %s is back %d times more than it went", n.name, name, sum)
			}
		}
		if len(back) != len(nodes)-1 {
			t.Errorf("%s lost %d peers, want %d", n.name, len(back), len(nodes)-1)
		}
	}
}

// knows says whether the node would dial a name.
func (n *Node) knows(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.plan.Knows(name)
}

func TestGoodbyeStopsRedialling(t *testing.T) {
	a := start(t, quiet(t, "a"))
	b := start(t, quiet(t, "b", a.testAddr()))
	c := start(t, quiet(t, "c", a.testAddr()))
	allKnowAll(t, []*Node{a, b, c})
	if !a.knows(b.name) {
		t.Error("b is not redialled while it is up")
	}
	b.Close()
	for _, n := range []*Node{a, c} {
		p := peerState(t, n, b.name, StateLeft)
		if p.Reason != string(dist.ReasonGoodbye) || p.Flaps != 0 {
			t.Errorf("%s: %+v", n.name, p)
		}
		if n.knows(b.name) {
			t.Errorf("%s still dials b", n.name)
		}
	}
}

// A seed that said goodbye is configured to be there: it is dialled again.
func TestGoodbyeOfASeed(t *testing.T) {
	addr := freeAddr(t)
	cs := quiet(t, "seed")
	cs.Listen = addr
	seed := start(t, cs)
	n := start(t, quiet(t, "a", addr))
	seed.Close()
	peerState(t, n, seed.name, StateLeft)
	again := start(t, cs)
	waitFor(t, n, "the seed is back", hasPeers(again.name))
	if p := n.Peers()[0]; p.Flaps != 0 || p.Generation != 2 || p.Creation == seed.creation {
		t.Errorf("%+v", p)
	}
}

func TestLeaveAndComeBack(t *testing.T) {
	nodes := startAll(t, []Config{quiet(t, "a"), quiet(t, "b"), quiet(t, "c")})
	a, b, c := nodes[0], nodes[1], nodes[2]
	for _, n := range []*Node{b, c} {
		if j := n.Join(t.Context(), a.testAddr()); j.Err != nil {
			t.Fatal(j.Err)
		}
	}
	allKnowAll(t, nodes)
	left, err := a.Leave(t.Context())
	if err != nil || left.Told != 2 || a.Status().State != NodeAlone {
		t.Fatalf("%+v, %v, then %s", left, err, a.Status().State)
	}
	if got := a.PeerNames(); len(got) != 0 {
		t.Errorf("peers %v after Leave", got)
	}
	if left, err = a.Leave(t.Context()); err != nil || left.Told != 0 {
		t.Errorf("a second Leave: %+v, %v", left, err)
	}
	for _, n := range []*Node{b, c} {
		peerState(t, n, a.name, StateLeft)
	}
	if j := b.Join(t.Context(), a.testAddr()); !errors.Is(j.Err, ErrRefused) {
		t.Errorf("a node that has left was joined: %+v", j)
	}
	if a.counter("handshakes_refused_alone") == 0 {
		t.Error("the refusal was not counted")
	}
	if got := a.PeerNames(); len(got) != 0 {
		t.Errorf("peers %v while alone", got)
	}
	if j := a.Join(t.Context(), b.testAddr()); j.Err != nil || a.Status().State != NodeUp {
		t.Fatalf("%+v, then %s", j, a.Status().State)
	}
	allKnowAll(t, nodes) // c by what b tells
	a.Close()
	if _, err = a.Leave(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Leave of a closed node: %v", err)
	}
	if j := a.Join(t.Context(), b.testAddr()); !errors.Is(j.Err, ErrClosed) {
		t.Errorf("Join of a closed node: %+v", j)
	}
}

// What a node tells of others: where they listen, and nothing of hidden ones.
func TestWhatOthersAreTold(t *testing.T) {
	seed := start(t, quiet(t, "seed"))
	hidden := quiet(t, "hidden", seed.testAddr())
	hidden.Hidden, hidden.NoMesh = true, true
	plain := quiet(t, "plain", seed.testAddr())
	plain.NoMesh = true
	host, port := plain, plain
	host.Name, host.Advertise = "host@127.0.0.1", "name.example"
	port.Name, port.Advertise = "port@127.0.0.1", "192.0.2.7:9100"
	nodes := startAll(t, []Config{hidden, plain, host, port})
	for _, n := range nodes {
		waitFor(t, seed, "hello of "+n.name, func(s *Node) bool {
			return slices.ContainsFunc(s.Peers(), func(p Peer) bool { return p.Name == n.name && p.Kind == KindLiminal })
		})
	}
	p := newLight(t, "light")
	told := p.askPeers(p.dial(seed))
	want := map[string]peerEntry{
		"plain@127.0.0.1": {"plain@127.0.0.1", "127.0.0.1", nodes[1].listen[0].Port()},
		"host@127.0.0.1":  {"host@127.0.0.1", "name.example", nodes[2].listen[0].Port()},
		"port@127.0.0.1":  {"port@127.0.0.1", "192.0.2.7", 9100},
	}
	if fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("told %v\nwant %v", told, want)
	}
	i := slices.IndexFunc(seed.Peers(), func(p Peer) bool { return p.Name == hidden.Name })
	if i < 0 || !seed.Peers()[i].Hidden {
		t.Errorf("the seed sees the hidden node as %+v", seed.Peers())
	}
	for _, n := range nodes { // NoMesh: it never asked
		n.mu.Lock()
		asked := n.lastRef
		n.mu.Unlock()
		if asked != 0 || !slices.Equal(n.PeerNames(), []string{seed.name}) {
			t.Errorf("%s asked %d times and has %v", n.name, asked, n.PeerNames())
		}
	}
}

func TestAdvertiseForms(t *testing.T) {
	for _, c := range []struct {
		text, host string
		port       uint16 // 0: the listener's
	}{
		{"", "", 0}, {"name.example", "name.example", 0}, {"192.0.2.7", "192.0.2.7", 0}, {"::1", "::1", 0},
		{"[::1]", "::1", 0},
		{"name.example:9100", "name.example", 9100}, {"[::1]:9100", "::1", 9100},
	} {
		cfg := quiet(t, "a")
		cfg.Advertise = c.text
		n := start(t, cfg)
		if c.port == 0 {
			c.port = n.listen[0].Port()
		}
		if host, port := n.advertised(); host != c.host || port != c.port {
			t.Errorf("%q tells %s and %d", c.text, host, port)
		}
	}
	for _, bad := range []string{"[]", "host:0", "host:99999", "host:http", "a b", "b@host", "b@host:9100", ":9100", "\x1b[2J"} {
		cfg := quiet(t, "a")
		cfg.Advertise = bad
		if n, err := Start(t.Context(), cfg); !errors.Is(err, ErrBadAddress) {
			t.Errorf("%q: %v", bad, err)
			if n != nil {
				n.Close()
			}
		}
	}
}

// An address of this machine is of no use to others, whether it is what we saw
// or what the peer advertises; a host it advertises in place of one is.
func TestLoopbackIsToldToLoopback(t *testing.T) {
	for _, c := range []struct{ addr, host, far string }{
		{"127.0.0.1:9100", "", ""}, {"[::1]:9100", "", ""},
		{"192.0.2.7:9100", "127.0.0.1", ""}, {"192.0.2.7:9100", "::ffff:127.0.0.1", ""}, {"192.0.2.7:9100", "LocalHost", ""},
		{"192.0.2.7:9100", "", "192.0.2.7:9100"}, {"127.0.0.1:9100", "name.example", "name.example:9100"},
	} {
		p := &peer{name: "b@host", kind: KindLiminal, host: c.host, addr: netip.MustParseAddrPort(c.addr)}
		var got string
		if told := p.tell(false); told.port != 0 {
			got = fmt.Sprintf("%s:%d", cmp.Or(told.host, told.addr.Addr().String()), told.port)
		}
		if got != c.far {
			t.Errorf("%s at %s: others are told %q, want %q", c.host, c.addr, got, c.far)
		}
		if near := p.tell(true); near.host != c.host || near.port != 9100 {
			t.Errorf("%s at %s: this machine is told %+v", c.host, c.addr, near)
		}
	}
}

// A goodbye that comes between the snapshot and the look at it still stops the
// redialling.
func TestGoodbyeBeforeTheJoinIsAnnounced(t *testing.T) {
	c := quiet(t, "a")
	c.Poll, c.Tick, c.NoNudge = time.Hour, 9*time.Hour, true
	n := start(t, c)
	p := newLight(t, "b", sayingHello)
	l := p.dial(n)
	waitFor(t, n, "the link is up", func(n *Node) bool { return n.table.Up(p.name()) })
	n.pollMu.Lock()
	_, rows := n.table.Snapshot()
	n.polls++
	delta := n.tracker.Poll(snapshot(n.polls, rows))
	p.say(l, encodeGoodbye())
	waitFor(t, n, "it is gone", func(n *Node) bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.peers[p.name()].link == nil
	})
	n.apply(time.Now(), rows, delta)
	n.pollMu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(delta.Joined) != 1 || n.plan.Knows(p.name()) {
		t.Errorf("%+v: a peer that said goodbye is redialled", delta)
	}
}

// A hidden node asks for the others and dials them.
func TestHiddenNodeFindsTheOthers(t *testing.T) {
	seed := start(t, quiet(t, "seed"))
	a := start(t, quiet(t, "a", seed.testAddr()))
	waitFor(t, seed, "hello of a", saidHello)
	c := quiet(t, "hidden", seed.testAddr())
	c.Hidden = true
	allKnowAll(t, []*Node{seed, a, start(t, c)})
}
