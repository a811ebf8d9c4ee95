package node

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/liminal-bus/liminal/internal/discovery"
)

// jumped is t on a wall clock that has been set forward or back, at the same
// instant of the monotonic clock. Package time has no way to make one: this
// knows how a Time with a monotonic reading is laid out, and checks it.
func jumped(t *testing.T, at time.Time, d time.Duration) time.Time {
	t.Helper()
	const nanosecondBits = 30
	moved := at
	word := (*uint64)(unsafe.Pointer(&moved)) // has-monotonic bit, 33 bits of seconds, nanoseconds
	*word += uint64(d/time.Second) << nanosecondBits
	if moved.Sub(at) != 0 || moved.Unix()-at.Unix() != int64(d/time.Second) {
		t.Fatalf("%v became %v: the layout of time.Time has changed", at, moved)
	}
	return moved
}

// F11: the wall clock jumps an hour forth and back, between any two beats of the
// loop. Nobody is suspect, no link ends, nothing is dialled early, the loop does
// not think that it is late.
func TestWallClockJumps(t *testing.T) {
	n, b := idleLoop(t)
	var on atomic.Bool
	on.Store(true)
	p := newLight(t, "a", sayingHello, echoing(&on))
	p.dial(n)
	waitFor(t, n, "hello came", saidHello)
	n.PollOnce()
	b.beat(n, 0)
	b.beat(n, 2*time.Second)
	waitFor(t, n, "it has answered", func(n *Node) bool { return n.answeredBy(p.name()) })
	before, seq := n.Peers()[0], n.feed.seq()
	real := b.now
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 0, -time.Hour, time.Hour, 23 * time.Hour} {
		real = real.Add(250 * time.Millisecond)
		b.now = jumped(t, real, jump)
		b.beat(n, 0)
		n.PollOnce()
	}
	after := n.Peers()[0]
	if after.State != StateUp || after.Generation != before.Generation || n.counter("loop_late") != 0 || n.counter("peers_suspected") != 0 {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
	if n.feed.seq() != seq {
		t.Errorf("%d events", n.feed.seq()-seq)
	}
}

// F11: a dial that waits for its time does so by the monotonic clock.
func TestWallClockDialsNothingEarly(t *testing.T) {
	plan, err := discovery.NewPlan(discovery.PlanOptions{OurName: "a@h", Retry: discovery.RetryBackoff(0), Rand: func() float64 { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	addr, err := discovery.ParseAddress("h:9100")
	if err != nil {
		t.Fatal(err)
	}
	plan.SetSeeds([]discovery.Address{addr})
	down := func(string) bool { return false }
	now := time.Now()
	first := plan.Due(now, down)
	if len(first) != 1 {
		t.Fatalf("due at first: %v", first)
	}
	plan.Done(first[0], discovery.Result{Outcome: discovery.OutcomeFailed}, jumped(t, now, -time.Hour))
	if due := plan.Due(jumped(t, now.Add(200*time.Millisecond), time.Hour), down); len(due) != 0 {
		t.Errorf("dialled early: %v", due)
	}
	if due := plan.Due(jumped(t, now.Add(300*time.Millisecond), -time.Hour), down); !slices.Equal(due, first) {
		t.Errorf("due in time: %v, want %v", due, first)
	}
}
