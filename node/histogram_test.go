package node

import (
	"slices"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/perf"
)

func TestTimings(t *testing.T) {
	for _, c := range []struct {
		name string
		add  []time.Duration
		want []uint64 // at most 1 ms, at most 10 ms, above
		sum  float64
	}{
		{"none", nil, []uint64{0, 0, 0}, 0},
		{"on the bound", []time.Duration{time.Millisecond, 10 * time.Millisecond}, []uint64{1, 1, 0}, .011},
		{"above all", []time.Duration{time.Second}, []uint64{0, 0, 1}, 1},
		{"early is not late", []time.Duration{-time.Second}, []uint64{1, 0, 0}, 0},
	} {
		h := newTimings(.001, .01)
		for _, d := range c.add {
			h.add(d)
		}
		if got := h.read(); !slices.Equal(got.Counts, c.want) || got.Sum != c.sum {
			t.Errorf("%s: %v, sum %v; want %v, %v", c.name, got.Counts, got.Sum, c.want, c.sum)
		}
	}
}

func TestCostOfAHistogram(t *testing.T) {
	h := newRTTs()
	perf.Most(t, "node.histogram.allocs", testing.AllocsPerRun(100, func() { h.add(time.Millisecond) }))
}
