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
// open, and when it would exceed a bound. Fragments that follow are of no open
// sequence then, and are counted as orphans: to remember what was dropped
// would cost memory at the peer's will.
type fragments struct {
	mu    sync.Mutex // the reader adds, Beat expires
	open  map[uint64]*sequence
	bytes int       // held in all open sequences
	now   time.Time // as Beat saw it last

	maxOpen, maxBytes int
	expiry            time.Duration
}

// sequence is one message in the making.
type sequence struct {
	b    []byte
	left uint64    // the number of the next fragment
	seen time.Time // when the last one came, as Beat saw it
}

// first opens a sequence, or gives body back when it was the only fragment.
// drop says what had to be thrown away, if anything.
func (f *fragments) first(id, number uint64, body []byte) (whole []byte, drop Drop) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.open[id]; ok {
		f.forget(id)
		drop = DropFragmentOrder
	}
	switch {
	case number == 1:
		return body, drop
	case len(f.open) >= f.maxOpen || len(body) > f.maxBytes-f.bytes:
		return nil, DropFragmentLimit
	}
	if f.open == nil {
		f.open = make(map[uint64]*sequence)
	}
	f.open[id] = &sequence{b: append([]byte(nil), body...), left: number - 1, seen: f.now}
	f.bytes += len(body)
	return nil, drop
}

// next adds a fragment; whole is the message once it was the last one.
func (f *fragments) next(id, number uint64, body []byte) (whole []byte, drop Drop) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.open[id]
	switch {
	case !ok:
		return nil, DropFragmentOrphan
	case number != s.left:
		f.forget(id)
		return nil, DropFragmentOrder
	case len(body) > f.maxBytes-f.bytes:
		f.forget(id)
		return nil, DropFragmentLimit
	}
	s.b = append(s.b, body...)
	s.left--
	s.seen = f.now
	f.bytes += len(body)
	if number > 1 {
		return nil, dropNone
	}
	f.forget(id)
	return s.b, dropNone
}

// forget drops a sequence; f.mu is held.
func (f *fragments) forget(id uint64) {
	if s, ok := f.open[id]; ok {
		f.bytes -= len(s.b)
		delete(f.open, id)
	}
}

// expire drops the sequences that got nothing for the expiry, and says how
// many. One that came before the first call counts from that call.
func (f *fragments) expire(now time.Time) (expired int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = now
	for id, s := range f.open {
		switch {
		case s.seen.IsZero():
			s.seen = now
		case now.Sub(s.seen) >= f.expiry:
			f.forget(id)
			expired++
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
	f.open, f.bytes, f.maxOpen = nil, 0, 0 // the reader may have one frame to go
	return n
}

// held says how many bytes of how many sequences are open.
func (f *fragments) held() (bytes, sequences int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bytes, len(f.open)
}
