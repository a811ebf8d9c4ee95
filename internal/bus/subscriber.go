package bus

import "sync"

// Subscriber is one bounded queue of messages. One goroutine reads it; all
// else is safe for concurrent use.
type Subscriber struct {
	bus      *Bus
	policy   Policy
	maxQueue int
	maxBytes int
	ready    chan struct{} // wakes the reader; holds one token
	channels []*Channel    // guarded by Bus.mu
	detached bool          // guarded by Bus.mu

	mu      sync.Mutex
	queue   ring
	line    []*turn // publishers that wait for room, in order
	lost    uint64  // since the newest entry: to be marked on the next
	err     error   // why nothing is taken any more
	waiting bool    // the reader has found nothing and wants a token
	grown   bool    // the sampler looks after the ring
	counts
}

// cause is why a message was dropped; one counter each.
type cause uint8

const (
	oldest       cause = iota // to make room
	disconnected              // its subscriber ran over
	closed                    // its subscriber ended
	blocked                   // its publisher stopped waiting
	causes
)

// counts are what became of the messages that were offered. Guarded by
// Subscriber.mu.
type counts struct {
	offered uint64
	taken   uint64
	dropped [causes]uint64
}

// fate is what became of one message at one subscriber.
type fate uint8

const (
	ended   fate = iota // the subscriber had ended: not offered
	taken               // in the queue
	full                // not offered yet, there is a line; or given up
	ranOver             // the subscriber was disconnected
)

// offer puts e into the queue by the rules of the policy. dropped are the
// messages that this cost.
func (s *Subscriber) offer(e *entry, wait bool) (f fate, dropped int) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return ended, 0
	}
	wait = wait && s.policy == Block
	if !s.fits(e) || wait && len(s.line) > 0 {
		switch {
		case wait:
			s.mu.Unlock()
			return full, 0
		case s.policy == Disconnect:
			dropped = s.runOver(e)
			s.mu.Unlock()
			s.wake()
			return ranOver, dropped
		default:
			dropped = s.makeRoom(e)
		}
	}
	s.put(e)
	wake := s.waiting
	s.waiting = false
	s.mu.Unlock()
	if wake {
		s.wake()
	}
	return taken, dropped
}

// fits says whether e can be queued without dropping anything.
func (s *Subscriber) fits(e *entry) bool {
	return s.queue.n == 0 || s.queue.n < s.maxQueue && s.queue.bytes+len(e.data) <= s.maxBytes
}

// put queues e, behind the mark of what was lost before it.
func (s *Subscriber) put(e *entry) {
	s.offered++
	s.queue.push(e, s.lost)
	s.lost = 0
	if !s.grown && len(s.queue.slots) > minRing {
		s.grown = true
		s.bus.moved.subscriber(s)
	}
}

// makeRoom drops the oldest until e fits.
func (s *Subscriber) makeRoom(e *entry) (dropped int) {
	for !s.fits(e) {
		old := s.queue.front()
		old.ch.drops.Add(1)
		s.drop(oldest)
		dropped++
	}
	return dropped
}

// drop forgets the oldest entry; the loss is marked on the one after it, which
// may be still to come.
func (s *Subscriber) drop(why cause) {
	e := s.queue.front()
	lost := e.lost + 1
	e.ch.gone.Add(1)
	s.queue.pop()
	s.dropped[why]++
	if s.queue.n > 0 {
		s.queue.front().lost += lost
	} else {
		s.lost += lost
	}
}

// runOver ends a Disconnect subscriber for which e was too much.
func (s *Subscriber) runOver(e *entry) (dropped int) {
	s.offered++
	s.dropped[disconnected]++
	e.ch.drops.Add(1)
	for i := range s.queue.n {
		s.queue.at(i).ch.drops.Add(1)
	}
	return 1 + s.finish(ErrSlow, disconnected)
}

// end makes s take nothing more, throws away its queue and lets its reader and
// its publishers go.
func (s *Subscriber) end(err error, why cause) {
	s.mu.Lock()
	s.finish(err, why)
	s.mu.Unlock()
	s.wake()
}

// finish is end under s.mu. The first error stays.
func (s *Subscriber) finish(err error, why cause) (dropped int) {
	if s.err == nil {
		s.err = err
	}
	for s.queue.n > 0 {
		s.drop(why)
		dropped++
	}
	s.queue = ring{}
	s.dismiss()
	return dropped
}

// close makes s take nothing more; what is queued can still be read.
func (s *Subscriber) close() {
	s.mu.Lock()
	if s.err == nil {
		s.err = ErrClosed
	}
	s.dismiss()
	s.mu.Unlock()
	s.wake()
}

// wake gives the reader a token. One too many costs it a look.
func (s *Subscriber) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// Stats are the counts of s since it was made. At any instant
// offered = taken + dropped + queued.
func (s *Subscriber) Stats() (offered, taken, dropped uint64, queued int) {
	t := s.tally()
	return t.offered, t.counts.taken, t.lost(), t.queued
}
