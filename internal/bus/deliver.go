package bus

import (
	"context"
	"fmt"
)

// Deliver hands m to the subscribers of the channel and never waits: it is for
// what links bring. It also counts the message as one that came in, so it is
// called once a message whether there are subscribers or not.
func (c *Channel) Deliver(m Incoming) Took {
	d := delivery{}
	c.deliver(&m, &d)
	return d.took
}

// DeliverWait is Deliver for publishers on this node: where the queue of a
// Block subscriber is full it waits in line until ctx ends, after all others
// have been served. What was not taken by then is counted as dropped, and the
// error wraps the cause of ctx.
func (c *Channel) DeliverWait(ctx context.Context, m Incoming) (Took, error) {
	d := delivery{wait: true}
	c.deliver(&m, &d)
	if d.turns == nil {
		return d.took, nil
	}
	return c.await(ctx, &d)
}

// delivery is one message under way.
type delivery struct {
	wait  bool
	took  Took
	turns []*turn // places in line at Block subscribers
}

func (c *Channel) deliver(m *Incoming, d *delivery) {
	subs, buf, ok := c.admit(len(m.ID) + len(m.Payload))
	if !ok {
		c.bus.Channel(c.name).deliver(m, d)
		return
	}
	if len(subs) == 0 {
		return
	}
	e := entry{
		ch: c, from: m.From, data: text(buf, m.ID, m.Payload),
		seq: m.Seq, at: m.At, id: uint32(len(m.ID)), enc: m.Encoding,
	}
	for _, s := range subs {
		d.one(s, &e)
	}
	c.local.Add(uint64(d.took.Enqueued))
}

// admit counts a message in and says whom it is for, with n bytes of the slab
// if there is anybody. It is not ok once the channel was forgotten.
func (c *Channel) admit(n int) (subs []*Subscriber, buf []byte, ok bool) {
	c.bus.moved.channel(c) // first: from here on it is not forgotten
	c.mu.Lock()
	if c.forgotten {
		c.mu.Unlock()
		return nil, nil, false
	}
	c.in++
	if subs = c.subs; len(subs) > 0 {
		buf = c.slab.cut(n)
	}
	c.mu.Unlock()
	return subs, buf, true
}

// one offers the message to one subscriber.
func (d *delivery) one(s *Subscriber, e *entry) {
	f, dropped := s.offer(e, d.wait)
	switch f {
	case ended:
		return
	case full:
		t := s.stand(e)
		d.turns = append(d.turns, t)
		return
	case taken:
		d.took.Enqueued++
	case ranOver:
		if told := s.bus.options.Ended; told != nil {
			told(s)
		}
	}
	d.took.Subscribers++
	d.took.Dropped += dropped
}

// await sees all turns to their end. They stand in their lines at the same
// time, so the wait is as long as the longest.
func (c *Channel) await(ctx context.Context, d *delivery) (Took, error) {
	var err error
	for _, t := range d.turns {
		switch t.await(ctx) {
		case ended:
			continue
		case taken:
			d.took.Enqueued++
			t.e.ch.local.Add(1)
		case full:
			d.took.Dropped++
			err = fmt.Errorf("waiting for a subscriber of %q: %w", c.name, context.Cause(ctx))
		}
		d.took.Subscribers++
	}
	return d.took, err
}
