package node

import (
	"cmp"
	"math/rand/v2"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/links"
)

// seams are what a simulation puts in place of the machine. The zero value is
// the machine. What decides a schedule comes through here: sockets, the jitter
// of back-offs, and which life of its name a node is. Time does not, since a
// test's clock is the runtime's affair (testing/synctest), nor do the challenges
// of handshakes, which decide nothing but who may come in.
type seams struct {
	net      links.Net      // nil: the kernel's
	rand     func() float64 // in [0, 1), called under Node.mu; nil: math/rand
	creation uint32         // 0: drawn
}

// chance is a random number in [0, 1).
func (s seams) chance() float64 {
	if s.rand != nil {
		return s.rand()
	}
	return rand.Float64()
}

// life is the creation of a node that starts.
func (s seams) life() uint32 { return cmp.Or(s.creation, dist.NewCreation()) }
