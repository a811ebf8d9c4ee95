package soak

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// action is one line of a plan.
type action struct {
	At  time.Duration `json:"at"`
	Do  string        `json:"do"`
	Who string        `json:"who"`
	For time.Duration `json:"for"` // how long it lasts, of those that end
}

func (a action) String() string {
	s := fmt.Sprintf("%8.1fs  %-8s %s", a.At.Seconds(), a.Do, a.Who)
	if a.For > 0 {
		s += " for " + a.For.String()
	}
	return s
}

// planner draws a plan. It follows what state each comer and goer is in, so that
// nothing is asked of a node that is not there.
type planner struct {
	rnd  *rand.Rand
	pace pace
	otp  bool
	busy map[string]time.Duration // by name: until then it is being done something to
	up   map[string]bool
	list []action
}

// pace is how long things take.
type pace struct {
	step   time.Duration // between two actions at most; at least half of it
	pauses []time.Duration
	away   time.Duration // after leave, at most
	guests time.Duration // readers that hang up, at most
	rotate time.Duration // between two changes of the cookie
}

var (
	longPace = pace{step: 3 * time.Second, pauses: []time.Duration{time.Second, 5 * time.Second, 8 * time.Second},
		away: 5 * time.Second, guests: 10 * time.Second, rotate: 20 * time.Second}
	shortPace = pace{step: 300 * time.Millisecond, pauses: []time.Duration{200 * time.Millisecond},
		away: 400 * time.Millisecond, guests: 500 * time.Millisecond, rotate: time.Second}
)

var (
	steadyNames = []string{"s1", "s2", "s3"}
	churnNames  = []string{"c1", "c2", "c3", "c4"}
)

// churner is the node of OTP that comes and goes.
const churner = "o2"

// newPlan draws the actions of a run of that length, sorted by time.
func newPlan(seed uint64, lasts time.Duration, p pace, otp bool) []action {
	pl := planner{rnd: rand.New(rand.NewPCG(seed, 39)), pace: p, otp: otp, busy: map[string]time.Duration{}, up: map[string]bool{}}
	for t := p.rotate; t < lasts; t += p.rotate {
		pl.add(t, "rotate", "all", 0)
	}
	for t := time.Duration(0); t < lasts; t += p.step/2 + pl.upTo(p.step/2) {
		pl.next(t)
	}
	slices.SortStableFunc(pl.list, func(a, b action) int { return int(a.At - b.At) })
	return pl.list
}

func (p *planner) upTo(d time.Duration) time.Duration {
	return time.Duration(p.rnd.Int64N(int64(d) + 1))
}

func (p *planner) add(at time.Duration, do, who string, lasts time.Duration) {
	p.list = append(p.list, action{at.Round(time.Millisecond), do, who, lasts.Round(time.Millisecond)})
}

// next draws one action: half of them are of those that come and go.
func (p *planner) next(t time.Duration) {
	steady := steadyNames[p.rnd.IntN(len(steadyNames))]
	switch k := p.rnd.IntN(20); {
	case k < 11:
		p.churn(t, churnNames[p.rnd.IntN(len(churnNames))])
	case k < 13:
		p.churnOTP(t)
	case k < 15:
		p.add(t, "flap", steady, 0)
	case k < 17:
		p.add(t, "guests", steady, p.pace.guests/4+p.upTo(p.pace.guests*3/4))
	default:
		p.add(t, "burst", steady, 0)
	}
}

// churn does something to a node that comes and goes, unless something is being
// done to it.
func (p *planner) churn(t time.Duration, who string) {
	if t < p.busy[who] {
		return
	}
	lasts := time.Duration(0)
	do := "start"
	if p.up[who] {
		do = []string{"kill", "stop", "away", "pause", "pause"}[p.rnd.IntN(5)]
	}
	switch do {
	case "away":
		lasts = p.pace.away/4 + p.upTo(p.pace.away*3/4)
	case "pause":
		lasts = p.pace.pauses[p.rnd.IntN(len(p.pace.pauses))]
	default:
		p.up[who] = do == "start"
	}
	p.add(t, do, who, lasts)
	p.busy[who] = t + lasts + p.pace.step/2
	switch do {
	case "away":
		p.add(t+lasts, "back", who, 0)
	case "pause":
		p.add(t+lasts, "resume", who, 0)
	}
}

func (p *planner) churnOTP(t time.Duration) {
	if !p.otp || t < p.busy[churner] {
		return
	}
	do := "otp-start"
	if p.up[churner] {
		do = []string{"otp-kill", "otp-pg"}[p.rnd.IntN(2)]
	}
	p.up[churner] = do != "otp-kill"
	p.add(t, do, churner, 0)
	p.busy[churner] = t + 3*p.pace.step
}

// TestPlan: a seed is a plan, and a long one leaves nothing out.
func TestPlan(t *testing.T) {
	one, same, other := newPlan(1, 10*time.Minute, longPace, true), newPlan(1, 10*time.Minute, longPace, true), newPlan(2, 10*time.Minute, longPace, true)
	if !slices.Equal(one, same) || slices.Equal(one, other) {
		t.Error("a plan does not follow from its seed")
	}
	count := map[string]int{}
	for _, a := range one {
		count[a.Do]++
	}
	for _, do := range strings.Fields("start kill stop away back pause resume flap guests burst rotate otp-start otp-kill otp-pg") {
		if count[do] == 0 {
			t.Errorf("no %s in %d actions", do, len(one))
		}
	}
}
