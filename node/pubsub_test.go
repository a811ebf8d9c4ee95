package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// subscribe joins channels until the test ends.
func subscribe(t testing.TB, n *Node, channels ...string) *Subscription {
	t.Helper()
	s, err := n.Subscribe(t.Context(), SubscribeOptions{}, channels...)
	if err != nil {
		t.Fatalf("%s: subscribe %v: %v", n.name, channels, err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// arrived gives the next message, or fails.
func arrived(t testing.TB, s *Subscription) Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	m, err := s.Next(ctx)
	if err != nil {
		t.Fatalf("no message within %v: %v", within, err)
	}
	return m
}

// await waits for members of a channel, as many as n knows of.
func await(t testing.TB, n *Node, channel string, members int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	if err := n.AwaitMembers(ctx, channel, members); err != nil {
		list, _, _ := n.Channels(t.Context())
		t.Fatalf("%s: %s has not %d members within %v: %v\nchannels: %+v", n.name, channel, members, within, err, list)
	}
}

// gone waits until a channel has no more members than that.
func gone(t testing.TB, n *Node, channel string, members int) {
	t.Helper()
	waitFor(t, n, fmt.Sprintf("%s has %d members", channel, members), func(n *Node) bool {
		here, elsewhere, _ := n.Audience(channel)
		return here+elsewhere == members
	})
}

func publish(t testing.TB, n *Node, channel, text string) Receipt {
	t.Helper()
	r, err := n.Publish(t.Context(), channel, []byte(text))
	if err != nil {
		t.Fatalf("%s: publish: %v", n.name, err)
	}
	return r
}

// cluster starts nodes that all know each other.
func cluster(t testing.TB, names ...string) []*Node {
	t.Helper()
	nodes := []*Node{start(t, testConfig(t, names[0]))}
	for _, name := range names[1:] {
		c := testConfig(t, name)
		c.Seeds = []string{nodes[0].testAddr()}
		nodes = append(nodes, start(t, c))
	}
	for i, n := range nodes {
		var others []string
		for j, o := range nodes {
			if i != j {
				others = append(others, o.name)
			}
		}
		waitFor(t, n, "all know all", hasPeers(others...))
	}
	return nodes
}

func TestPublishReachesAPeer(t *testing.T) {
	nodes := cluster(t, "a", "b")
	a, b := nodes[0], nodes[1]
	s := subscribe(t, a, "orders")
	await(t, b, "orders", 1)
	before := time.Now().Add(-time.Second)
	r := publish(t, b, "orders", "one")
	m := arrived(t, s)
	if string(m.Payload) != "one" || m.Channel != "orders" || m.From != b.name || m.Seq != 1 || m.ID != r.ID || m.ID == "" ||
		m.At.Before(before) || m.At.After(time.Now().Add(time.Second)) || m.Lost != 0 || m.Encoding != EncodingBytes {
		t.Errorf("message %+v, receipt %+v", m, r)
	}
	want := Receipt{Channel: "orders", ID: r.ID, Messages: 1, Bytes: 3, Members: 1, Nodes: 1, Peers: r.Peers}
	if fmt.Sprintf("%+v", r) != fmt.Sprintf("%+v", want) {
		t.Errorf("receipt %+v, want %+v", r, want)
	}
	if len(r.Peers) != 1 || r.Peers[0].Node != a.name || r.Peers[0].Generation != 1 || r.Peers[0].Sent != 1 ||
		r.Peers[0].Outcome != OutcomeQueued && r.Peers[0].Outcome != OutcomeWritten {
		t.Errorf("peers %+v", r.Peers)
	}
}

// One message a node goes over the wire, however many subscribers it has.
func TestLocalFanOut(t *testing.T) {
	nodes := cluster(t, "a", "b")
	a, b := nodes[0], nodes[1]
	first, second, other := subscribe(t, a, "c"), subscribe(t, a, "c"), subscribe(t, b, "c", "d")
	await(t, a, "c", 3)
	await(t, b, "c", 2)
	r := publish(t, b, "c", "x")
	if r.Subscribers != 1 || r.Members != 1 || r.Nodes != 1 {
		t.Errorf("receipt %+v, want one subscriber here and one member there", r)
	}
	for _, s := range []*Subscription{first, second, other} {
		if m := arrived(t, s); string(m.Payload) != "x" || m.Seq != 1 {
			t.Errorf("message %+v", m)
		}
	}
	publish(t, b, "d", "y")
	if m := arrived(t, other); m.Channel != "d" || m.Seq != 1 {
		t.Errorf("message %+v, want the first on d", m)
	}
	second.Close()
	first.Close()
	gone(t, b, "c", 1)
}

func TestLateNodeIsBackfilled(t *testing.T) {
	a := start(t, testConfig(t, "a"))
	s := subscribe(t, a, "early", ":atomic")
	c := testConfig(t, "b")
	c.Seeds = []string{a.testAddr()}
	b := start(t, c)
	await(t, b, "early", 1)
	await(t, b, ":atomic", 1)
	publish(t, b, ":atomic", "hello")
	if m := arrived(t, s); m.Channel != ":atomic" || string(m.Payload) != "hello" {
		t.Errorf("message %+v", m)
	}
	if subs := b.Subscriptions(a.name); !slices.Equal(subs, []string{":atomic", "early"}) {
		t.Errorf("a has joined %v", subs)
	}
}

// What a peer had joined is gone with its link, before the poll has seen it.
func TestPurgeWithTheLink(t *testing.T) {
	nodes := cluster(t, "a", "b", "c")
	a, b, c := nodes[0], nodes[1], nodes[2]
	s := subscribe(t, a, "x")
	subscribe(t, b, "x")
	await(t, c, "x", 2)
	row, _ := c.table.Lookup(b.name)
	c.mu.Lock()
	c.plan.Clear()
	c.mu.Unlock()
	row.Link.Close("closed", nil)
	<-row.Link.Done() // the reader may have been faster, and be at it
	if keys, _ := channelKeys([]string{"x"}); true {
		if members, nodes := c.groups.counted(keys[0]); members > 1 || nodes > 1 {
			t.Errorf("%d members on %d nodes are left when the link is done, want those of a alone", members, nodes)
		}
	}
	publish(t, c, "x", "still here")
	if m := arrived(t, s); string(m.Payload) != "still here" {
		t.Errorf("message %+v", m)
	}
}

// A link that falls and rises between two polls is backfilled again.
func TestFlapIsBackfilled(t *testing.T) {
	ca := testConfig(t, "a")
	ca.NoNudge, ca.Poll = true, time.Second
	a := start(t, ca)
	s := subscribe(t, a, "x")
	cb := testConfig(t, "b")
	cb.Seeds = []string{a.testAddr()}
	b := start(t, cb)
	await(t, b, "x", 1)
	for range 5 {
		row, ok := b.table.Lookup(a.name)
		if !ok || !row.Up {
			t.Fatal("a is not up")
		}
		row.Link.Close("closed", nil)
		if j := b.Join(t.Context(), a.testAddr()); j.Err != nil {
			t.Fatal(j.Err)
		}
		await(t, b, "x", 1)
		publish(t, b, "x", "again")
		if m := arrived(t, s); string(m.Payload) != "again" {
			t.Errorf("message %+v", m)
		}
	}
}

func TestOrderOverALink(t *testing.T) {
	nodes := cluster(t, "a", "b")
	a, b := nodes[0], nodes[1]
	s := subscribe(t, a, "n")
	await(t, b, "n", 1)
	p, err := b.Publisher("n")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const total = 50_000
	done := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < total && err == nil; i++ {
			err = p.Publish(t.Context(), fmt.Appendf(nil, "%d", i))
		}
		done <- errors.Join(err, p.Flush(t.Context()))
	}()
	for i := range total {
		if m := arrived(t, s); string(m.Payload) != fmt.Sprint(i) || m.Seq != uint64(i)+1 || m.Lost != 0 {
			t.Fatalf("message %d is %s, seq %d, lost %d", i, m.Payload, m.Seq, m.Lost)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if r := p.Receipt(); r.Messages != total || r.Dropped != 0 || r.Peers[0].Sent != total || r.Peers[0].Outcome != OutcomeWritten {
		t.Errorf("receipt %+v", r)
	}
}

// A message over 64 KiB goes in fragments.
func TestLongMessages(t *testing.T) {
	nodes := cluster(t, "a", "b")
	a, b := nodes[0], nodes[1]
	s := subscribe(t, a, "long")
	await(t, b, "long", 1)
	for _, size := range []int{0, 1, 16 << 10, 64 << 10, 200_000, 1 << 20} {
		text := strings.Repeat("x", size)
		publish(t, b, "long", text)
		if m := arrived(t, s); string(m.Payload) != text {
			t.Errorf("%d bytes came as %d", size, len(m.Payload))
		}
	}
	_, err := b.Publish(t.Context(), "long", make([]byte, 1<<20+1))
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("a byte too many: %v", err)
	}
}

func TestHint(t *testing.T) {
	a := start(t, testConfig(t, "a"))
	subscribe(t, a, ":orders")
	r := publish(t, a, "orders", "x")
	if r.Hint == nil || *r.Hint != (Hint{":orders", 1}) {
		t.Errorf("hint %+v, want :orders with 1", r.Hint)
	}
	if r = publish(t, a, ":orders", "x"); r.Hint != nil || r.Subscribers != 1 {
		t.Errorf("receipt %+v", r)
	}
	if r = publish(t, a, "other", "x"); r.Hint != nil {
		t.Errorf("hint %+v for a channel that nobody spells otherwise", r.Hint)
	}
}

func TestBadChannels(t *testing.T) {
	a := start(t, testConfig(t, "a"))
	for _, name := range []string{"", ":", "a\x00b", strings.Repeat("x", 256), "\xff"} {
		if _, err := a.Subscribe(t.Context(), SubscribeOptions{}, name); !errors.Is(err, ErrBadChannel) {
			t.Errorf("subscribe %q: %v", name, err)
		}
		if _, err := a.Publish(t.Context(), name, nil); !errors.Is(err, ErrBadChannel) {
			t.Errorf("publish %q: %v", name, err)
		}
	}
	if _, err := a.Subscribe(t.Context(), SubscribeOptions{}); !errors.Is(err, ErrBadChannel) {
		t.Errorf("subscribe to nothing: %v", err)
	}
}

func TestCloseEndsSubscriptions(t *testing.T) {
	a := start(t, testConfig(t, "a"))
	s := subscribe(t, a, "x")
	publish(t, a, "x", "last")
	var wg sync.WaitGroup
	wg.Go(func() { a.Close() })
	if m := arrived(t, s); string(m.Payload) != "last" {
		t.Errorf("message %+v", m)
	}
	if _, err := s.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("after the node: %v", err)
	}
	wg.Wait()
	if _, err := a.Publish(t.Context(), "x", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("publish on a closed node: %v", err)
	}
	if _, err := a.Subscribe(t.Context(), SubscribeOptions{}, "x"); !errors.Is(err, ErrClosed) {
		t.Errorf("subscribe on a closed node: %v", err)
	}
}

// SUBS counts the cluster's subscribers: liminal peers are asked for theirs.
func TestChannelsCountTheCluster(t *testing.T) {
	nodes := cluster(t, "a", "b", "c")
	a, b, c := nodes[0], nodes[1], nodes[2]
	subscribe(t, a, "x")
	subscribe(t, b, "x")
	subscribe(t, b, "x")
	subscribe(t, b, "y")
	await(t, c, "x", 2)
	await(t, c, "y", 1)
	await(t, a, "x", 2)
	list, incomplete, err := c.Channels(t.Context())
	if err != nil || len(incomplete) > 0 || len(list) != 2 {
		t.Fatalf("%+v, incomplete %v, %v", list, incomplete, err)
	}
	x := list[0]
	want := []ChannelMember{{a.name, KindLiminal, 1}, {b.name, KindLiminal, 2}}
	if x.Name != "x" || x.Spelling != "binary" || x.Subscribers != 3 || x.Nodes != 2 || x.Local != 0 || !slices.Equal(x.Members, want) {
		t.Errorf("x is %+v", x)
	}
	if list, _, _ = a.Channels(t.Context(), "x"); len(list) != 1 || list[0].Subscribers != 3 || list[0].Local != 1 || list[0].Nodes != 2 {
		t.Errorf("a sees %+v", list)
	}
	if s := b.Status().Channels; s.Channels != 2 || s.Subscriptions != 3 {
		t.Errorf("status of b: %+v", s)
	}
}

// What is queued is written before goodbye, which would overtake it.
func TestLeaveFlushes(t *testing.T) {
	nodes := cluster(t, "a", "b")
	a, b := nodes[0], nodes[1]
	s := subscribe(t, a, "x")
	await(t, b, "x", 1)
	p, err := b.Publisher("x")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const total = 5000
	for range total {
		if err := p.Publish(t.Context(), make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range total {
		arrived(t, s)
	}
	if r := p.Receipt(); r.Peers[0].Outcome != OutcomeWritten {
		t.Errorf("receipt after leave: %+v", r)
	}
}

// A hundred thousand channels joined and left at once cost no peer its link. The
// node's name stands twice in each leave.
func TestManyChannelsWhileConnected(t *testing.T) {
	nodes := cluster(t, strings.Repeat("a", 100), "b", "c")
	const channels = 100_000
	names := make([]string, channels)
	for i := range names {
		names[i] = fmt.Sprintf("a channel with quite a long name, number %d", i)
	}
	s := subscribe(t, nodes[0], names...)
	for _, n := range nodes[1:] {
		waitFor(t, n, "all channels", func(n *Node) bool { return len(n.Subscriptions(nodes[0].name)) == channels })
	}
	s.Close()
	for _, n := range nodes[1:] {
		waitFor(t, n, "no channel", func(n *Node) bool { return len(n.Subscriptions(nodes[0].name)) == 0 })
		if p := peerState(t, n, nodes[0].name, StateUp); p.Flaps != 0 || p.Generation != 1 {
			t.Errorf("%s lost its link: %+v", n.name, p)
		}
	}
}

// The longest message that a configuration can ask for gets through.
func TestLongestMessage(t *testing.T) {
	ca := testConfig(t, "a")
	ca.MaxMessage = maxMaxMessage
	a := start(t, ca)
	cb := testConfig(t, "b")
	cb.MaxMessage, cb.Seeds = maxMaxMessage, []string{a.testAddr()}
	b := start(t, cb)
	s := subscribe(t, a, "longest")
	await(t, b, "longest", 1)
	if _, err := b.Publish(t.Context(), "longest", make([]byte, maxMaxMessage)); err != nil {
		t.Fatal(err)
	}
	if m := arrived(t, s); len(m.Payload) != maxMaxMessage {
		t.Errorf("%d bytes came", len(m.Payload))
	}
	ca.MaxMessage++
	if _, err := Start(t.Context(), ca); err == nil {
		t.Error("a node started with a bound that links do not have room for")
	}
}

// ended is for calls that shall not wait.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// No scope is called as a process that every OTP node has.
func TestScopeNames(t *testing.T) {
	for _, name := range []string{"liminal", "net_kernel", "rex", "init", "user", "undefined", "a\x1b", strings.Repeat("x", 256)} {
		c := testConfig(t, "a")
		c.Scope = name
		if n, err := Start(t.Context(), c); err == nil {
			n.Close()
			t.Errorf("a node started with the scope %q", name)
		}
	}
}
