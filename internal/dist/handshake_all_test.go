package dist

import (
	"maps"
	"slices"
	"testing"
	"time"
)

// The sequences of handshake_states_test.go once more, with nothing left out:
// a machine that has ended is given all that follows too, so the count is the
// plain 14 + 14^2 + ... and needs no argument why a part may be skipped. The
// machine is copied where the sequences part.

// tally is what came of all sequences.
type tally struct {
	sequences int
	up        []string // those after which the machine said done
}

// playAll gives m each of the alphabet, and each of what follows from there,
// depth deep.
func playAll(t *testing.T, m stepper, alphabet []letter, depth int) (got tally) {
	t.Helper()
	var walk func(m stepper, path []letter)
	walk = func(m stepper, path []letter) {
		over := m.Stage() == ""
		for _, l := range alphabet {
			next, seq := fork(m), append(path, l)
			out, done, err := next.Step(l.body, 0)
			got.sequences++
			if over && (out != nil || done || err == nil) {
				t.Fatalf("%s: the last woke a machine that had ended", spell(seq))
			}
			if done {
				got.up = append(got.up, spell(seq))
			}
			if len(seq) < depth {
				walk(next, seq)
			}
		}
	}
	walk(m, make([]letter, 0, depth))
	slices.Sort(got.up)
	return got
}

// fork copies a machine and the challenges that are out, so that none sees
// those of another sequence. One that has ended is never changed again.
func fork(m stepper) stepper {
	if m.Stage() == "" {
		return m
	}
	switch m := m.(type) {
	case *Acceptor:
		c := *m
		c.local.Challenges = forkSet(c.local.Challenges)
		return &c
	case *Initiator:
		c := *m
		c.local.Challenges = forkSet(c.local.Challenges)
		return &c
	}
	panic("no machine")
}

func forkSet(c *Challenges) *Challenges {
	return &Challenges{draw: c.draw, out: maps.Clone(c.out)}
}

// every is 14 + 14^2 + ... + 14^depth.
func every(depth int) (n int) {
	for power := 1; depth > 0; depth-- {
		power *= 14
		n += power
	}
	return n
}

// S6: of all sequences of the fourteen messages an acceptor can be sent, only
// those two that hold the right digest in its place lead to a link; the table
// is asked for one nowhere else.
func TestNothingLeadsAroundTheProofAcceptor(t *testing.T) {
	depth := hostileSize(5, 6)
	var proved int
	hooks := AcceptorHooks{Admit: admitByName, Established: func(Remote) error { proved++; return nil }}
	start := time.Now()
	got := playAll(t, acceptorFor(t, testLocal(), hooks), acceptorAlphabet(), depth)
	checkTally(t, got, depth, []string{"name of a live peer, true, good reply", "name, good reply"})
	if proved != len(got.up) {
		t.Errorf("the table was asked for %d links", proved)
	}
	t.Logf("%d sequences in %v", got.sequences, time.Since(start))
}

// S6: the same for the one who dials.
func TestNothingLeadsAroundTheProofInitiator(t *testing.T) {
	depth := hostileSize(5, 6)
	l := testLocal()
	l.Challenges.out = map[uint32]struct{}{ourChallenge + 1: {}} // of another handshake
	start := time.Now()
	got := playAll(t, initiatorFor(t, l, InitiatorHooks{Want: "peer@host"}), initiatorAlphabet(), depth)
	checkTally(t, got, depth, []string{"alive, challenge, ack", "ok, challenge, ack", "ok_simultaneous, challenge, ack"})
	t.Logf("%d sequences in %v", got.sequences, time.Since(start))
}

func checkTally(t *testing.T, got tally, depth int, up []string) {
	t.Helper()
	if got.sequences != every(depth) {
		t.Errorf("%d sequences were played, want %d", got.sequences, every(depth))
	}
	if !slices.Equal(got.up, up) {
		t.Errorf("up after %d, the first of them %q, want %q", len(got.up), got.up[:min(len(got.up), 5)], up)
	}
}
