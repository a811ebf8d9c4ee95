package links

import (
	"errors"
	"sync"
	"testing"

	"github.com/liminal-bus/liminal/internal/dist"
)

const rounds = 100 // for each of the four ways to dial

// F17: the same over real sockets, with real goroutines.
func TestSimultaneousOverSockets(t *testing.T) {
	for name, byName := range kinds() {
		t.Run(name, func(t *testing.T) {
			a, b := open(t, "a@h", 1, nil), open(t, "b@h", 2, nil)
			for round := range rounds {
				dialBoth(t, a, b, byName)
				x, y := a.await(t, "b@h"), b.await(t, "a@h")
				if x.Link.LocalAddr().String() != y.Link.RemoteAddr().String() {
					t.Fatalf("round %d: two links, %v and %v", round, x, y)
				}
				if g := uint64(round + 1); x.Generation != g || y.Generation != g {
					t.Fatalf("round %d: generations %d and %d", round, x.Generation, y.Generation)
				}
				x.Link.Close(dist.ReasonClosed, nil)
				a.downs(t, round+1)
				b.downs(t, round+1)
			}
			if n := a.Counters()["links_replaced"] + b.Counters()["links_replaced"]; n != 0 {
				t.Errorf("%d links replaced", n)
			}
		})
	}
}

// dialBoth lets two tables dial each other at once, and returns when both
// dials have.
func dialBoth(t *testing.T, a, b *end, byName []bool) {
	t.Helper()
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for k, pair := range [][2]*end{{a, b}, {b, a}} {
		want := ""
		if byName[k] {
			want = pair[1].name()
		}
		wg.Go(func() {
			<-begin
			_, err := pair[0].reach(pair[1], want)
			for _, ok := range []error{nil, ErrUp, ErrLost, ErrDialling, dist.ErrNOK} {
				if errors.Is(err, ok) {
					return
				}
			}
			t.Errorf("%s dials %s: %v", pair[0].name(), pair[1].name(), err)
		})
	}
	close(begin)
	wg.Wait()
}
