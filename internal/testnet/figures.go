package testnet

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// Figures are times that a fault took.
type Figures struct {
	What string

	mu  sync.Mutex
	all []time.Duration
}

// Add takes one.
func (f *Figures) Add(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, d)
}

// Check logs median and worst, and fails the test for what is outside of least
// and most. Slack is how much later a loaded machine may be.
func (f *Figures) Check(t testing.TB, least, most time.Duration) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.all) == 0 {
		t.Errorf("%s: nothing was measured", f.What)
		return
	}
	slices.Sort(f.all)
	worst := f.all[len(f.all)-1]
	t.Logf("FIGURE %s: %d runs, least %v, median %v, worst %v, promised %s", f.What, len(f.all),
		round(f.all[0]), round(f.all[len(f.all)/2]), round(worst), span(least, most))
	if f.all[0] < least || worst > most+Slack {
		t.Errorf("%s took %v to %v, promised %s", f.What, f.all[0], worst, span(least, most))
	}
}

// Slack is what a busy machine may add to any time.
const Slack = 2 * time.Second

func round(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

func span(least, most time.Duration) string {
	if least == 0 {
		return fmt.Sprintf("at most %v", most)
	}
	return fmt.Sprintf("%v to %v", least, most)
}

func decode(text string, doc any) error {
	if err := json.Unmarshal([]byte(text), doc); err != nil {
		return fmt.Errorf("%w: %q", err, text)
	}
	return nil
}
