package soak

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/otptest"
)

// What a run is asked by.
const (
	envLasts = "LIMINAL_TEST_SOAK"      // a duration, such as 10m
	envSeed  = "LIMINAL_TEST_SOAK_SEED" // a number
	envRate  = "LIMINAL_TEST_SOAK_RATE" // messages a second of each long-lived node
	envJSON  = "LIMINAL_TEST_SOAK_JSON" // a file for the result
)

// setup is what a run is made of.
type setup struct {
	lasts time.Duration
	seed  uint64
	rate  int
	pace  pace
	every time.Duration // between two samples
	otp   bool
}

func newSetup(t *testing.T) setup {
	t.Helper()
	s := setup{lasts: 4 * time.Second, seed: rand.Uint64N(1_000_000), rate: 300, pace: shortPace, every: 250 * time.Millisecond}
	var err error
	if text := os.Getenv(envLasts); text != "" {
		if s.lasts, err = time.ParseDuration(text); err != nil || s.lasts <= 0 {
			t.Fatalf("%s=%s: a duration is wanted, such as 10m", envLasts, text)
		}
	}
	if text := os.Getenv(envSeed); text != "" {
		if s.seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", envSeed, err)
		}
	}
	if text := os.Getenv(envRate); text != "" {
		if s.rate, err = strconv.Atoi(text); err != nil || s.rate < 1 {
			t.Fatalf("%s=%s: a number from 1 is wanted", envRate, text)
		}
	}
	if s.lasts >= 30*time.Second {
		s.pace, s.every = longPace, 2*time.Second
	}
	s.otp = withErlang(t)
	return s
}

// withErlang says whether nodes of OTP take part: it is a soak without them too.
func withErlang(t *testing.T) bool {
	_, err := exec.LookPath("erl")
	switch mode := os.Getenv("LIMINAL_TEST_OTP"); {
	case mode == "off":
		return false
	case err != nil && mode != "require":
		t.Log("no erl here: the soak is without nodes of OTP")
		return false
	}
	otptest.Need(t)
	return true
}

// TestSoak: what a node promises holds after a long time of everything at once.
func TestSoak(t *testing.T) {
	s := newSetup(t)
	plan := newPlan(s.seed, s.lasts, s.pace, s.otp)
	t.Logf("%v with %d actions, seed %d (%s=%d repeats it)", s.lasts, len(plan), s.seed, envSeed, s.seed)
	w := newWorld(t, s.otp)
	for _, n := range w.steady {
		w.must(n.warm(w.begun))
	}
	for _, n := range w.steady {
		n.base = w.restOf(n)
	}
	t.Logf("%v: all is set up", since(w.begun))
	w.live(t, s, plan)
	t.Logf("%v: all is done", since(w.begun))
	r := w.judge(s)
	t.Logf("%v: all is judged", since(w.begun))
	if err := r.write(); err != nil {
		t.Error(err)
	}
	var text strings.Builder
	r.text(&text)
	t.Log("\n" + text.String())
	for _, wrong := range r.Wrong {
		t.Error(wrong)
	}
	if t.Failed() {
		for _, a := range plan {
			t.Log(a)
		}
		for _, n := range w.steady {
			t.Logf("%s has goroutines created by\n%s", n.name, n.goroutines())
		}
		for _, n := range w.steady {
			t.Logf("%s:\n%s", n.name, tail(n.log.String(), 40))
		}
	}
}

// goroutines ends a node with its stacks on its log, and tells who created how
// many.
func (p *proc) goroutines() string {
	if p.signal(syscall.SIGQUIT) != nil {
		return "it has ended"
	}
	<-p.done
	kinds := map[string]int{}
	for line := range strings.Lines(p.log.String()) {
		if by, ok := strings.CutPrefix(line, "created by "); ok {
			by, _, _ = strings.Cut(strings.TrimSpace(by), " in goroutine")
			kinds[by]++
		}
	}
	return strings.ReplaceAll(counts(kinds), ", ", "\n")
}

func tail(text string, count int) string {
	all := strings.SplitAfter(text, "\n")
	return strings.Join(all[max(0, len(all)-count):], "")
}

// live carries the plan out, with all traffic around it, and brings all to rest.
func (w *world) live(t *testing.T, s setup, plan []action) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun := time.Now()
	var talking, watching sync.WaitGroup
	for _, n := range w.steady {
		talking.Go(func() { n.talk(ctx, s.rate, w.failed) })
		watching.Go(func() { n.observe(ctx, begun, s.every, w.failed) })
	}
	watching.Go(func() { w.watchMachine(ctx) })
	shown := begun
	for _, a := range plan {
		if !pause(ctx, time.Until(begun.Add(a.At))) {
			break
		}
		w.do(ctx, a)
		if time.Since(shown) > 30*time.Second {
			shown = time.Now()
			t.Logf("%v: %v", since(begun).Round(time.Second), counts(w.done))
		}
	}
	pause(ctx, time.Until(begun.Add(s.lasts)))
	cancel()
	talking.Wait()
	watching.Wait()
	w.visits.Wait()
	w.endOthers()
}

// watchMachine notes when the machine did not run us: nodes were not run either.
func (w *world) watchMachine(ctx context.Context) {
	for last := time.Now(); pause(ctx, 100*time.Millisecond); last = time.Now() {
		if time.Since(last) > time.Second {
			w.because("", "stall", 0)
		}
	}
}

// endOthers ends those that come and go, paused or not.
func (w *world) endOthers() {
	for _, who := range slices.Sorted(maps.Keys(w.churn)) {
		w.failed(w.part(action{Do: "end", Who: who}, func(g *guest) error {
			if g.otp != nil {
				return g.otp.Kill()
			}
			if err := g.signal(syscall.SIGCONT); err != nil {
				return err
			}
			g.kill()
			return nil
		}))
	}
	for _, n := range w.steady {
		n.slow.hurry.Store(true)
	}
}

// judge brings what is left to rest and holds it against the laws.
func (w *world) judge(s setup) report {
	r := report{
		Schema: "liminal.soak/1", Seed: s.seed, Lasted: since(w.begun).Seconds(), OTP: s.otp, Actions: w.done, Resets: w.resets,
		Events: map[string]int{}, Health: map[string]int{}, Totals: map[string]uint64{}, Wrong: []string{},
		PerPeer: map[string]float64{"goroutines": w.steady[0].unit.goroutines, "fds": w.steady[0].unit.fds},
	}
	told := w.hush(&r)
	w.agree(&r, w.resting)
	if w.otp != nil {
		w.agree(&r, func() []string { return w.withOTP(told) })
	}
	for _, n := range w.steady {
		w.forgetOthers(n)
		report := n.measure(w.settled(n))
		r.Nodes = append(r.Nodes, report)
		r.Wrong = append(r.Wrong, report.wrong()...)
		r.Wrong = append(r.Wrong, w.story(n, r.Events)...)
		r.Wrong = append(r.Wrong, n.log.errors...)
		w.count(n, &r)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, err := range w.errs {
		r.Wrong = append(r.Wrong, err.Error())
	}
	for _, c := range w.causes {
		if c.what == "stall" {
			r.Stalls++
		}
	}
	return r
}

// hush ends what the node of OTP sends, waits until the long-lived ones are
// together, and has each say a last word, behind which readers learn what they
// have lost. It gives what OTP has sent.
func (w *world) hush(r *report) map[string]uint64 {
	var told map[string]uint64
	if w.otp != nil {
		text, err := w.otp.EvalErr("teller ! {stop, self()}, receive {told, M} -> M after 20000 -> late end.")
		w.failed(err)
		told = mapOf(text)
	}
	if err := w.allKnow(w.otp != nil); err != nil {
		r.Wrong = append(r.Wrong, err.Error())
	}
	for _, n := range w.steady {
		w.failed(n.say(1))
	}
	return told
}

// agree waits until nothing is wrong any more, and reports what stays so.
func (w *world) agree(r *report, law func() []string) {
	var wrong []string
	_ = within(calm, func() error {
		if wrong = law(); len(wrong) > 0 {
			return errors.New(wrong[0])
		}
		return nil
	})
	r.Wrong = append(r.Wrong, wrong...)
}

// forgetOthers has a node forget those that are not up, which it would go on
// dialling.
func (w *world) forgetOthers(n *steady) {
	rows, err := n.peers()
	w.failed(err)
	for name, row := range rows {
		if !row.up() {
			w.failed(n.post("/v1/forget", "names", name))
		}
	}
}

// settled waits until a node takes what it took before, and gives what it takes.
func (w *world) settled(n *steady) (now sample) {
	_ = within(calm, func() (err error) {
		if now, err = n.rest(w.t.Context(), w.begun); err != nil {
			return err
		}
		if !near(now.Goroutines, n.base.Goroutines) || !near(now.FDs, n.base.FDs) {
			return fmt.Errorf("%+v", now)
		}
		return nil
	})
	return now
}

// shownTotals are the counters that tell what a run has seen.
var shownTotals = []string{
	"link_offered", "link_written", "link_dropped_full", "link_dropped_link_down", "link_dropped_in_flight", "link_dropped_too_large",
	"bus_offered", "bus_taken", "bus_dropped_oldest", "bus_dropped_closed", "peers_joined", "peers_left", "links_coalesced",
	"links_flapped", "links_replaced", "peers_suspected", "loop_late", "dials_other_cookie", "dropped_unknown_pid",
}

// count adds a node's counters to the totals, and its answers of /health.
func (w *world) count(n *steady, r *report) {
	state, err := n.status()
	w.failed(err)
	c := state.counters()
	for _, name := range shownTotals {
		r.Totals[name] += c[name]
	}
	r.Totals["messages_published"] += n.messages.Load()
	in, err := n.received()
	w.failed(err)
	r.Totals["messages_received"] += in
	r.Totals["reader_got"] += n.fast.got.Load() + n.slow.got.Load()
	r.Totals["reader_lost"] += n.fast.lost.Load() + n.slow.lost.Load()
	n.mu.Lock()
	defer n.mu.Unlock()
	for text, k := range n.health {
		r.Health[text] += k
	}
	r.Totals["scrapes"] += uint64(len(n.samples))
}
