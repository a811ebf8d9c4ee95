package dist

import (
	"sync"
	"time"
)

// fragments puts payloads together that a peer cut. What one sequence holds is
// laid end to end, control term first, so that a finished one is read like a
// frame that came whole.
//
// A sequence is dropped, counted, and the connection goes on when its numbers
// do not count down to 1, when a first fragment comes for a sequence that is
// open, and when it would exceed a bound, of the link or of its addressee.
// Fragments that follow are of no open sequence then, and are counted as
// orphans: to remember what was dropped would cost memory at the peer's will.
type fragments struct {
	mu    sync.Mutex // the reader adds, Beat expires
	open  map[uint64]*sequence
	kinds [2]holding // of sequences whose addressee sets a bound, and of the others
	now   time.Time  // as Beat saw it last

	// Each kind of sequence has this much for itself: what is sent to those with
	// a bound must not take the room of those that have none and need it all.
	maxOpen, maxBytes int
	expiry            time.Duration
}

// holding is what the open sequences of one kind take.
type holding struct{ count, bytes int }

func (f *fragments) of(s *sequence) *holding {
	if s.most > 0 {
		return &f.kinds[0]
	}
	return &f.kinds[1]
}

// sequence is one message in the making.
type sequence struct {
	b    []byte
	to   recipient
	most int       // bytes of b at the end, 0 if its addressee sets no bound
	left uint64    // the number of the next fragment
	seen time.Time // when the last one came, as Beat saw it
}

// fault says why a fragment of size bytes cannot be added; f.mu is held.
func (f *fragments) fault(s *sequence, size int) Drop {
	switch {
	case s.most > 0 && size > s.most-len(s.b):
		return DropTooLong
	case size > f.maxBytes-f.of(s).bytes:
		return DropFragmentLimit
	}
	return DropNone
}

// add appends a fragment that has no fault; f.mu is held.
func (f *fragments) add(s *sequence, body []byte) {
	s.b = append(s.b, body...)
	s.seen = f.now
	f.of(s).bytes += len(body)
}

// abandon drops the sequence id, if it is open, and says whom it was for.
func (f *fragments) abandon(id uint64) (to recipient, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.open[id]
	if ok {
		f.forget(id)
		to = s.to
	}
	return to, ok
}

// first opens the sequence id, which is not open, with a fragment that is not
// the only one. It says why it did not.
func (f *fragments) first(id, number uint64, body []byte, to recipient, most int) Drop {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &sequence{to: to, most: most, left: number - 1}
	d := f.fault(s, len(body))
	if d == DropNone && f.of(s).count >= f.maxOpen {
		d = DropFragmentLimit
	}
	if d != DropNone {
		return d
	}
	if f.open == nil {
		f.open = make(map[uint64]*sequence)
	}
	f.open[id] = s
	f.of(s).count++
	f.add(s, body)
	return DropNone
}

// next adds a fragment; whole is the message once it was the last one. drop
// says why the sequence, which was for to, was thrown away.
func (f *fragments) next(id, number uint64, body []byte) (whole []byte, to recipient, drop Drop) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.open[id]
	if !ok {
		return nil, to, DropFragmentOrphan
	}
	drop = DropFragmentOrder
	if number == s.left {
		drop = f.fault(s, len(body))
	}
	if drop != DropNone {
		f.forget(id)
		return nil, s.to, drop
	}
	f.add(s, body)
	s.left--
	if number > 1 {
		return nil, to, DropNone
	}
	f.forget(id)
	return s.b, to, DropNone
}

// forget drops a sequence; f.mu is held.
func (f *fragments) forget(id uint64) {
	if s, ok := f.open[id]; ok {
		f.of(s).bytes -= len(s.b)
		f.of(s).count--
		delete(f.open, id)
	}
}

// expire drops the sequences that got nothing for the expiry, and says whom
// they were for. One that came before the first call counts from that call.
func (f *fragments) expire(now time.Time) (expired []recipient) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = now
	for id, s := range f.open {
		switch {
		case s.seen.IsZero():
			s.seen = now
		case now.Sub(s.seen) >= f.expiry:
			f.forget(id)
			expired = append(expired, s.to)
		}
	}
	return expired
}

// forgive starts all clocks afresh.
func (f *fragments) forgive(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = now
	for _, s := range f.open {
		s.seen = now
	}
}

// clear drops everything when the link is gone, and says how many sequences.
func (f *fragments) clear() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.open)
	f.open, f.kinds, f.maxOpen = nil, [2]holding{}, 0 // the reader may have one frame to go
	return n
}

// held says how many bytes of how many sequences are open.
func (f *fragments) held() (bytes, sequences int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kinds[0].bytes + f.kinds[1].bytes, len(f.open)
}
