package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/liminal-bus/liminal/internal/discovery"
)

// stillNode is a node that does nothing by itself: no listener, no loop.
func stillNode(t testing.TB) *Node {
	t.Helper()
	c := testConfig(t, "a")
	c.Logger = slog.New(slog.DiscardHandler)
	n, _, err := build(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.stop)
	return n
}

// emitJoins adds events as a poll would.
func emitJoins(n *Node, count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	b := n.record("b@127.0.0.1")
	b.listed = true
	for range count {
		n.emit(time.Now(), b, Event{Type: EventJoin})
	}
}

// take reads one event that must be there already.
func take(t testing.TB, w *Watcher) Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	ev, err := w.Next(ctx)
	if err != nil {
		t.Fatalf("next event: %v", err)
	}
	return ev
}

// takeSnapshot reads a whole snapshot and returns the seq it stands at.
func takeSnapshot(t testing.TB, w *Watcher) (names []string, at uint64) {
	t.Helper()
	for {
		ev := take(t, w)
		switch ev.Type {
		case EventSnapshotPeer:
			names = append(names, ev.Peer.Name)
		case EventSnapshotEnd:
			if ev.Peers != len(names) {
				t.Fatalf("the end of the snapshot says %d peers, there were %v", ev.Peers, names)
			}
			return names, ev.Seq
		default:
			t.Fatalf("%+v in a snapshot", ev)
		}
	}
}

func TestWatchSnapshotThenEvents(t *testing.T) {
	n := stillNode(t)
	emitJoins(n, 3)
	n.mu.Lock()
	n.record("a0@127.0.0.1").listed = true
	n.record("hidden@127.0.0.1") // by a link that no poll has seen
	n.mu.Unlock()
	w := n.Watch(0)
	emitJoins(n, 2)
	names, at := takeSnapshot(t, w)
	if at != 3 || !slices.Equal(names, []string{"a0@127.0.0.1", "b@127.0.0.1"}) {
		t.Errorf("snapshot of %v at %d", names, at)
	}
	for want := uint64(4); want <= 5; want++ {
		if ev := take(t, w); ev.Seq != want || ev.Type != EventJoin {
			t.Errorf("event %+v, want seq %d", ev, want)
		}
	}
}

func TestWatchSince(t *testing.T) {
	n := stillNode(t)
	emitJoins(n, 10)
	var watchers []*Watcher
	for since := range uint64(11) {
		watchers = append(watchers, n.Watch(since))
	}
	takeSnapshot(t, watchers[0])
	emitJoins(n, 1)
	if ev := take(t, watchers[0]); ev.Seq != 11 {
		t.Errorf("after the snapshot comes %d, want 11", ev.Seq)
	}
	for since, w := range watchers[1:] {
		if ev := take(t, w); ev.Seq != uint64(since)+2 || ev.Type != EventJoin {
			t.Errorf("since %d begins with %+v", since+1, ev)
		}
	}
}

func TestWatchSinceOfAnotherLife(t *testing.T) {
	n := stillNode(t)
	emitJoins(n, 3)
	w := n.Watch(4) // a number that this node has not reached
	if _, at := takeSnapshot(t, w); at != 3 {
		t.Errorf("snapshot at %d", at)
	}
	emitJoins(n, 1)
	if ev := take(t, w); ev.Seq != 4 {
		t.Errorf("then %d, want 4", ev.Seq)
	}
}

func TestWatchGap(t *testing.T) {
	n := stillNode(t)
	w := n.Watch(0)
	takeSnapshot(t, w)
	emitJoins(n, 5)
	for range 5 {
		take(t, w)
	}
	emitJoins(n, ringSize) // as many as are kept: nothing is lost
	if ev := take(t, w); ev.Seq != 6 || ev.Type != EventJoin {
		t.Fatalf("%+v, want event 6", ev)
	}
	emitJoins(n, 2) // one too many
	gap := take(t, w)
	if gap.Type != EventGap || gap.Seq != 6 {
		t.Fatalf("%+v, want a gap after 6", gap)
	}
	names, at := takeSnapshot(t, w)
	if at != n.feed.seq() || len(names) != 1 {
		t.Errorf("snapshot of %v at %d", names, at)
	}
	if gap.Missed != at-gap.Seq {
		t.Errorf("%d missed between %d and the snapshot at %d", gap.Missed, gap.Seq, at)
	}
	emitJoins(n, 1)
	if ev := take(t, w); ev.Type != EventJoin || ev.Seq != at+1 {
		t.Errorf("%+v after the snapshot, want event %d", ev, at+1)
	}
}

// Whatever a watcher does, what it is told fits together: events in order, and
// a gap says exactly what lies between them.
func TestWatchModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := stillNode(t)
		emitJoins(n, rapid.SampledFrom([]int{0, 3, ringSize - 1, ringSize, ringSize + 1}).Draw(rt, "before"))
		pos := uint64(rapid.IntRange(1, 2*ringSize).Draw(rt, "since"))
		w := n.Watch(pos)
		if pos > n.feed.seq() {
			_, pos = takeSnapshot(t, w)
		}
		for range rapid.IntRange(1, 3).Draw(rt, "steps") {
			emitJoins(n, rapid.SampledFrom([]int{1, 2, 100, ringSize, ringSize + 1}).Draw(rt, "more"))
			for range rapid.SampledFrom([]int{1, 3, 200, ringSize + 1}).Draw(rt, "reads") {
				if pos == n.feed.seq() {
					break
				}
				pos = followOne(t, w, pos)
			}
		}
	})
}

func followOne(t *testing.T, w *Watcher, pos uint64) uint64 {
	t.Helper()
	kept := w.n.feed.seq()-pos <= ringSize
	ev := take(t, w)
	if kept != (ev.Type == EventJoin) {
		t.Fatalf("%+v after %d of %d", ev, pos, w.n.feed.seq())
	}
	if kept {
		if ev.Seq != pos+1 {
			t.Fatalf("%d after %d", ev.Seq, pos)
		}
		return ev.Seq
	}
	_, at := takeSnapshot(t, w)
	if ev.Type != EventGap || ev.Seq != pos || ev.Missed != at-pos {
		t.Fatalf("%+v between %d and %d", ev, pos, at)
	}
	return at
}

// The feed against a plain list.
func TestFeedModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFeed()
		var log []Event
		closed := false
		add := func(count int) {
			for range count {
				log = append(log, Event{Type: EventJoin, Coalesced: uint64(len(log))})
				f.add(log[len(log)-1])
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"add": func(rt *rapid.T) { add(rapid.IntRange(1, 10).Draw(rt, "n")) },
			"fill": func(rt *rapid.T) {
				if len(log) > ringSize {
					rt.Skip("long enough")
				}
				add(ringSize - 2)
			},
			"close": func(rt *rapid.T) {
				f.close()
				closed = true
			},
			"": func(rt *rapid.T) {
				if f.seq() != uint64(len(log)) {
					rt.Fatalf("seq %d of %d", f.seq(), len(log))
				}
				checkNext(rt, f, log, closed, uint64(rapid.IntRange(0, len(log)+1).Draw(rt, "pos")))
			},
		})
	})
}

func checkNext(rt *rapid.T, f *feed, log []Event, closed bool, pos uint64) {
	ev, missed, ok, isClosed, wait := f.next(pos)
	last := uint64(len(log))
	switch {
	case isClosed != closed:
		rt.Fatalf("closed is %t", isClosed)
	case pos >= last:
		if ok || missed != 0 || done(wait) || done(f.wait(pos)) != closed {
			rt.Fatalf("nothing is there after %d: %+v, %d missed, ok %t", pos, ev, missed, ok)
		}
	case last-pos > ringSize:
		if ok || missed != last-pos-ringSize || !done(f.wait(pos)) {
			rt.Fatalf("%d missed after %d of %d, ok %t", missed, pos, last, ok)
		}
	case !ok || ev.Seq != pos+1 || ev.Coalesced != log[pos].Coalesced || !done(f.wait(pos)):
		rt.Fatalf("after %d of %d: %+v, ok %t", pos, last, ev, ok)
	}
}

func done(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// next is what Next returned to a goroutine.
type next struct {
	ev  Event
	err error
}

func nextLater(ctx context.Context, w *Watcher) <-chan next {
	c := make(chan next, 1)
	go func() {
		ev, err := w.Next(ctx)
		c <- next{ev, err}
	}()
	return c
}

func TestWatchEnds(t *testing.T) {
	cause := errors.New("the caller's own")
	for _, c := range []struct {
		name string
		end  func(n *Node, w *Watcher, cancel context.CancelCauseFunc)
		want error
	}{
		{"watcher closed", func(_ *Node, w *Watcher, _ context.CancelCauseFunc) { w.Close(); w.Close() }, ErrClosed},
		{"feed closed", func(n *Node, _ *Watcher, _ context.CancelCauseFunc) { n.feed.close() }, ErrClosed},
		{"context", func(_ *Node, _ *Watcher, cancel context.CancelCauseFunc) { cancel(cause) }, cause},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := stillNode(t)
			w := n.Watch(0)
			takeSnapshot(t, w)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			waits := nextLater(ctx, w)
			c.end(n, w, cancel)
			if got := <-waits; !errors.Is(got.err, c.want) {
				t.Errorf("%+v, want %v", got, c.want)
			}
		})
	}
}

// node.stopping is the last event, whatever happens at that moment.
func TestWatchStopping(t *testing.T) {
	n, b := start(t, testConfig(t, "a")), start(t, testConfig(t, "b"))
	w, late := n.Watch(0), n.Watch(0)
	takeSnapshot(t, w)
	if j := n.Join(t.Context(), b.testAddr()); j.Err != nil {
		t.Fatal(j.Err)
	}
	if ev := take(t, w); ev.Type != EventJoin || ev.Peer.Name != b.name {
		t.Fatalf("%+v, want b's join", ev)
	}
	waits := nextLater(t.Context(), w)
	n.Close()
	n.PollOnce()
	if got := <-waits; got.err != nil || got.ev.Type != EventStopping {
		t.Fatalf("%+v, want node.stopping", got)
	}
	for range 2 {
		if ev, err := w.Next(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("after node.stopping %+v, %v", ev, err)
		}
	}
	takeSnapshot(t, late)
	if ev := take(t, late); ev.Type != EventJoin {
		t.Errorf("a late reader got %+v first", ev)
	}
	if ev := take(t, late); ev.Type != EventStopping {
		t.Errorf("a late reader got %+v last", ev)
	}
	w = n.Watch(0) // after the end: what is left to say
	takeSnapshot(t, w)
	if _, err := w.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("a watch of a closed node: %v", err)
	}
}

// Many watchers, begun at different moments, agree on every event.
func TestManyWatchers(t *testing.T) {
	n := stillNode(t)
	const watchers, events = 32, 500
	var wg sync.WaitGroup
	errs := make(chan error, watchers)
	for range watchers {
		wg.Go(func() { errs <- followAll(n.Watch(0), events) })
	}
	for range events {
		emitJoins(n, 1)
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}

// followAll reads until event last and checks that none is missing.
func followAll(w *Watcher, last uint64) error {
	var pos uint64
	for pos < last {
		ev, err := w.Next(context.Background())
		switch {
		case err != nil:
			return err
		case ev.Type == EventSnapshotPeer || ev.Type == EventSnapshotEnd:
			pos = ev.Seq
		case ev.Seq != pos+1:
			return fmt.Errorf("%d after %d", ev.Seq, pos)
		default:
			pos = ev.Seq
		}
	}
	return nil
}

// What an event says of a peer stays as it was at that time.
func TestEventsAreValues(t *testing.T) {
	n := stillNode(t)
	w := n.Watch(0)
	takeSnapshot(t, w)
	n.mu.Lock()
	p := n.record("b@127.0.0.1")
	p.listed = true
	p.setState(StateUp, time.Now())
	n.emit(time.Now(), p, Event{Type: EventJoin})
	p.setState(StateDown, time.Now())
	n.plan.Join(discovery.Address{Name: "b"})
	n.mu.Unlock()
	if ev := take(t, w); ev.Peer.State != StateUp {
		t.Errorf("the join says %s", ev.Peer.State)
	}
}

// A reader that comes back goes on where it was, if this is the node it was at
// and what came since is kept; else it is told that it is not.
func TestWatchAfter(t *testing.T) {
	const last = ringSize + 10
	for _, c := range []struct {
		name     string
		seq      uint64
		creation uint32 // added to that of the node
		gap      uint64 // missed, 0: it goes on
	}{
		{"at the end", last, 0, 0},
		{"before the last", last - 1, 0, 0},
		{"the oldest kept", 10, 0, 0},
		{"kept no more", 9, 0, last - 9},
		{"from the beginning", 0, 0, last},
		{"not reached yet", last + 1, 0, last},
		{"another life", 20, 1, last},
		{"another life, as far", last, 1 << 31, last},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := stillNode(t)
			emitJoins(n, last)
			w := n.WatchAfter(c.seq, n.creation+c.creation)
			from := c.seq
			if c.gap > 0 {
				gap := take(t, w)
				if gap.Type != EventGap || gap.Missed != c.gap || gap.Seq+gap.Missed != n.feed.seq() {
					t.Errorf("it begins with %+v, want a gap of %d", gap, c.gap)
				}
				_, from = takeSnapshot(t, w)
			}
			if from == n.feed.seq() {
				emitJoins(n, 1)
			}
			if ev := take(t, w); ev.Seq != from+1 || ev.Type != EventJoin {
				t.Errorf("after %d comes %+v", from, ev)
			}
		})
	}
	young := stillNode(t)
	emitJoins(young, 2)
	if ev := take(t, young.WatchAfter(0, young.creation)); ev.Seq != 1 || ev.Type != EventJoin {
		t.Errorf("all is kept, and it begins with %+v", ev)
	}
}

// A watch of what was begins with that, and says what it cannot tell.
func TestWatchLast(t *testing.T) {
	n := stillNode(t)
	old := time.Now().Add(-time.Hour)
	begin := func(d time.Duration) (Event, *Watcher) {
		w := n.WatchLast(d)
		return take(t, w), w
	}
	if ev, _ := begin(time.Minute); ev.Type != EventBookmark || ev.Seq != 0 {
		t.Errorf("nothing ever was: %+v", ev)
	}
	n.mu.Lock()
	n.record("b@127.0.0.1").listed = true
	for range 5 {
		n.emit(old, n.peers["b@127.0.0.1"], Event{Type: EventJoin})
	}
	n.mu.Unlock()
	ev, w := begin(time.Minute)
	if ev.Type != EventBookmark || ev.Seq != 5 {
		t.Errorf("all is older: %+v", ev)
	}
	emitJoins(n, 3)
	if ev := take(t, w); ev.Seq != 6 || ev.Type != EventJoin {
		t.Errorf("after the bookmark: %+v", ev)
	}
	if ev, _ := begin(time.Minute); ev.Seq != 6 || ev.Type != EventJoin {
		t.Errorf("the last minute: %+v", ev)
	}
	if ev, _ := begin(2 * time.Hour); ev.Seq != 1 || ev.Type != EventJoin {
		t.Errorf("all there was: %+v", ev)
	}
	emitJoins(n, ringSize-3) // those of old are kept no more
	ev, w = begin(time.Minute)
	if ev.Type != EventGap || ev.Missed != 5 || ev.Seq != 5 {
		t.Errorf("there may have been more: %+v", ev)
	}
	if ev := take(t, w); ev.Seq != 6 || ev.Type != EventJoin {
		t.Errorf("after that: %+v", ev)
	}
	if ev, _ := begin(time.Nanosecond); ev.Type != EventBookmark || ev.Seq != n.feed.seq() {
		t.Errorf("the last moment: %+v", ev)
	}
}
