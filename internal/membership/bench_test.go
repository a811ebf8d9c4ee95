package membership

import (
	"fmt"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/perf"
)

// table is a snapshot of n peers that are up.
func table(n int) Snapshot {
	s := Snapshot{Version: 1}
	for i := range n {
		s.Entries = append(s.Entries, up(fmt.Sprintf("node%05d@host", i), 1, 1))
	}
	return s
}

// turn makes the next version, in which the link of row i was replaced.
func turn(s *Snapshot, i int) {
	s.Version++
	s.Entries[i%len(s.Entries)].Generation++
}

func BenchmarkPollUnchanged10k(b *testing.B) {
	t, s := New(), table(10_000)
	t.Poll(s)
	b.ReportAllocs()
	for b.Loop() {
		if !t.Poll(s).Empty() {
			b.Fatal("a delta")
		}
	}
}

func BenchmarkPollOneChange10k(b *testing.B) {
	t, s := New(), table(10_000)
	t.Poll(s)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		turn(&s, i)
		if d := t.Poll(s); len(d.Left) != 1 || len(d.Joined) != 1 {
			b.Fatal(shown(d))
		}
	}
}

// BenchmarkPollAllChanged10k is a partition that healed: everyone is a pair.
func BenchmarkPollAllChanged10k(b *testing.B) {
	t, s := New(), table(10_000)
	t.Poll(s)
	b.ReportAllocs()
	for b.Loop() {
		for i := range s.Entries {
			turn(&s, i)
		}
		if d := t.Poll(s); len(d.Joined) != len(s.Entries) {
			b.Fatal(len(d.Joined))
		}
	}
}

// TestCostOfPolls: nothing for an unchanged version, nothing for a new
// version without news, and for one change only the delta's two lists.
func TestCostOfPolls(t *testing.T) {
	tr, s := New(), table(10_000)
	for range 2 { // both buffers reach their size
		s.Version++
		tr.Poll(s)
	}
	for _, tt := range []struct {
		row  string
		next func()
	}{
		{"membership.unchanged.allocs", func() {}},
		{"membership.no_news.allocs", func() { s.Version++ }},
		{"membership.one_change.allocs", func() { turn(&s, 17) }},
	} {
		perf.Most(t, tt.row, testing.AllocsPerRun(20, func() { tt.next(); tr.Poll(s) }))
	}
}

// TestPollTakes holds the two limits in time, at 10,000 peers: 100 ns for an
// unchanged version, 5 ms for one poll with its diff. The best of many rounds
// counts, so that a busy machine does not decide; the race detector's code is
// not the code that has to meet them.
func TestPollTakes(t *testing.T) {
	if raceEnabled {
		t.Log("limits not applied under the race detector")
	}
	tr, s := New(), table(10_000)
	tr.Poll(s)
	unchanged := best(func() {
		for range 1000 {
			tr.Poll(s)
		}
	}) / 1000
	changed := best(func() { turn(&s, 17); tr.Poll(s) })
	t.Logf("unchanged %v, one change %v", unchanged, changed)
	if !raceEnabled && (unchanged > 100*time.Nanosecond || changed > 5*time.Millisecond) {
		t.Errorf("unchanged %v, want at most 100ns; one change %v, want at most 5ms", unchanged, changed)
	}
}

func best(f func()) time.Duration {
	least := time.Hour
	for range 30 {
		start := time.Now()
		f()
		least = min(least, time.Since(start))
	}
	return least
}
