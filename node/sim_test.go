package node

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// How many worlds there are, and which one is looked at closely.
const (
	simSeedsEnv = "LIMINAL_TEST_SEEDS"
	simSeedEnv  = "LIMINAL_TEST_SEED"
)

func simReplays() bool { return os.Getenv(simSeedEnv) != "" }

// simSeeds gives the seeds to run: [first, first+count). The variable has a
// number, or FIRST-LAST.
func simSeeds(t *testing.T) (first, count uint64) {
	if text := os.Getenv(simSeedEnv); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", simSeedEnv, err)
		}
		return seed, 1
	}
	text := os.Getenv(simSeedsEnv)
	if text == "" {
		if raceEnabled {
			return 1, 30
		}
		return 1, 200
	}
	from, to, ok := strings.Cut(text, "-")
	if !ok {
		from, to = "1", text
	}
	first, err := strconv.ParseUint(from, 10, 64)
	last, err2 := strconv.ParseUint(to, 10, 64)
	if err := errors.Join(err, err2); err != nil || last < first {
		t.Fatalf("%s=%s: %v", simSeedsEnv, text, err)
	}
	return first, last - first + 1
}

// F17: whole nodes on a network in memory, of which each seed makes another world:
// faults of every kind, with the laws held against everything after each of
// them; then all heals, and all must agree within healTime.
func TestSimulation(t *testing.T) {
	first, count := simSeeds(t)
	if !raceEnabled { // on one processor most worlds run the same way each time
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	var sum simSum
	for seed := first; seed < first+count; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { sum.add(runSim(t, seed)) })
		})
	}
	sum.report(t, count)
}

func runSim(t *testing.T, seed uint64) *simWorld {
	w := newSimWorld(t, seed)
	if w.phaseA() && w.phaseB() {
		w.lastWords()
	}
	w.close()
	if len(w.wrong) > 0 {
		t.Errorf("%s\nto replay: %s=%d go test ./node -run 'TestSimulation$' -v", w.wrong[0], simSeedEnv, seed)
	}
	if text := w.log.String(); simReplays() {
		t.Logf("%+v\n%s", w.shape, text)
	} else if len(w.wrong) > 0 {
		t.Logf("%+v\n...%s", w.shape, text[max(0, len(text)-8000):])
	}
	return w
}

// phaseA: anything may happen.
func (w *simWorld) phaseA() bool {
	for range 2 {
		w.begin(some(w, w.empty()))
		w.pass(1 + w.upTo(time.Millisecond))
	}
	for end := time.Now().Add(w.shape.phaseA); time.Now().Before(end); {
		if !w.pass(w.upTo(2 * w.shape.gap)) {
			return false
		}
		w.act()
	}
	return w.look()
}

// close ends all that is left, some of it in peace. The bubble ends only when no
// goroutine is left.
func (w *simWorld) close() {
	w.unmask()
	for _, l := range w.living() {
		l.end()
	}
	w.tasks.Wait()
	w.mu.Lock()
	lives := make([]*simLife, 0, len(w.lives))
	for _, l := range w.lives {
		lives = append(lives, l)
	}
	w.mu.Unlock()
	for _, l := range lives {
		<-l.gone
	}
	f := &w.net.Faults
	w.sawn("call refused", f.Refused.Load())
	w.sawn("call unanswered", f.Unanswered.Load())
	w.sawn("half-open found by a reset", f.Bounced.Load())
	w.sawn("sent again after a cut", f.Resent.Load())
	w.sawn("write had to wait", f.Stalled.Load())
}

// simSum adds up what worlds have seen.
type simSum struct {
	mu     sync.Mutex
	seen   map[string]int
	healed map[bool][]time.Duration // by whether somebody was refused
	shapes map[int]int
}

func (s *simSum) add(w *simWorld) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen, s.shapes, s.healed = map[string]int{}, map[int]int{}, map[bool][]time.Duration{}
	}
	for what, n := range w.seen {
		s.seen[what] += n
	}
	s.shapes[w.shape.nodes]++
	refused := w.has("status not_allowed")
	s.healed[refused] = append(s.healed[refused], w.healed)
}

// report fails a run that has proved little.
func (s *simSum) report(t *testing.T, count uint64) {
	t.Logf("worlds by nodes: %v", s.shapes)
	for refused, all := range s.healed {
		slices.Sort(all)
		n := len(all)
		t.Logf("%d worlds, refusals %t: equal views after %v in the middle, %v at 99 %%, %v at worst", n, refused, all[n/2], all[n*99/100], all[n-1])
	}
	t.Logf("seen: %v", s.seen)
	var must []string
	if count >= simEnough {
		must = append(must, simSometimes...)
	}
	if count >= simMany {
		must = append(must, simRarely...)
	}
	for _, what := range must {
		if s.seen[what] == 0 {
			t.Errorf("%q never happened: this proves little", what)
		}
	}
}
