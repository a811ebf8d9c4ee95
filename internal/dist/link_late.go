package dist

import "sync"

// Late sums what links count after Retire: the writer of one that has ended may
// still be in a write, and only then knows what became of its messages, and who
// has not noticed the end offers more. One is shared by all links of a node.
type Late struct {
	mu  sync.Mutex
	all tallies
}

// tallies are the counters of a link that can move after its end.
type tallies struct {
	offered, written    uint64
	linkDown, inFlight  uint64
	framesOut, bytesOut uint64
}

// Stats gives the sums; only what Late counts is in them.
func (t *Late) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Stats{
		Offered: t.all.offered, Written: t.all.written, FramesOut: t.all.framesOut, BytesOut: t.all.bytesOut,
		Dropped: map[string]uint64{DropLinkDown.String(): t.all.linkDown, DropInFlight.String(): t.all.inFlight},
	}
}

// Retire gives the counters of a link that has ended, to be added to a sum. What
// it counts from here on is counted in late as well.
func (l *Link) Retire(late *Late) Stats { return l.stats(late) }

// tally reads the counters; l.mu is held.
func (l *Link) tally() tallies {
	return tallies{
		offered: l.offered, written: l.data.written.Load() + l.bulk.written.Load(),
		linkDown: l.count.dropped[DropLinkDown].Load(), inFlight: l.count.dropped[DropInFlight].Load(),
		framesOut: l.framesOut, bytesOut: l.bytesOut,
	}
}

// tellLate adds what was counted since before; l.mu is held, and l.late is there.
func (l *Link) tellLate(before tallies) {
	now, t := l.tally(), l.late
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all.offered += now.offered - before.offered
	t.all.written += now.written - before.written
	t.all.linkDown += now.linkDown - before.linkDown
	t.all.inFlight += now.inFlight - before.inFlight
	t.all.framesOut += now.framesOut - before.framesOut
	t.all.bytesOut += now.bytesOut - before.bytesOut
}
