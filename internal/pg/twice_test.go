package pg

import "testing"

// S18: what a scope was told once it is not told again: OTP counts a second join,
// and dies of a second leave.
func TestJoinAndLeaveTwice(t *testing.T) {
	s := New[string](Config{Self: pidOf(home, 100)})
	s.LinkUp("b", alice)
	m, err := Parse(enc(t, discoverTerm(pidOf(alice, 1))), alice, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Receive("b", m); err != nil { // from here on it is told
		t.Fatal(err)
	}
	k, pid := binaryKey("g"), pidOf(home, 7)
	for i, step := range []struct {
		do   func() []Out[string]
		want int
	}{
		{func() []Out[string] { return s.Leave(k) }, 0},
		{func() []Out[string] { return s.Join(k, pid) }, 1},
		{func() []Out[string] { return s.Join(k, pid) }, 0},
		{func() []Out[string] { return s.Leave(k) }, 1},
		{func() []Out[string] { return s.Leave(k) }, 0},
	} {
		if outs := step.do(); len(outs) != step.want {
			t.Errorf("step %d sends %v, want %d messages", i+1, outs, step.want)
		}
	}
}
