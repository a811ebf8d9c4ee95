package bus

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// clock calls Sample once a second of its own time.
type clock struct {
	b   *Bus
	now time.Time
}

func newClock(b *Bus) *clock {
	c := &clock{b, time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)}
	b.Sample(c.now)
	return c
}

// pass lets d go by, with each called before every Sample.
func (c *clock) pass(d time.Duration, each func()) {
	for end := c.now.Add(d); c.now.Before(end); {
		if each != nil {
			each()
		}
		c.now = c.now.Add(time.Second)
		c.b.Sample(c.now)
	}
}

// TestRates has them reach what goes on, and fall to zero after it.
func TestRates(t *testing.T) {
	b := New(Options{})
	s := subscribe(b, SubscriberOptions{}, "chat")
	chat, c := b.Channel("chat"), newClock(b)
	near := func(when string, in, out float64) {
		t.Helper()
		i, _ := b.Info("chat")
		if math.Abs(i.InRate-in) > in/100 || math.Abs(i.OutRate-out) > out/100 {
			t.Errorf("%s: %v in, %v out; want %v, %v", when, i.InRate, i.OutRate, in, out)
		}
	}
	c.pass(10*time.Second, func() {
		deliver(chat, 1, 100)
		chat.Sent(200)
		drain(s)
	})
	near("steady", 100, 300)
	last := c.now
	c.pass(time.Second, nil)
	near("a second later", 50, 150)
	c.pass(20*time.Second, nil)
	near("later", 0, 0)
	i, _ := b.Info("chat")
	if !i.Last.Equal(last) {
		t.Errorf("last used %v, want %v", i.Last, last)
	}
	if i.In != 1000 || i.Out != 3000 {
		t.Errorf("totals are %+v", i)
	}
	if n := len(b.sampler.warm); n != 0 || b.sampler.idle.n != 0 {
		t.Errorf("a channel at rest with a subscriber is still looked at: %d warm, %d idle", n, b.sampler.idle.n)
	}
	chat.Dropped(1)
	c.pass(time.Second, nil)
	if i, _ := b.Info("chat"); !i.Last.Equal(c.now) {
		t.Error("a drop is no use")
	}
}

// TestSampleClock wants a clock that stands or goes back to do no harm.
func TestSampleClock(t *testing.T) {
	b := New(Options{})
	c := newClock(b)
	chat := b.Channel("chat")
	chat.Sent(10)
	b.Sample(c.now)
	b.Sample(c.now.Add(-time.Hour))
	if i, _ := b.Info("chat"); i.OutRate != 0 || !i.Last.IsZero() {
		t.Errorf("got %+v", i)
	}
	b.Sample(c.now.Add(time.Second / 2))
	i, _ := b.Info("chat")
	if want := 20 * (1 - math.Exp2(-0.5)); math.Abs(i.OutRate-want) > 0.01 {
		t.Errorf("half a second: rate %v, want %v", i.OutRate, want)
	}
}

// TestForget tells what becomes of a channel with traffic in the past.
func TestForget(t *testing.T) {
	for _, tc := range []struct {
		name string
		use  func(b *Bus) (each func())
		kept bool
	}{
		{"published to once", func(b *Bus) func() { deliver(b.Channel("chat"), 1, 1); return nil }, false},
		{"only asked for", func(b *Bus) func() { b.Channel("chat"); return nil }, false},
		{"a subscriber that left", func(b *Bus) func() { b.Detach(subscribe(b, SubscriberOptions{}, "chat")); return nil }, false},
		{"held and released", func(b *Bus) func() { b.Release(b.Hold("chat")); return nil }, false},
		{"held twice, released once", func(b *Bus) func() { b.Hold("chat"); b.Release(b.Hold("chat")); return nil }, true},
		{"a subscriber", func(b *Bus) func() { subscribe(b, SubscriberOptions{}, "chat"); return nil }, true},
		{"asked for again and again", func(b *Bus) func() { return func() { b.Channel("chat") } }, true},
		{"written to through a handle", func(b *Bus) func() { c := b.Channel("chat"); return func() { c.Sent(1) } }, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := New(Options{})
			c := newClock(b)
			each := tc.use(b)
			if each != nil {
				each()
			}
			old := b.channels["chat"]
			c.pass(idleTime+30*time.Second, each)
			if kept := b.channels["chat"] == old; kept != tc.kept {
				t.Errorf("kept: %t, want %t", kept, tc.kept)
			}
		})
	}
}

// TestForgetNotYet is the other side of TestForget's time, and of use in
// the middle of it.
func TestForgetNotYet(t *testing.T) {
	b := New(Options{})
	c := newClock(b)
	deliver(b.Channel("chat"), 1, 1)
	c.pass(idleTime, nil)
	if _, ok := b.Info("chat"); !ok {
		t.Fatalf("forgotten before %v were over", idleTime)
	}
	deliver(b.Channel("chat"), 2, 2)
	c.pass(idleTime, nil)
	if _, ok := b.Info("chat"); !ok {
		t.Fatal("forgotten though it was used in between")
	}
	s := subscribe(b, SubscriberOptions{}, "chat")
	c.pass(3*idleTime, nil)
	b.Detach(s)
	c.pass(idleTime-time.Second, nil)
	if _, ok := b.Info("chat"); !ok {
		t.Fatal("the time its subscriber was there counted as idle")
	}
	before := b.Totals()
	c.pass(time.Minute, nil)
	if _, ok := b.Info("chat"); ok || len(b.channels) != 0 {
		t.Fatal("never forgotten")
	}
	if after := b.Totals(); after.In != before.In || after.In != 2 || after.Drops != before.Drops {
		t.Errorf("totals %+v, and %+v when the channel is forgotten", before, after)
	}
}

// TestTotals sums what List shows.
func TestTotals(t *testing.T) {
	b := New(Options{Queue: 1})
	s := subscribe(b, SubscriberOptions{}, "chat", "news")
	subscribe(b, SubscriberOptions{}, "chat")
	deliver(b.Channel("chat"), 1, 3)
	deliver(b.Channel("news"), 1, 1)
	b.Channel("news").Sent(5)
	drain(s)
	var sum Info
	for _, i := range b.List() {
		sum.Subscribers += i.Subscribers
		sum.In += i.In
		sum.Out += i.Out
		sum.Drops += i.Drops
		sum.Queued += i.Queued
	}
	if got := b.Totals(); got != sum || got.Subscribers != 3 || got.In != 4 || got.Drops == 0 {
		t.Errorf("totals %+v, sum %+v", got, sum)
	}
}

// TestForgottenHandle delivers through a channel that was forgotten: to those
// who subscribed to its successor, which stays.
func TestForgottenHandle(t *testing.T) {
	b := New(Options{})
	c := newClock(b)
	old := b.Channel("chat")
	c.pass(2*idleTime, nil)
	s := subscribe(b, SubscriberOptions{}, "chat")
	if took := old.Deliver(say(1)); took.Enqueued != 1 {
		t.Errorf("took %+v", took)
	}
	if all, _ := drain(s); len(all) != 1 {
		t.Errorf("the subscriber got %d messages, want 1", len(all))
	}
	b.Detach(s)
	c.pass(idleTime-time.Minute, func() { b.Channel("chat") })
	old.Sent(1) // brings the old one back to the sampler
	c.pass(idleTime+time.Minute, func() { b.Channel("chat") })
	if i, ok := b.Info("chat"); !ok || i.In != 1 {
		t.Errorf("the successor went with the old one: %+v, %t", i, ok)
	}
}

// TestForgetMany keeps the last of too many, and none for less than 10 s.
func TestForgetMany(t *testing.T) {
	b := New(Options{})
	c := newClock(b)
	const extra = 10
	for i := range maxIdle + extra {
		if i == extra {
			c.pass(time.Second, nil)
		}
		b.Channel(fmt.Sprint(i))
	}
	c.pass(minIdleTime-time.Second, nil)
	if n := len(b.channels); n != maxIdle+extra {
		t.Fatalf("%d channels are left too soon", n)
	}
	c.pass(30*time.Second, nil)
	if n := len(b.channels); n != maxIdle {
		t.Errorf("%d channels are left, want %d", n, maxIdle)
	}
	for i := range extra {
		if b.channels[fmt.Sprint(i)] != nil {
			t.Errorf("channel %d is left, one of those idle the longest", i)
		}
	}
}

// TestMemoryComesBack looks at rings and slabs after a burst.
func TestMemoryComesBack(t *testing.T) {
	b := New(Options{})
	c := newClock(b)
	s := subscribe(b, SubscriberOptions{}, "chat")
	chat := b.Channel("chat")
	deliver(chat, 1, 50_000)
	if len(s.queue.slots) != 1<<16 || len(chat.slab.free) == 0 {
		t.Fatalf("%d slots and %d bytes for 50,000 messages", len(s.queue.slots), len(chat.slab.free))
	}
	c.pass(5*time.Second, nil)
	if len(s.queue.slots) != 1<<16 {
		t.Errorf("%d slots while all are queued", len(s.queue.slots))
	}
	if all, _ := drain(s); len(all) != 50_000 || all[49_999].Seq != 50_000 {
		t.Fatalf("read %d", len(all))
	}
	c.pass(2*time.Second, nil)
	if n := len(s.queue.slots); n != 0 || s.grown {
		t.Errorf("%d slots after the queue was drained", n)
	}
	if n := len(chat.slab.free); n != 0 {
		t.Errorf("%d bytes of slab in a silent channel", n)
	}
	deliver(chat, 1, 1)
	if n := len(s.queue.slots); n != minRing {
		t.Errorf("%d slots for one message", n)
	}
	if n := len(chat.slab.free); n > minSlab {
		t.Errorf("%d bytes of slab for one message", n)
	}
}

// TestSlabFollowsTraffic has slabs double in a burst and stay small in a trickle.
func TestSlabFollowsTraffic(t *testing.T) {
	var s slab
	var burst []int
	for len(burst) < 9 {
		before := len(s.free)
		if s.cut(100); len(s.free) > before {
			burst = append(burst, len(s.free)+100)
		}
	}
	want := "[1024 2048 4096 8192 16384 32768 65536 131072 131072]"
	if got := fmt.Sprint(burst); got != want {
		t.Errorf("slabs of a burst: %v, want %v", got, want)
	}
	s = slab{}
	for range 1000 {
		s.since = 0 // a Sample
		if s.cut(100); len(s.free) > minSlab {
			t.Fatalf("a slab of more than %d bytes for 100 bytes a second", minSlab)
		}
	}
}
