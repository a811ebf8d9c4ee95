package tui

import (
	"math"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestSpark(t *testing.T) {
	for _, tc := range []struct {
		name   string
		values []float64
		cells  int
		ascii  bool
		want   string
	}{
		{"nothing", nil, 4, false, "    "},
		{"no room", []float64{1}, 0, false, ""},
		{"less than none", []float64{1}, -1, false, ""},
		{"steady", []float64{3, 3, 3}, 3, false, "▁▁▁"},
		{"a little", []float64{3, 3.3, 3}, 3, false, "▁▁▁"},
		{"twice", []float64{3, 6, 3}, 3, false, "▁▃▁"},
		{"a spike", []float64{0.3, 0.3, 11}, 3, false, "▁▁█"},
		{"a gap", []float64{3, -1, 3}, 3, false, "▁ ▁"},
		{"the newest stay", []float64{48, 3, 6}, 2, false, "▁▃"},
		{"the newest at the right", []float64{3}, 3, false, "  ▁"},
		{"none is low", []float64{0, 1, 0}, 3, false, "▁▁▁"},
		{"all none", []float64{0, 0}, 2, false, "▁▁"},
		{"not a number", []float64{math.NaN(), 1, math.Inf(1)}, 3, false, " ▁█"},
		{"ascii", []float64{1, 2, 4, 8, 16, -1}, 6, true, "_.-=# "},
	} {
		if got := spark(tc.values, tc.cells, tc.ascii); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestSparkTakesItsColumns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64(), 0, 70).Draw(t, "values")
		cells, ascii := rapid.IntRange(-1, 70).Draw(t, "cells"), rapid.Bool().Draw(t, "ascii")
		got := spark(values, cells, ascii)
		if utf8.RuneCountInString(got) != max(cells, 0) || width(got) != max(cells, 0) || ascii && !printableASCII(got) {
			t.Errorf("%q", got)
		}
	})
}

// at is a time that many seconds after one that every cell begins with.
func at(s int) time.Time { return time.Unix(1_800_000_000+int64(s), 0) }

func TestHistory(t *testing.T) {
	for _, tc := range []struct {
		name string
		fill func(h *history)
		n    int
		want []float64
	}{
		{"zero", func(*history) {}, 2, []float64{-2, -2}},
		{"no cells", func(h *history) { h.add(at(0), 1) }, 0, nil},
		{"one bucket", func(h *history) { h.add(at(0), 1); h.add(at(4), 3); h.add(at(4), 2) }, 60, ending(60, 3)},
		{"the next", func(h *history) { h.add(at(0), 1); h.add(at(5), 2) }, 60, ending(60, 1, 2)},
		{"cells stand on the clock", func(h *history) { h.add(at(20), 9); h.add(at(25), 1) }, 12, ending(12, 9, 1)},
		{"a gap takes its cell", func(h *history) { h.add(at(0), 1); h.gap(at(5)); h.add(at(10), 1); h.add(at(25), 2) }, 12, ending(12, -1, 2)},
		{"back again now", func(h *history) { h.add(at(0), 1); h.gap(at(5)); h.add(at(10), 3) }, 12, ending(12, 3)},
		{"gone now", func(h *history) { h.add(at(0), 1); h.gap(at(5)) }, 12, ending(12, -1)},
		{"a gap within a bucket", func(h *history) { h.add(at(0), 9); h.gap(at(1)); h.add(at(2), 1) }, 60, ending(60, 1)},
		{"a slow poll carries on", func(h *history) { h.add(at(0), 1); h.add(at(20), 2) }, 60, ending(60, 1, 1, 1, 1, 2)},
		{"too slow to know", func(h *history) { h.add(at(0), 1); h.add(at(35), 2) }, 60, ending(60, 1, -2, -2, -2, -2, -2, -2, 2)},
		{"long ago", func(h *history) { h.add(at(0), 1); h.add(at(1000), 2) }, 60, ending(60, 2)},
		{"five minutes", func(h *history) {
			for s := range 400 {
				h.add(at(s), float64(s))
			}
		}, 2, []float64{299, 399}},
		{"a clock set back", func(h *history) { h.add(at(50), 1); h.add(at(0), 2) }, 60, ending(60, 2)},
		{"less than none is a gap", func(h *history) { h.add(at(0), -5) }, 60, ending(60, -1)},
		{"before 1970", func(h *history) { h.add(time.Unix(-1, 0), 4) }, 12, ending(12, 4)},
	} {
		var h history
		tc.fill(&h)
		if got := h.cells(tc.n); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

// ending is n unknown values that end with those.
func ending(n int, values ...float64) []float64 {
	all := slices.Repeat([]float64{histUnknown}, n-len(values))
	return append(all, values...)
}

func TestHistoryNeverPanics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h history
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			now := time.Unix(rapid.Int64Range(-1000, 1000).Draw(t, "now"), 0)
			if rapid.Bool().Draw(t, "gap") {
				h.gap(now)
			} else {
				h.add(now, rapid.Float64().Draw(t, "v"))
			}
			if n := rapid.IntRange(-1, 100).Draw(t, "n"); len(h.cells(n)) != max(n, 0) {
				t.Errorf("%d cells, want %d", len(h.cells(n)), n)
			}
		}
	})
}
