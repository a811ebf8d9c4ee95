package pg

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/liminal-bus/liminal/internal/etf"
)

// lateness is what one run of TestLateMessages met.
type lateness struct{ late, empty, rejoined int }

// TestLateMessages: what a peer said on a link that has ended, and what its scope
// said before another took its place, changes nothing: no ghost stays, what came
// late is counted, and no group without a member is ever listed. 10,000 random runs.
func TestLateMessages(t *testing.T) {
	runs := 10_000
	if raceEnabled || testing.Short() {
		runs = 1_000
	}
	seed := rand.Uint64()
	var seen lateness
	for i := range runs {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		if err := lateRun(t, r, &seen); err != nil {
			t.Fatalf("run %d of seed %d: %v", i, seed, err)
		}
	}
	t.Logf("seed %d: %+v", seed, seen)
	if seen.late == 0 || seen.empty == 0 || seen.rejoined == 0 {
		t.Errorf("a case was never met: %+v", seen)
	}
}

// lateRun is one life of a link, or of the scope behind it, whose last messages
// come in the next one.
func lateRun(t *testing.T, r *rand.Rand, seen *lateness) error {
	s := newScope()
	before := Origin{"b@h", 8}
	s.LinkUp("1", before)
	first := pidOf(before, 1)
	receive(t, s, "1", before, syncTerm(first, someGroups(r, before, seen)...))
	var late []Message
	for range 1 + r.IntN(4) {
		m, err := Parse(enc(t, change(r, before)), before, Limits{})
		if err != nil {
			return err
		}
		late = append(late, m)
	}
	now, link, scope := before, "2", uint32(2)
	switch r.IntN(3) {
	case 0: // a restart of the node
		now.Creation++
		s.LinkDown("1")
	case 1: // a new link to the same life and the same scope
		scope = 1
		s.LinkDown("1")
	default: // a new scope on the same link
		link = "1"
	}
	if link == "2" {
		s.LinkUp("2", now)
	}
	receive(t, s, link, now, syncTerm(pidOf(now, scope), someGroups(r, now, seen)...))
	want, stale := fmt.Sprint(s.Groups()), s.counts[cStale]
	for i, m := range late {
		if _, err := s.Receive("1", m); err != nil {
			return err
		}
		if got := fmt.Sprint(s.Groups()); got != want {
			return fmt.Errorf("after the %d. late message there are %s, before %s", i+1, got, want)
		}
	}
	seen.late += len(late)
	if got := s.counts[cStale] - stale; got != uint64(len(late)) {
		return fmt.Errorf("%d of %d late messages were counted", got, len(late))
	}
	checkIndex(t, s)
	return rejoined(t, r, s, link, pidOf(now, scope), now, seen)
}

// rejoined has the peer leave all it has, some twice: no group stays listed.
func rejoined(t *testing.T, r *rand.Rand, s *Scope[string], link string, scope etf.Pid, now Origin, seen *lateness) error {
	receive(t, s, link, now, joinTerm(scope, etf.Binary("last"), pidsOf(now, 5, 5)))
	seen.rejoined++
	for _, g := range s.Groups() {
		if len(g.Members) == 0 && !g.Local {
			return fmt.Errorf("%x is listed and has no member", g.Key)
		}
	}
	for range 8 {
		for i := range uint32(6) {
			groups := []etf.Term{etf.Binary("last")}
			for k := range 4 {
				groups = append(groups, etf.Binary(fmt.Sprint(k)))
			}
			r.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
			receive(t, s, link, now, leaveTerm(scope, pidOf(now, i), groups...))
		}
	}
	if left := s.Groups(); len(left) > 0 || s.Size() != 0 {
		return fmt.Errorf("all have left, and listed are %v", left)
	}
	return nil
}

// someGroups are groups of a sync; some have nobody in them.
func someGroups(r *rand.Rand, o Origin, seen *lateness) (out []etf.Term) {
	for k := range 4 {
		ids := make([]uint32, r.IntN(4))
		for i := range ids {
			ids[i] = uint32(r.IntN(6))
		}
		if len(ids) == 0 {
			seen.empty++
		}
		out = append(out, groupTerm(etf.Binary(fmt.Sprint(k)), pidsOf(o, ids...)))
	}
	return out
}

// change is a join or a leave by the scope of number 1.
func change(r *rand.Rand, o Origin) etf.Term {
	group, pid := etf.Binary(fmt.Sprint(r.IntN(4))), pidOf(o, uint32(r.IntN(6)))
	if r.IntN(2) == 0 {
		return joinTerm(pidOf(o, 1), group, pid)
	}
	return leaveTerm(pidOf(o, 1), pid, group)
}
