package bus

import (
	"slices"
	"strings"
	"sync"
)

// The bounds of a queue where nothing else is said.
const (
	DefaultQueue      = 262_144
	DefaultQueueBytes = 64 << 20
)

// Options are the bus's. Queue and QueueBytes bound the queue of each
// subscriber that names no bounds of its own; not positive means the default.
type Options struct {
	Queue      int // messages
	QueueBytes int // of IDs and payloads
	// Ended is told that a subscriber with the policy Disconnect ran over. It
	// is called without a lock by the goroutine that delivered; whoever owns
	// the subscriber still has to Detach it.
	Ended func(*Subscriber)
}

// SubscriberOptions are one subscriber's; bounds that are not positive are the
// bus's.
type SubscriberOptions struct {
	Policy     Policy
	Queue      int // messages
	QueueBytes int // of IDs and payloads
}

// Bus is the channels and the subscribers of one node. It is safe for
// concurrent use.
type Bus struct {
	options Options
	numbers numbers
	sampler sampler
	moved   moved

	mu       sync.RWMutex
	closed   bool
	channels map[string]*Channel
	subs     map[*Subscriber]struct{} // until they are detached
	detached tally                    // of those that were

	forgotten Info // sums of the channels that were
}

// New makes a bus without channels.
func New(o Options) *Bus {
	o.Queue = positive(o.Queue, DefaultQueue)
	o.QueueBytes = positive(o.QueueBytes, DefaultQueueBytes)
	return &Bus{
		options:  o,
		numbers:  numbers{open: make(map[uint64]*Channel)},
		channels: make(map[string]*Channel),
		subs:     make(map[*Subscriber]struct{}),
	}
}

func positive(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

// Close ends all subscribers: they take nothing more, and their readers get
// what is queued and then ErrClosed. Publishers that wait are let go.
// Subscribers still have to be detached. Close may be called more than once.
func (b *Bus) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for s := range b.subs {
		s.close()
	}
}

// NewSubscriber makes a subscriber of no channel yet. It belongs to the bus
// until Detach. On a closed bus its reader gets ErrClosed.
func (b *Bus) NewSubscriber(o SubscriberOptions) *Subscriber {
	s := &Subscriber{
		bus:      b,
		policy:   o.Policy,
		maxQueue: positive(o.Queue, b.options.Queue),
		maxBytes: positive(o.QueueBytes, b.options.QueueBytes),
		ready:    make(chan struct{}, 1),
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		s.close()
	}
	b.subs[s] = struct{}{}
	return s
}

// Attach subscribes s to the channel of that name. first says that the channel
// had no subscriber before: it has a fresh number now. Attaching twice, or a
// subscriber that was detached, changes nothing.
func (b *Bus) Attach(s *Subscriber, name string) (c *Channel, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c = b.channel(name)
	if _, ok := b.subs[s]; !ok || s.attached(c) {
		return c, false
	}
	s.channels = append(s.channels, c)
	if first = c.add(s); first {
		c.number.Store(b.numbers.give(c).pack())
	}
	return c, first
}

// Emptied is a channel without a subscriber, and the number that it had until
// now: it is void, and never given again.
type Emptied struct {
	Channel    *Channel
	ID, Serial uint32
}

// Detach ends s, also for its reader, and takes it from all its channels.
// What it had queued is dropped. emptied are the channels that are left
// without a subscriber. A second Detach finds nothing to do.
func (b *Bus) Detach(s *Subscriber) (emptied []Emptied) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.subs[s]; !ok {
		return nil
	}
	delete(b.subs, s)
	s.detached = true
	s.end(ErrClosed, closed)
	for _, c := range s.channels {
		if !c.remove() {
			continue
		}
		n := unpack(c.number.Swap(0))
		b.numbers.void(n)
		b.moved.channel(c)
		emptied = append(emptied, Emptied{c, n.id, n.serial})
	}
	s.channels = nil
	b.detached.add(s.tally())
	return emptied
}

// Lookup is the channel that is open under a process number, or nil.
func (b *Bus) Lookup(id, serial uint32) *Channel { return b.numbers.find(number{id, serial}) }

// Channel finds or makes the channel of that name. Without a subscriber or a
// Hold it may be forgotten once it is idle.
func (b *Bus) Channel(name string) *Channel {
	b.mu.RLock()
	c := b.channels[name]
	b.mu.RUnlock()
	if c == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.channel(name)
	}
	b.moved.channel(c) // to be asked for is a use
	return c
}

// Hold is Channel for a publisher that keeps it: the channel is not forgotten
// before as many calls of Release.
func (b *Bus) Hold(name string) *Channel {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.channel(name)
	c.holds.Add(1)
	return c
}

// Release gives up one Hold.
func (b *Bus) Release(c *Channel) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.holds.Add(-1)
	b.moved.channel(c)
}

// channel finds or makes a channel and reports its use; the caller holds b.mu.
func (b *Bus) channel(name string) *Channel {
	c := b.channels[name]
	if c == nil {
		name = strings.Clone(name) // it may be a piece of something long
		c = &Channel{bus: b, name: name}
		b.channels[name] = c
	}
	b.moved.channel(c)
	return c
}

// attached looks through the shorter of two lists; the caller holds Bus.mu.
func (s *Subscriber) attached(c *Channel) bool {
	if len(s.channels) < len(c.subs) {
		return slices.Contains(s.channels, c)
	}
	return slices.Contains(c.subs, s)
}
