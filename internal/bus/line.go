package bus

import (
	"context"
	"slices"
)

// turn is a publisher's place in line at a full Block queue. The reader that
// makes room moves the message into the queue itself, so nobody overtakes.
type turn struct {
	s    *Subscriber
	e    entry
	done chan struct{}
	fate fate // valid once done is closed
}

// stand puts e at the end of the line, or into the queue if there is room by
// now. It is for Block subscribers.
func (s *Subscriber) stand(e *entry) *turn {
	t := &turn{s: s, e: *e, done: make(chan struct{})}
	s.mu.Lock()
	if s.err != nil {
		t.settle(ended)
	} else {
		s.line = append(s.line, t)
		s.letIn()
	}
	wake := s.waiting && s.queue.n > 0
	s.waiting = s.waiting && !wake
	s.mu.Unlock()
	if wake {
		s.wake()
	}
	return t
}

// settle is called once a turn, under Subscriber.mu.
func (t *turn) settle(f fate) {
	t.fate = f
	close(t.done)
}

// letIn queues the messages at the front of the line for which there is room.
// The caller holds s.mu.
func (s *Subscriber) letIn() {
	n := 0
	for n < len(s.line) && s.fits(&s.line[n].e) {
		s.put(&s.line[n].e)
		s.line[n].settle(taken)
		n++
	}
	s.line = slices.Delete(s.line, 0, n)
	if len(s.line) == 0 {
		s.line = nil
	}
}

// dismiss lets all publishers in line go. The caller holds s.mu.
func (s *Subscriber) dismiss() {
	for _, t := range s.line {
		t.settle(ended)
	}
	s.line = nil
}

// await waits for the turn to be settled, or gives it up when ctx ends.
func (t *turn) await(ctx context.Context) fate {
	select {
	case <-t.done:
		return t.fate
	case <-ctx.Done():
		return t.s.giveUp(t)
	}
}

// giveUp takes t out of the line, unless it was settled just now. The loss is
// marked behind all that is queued, since that is where t would have come.
func (s *Subscriber) giveUp(t *turn) fate {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.line, t)
	if i < 0 {
		return t.fate
	}
	s.line = slices.Delete(s.line, i, i+1)
	s.offered++
	s.dropped[blocked]++
	s.lost++
	t.e.ch.drops.Add(1)
	s.letIn() // a shorter message behind it may fit
	return full
}
