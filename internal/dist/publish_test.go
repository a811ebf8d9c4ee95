package dist

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/perf"
)

// One table for what the three ways to publish make of what they meet.
func TestPublishOutcomes(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	wait := func(l *Link, to etf.Pid, msg []byte) (uint64, Drop) { return l.PublishWait(ended, to, msg) }
	full := func(l *Link) {
		for published(l, []byte{106}) {
		}
	}
	type way func(*Link, etf.Pid, []byte) (uint64, Drop)
	for _, c := range []struct {
		name    string
		before  func(*Link)
		msg     []byte
		publish way
		want    Drop
		counts  bool
	}{
		{"room", nil, []byte{106}, (*Link).Publish, DropNone, true},
		{"room, try", nil, []byte{106}, (*Link).TryPublish, DropNone, true},
		{"room, wait, though ctx has ended", nil, []byte{106}, wait, DropNone, true},
		{"full", full, []byte{106}, (*Link).Publish, DropFull, true},
		{"full, try", full, []byte{106}, (*Link).TryPublish, DropFull, false},
		{"full, wait", full, []byte{106}, wait, DropFull, true},
		{"empty", nil, nil, (*Link).Publish, DropTooLarge, true},
		{"empty, try", nil, nil, (*Link).TryPublish, DropTooLarge, true},
		{"empty, wait", nil, nil, wait, DropTooLarge, true},
		{"too large, though full", full, payloadOf(65 << 20), (*Link).TryPublish, DropTooLarge, true},
		{"down", func(l *Link) { l.end(ReasonClosed, nil) }, []byte{106}, (*Link).Publish, DropLinkDown, true},
		{"down, try", func(l *Link) { l.end(ReasonClosed, nil) }, []byte{106}, (*Link).TryPublish, DropLinkDown, true},
		{"down, wait", func(l *Link) { full(l); l.end(ReasonClosed, nil) }, []byte{106}, wait, DropLinkDown, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := idleLink(allAgreed, nil)
			if c.before != nil {
				c.before(l)
			}
			s := l.Stats()
			place, drop := c.publish(l, peerPid(7), c.msg)
			if drop != c.want || (place != 0) != (drop == DropNone) {
				t.Errorf("place %d, %v, want %v", place, drop, c.want)
			}
			after, more := l.Stats(), uint64(0)
			if c.counts {
				more = 1
			}
			if after.Offered != s.Offered+more || after.Offered != settled(after)+uint64(after.Queued) {
				t.Errorf("from %+v to %+v", s, after)
			}
			if len(l.waiters) > 0 {
				t.Error("a waiter stays")
			}
		})
	}
}

// names are what goroutines note down, in order.
type names struct {
	mu  sync.Mutex
	all []string
}

func (n *names) add(name string, d Drop) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if d != DropNone {
		name += " " + d.String()
	}
	n.all = append(n.all, name)
}

func (n *names) want(t *testing.T, all ...string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Equal(n.all, all) {
		t.Errorf("%q, want %q", n.all, all)
	}
}

// Those who wait are served in order, before those who came later and do not
// wait; one who gives up lets the next one in.
func TestPublishWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := linkConfig(deadConn{}, allAgreed, nil)
		cfg.Limits.Messages = 1
		l := NewLink(cfg)
		l.Publish(peerPid(9), numbered(0, 100))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var served names
		for i := 1; i <= 4; i++ {
			go func() {
				wait := t.Context()
				if i == 2 {
					wait = ctx
				}
				_, d := l.PublishWait(wait, peerPid(uint32(i)), numbered(uint64(i), 100))
				served.add(fmt.Sprint(i), d)
			}()
			synctest.Wait()
		}
		served.want(t)
		writeByHand(l)
		if _, d := l.TryPublish(peerPid(5), []byte{106}); d != DropFull {
			t.Errorf("overtook those who wait: %v", d)
		}
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		writeByHand(l)
		synctest.Wait()
		writeByHand(l)
		synctest.Wait()
		served.want(t, "1", "2 full", "3", "4")
		if s := l.Stats(); s.Offered != 5 || s.Dropped["full"] != 1 || s.Written != 3 || s.Queued != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// A long message waits for empty lanes, small ones wait behind it, and come in
// when it gives up.
func TestPublishWaitLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := idleLink(allAgreed, nil)
		l.Publish(peerPid(9), []byte{106})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var got names
		publish := func(ctx context.Context, name string, msg []byte) {
			_, d := l.PublishWait(ctx, peerPid(1), msg)
			got.add(name, d)
		}
		go publish(ctx, "long", payloadOf(9<<20))
		synctest.Wait()
		go publish(t.Context(), "small", []byte{106})
		synctest.Wait()
		got.want(t)
		time.Sleep(time.Second - 1)
		synctest.Wait()
		got.want(t)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		slices.Sort(got.all)
		got.want(t, "long full", "small")
	})
}

// The end of the link ends all waiting, and what was waited with is counted.
func TestPublishWaitEndsWithLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := memPipe(1000)
		cfg := linkConfig(ours, allAgreed, &recorder{})
		cfg.Limits.Messages = 2
		l := NewLink(cfg)
		l.Start()
		l.Publish(peerPid(7), payloadOf(1000))
		synctest.Wait() // in flight
		first, _ := l.Publish(peerPid(7), payloadOf(1000))
		drops, errs := make(chan Drop, 3), make(chan error, 1)
		for range 3 {
			go func() {
				_, d := l.PublishWait(context.Background(), peerPid(7), []byte{106})
				drops <- d
			}()
		}
		go func() { errs <- l.Written(context.Background(), first) }()
		synctest.Wait()
		l.Close(ReasonReplaced, nil)
		for range 3 {
			if d := <-drops; d != DropLinkDown {
				t.Errorf("waiter: %v", d)
			}
		}
		if err := <-errs; !errors.Is(err, ErrLinkDown) {
			t.Errorf("written: %v", err)
		}
		l.Wait()
		theirs.Close()
		if s := l.Stats(); s.Offered != 5 || s.Offered != settled(s) || s.Dropped["link_down"] < 4 {
			t.Errorf("%+v", s)
		}
	})
}

// A place tells when its message is written, in either lane.
func TestWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := memPipe(1000)
		l := NewLink(linkConfig(ours, allAgreed, &recorder{}))
		long, _ := l.Publish(peerPid(1), payloadOf(3*fragmentSize))
		small, _ := l.Publish(peerPid(2), payloadOf(1500))
		behind, _ := l.Publish(peerPid(1), payloadOf(10))
		l.Start()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, place := range []uint64{long, small, behind} {
			if err := l.Written(ctx, place); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("place %d, to a peer that does not read: %v", place, err)
			}
		}
		if len(l.flushes) > 0 {
			t.Errorf("%d flushes stay", len(l.flushes))
		}
		var order names
		for place, name := range map[uint64]string{long: "long", small: "small", behind: "behind"} {
			go func() {
				if err := l.Written(t.Context(), place); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				order.add(name, DropNone)
			}()
			synctest.Wait()
		}
		io.ReadFull(theirs, make([]byte, fragmentSize+3000))
		synctest.Wait()
		order.want(t, "small") // with the first fragment
		go io.Copy(io.Discard, theirs)
		synctest.Wait()
		if len(order.all) != 3 {
			t.Errorf("in the end: %v", order.all)
		}
		if err := l.Written(ctx, 0); !errors.Is(err, errNoPlace) {
			t.Errorf("no place: %v", err)
		}
		l.Close(ReasonClosed, nil)
		l.Wait()
		if err := l.Written(t.Context(), long); err != nil {
			t.Errorf("written before the end: %v", err)
		}
		if err := l.Written(t.Context(), behind+2); !errors.Is(err, ErrLinkDown) {
			t.Errorf("not written before the end: %v", err)
		}
		theirs.Close()
	})
}

// Neither PublishWait nor Written allocates where it does not wait.
func TestCostOfPublishWait(t *testing.T) {
	ours, theirs := tcpPair(t)
	l := NewLink(linkConfig(ours, allAgreed, &counting{}))
	l.Start()
	drained := make(chan struct{})
	go func() { io.Copy(io.Discard, theirs); close(drained) }()
	msg := payloadOf(128)
	var place uint64
	publish := func() {
		for l.Stats().Queued > 1000 { // there is room
			runtime.Gosched()
		}
		place, _ = l.PublishWait(t.Context(), peerPid(7), msg)
	}
	for range 2000 {
		publish()
	}
	allocs := testing.AllocsPerRun(2000, func() { l.PublishWait(context.Background(), peerPid(7), msg) })
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	allocs += testing.AllocsPerRun(100, func() {
		if err := l.Written(t.Context(), place); err != nil {
			t.Fatal(err)
		}
	})
	perf.Most(t, "dist.publish_wait.allocs", allocs)
	l.Close(ReasonClosed, nil)
	l.Wait()
	<-drained
}
