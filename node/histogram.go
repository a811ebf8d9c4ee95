package node

import (
	"sync/atomic"
	"time"
)

// Histogram is a distribution of times as a value. Counts has one entry more
// than Bounds: how many were at most that bound and above the one before it, and
// last how many were above all.
type Histogram struct {
	Bounds []float64 // seconds, rising; shared, not to be changed
	Counts []uint64
	Sum    float64 // seconds
}

// timings counts times without a lock.
type timings struct {
	bounds []float64
	counts []atomic.Uint64
	nanos  atomic.Int64
}

func newTimings(bounds ...float64) *timings {
	return &timings{bounds: bounds, counts: make([]atomic.Uint64, len(bounds)+1)}
}

// add takes one time; a negative one counts as none.
func (t *timings) add(d time.Duration) {
	d = max(d, 0)
	i := 0
	for i < len(t.bounds) && d.Seconds() > t.bounds[i] {
		i++
	}
	t.counts[i].Add(1)
	t.nanos.Add(int64(d))
}

func (t *timings) read() Histogram {
	h := Histogram{Bounds: t.bounds, Counts: make([]uint64, len(t.counts))}
	for i := range t.counts {
		h.Counts[i] = t.counts[i].Load()
	}
	h.Sum = time.Duration(t.nanos.Load()).Seconds()
	return h
}

// The bounds of what the node times. A round trip on one machine is a tenth of a
// millisecond; a poll is late by what the scheduler takes, unless the node was
// stopped.
func newRTTs() *timings {
	return newTimings(.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5)
}

func newPollDelays() *timings {
	return newTimings(.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30)
}
