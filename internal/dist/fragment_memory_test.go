package dist

import (
	"runtime"
	"testing"

	"github.com/liminal-bus/liminal/internal/etf"
)

// bounding is a Handler whose processes take what a channel takes.
type bounding struct {
	counting
	most int
}

func (h *bounding) Limit(etf.PidView) int { return h.most }

// S4: 10,000 sequences of fragments that never end, each as long as the bounds
// let it grow: what is received and held stays within the bound, the buffers it
// lies in within a quarter more, and nothing is left once the link is closed.
func TestFragmentAbuseByHeap(t *testing.T) {
	payload := hostileSize(4<<20, 16<<20)
	bound := payload + fragmentSize
	for what, h := range map[string]Handler{
		"to a process with a bound": &bounding{most: 1<<20 + 64<<10},
		"to one without":            &bounding{},
	} {
		t.Run(what, func(t *testing.T) {
			cfg := linkConfig(deadConn{}, allAgreed, h)
			cfg.Limits.Payload = payload
			before := heap()
			l := NewLink(cfg)
			worst := abuse(t, l, uint64(hostileSize(200, 10_000)))
			held := int(heap() - before)
			if worst > bound || worst < bound*9/10 {
				t.Errorf("%d bytes were held at most, want up to %d", worst, bound)
			}
			if held > bound*5/4 {
				t.Errorf("the heap grew by %d bytes for them", held)
			}
			t.Logf("%d bytes held at most, the heap grew by %d", worst, held)
			l.Close(ReasonClosed, nil)
			if left := heap() - before; left > 1<<20 || l.Stats().PartialCounts != 0 {
				t.Errorf("%d bytes in %d sequences are left after close", left, l.Stats().PartialCounts)
			}
			runtime.KeepAlive(l)
		})
	}
}

// abuse opens sequences and feeds all that are open by turns, so that as many as
// are let in grow as long as they may. It returns the most that was counted.
func abuse(t *testing.T, l *Link, sequences uint64) (worst int) {
	t.Helper()
	first := join(nil, controlOf(OpSend, unused, ourPid(7)), make([]byte, 1000))
	more := make([]byte, 20_000)
	const last = 1 << 30
	for seq := range sequences {
		feed(t, l, fragment(typeFirst, seq, last, first))
		for id, s := range l.in.frags.open {
			feed(t, l, fragment(typeNext, id, s.left, more))
		}
		worst = max(worst, l.Stats().PartialBytes)
	}
	return worst
}
