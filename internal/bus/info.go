package bus

import (
	"slices"
	"strings"
	"time"
)

// Info is what is known of one channel.
type Info struct {
	Name        string
	Subscribers int       // on this node
	In          uint64    // messages that came in, from here or from links
	Out         uint64    // copies handed on, to subscribers' queues or to links
	InRate      float64   // a second
	OutRate     float64   // a second
	Drops       uint64    // copies lost on a full queue, or on the way to a link
	Last        time.Time // the Sample that saw traffic last, zero for none
	Queued      int       // copies that wait in subscribers' queues
}

// List is the channels with a subscriber or with traffic that is not forgotten
// yet, sorted by name.
func (b *Bus) List() []Info {
	b.sampler.mu.Lock()
	defer b.sampler.mu.Unlock()
	b.mu.RLock()
	defer b.mu.RUnlock()
	list := make([]Info, 0, len(b.channels))
	for _, c := range b.channels {
		if i := c.info(&b.sampler); i.used() {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Totals sums the channels, those that were forgotten too. A subscriber counts
// once for each of its channels.
func (b *Bus) Totals() (t Info) {
	b.sampler.mu.Lock()
	defer b.sampler.mu.Unlock()
	b.mu.RLock()
	defer b.mu.RUnlock()
	t = b.forgotten
	for _, c := range b.channels {
		i := c.info(&b.sampler)
		t.Subscribers += i.Subscribers
		t.In += i.In
		t.Out += i.Out
		t.InRate += i.InRate
		t.OutRate += i.OutRate
		t.Drops += i.Drops
		t.Queued += i.Queued
	}
	return t
}

// Info is one row of List, if it has that channel.
func (b *Bus) Info(name string) (Info, bool) {
	b.sampler.mu.Lock()
	defer b.sampler.mu.Unlock()
	b.mu.RLock()
	defer b.mu.RUnlock()
	c := b.channels[name]
	if c == nil {
		return Info{}, false
	}
	i := c.info(&b.sampler)
	return i, i.used()
}

// used tells channels that somebody reads or wrote to from those that were only
// asked for.
func (i *Info) used() bool { return i.Subscribers > 0 || i.In+i.Out+i.Drops > 0 }

// info is read while traffic goes on: the numbers are each right, and agree
// with each other at rest.
func (c *Channel) info(p *sampler) Info {
	i := Info{Name: c.name, InRate: c.inRate, OutRate: c.outRate}
	if c.used > 0 {
		i.Last = p.start.Add(c.used)
	}
	if c.moved.Load() && p.now > 0 { // used since the last Sample
		i.Last = p.start.Add(p.now)
	}
	gone := c.gone.Load() // before local, which it cannot pass at rest
	i.Queued = max(0, int(c.local.Load()-gone))
	i.In, i.Out, i.Drops = c.totals()
	c.mu.Lock()
	i.Subscribers = c.live()
	c.mu.Unlock()
	return i
}
