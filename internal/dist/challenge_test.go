package dist

import (
	"math/bits"
	"testing"
)

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

// TestChallengesAreRandom draws 200,000 numbers: about 4.7 repeats are to be
// expected (n*n/2^33), 30 are beyond chance, and so is a bit out of balance by
// more than eight standard deviations.
func TestChallengesAreRandom(t *testing.T) {
	const n = 200_000
	var c Challenges
	seen := make(map[uint32]bool, n)
	repeats, ones, perBit := 0, 0, [32]int{}
	for range n {
		x := c.New()
		c.Release(x)
		if seen[x] {
			repeats++
		}
		seen[x] = true
		ones += bits.OnesCount32(x)
		for b := range perBit {
			perBit[b] += int(x >> b & 1)
		}
	}
	if repeats > 30 {
		t.Errorf("%d repeats", repeats)
	}
	for b, k := range perBit {
		if d := k - n/2; d > 1800 || d < -1800 {
			t.Errorf("bit %d set %d times of %d", b, k, n)
		}
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
