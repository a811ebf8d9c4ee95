package bus

import "time"

const (
	// idleTime is how long a channel without subscribers stays after its
	// rates have fallen to zero.
	idleTime = 10 * time.Minute
	// maxIdle is how many such channels are kept; beyond it the longest idle
	// goes first, though none before minIdleTime.
	maxIdle     = 65_536
	minIdleTime = 10 * time.Second
)

// idleLink is a channel's place in the list of idle ones.
type idleLink struct {
	prev, next *Channel
	idleSince  time.Duration // after the first Sample
}

// idleList is the channels that nobody uses, the longest idle first.
type idleList struct {
	first, last *Channel
	n           int
}

func (l *idleList) push(c *Channel, now time.Duration) {
	c.idleLink, c.listed = idleLink{prev: l.last, idleSince: now}, true
	if l.last == nil {
		l.first = c
	} else {
		l.last.next = c
	}
	l.last = c
	l.n++
}

// remove takes c out if it is in.
func (l *idleList) remove(c *Channel) {
	if !c.listed {
		return
	}
	if c.prev == nil {
		l.first = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		l.last = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.idleLink, c.listed = idleLink{}, false
	l.n--
}

// forget drops the channels that have been idle for too long, or are too many.
func (b *Bus) forget() {
	idle := &b.sampler.idle
	for c := idle.first; c != nil; c = idle.first {
		if age := b.sampler.now - c.idleSince; age < minIdleTime || age < idleTime && idle.n <= maxIdle {
			return
		}
		idle.remove(c)
		b.forgetOne(c)
	}
}

// forgetOne drops c unless somebody uses it after all, who will report. A handle
// that outlived its channel may bring c here again, when it has a successor.
func (b *Bus) forgetOne(c *Channel) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.channels[c.name] == c && c.unused() && c.retire() {
		delete(b.channels, c.name)
		in, out, drops := c.totals()
		b.forgotten.In += in
		b.forgotten.Out += out
		b.forgotten.Drops += drops
	}
}

// unused says that nobody reads the channel or holds it. Both come with a
// report to the sampler when they end.
func (c *Channel) unused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.live() == 0 && c.holds.Load() == 0
}

// retire makes deliveries go to the channel's successor, unless there was one
// since the last Sample.
func (c *Channel) retire() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgotten = !c.moved.Load()
	return c.forgotten
}
