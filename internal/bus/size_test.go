package bus

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/perf"
)

// TestCostOfMessages sends a thousand through: what they allocate is slabs.
func TestCostOfMessages(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	b := New(Options{})
	s := subscribe(b, SubscriberOptions{Policy: Block}, "chat")
	dst := make([]Message, 256)
	in := say(1)
	in.Payload = make([]byte, 128)
	id, serial := b.Channel("chat").Number()
	round := func() {
		for range 500 {
			b.Lookup(id, serial).Deliver(in)
			b.Channel("chat").DeliverWait(context.Background(), in)
		}
		for n := 0; n < 1000; {
			k, _ := s.Batch(context.Background(), dst)
			n += k
		}
	}
	perf.Most(t, "bus.messages1k.allocs", testing.AllocsPerRun(100, round))
	c := newClock(b)
	tick := func() {
		c.now = c.now.Add(time.Second)
		b.Sample(c.now)
	}
	c.pass(time.Minute, nil)
	perf.Most(t, "bus.idle_sample.allocs", testing.AllocsPerRun(100, tick))
}

// TestCostOfIdleChannels: a hundred thousand of each are to be cheap.
func TestCostOfIdleChannels(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes objects larger")
	}
	const n = 20_000
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("channel-", i)
	}
	b := New(Options{})
	c := newClock(b)
	channels := grows(t, n, func() {
		for _, name := range names {
			b.Hold(name)
		}
		c.pass(time.Second, nil)
	})
	subs := grows(t, n, func() {
		for _, name := range names {
			subscribe(b, SubscriberOptions{}, name)
		}
		c.pass(time.Second, nil)
	})
	perf.Most(t, "bus.channel.bytes", float64(channels))
	perf.Most(t, "bus.subscriber.bytes", float64(subs))
	runtime.KeepAlive(b)
}

// grows is how many bytes of heap each of n costs.
func grows(t *testing.T, n int, f func()) int {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return (int(after.HeapAlloc) - int(before.HeapAlloc)) / n
}

// F19: TestFullSize fills queues of 1 MiB with messages of 1 KiB, 2 MiB at a time
// and with one subscriber that keeps all: no more is held than the bounds say,
// and the ring and half-used slabs beside it.
func TestFullSize(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes objects larger")
	}
	const bound = 1 << 20
	b := New(Options{QueueBytes: bound})
	var subs []*Subscriber
	var channels []*Channel
	held := grows(t, 1, func() {
		for i := range 8 {
			s := subscribe(b, SubscriberOptions{}, fmt.Sprint(i))
			subs = append(subs, s)
			c := b.Channel(fmt.Sprint(i))
			channels = append(channels, c)
			for range 10_000 {
				c.Deliver(Incoming{Payload: make([]byte, 1<<10)})
			}
		}
	})
	if limit := 8 * (bound + bound/10 + 2*maxSlab); held > limit || held < 8*bound*9/10 {
		t.Errorf("%d bytes are held, want at most %d", held, limit)
	}
	for _, s := range subs {
		if _, _, _, queued := checkLaw(t, s); queued != 1024 {
			t.Errorf("%d messages are queued, want 1,024", queued)
		}
	}
	runtime.KeepAlive(channels)
}
