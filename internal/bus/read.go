package bus

import "context"

// Next waits for a message. The error is ErrClosed, ErrSlow, or the cause of ctx.
func (s *Subscriber) Next(ctx context.Context) (Message, error) {
	var one [1]Message
	_, err := s.Batch(ctx, one[:])
	return one[0], err
}

// Batch waits for at least one message and takes what is there, up to len(dst).
// What is queued is handed out even if ctx has ended. Errors are those of Next
// and come with no message.
func (s *Subscriber) Batch(ctx context.Context, dst []Message) (int, error) {
	for len(dst) > 0 {
		if n, err := s.take(dst); n > 0 || err != nil {
			return n, err
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
	return 0, nil
}

// take moves messages from the queue to dst and lets in publishers that wait
// for the room. If there are none it asks for a token.
func (s *Subscriber) take(dst []Message) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(dst), s.queue.n)
	if n == 0 {
		s.waiting = s.err == nil
		return 0, s.err
	}
	s.fill(dst[:n])
	s.counts.taken += uint64(n)
	if len(s.line) > 0 {
		s.letIn()
	}
	return n, nil
}

// fill hands out as many messages as dst holds, counting off each run of one
// channel at once.
func (s *Subscriber) fill(dst []Message) {
	c, run := s.queue.front().ch, uint64(0)
	for i := range dst {
		e := s.queue.front()
		if e.ch != c {
			c.gone.Add(run)
			c, run = e.ch, 0
		}
		run++
		dst[i] = e.message()
		s.queue.pop()
	}
	c.gone.Add(run)
}
