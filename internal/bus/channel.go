package bus

import (
	"sync"
	"sync/atomic"
)

// detachedShare bounds the detached in a list of subscribers to this part of it.
// They are taken out together, since each time costs a copy: so the end of n
// subscribers costs n steps, not n squared, and a delivery little more.
const detachedShare = 8

// Channel is one channel of a Bus. It is safe for concurrent use.
type Channel struct {
	bus  *Bus
	name string

	number atomic.Uint64 // packed; 0 while there is no subscriber
	seq    atomic.Uint64
	local  atomic.Uint64 // copies put into queues of subscribers
	gone   atomic.Uint64 // copies that left those queues, taken or dropped
	sent   atomic.Uint64 // copies to remote members
	drops  atomic.Uint64
	moved  atomic.Bool  // the sampler has been told
	holds  atomic.Int32 // changed under Bus.mu

	// subs is written under Bus.mu and mu. A delivery reads its header under
	// mu and the elements after that, so elements are never changed: adding
	// appends, removing copies. A few may be detached: they take nothing.
	mu        sync.Mutex
	subs      []*Subscriber
	detached  int // of subs
	in        uint64
	slab      slab
	forgotten bool

	sampled
}

// Name is the channel's name.
func (c *Channel) Name() string { return c.name }

// Number is the channel's process number while it has a subscriber, else zeros.
// The id is from 1000 to 2^28-1, and no number is used twice in a run.
func (c *Channel) Number() (id, serial uint32) {
	n := unpack(c.number.Load())
	return n.id, n.serial
}

// NextSeq counts what this node publishes on the channel, from 1.
func (c *Channel) NextSeq() uint64 {
	c.bus.moved.channel(c)
	return c.seq.Add(1)
}

// Sent counts n copies that were handed to links.
func (c *Channel) Sent(n int) {
	c.bus.moved.channel(c)
	c.sent.Add(uint64(n))
}

// Dropped counts n copies that were lost on the way to remote members.
func (c *Channel) Dropped(n int) {
	c.bus.moved.channel(c)
	c.drops.Add(uint64(n))
}

// live is how many of subs are not detached; the caller holds c.mu.
func (c *Channel) live() int { return len(c.subs) - c.detached }

// add says whether s is the first subscriber; the caller holds Bus.mu.
func (c *Channel) add(s *Subscriber) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subs = append(c.subs, s)
	return c.live() == 1
}

// remove takes out a subscriber that is detached, and says whether it was the
// last; the caller holds Bus.mu.
func (c *Channel) remove() (last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.detached++
	if c.live() == 0 {
		c.subs, c.detached = nil, 0
		return true
	}
	if c.detached <= len(c.subs)/detachedShare {
		return false
	}
	left := make([]*Subscriber, 0, c.live())
	for _, s := range c.subs {
		if !s.detached {
			left = append(left, s)
		}
	}
	c.subs, c.detached = left, 0
	return false
}
