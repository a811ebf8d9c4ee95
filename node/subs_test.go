package node

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/pg"
)

// subEvents reads what comes until a node is in want channels, and gives the
// events of channels among it as "add chat", "add 12", "remove chat".
func subEvents(t testing.TB, w *Watcher, name string, want int) (got []string) {
	t.Helper()
	for {
		ev := take(t, w)
		if ev.Type != EventSubAdd && ev.Type != EventSubRemove || ev.Peer.Name != name {
			continue
		}
		what := ev.Channel
		if ev.Channel == "" {
			what = fmt.Sprint(ev.Count)
		}
		got = append(got, map[EventType]string{EventSubAdd: "add ", EventSubRemove: "remove "}[ev.Type]+what)
		if ev.Peer.Subs == want {
			return got
		}
	}
}

func channelNames(count int) (names []string) {
	for i := range count {
		names = append(names, fmt.Sprintf("channel-%03d", i))
	}
	return names
}

// What a peer and this node join and leave, one by one and by the hundred.
func TestSubEvents(t *testing.T) {
	a := start(t, quiet(t, "a"))
	b := start(t, quiet(t, "b"))
	early := subscribe(t, b, channelNames(30)...)
	w := a.Watch(0)
	if j := a.Join(t.Context(), b.testAddr()); j.Err != nil {
		t.Fatal(j.Err)
	}
	if got := subEvents(t, w, b.name, 30); !slices.Equal(got, []string{"add 30"}) {
		t.Errorf("the backfill of a newcomer: %v", got)
	}
	for _, step := range []struct {
		do   func()
		subs int
		want []string
	}{
		{func() { subscribe(t, b, "chat") }, 31, []string{"add chat"}},
		{func() { subscribe(t, b, "chat") }, 31, nil}, // its member is there already
		{func() { subscribe(t, b, ":chat") }, 32, []string{"add :chat"}},
		{func() { early.Close() }, 2, nil},
	} {
		step.do()
		waitFor(t, a, "a knows", func(n *Node) bool { return len(n.Subscriptions(b.name)) == step.subs })
		a.PollOnce()
		if p := a.Peers()[0]; p.Subs != step.subs {
			t.Errorf("Peers says %d channels, want %d", p.Subs, step.subs)
		}
		if step.want != nil {
			if got := subEvents(t, w, b.name, step.subs); !slices.Equal(got[len(got)-1:], step.want) {
				t.Errorf("%v, want %v", got, step.want)
			}
		}
	}
	left := subEvents(t, w, b.name, 2)
	if len(left) < 2 || left[0] != "remove channel-000" {
		t.Errorf("30 channels left at once are %v", left)
	}
	own := subscribe(t, a, "mine")
	a.PollOnce()
	if got := subEvents(t, w, a.name, 1); !slices.Equal(got, []string{"add mine"}) {
		t.Errorf("our own: %v", got)
	}
	own.Close()
	a.PollOnce()
	if got := subEvents(t, w, a.name, 0); !slices.Equal(got, []string{"remove mine"}) {
		t.Errorf("our own: %v", got)
	}
	subscribe(t, b, "last")
	waitFor(t, a, "a knows", func(n *Node) bool { return len(n.Subscriptions(b.name)) == 3 })
	b.Close()
	for {
		ev := take(t, w)
		if ev.Type == EventSubRemove {
			t.Errorf("%+v of a peer that goes: its leave says it", ev)
		}
		if ev.Type == EventLeave {
			if ev.Peer.Subs != 0 {
				t.Errorf("it left and is in %d channels", ev.Peer.Subs)
			}
			return
		}
	}
}

// Many changes within one poll are told as a few, and the sums are right.
func TestSubEventsAreFolded(t *testing.T) {
	c := quiet(t, "a")
	c.Poll, c.Tick = time.Hour, 9*time.Hour
	n := start(t, c)
	w := n.Watch(0)
	takeSnapshot(t, w)
	sub := subscribe(t, n, channelNames(100)...)
	subscribe(t, n, "stays")
	gone := subscribe(t, n, "comes and goes") // after the limit, so that it is counted
	gone.Close()
	n.PollOnce()
	got := subEvents(t, w, n.name, 101)
	if len(got) != pg.MaxNamed+2 || got[0] != "add channel-000" || !slices.Equal(got[pg.MaxNamed:], []string{"add 86", "remove 1"}) {
		t.Errorf("%d events: %v", len(got), got)
	}
	seq := n.feed.seq()
	n.PollOnce()
	again := subscribe(t, n, "x")
	again.Close()
	n.PollOnce()
	if n.feed.seq() != seq {
		t.Errorf("nothing changed, and there are %d events more", n.feed.seq()-seq)
	}
	sub.Close()
	n.PollOnce()
	if got := subEvents(t, w, n.name, 1); len(got) != pg.MaxNamed+1 || got[pg.MaxNamed] != "remove 84" {
		t.Errorf("%d events: %v", len(got), got)
	}
}

// The channels of a peer are not told before its join is, however late that is.
func TestSubsFollowTheJoin(t *testing.T) {
	c := quiet(t, "a")
	c.Poll, c.Tick, c.NoNudge = time.Hour, 9*time.Hour, true
	a := start(t, c)
	b := start(t, quiet(t, "b"))
	subscribe(t, b, "one", "two")
	w := a.Watch(0)
	takeSnapshot(t, w)
	if j := b.Join(t.Context(), a.testAddr()); j.Err != nil {
		t.Fatal(j.Err)
	}
	waitFor(t, a, "a knows", func(n *Node) bool { return len(n.Subscriptions(b.name)) == 2 })
	a.pollMu.Lock()
	a.pollSubs(time.Now()) // a poll that finds channels and not yet the link
	left := a.groups.left
	a.pollMu.Unlock()
	if a.feed.seq() != 0 || !left {
		t.Fatalf("%d events before its join, left for later: %t", a.feed.seq(), left)
	}
	a.PollOnce()
	if ev := take(t, w); ev.Type != EventJoin {
		t.Errorf("first %+v", ev)
	}
	if ev := take(t, w); ev.Type != EventSubAdd || ev.Count != 2 || ev.Peer.Subs != 2 {
		t.Errorf("then %+v", ev)
	}
}

// Peers counts the messages of channels on the present link.
func TestPeerTraffic(t *testing.T) {
	a, b := start(t, quiet(t, "a")), start(t, quiet(t, "b"))
	sub := subscribe(t, b, "chat")
	if j := a.Join(t.Context(), b.testAddr()); j.Err != nil {
		t.Fatal(j.Err)
	}
	await(t, a, "chat", 1)
	for range 7 {
		publish(t, a, "chat", "hello")
	}
	for range 7 {
		arrived(t, sub)
	}
	waitFor(t, b, "b has announced a", hasPeers(a.name))
	of := func(n *Node) Peer { return n.Peers()[0] }
	waitFor(t, b, "the counts have come", func(n *Node) bool { return of(b).In == 7 })
	if p := of(a); p.Out != 7 || p.In != 0 || p.Drops != 0 || p.Subs != 1 {
		t.Errorf("a counts %d out, %d in, %d drops, %d channels", p.Out, p.In, p.Drops, p.Subs)
	}
	if p := of(b); p.Out != 0 || p.Drops != 0 || p.Subs != 0 {
		t.Errorf("b counts %d out, %d drops, %d channels", p.Out, p.Drops, p.Subs)
	}
	b.Close()
	peerState(t, a, b.name, StateLeft)
	if p := of(a); p.In+p.Out+p.Drops+uint64(p.Subs) != 0 {
		t.Errorf("without a link: %+v", p)
	}
}
