package dist

import "testing"

func TestChallengesRecord(t *testing.T) {
	var c Challenges
	n := c.New()
	if !c.Outstanding(n) || c.Len() != 1 {
		t.Error("a drawn challenge is not outstanding")
	}
	if c.Outstanding(n + 1) {
		t.Error("another number is outstanding")
	}
	c.Release(n)
	c.Release(n)
	if c.Outstanding(n) || c.Len() != 0 {
		t.Error("a released challenge is outstanding")
	}
}

func TestChallengesDrawAgainWhenOutstanding(t *testing.T) {
	draws := []uint32{5, 5, 5, 6}
	c := Challenges{draw: func() uint32 { n := draws[0]; draws = draws[1:]; return n }}
	if a, b := c.New(), c.New(); a != 5 || b != 6 {
		t.Errorf("drew %d and %d", a, b)
	}
}

func TestZeroChallengesHaveNothing(t *testing.T) {
	var c Challenges
	c.Release(1)
	if c.Outstanding(0) {
		t.Error("outstanding in an empty set")
	}
}

// S9: a million challenges repeat no more often than chance has it. About 116
// repeats are to be expected (n*n/2^33); eight standard deviations more are
// beyond chance, and so is a bit out of balance by as much.
func TestChallengesAreRandom(t *testing.T) {
	const n = 1_000_000
	var c Challenges
	seen := make(map[uint32]bool, n)
	repeats, perBit := 0, [32]int{}
	for range n {
		x := c.New()
		c.Release(x)
		if seen[x] {
			repeats++
		}
		seen[x] = true
		for b := range perBit {
			perBit[b] += int(x >> b & 1)
		}
	}
	if repeats > 203 {
		t.Errorf("%d repeats", repeats)
	}
	for b, k := range perBit {
		if d := k - n/2; d > 4000 || d < -4000 {
			t.Errorf("bit %d set %d times of %d", b, k, n)
		}
	}
}

func TestNewCreationDrawsAgain(t *testing.T) {
	next := uint32(0)
	if n := newCreation(func() uint32 { next++; return next - 1 }); n != 4 {
		t.Errorf("creation %d, want 4: 0 to 3 are OTP's", n)
	}
}

func TestNewCreation(t *testing.T) {
	seen := map[uint32]bool{}
	for range 1000 {
		n := NewCreation()
		if n <= 3 {
			t.Fatalf("creation %d", n)
		}
		seen[n] = true
	}
	if len(seen) < 990 {
		t.Errorf("%d different ones of 1000", len(seen))
	}
}
