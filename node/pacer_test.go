package node

import (
	"testing"
	"time"
)

// Joins go as fast as they come up to the burst, then at the rate; leaves are not
// held back, and the joins after them pay.
func TestPacer(t *testing.T) {
	now := time.Unix(1000, 0)
	p := newPacer(now)
	for i := range joinBurst {
		if wait := p.take(now); wait != 0 {
			t.Fatalf("join %d waits %v", i, wait)
		}
	}
	if wait := p.take(now); wait <= 0 || wait > time.Second/joinRate+time.Microsecond {
		t.Errorf("the join after the burst waits %v", wait)
	}
	for range joinRate {
		p.take(now) // leaves
	}
	if wait := p.take(now); wait < time.Second || wait > time.Second+time.Millisecond {
		t.Errorf("after a second's leaves a join waits %v", wait)
	}
	if wait := p.take(now.Add(2 * time.Second)); wait != 0 {
		t.Errorf("two seconds later a join waits %v", wait)
	}
	if p.take(now.Add(time.Hour)); p.room != joinBurst-1 {
		t.Errorf("there is room for %v, want no more than the burst", p.room)
	}
}
