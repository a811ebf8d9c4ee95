package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/perf"
)

// bench is a Plan with a clock and a set of links, driven by hand. Without
// jitter each retry pause is its full step: 250 ms, 500 ms, ...
type bench struct {
	t   testing.TB
	p   *Plan
	now time.Time
	up  map[string]bool
}

func newBench(t testing.TB, opts PlanOptions) *bench {
	t.Helper()
	opts.OurName = "a@dev"
	p, err := NewPlan(opts)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, p: p, now: time.Unix(1_700_000_000, 0), up: map[string]bool{}}
}

func (b *bench) seed(s string) uint64 { b.t.Helper(); return b.p.AddSeed(mustParse(b.t, s)) }

func (b *bench) due() []Target {
	return b.p.Due(b.now, func(name string) bool { return b.up[name] })
}

// want checks which addresses are due now, in order, and returns the targets.
func (b *bench) want(addrs ...string) []Target {
	b.t.Helper()
	due := b.due()
	var got []string
	for _, t := range due {
		got = append(got, t.Address.String())
	}
	if !slices.Equal(got, addrs) {
		b.t.Fatalf("due: %v, want %v", got, addrs)
	}
	return due
}

// after moves the clock, checking that nothing is due just before.
func (b *bench) after(d time.Duration, addrs ...string) []Target {
	b.t.Helper()
	b.now = b.now.Add(d - 1)
	b.want()
	b.now = b.now.Add(1)
	return b.want(addrs...)
}

func (b *bench) done(t Target, o Outcome, name string) bool {
	r := Result{Outcome: o, Name: name}
	if o != OutcomeUp {
		r.Err = fmt.Errorf("dial tcp %s: %w", t.Address, syscall.ECONNREFUSED)
	} else {
		b.up[name] = true
	}
	return b.p.Done(t, r, b.now)
}

func (b *bench) down(name string) {
	delete(b.up, name)
	b.p.LinkDown(name, b.now)
}

const ms = time.Millisecond

func TestSeedIsRetriedForEver(t *testing.T) {
	b := newBench(t, PlanOptions{})
	b.seed("h:1")
	d := b.want("h:1")[0]
	b.now = b.now.Add(time.Hour)
	b.want() // in flight
	for _, pause := range []time.Duration{250, 500, 1000, 2000, 4000, 5000, 5000, 5000} {
		b.done(d, OutcomeFailed, "")
		d = b.after(pause*ms, "h:1")[0]
	}
	b.done(d, OutcomeUp, "c@dev")
	b.now = b.now.Add(time.Hour)
	b.want()
	b.down("c@dev")
	d = b.after(250*ms, "h:1")[0]
	if d.Name != "c@dev" || d.Expect != "" {
		t.Errorf("%+v: a label learns who answers and takes anyone", d)
	}
}

func TestDeadSeedDelaysNoOther(t *testing.T) {
	b := newBench(t, PlanOptions{})
	b.seed("dead:1")
	b.seed("slow:1")
	b.seed("b")
	d := b.want("dead:1", "slow:1", "b@dev")
	b.done(d[0], OutcomeFailed, "")
	if d[2].Expect != "b@dev" {
		t.Errorf("%+v", d[2])
	}
	b.done(d[2], OutcomeUp, "b@dev")
	b.after(250*ms, "dead:1") // slow:1 is still out
}

func TestSelfIsSetAside(t *testing.T) {
	b := newBench(t, PlanOptions{})
	b.seed("h:1")
	b.seed("a") // our own name is not dialled at all
	b.done(b.want("h:1")[0], OutcomeSelf, "")
	b.p.AddPeer("a@dev")
	b.p.AddTold("a@dev")
	b.now = b.now.Add(24 * time.Hour)
	b.want()
	for _, s := range b.p.Status() {
		if s.State != StateAside {
			t.Errorf("%+v", s)
		}
	}
	b.p.SetSeeds([]Address{mustParse(t, "h:1"), mustParse(t, "a")})
	b.want("h:1") // a reload tries again
}

func TestLabelAndNameAreOnePeer(t *testing.T) {
	b := newBench(t, PlanOptions{})
	b.seed("h:1")
	b.done(b.want("h:1")[0], OutcomeUp, "c@dev")
	if err := b.p.AddPeer("c@dev"); err != nil {
		t.Fatal(err)
	}
	b.want()
	b.now = b.now.Add(time.Minute)
	b.down("c@dev")
	d := b.after(250*ms, "h:1")[0] // and not c@dev at the same time
	b.done(d, OutcomeFailed, "")
	d = b.want("c@dev")[0] // its turn
	b.now = b.now.Add(time.Second)
	b.want()
	b.done(d, OutcomeUp, "c@dev")
	b.now = b.now.Add(time.Hour)
	b.want()
}

func TestRefusedHoldsEveryWay(t *testing.T) {
	b := newBench(t, PlanOptions{})
	b.seed("h:1")
	b.done(b.want("h:1")[0], OutcomeUp, "c@dev")
	b.p.AddPeer("c@dev")
	b.want()
	b.now = b.now.Add(time.Minute)
	b.down("c@dev")
	b.done(b.after(250*ms, "h:1")[0], OutcomeRefused, "c@dev")
	d := b.after(30*time.Second, "h:1")[0]
	b.done(d, OutcomeRefused, "c@dev")
	d = b.after(60*time.Second, "h:1")[0]
	// Another node with another cookie at the old address says nothing about c@dev.
	b.done(d, OutcomeRefused, "x@dev")
	b.want("c@dev")
}

func TestClaimedNameIsNotLearned(t *testing.T) {
	b := newBench(t, PlanOptions{})
	b.up["c@dev"] = true
	b.seed("h:1")
	b.done(b.want("h:1")[0], OutcomeFailed, "c@dev") // a liar claims to be c@dev
	b.after(250*ms, "h:1")
}

func TestJoinIsAtOnce(t *testing.T) {
	b := newBench(t, PlanOptions{})
	id := b.seed("h:1")
	b.done(b.want("h:1")[0], OutcomeRefused, "")
	b.now = b.now.Add(time.Second)
	b.want()
	if got := b.p.Join(mustParse(t, "h:1")); got != id {
		t.Errorf("target %d, want %d", got, id)
	}
	d := b.want("h:1")[0]
	if d.ID != id || d.Role != RoleSeed|RoleJoined || d.Role.String() != "seed,joined" {
		t.Errorf("%+v (%s)", d, d.Role)
	}
	b.p.Join(mustParse(t, "h:1")) // is out already
	b.want()
	b.done(d, OutcomeRefused, "")
	b.after(30*time.Second, "h:1") // the count began anew
}

func TestYieldWaitsForThePeersLink(t *testing.T) {
	b := newBench(t, PlanOptions{})
	b.seed("c@dev:1")
	b.p.AddPeer("c@dev")
	b.done(b.want("c@dev:1")[0], OutcomeYielded, "c@dev")
	d := b.after(7*time.Second, "c@dev")[0] // no link: go on; nobody else went in between
	if s := b.p.Status()[0]; s.Tries != 0 {
		t.Errorf("%d tries failed, want none", s.Tries)
	}
	b.done(d, OutcomeYielded, "c@dev")
	b.now = b.now.Add(time.Second)
	b.up["c@dev"] = true
	b.now = b.now.Add(time.Hour)
	b.want()
	b.down("c@dev")
	b.after(250*ms, "c@dev:1")
}

// A goodbye ends what was learned; what is configured is dialled on, slowly.
func TestGoodbye(t *testing.T) {
	b := newBench(t, PlanOptions{})
	b.seed("h:1")
	b.done(b.want("h:1")[0], OutcomeUp, "c@dev")
	b.p.AddPeer("c@dev")
	b.p.AddPeer("d@dev")
	b.want() // a peer that has joined is not dialled at once, even if it is gone already
	b.done(b.after(250*ms, "d@dev")[0], OutcomeUp, "d@dev")
	b.now = b.now.Add(time.Minute)
	for _, name := range []string{"c@dev", "d@dev"} {
		delete(b.up, name)
		b.p.Goodbye(name, b.now)
	}
	if b.p.Knows("d@dev") || !b.p.Knows("c@dev") || b.p.Stats().Targets != 1 {
		t.Errorf("%+v: want the seed alone", b.p.Status())
	}
	for range 3 { // not from the shortest pause up
		b.done(b.after(5*time.Second, "h:1")[0], OutcomeFailed, "")
	}
	b.done(b.after(5*time.Second, "h:1")[0], OutcomeUp, "c@dev")
	b.now = b.now.Add(time.Minute)
	b.down("c@dev") // an end without goodbye starts afresh
	b.after(250*ms, "h:1")
}

func TestUnlearn(t *testing.T) {
	b := newBench(t, PlanOptions{})
	b.seed("c")
	b.p.AddPeer("c@dev")
	b.p.AddPeer("d@dev")
	b.want()
	d := b.after(250*ms, "c@dev", "d@dev")
	b.p.Unlearn("c@dev")
	b.p.Unlearn("d@dev")
	if b.p.Knows("d@dev") || !b.p.Knows("c@dev") {
		t.Errorf("%+v: want the seed alone", b.p.Status())
	}
	if wanted := b.done(d[1], OutcomeUp, "d@dev"); wanted {
		t.Error("a dial that came back for an unlearned peer is wanted")
	}
	if wanted := b.done(d[0], OutcomeUp, "c@dev"); !wanted {
		t.Error("the seed's dial is not wanted")
	}
}

func TestSetRetry(t *testing.T) {
	b := newBench(t, PlanOptions{})
	b.seed("h:1")
	b.done(b.want("h:1")[0], OutcomeFailed, "")
	b.p.SetRetry(RetryBackoff(100 * ms))
	b.done(b.after(250*ms, "h:1")[0], OutcomeFailed, "") // the pause had begun
	b.after(100*ms, "h:1")
}

// What is dropped while its dial is out comes back unwanted, unless somebody
// has asked for it again.
func TestClearWhileDialling(t *testing.T) {
	for _, tt := range []struct {
		name   string
		again  func(b *bench)
		wanted bool
	}{
		{"cleared", func(*bench) {}, false},
		{"cleared, joined", func(b *bench) { b.p.Join(mustParse(b.t, "h:1")) }, true},
		{"cleared, seed added again", func(b *bench) { b.seed("h:1") }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, PlanOptions{})
			b.seed("h:1")
			b.done(b.want("h:1")[0], OutcomeUp, "c@dev")
			b.down("c@dev")
			b.now = b.now.Add(time.Second)
			d := b.want("h:1")[0]
			b.p.Clear()
			tt.again(b)
			b.want()
			if got := b.done(d, OutcomeUp, "c@dev"); got != tt.wanted {
				t.Errorf("wanted %t, want %t", got, tt.wanted)
			}
			if b.p.Done(d, Result{}, b.now) {
				t.Error("a second Done was taken")
			}
			b.now = b.now.Add(time.Hour)
			b.want()
			if n := b.p.Stats().InFlight; n != 0 {
				t.Errorf("%d in flight", n)
			}
		})
	}
}

func TestToldIsGivenUp(t *testing.T) {
	b := newBench(t, PlanOptions{ToldTries: 3})
	b.p.AddTold("c@dev")
	b.p.AddTold("d@dev")
	b.p.AddTold("e@dev")
	for range 3 {
		for _, d := range b.due() {
			if d.Name == "e@dev" {
				b.done(d, OutcomeRefused, "e@dev")
			} else {
				b.done(d, OutcomeFailed, "")
			}
		}
		if b.p.byKey["d@dev"] != nil {
			b.p.AddPeer("d@dev") // it joined by itself: no longer hearsay
		}
		b.now = b.now.Add(5 * time.Second)
	}
	b.want("d@dev")
	if s := b.p.Stats(); s.GivenUp != 2 || s.Targets != 1 {
		t.Errorf("%+v", s)
	}
	b.p.AddTold("c@dev") // told again
	b.want("c@dev")
}

func TestPeersAreBounded(t *testing.T) {
	b := newBench(t, PlanOptions{MaxPeers: 2})
	for _, name := range []string{"c@dev", "d@dev", "c@dev"} {
		if err := b.p.AddPeer(name); err != nil {
			t.Error(err)
		}
	}
	if err := b.p.AddPeer("e@dev"); !errors.Is(err, ErrTooMany) {
		t.Error(err)
	}
	if err := b.p.AddTold("e@dev"); !errors.Is(err, ErrTooMany) || b.p.Stats().Refused != 2 {
		t.Errorf("%v, %+v", err, b.p.Stats())
	}
	b.seed("e@dev") // what people configure is not counted
	b.want("e@dev")
	b.after(250*ms, "c@dev", "d@dev")
	if b.p.AddPeer("e") == nil {
		t.Error("a name without host was taken")
	}
}

// A peer that tells of many names cannot keep a real peer from being redialled.
func TestToldGivesWay(t *testing.T) {
	b := newBench(t, PlanOptions{MaxPeers: 3})
	for _, name := range []string{"x@dev", "y@dev", "z@dev"} {
		if err := b.p.AddTold(name); err != nil {
			t.Fatal(err)
		}
	}
	d := b.want("x@dev", "y@dev", "z@dev")
	b.done(d[1], OutcomeFailed, "") // the others are still out
	if err := b.p.AddPeer("c@dev"); err != nil {
		t.Errorf("no room for a peer that was up: %v", err)
	}
	b.want()
	b.after(250*ms, "c@dev")
	if b.p.Knows("y@dev") || b.p.Stats().Refused != 1 || b.p.Stats().Targets != 3 {
		t.Errorf("%+v, %+v", b.p.Stats(), b.p.Status())
	}
	if err := b.p.AddPeer("e@dev"); !errors.Is(err, ErrTooMany) {
		t.Errorf("%v: those whose dial is out were dropped", err)
	}
}

func TestInFlightIsBoundedAndFair(t *testing.T) {
	b := newBench(t, PlanOptions{MaxInFlight: 2})
	for i := range 5 {
		b.seed(fmt.Sprintf("h:%d", i+1))
	}
	d := b.want("h:1", "h:2")
	b.want()
	b.now = b.now.Add(time.Minute)
	b.done(d[0], OutcomeFailed, "")
	b.now = b.now.Add(time.Minute)
	d = append(d[1:], b.want("h:3")...) // h:1 is due as well, but not as long
	b.done(d[0], OutcomeFailed, "")
	b.done(d[1], OutcomeFailed, "")
	b.want("h:4", "h:5")
}

// A peer that hangs up after each handshake is dialled less and less often.
func TestShortLinksDoNotResetTheBackoff(t *testing.T) {
	b := newBench(t, PlanOptions{})
	b.seed("h:1")
	d := b.want("h:1")[0]
	for _, pause := range []time.Duration{250, 500, 1000, 2000, 4000, 5000} {
		b.done(d, OutcomeUp, "c@dev")
		b.want()
		b.now = b.now.Add(10 * ms)
		b.down("c@dev")
		d = b.after(pause*ms, "h:1")[0]
	}
	b.done(d, OutcomeUp, "c@dev")
	b.now = b.now.Add(5 * time.Second)
	b.down("c@dev")
	b.after(250*ms, "h:1")
}

// A link that fell without LinkDown is found within lookAgain and a pause.
func TestLostLinkDown(t *testing.T) {
	b := newBench(t, PlanOptions{})
	b.seed("h:1")
	b.done(b.want("h:1")[0], OutcomeUp, "c@dev")
	b.now = b.now.Add(time.Minute)
	b.want()
	delete(b.up, "c@dev")
	b.want() // not looked at yet
	b.after(lookAgain, []string(nil)...)
	b.after(250*ms, "h:1")
}

func TestSetSeeds(t *testing.T) {
	b := newBench(t, PlanOptions{})
	b.seed("h:1")
	b.seed("h:2")
	b.p.Join(mustParse(t, "h:2"))
	for _, d := range b.want("h:1", "h:2") {
		b.done(d, OutcomeFailed, "")
	}
	b.p.SetSeeds([]Address{mustParse(t, "h:3"), mustParse(t, "h:3")})
	b.want("h:3")
	b.now = b.now.Add(time.Hour)
	b.want("h:2") // joined, so not gone with the seeds
	b.p.Clear()
	if s := b.p.Status(); len(s) != 0 {
		t.Errorf("after Clear: %+v", s)
	}
}

func TestNext(t *testing.T) {
	b := newBench(t, PlanOptions{})
	b.seed("h:1")
	if got := b.p.Next(b.now); !got.Equal(b.now) {
		t.Errorf("after a change: in %v", got.Sub(b.now))
	}
	b.done(b.want("h:1")[0], OutcomeFailed, "")
	b.want()
	if got := b.p.Next(b.now).Sub(b.now); got != 250*ms {
		t.Errorf("in %v, want the back-off", got)
	}
	b.p.Clear()
	b.want()
	if got := b.p.Next(b.now).Sub(b.now); got != lookAgain {
		t.Errorf("in %v, want %v", got, lookAgain)
	}
}

func TestCostOfAnIdlePlan(t *testing.T) {
	b := newBench(t, PlanOptions{MaxPeers: 5000, MaxInFlight: 5000})
	for i := range 2000 {
		b.p.AddPeer(fmt.Sprintf("n%d@dev", i))
	}
	up := func(string) bool { return true }
	b.p.Due(b.now, up)
	perf.Most(t, "discovery.idle.allocs", testing.AllocsPerRun(100, func() { b.p.Due(b.now, up) }))
}

func TestCause(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("dial: %w", syscall.EHOSTUNREACH), syscall.EHOSTUNREACH.Error()},
		{&net.OpError{Op: "dial", Err: context.DeadlineExceeded}, "timed out"},
		{errors.New("odd"), "odd"},
		{&ResolveError{Stage: "host", Err: fmt.Errorf("%w: %w", ErrNoHost, syscall.ECONNREFUSED)}, "no address for host: connection refused"},
	} {
		if got := Cause(tt.err); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
}

func TestNewPlanRefuses(t *testing.T) {
	if _, err := NewPlan(PlanOptions{OurName: "a"}); err == nil || !strings.Contains(err.Error(), "own name") {
		t.Errorf("%v", err)
	}
}
