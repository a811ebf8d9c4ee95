package bus

// tally is the counts of one subscriber or of several, with what is queued.
type tally struct {
	counts
	queued int
}

func (t *tally) add(o tally) {
	t.offered += o.offered
	t.counts.taken += o.counts.taken
	for i, n := range o.dropped {
		t.dropped[i] += n
	}
	t.queued += o.queued
}

// lost is all that was dropped.
func (t *tally) lost() (n uint64) {
	for _, d := range t.dropped {
		n += d
	}
	return n
}

// tally is taken under the lock, so the law holds for it.
func (s *Subscriber) tally() tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	return tally{s.counts, s.queue.n}
}

// Counters are the bus's, a closed set. bus_offered is the sum of bus_taken,
// the bus_dropped ones and bus_queued. They cost a look at every subscriber.
func (b *Bus) Counters() map[string]uint64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	t := b.detached
	for s := range b.subs {
		t.add(s.tally())
	}
	return map[string]uint64{
		"bus_offered":              t.offered,
		"bus_taken":                t.counts.taken, // handed to a reader
		"bus_dropped_oldest":       t.dropped[oldest],
		"bus_dropped_disconnected": t.dropped[disconnected],
		"bus_dropped_closed":       t.dropped[closed],
		"bus_dropped_blocked":      t.dropped[blocked],
		"bus_queued":               uint64(t.queued),
		"bus_subscribers":          uint64(len(b.subs)),
		"bus_channels":             uint64(len(b.channels)),
	}
}
