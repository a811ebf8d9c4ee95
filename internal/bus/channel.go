package bus

import (
	"slices"
	"sync"
	"sync/atomic"
)

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
	// appends, removing copies.
	mu        sync.Mutex
	subs      []*Subscriber
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

// add says whether s is the first subscriber; the caller holds Bus.mu.
func (c *Channel) add(s *Subscriber) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subs = append(c.subs, s)
	return len(c.subs) == 1
}

// remove says whether s was the last subscriber; the caller holds Bus.mu.
func (c *Channel) remove(s *Subscriber) (last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.subs, s)
	if len(c.subs) == 1 {
		c.subs = nil
		return true
	}
	left := make([]*Subscriber, 0, len(c.subs))
	c.subs = append(append(left, c.subs[:i]...), c.subs[i+1:]...)
	return false
}
