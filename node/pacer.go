package node

import "time"

// Joins of this node, as a peer's limit on operations of its scope wants them: a
// peer expels who does more.
const (
	joinRate  = 18_000 // a second
	joinBurst = 200_000
)

// pacer spreads joins and leaves so that no peer takes them for a flood. A
// leave is never held back; the joins after it pay for it.
type pacer struct {
	room float64
	at   time.Time
}

func newPacer(now time.Time) pacer { return pacer{joinBurst, now} }

// take books one operation and says how long a join should wait first.
func (p *pacer) take(now time.Time) time.Duration {
	p.room = min(joinBurst, p.room+now.Sub(p.at).Seconds()*joinRate) - 1
	p.at = now
	if p.room >= 0 {
		return 0
	}
	return time.Duration(-p.room / joinRate * float64(time.Second))
}
