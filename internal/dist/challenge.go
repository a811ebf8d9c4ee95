package dist

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
)

// Challenges is the set of challenges that one node has put to its peers and
// that are still unanswered. All handshakes of a node share one set, in both
// roles; two nodes in one process have a set each. The zero value is ready.
//
// The digest of the protocol names neither role nor node, so a listener that
// gets us to dial it could hand our own question of another handshake back to
// us and have us answer it. A challenge found in this set is never answered.
type Challenges struct {
	mu   sync.Mutex
	out  map[uint32]struct{} // bounded by the handshakes pending at once
	draw func() uint32       // nil: crypto/rand; tests replay captures
}

// New draws a challenge that is not outstanding and records it.
func (c *Challenges) New() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out == nil {
		c.out = make(map[uint32]struct{})
	}
	for {
		n := c.next()
		if _, taken := c.out[n]; !taken {
			c.out[n] = struct{}{}
			return n
		}
	}
}

func (c *Challenges) next() uint32 {
	if c.draw != nil {
		return c.draw()
	}
	return random32()
}

// Release forgets a challenge when its handshake has ended.
func (c *Challenges) Release(n uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.out, n)
}

// Outstanding reports whether n is a question of our own.
func (c *Challenges) Outstanding(n uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.out[n]
	return ok
}

// Len is the number of outstanding challenges.
func (c *Challenges) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.out)
}

// NewCreation draws the creation of a node: 32 random bits, but not 0 to 3,
// which OTP avoids. It is drawn once a process start, also beside an epmd,
// whose own numbers repeat after its restart.
func NewCreation() uint32 { return newCreation(random32) }

func newCreation(draw func() uint32) uint32 {
	for {
		if n := draw(); n > 3 {
			return n
		}
	}
}

func random32() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return binary.BigEndian.Uint32(b[:])
}
