package bus

import (
	"math"
	"sync"
	"time"
)

// rateFloor is the rate below which a silent channel counts as quiet.
const rateFloor = 0.1

// sampler is what Sample remembers. All of it, and all of sampled, is guarded
// by mu.
type sampler struct {
	mu    sync.Mutex
	start time.Time     // the first Sample
	now   time.Duration // the last one, after start
	warm  []*Channel    // with traffic, or a rate that is not yet zero
	idle  idleList
}

// sampled is what the sampler knows of a channel.
type sampled struct {
	in0, out0, drops0 uint64 // at the last Sample
	inRate, outRate   float64
	used              time.Duration // the Sample that saw traffic last, after the first
	warm, listed      bool          // in sampler.warm, in sampler.idle
	idleLink
}

// Sample is called once a second. It works out rates and last uses, with now
// as the resolution, cuts down queues that have been drained, and forgets
// channels that nobody has used for long. It looks only at channels with
// traffic or with a rate that has not yet fallen to zero. The first call sets
// the start; a now that is not later than the last is ignored.
func (b *Bus) Sample(now time.Time) {
	p := &b.sampler
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.start.IsZero() {
		p.start = now
	}
	since := now.Sub(p.start) - p.now
	if since <= 0 {
		return
	}
	p.now += since
	channels, subs := b.moved.take()
	p.warmUp(channels)
	b.moved.recycle(channels)
	p.walk(since.Seconds())
	b.shrink(subs)
	b.forget()
}

// warmUp adds the channels that moved to those that are looked at.
func (p *sampler) warmUp(moved []*Channel) {
	for _, c := range moved {
		p.idle.remove(c)
		if !c.warm {
			c.warm = true
			p.warm = append(p.warm, c)
		}
	}
}

// walk samples the warm channels and keeps those that are still warm.
func (p *sampler) walk(seconds float64) {
	weight := 1 - math.Exp2(-seconds) // half of the past counts after a second
	warm := p.warm[:0]
	for _, c := range p.warm {
		if c.sample(p.now, seconds, weight) {
			warm = append(warm, c)
			continue
		}
		c.warm = false
		if c.unused() {
			p.idle.push(c, p.now)
		}
	}
	clear(p.warm[len(warm):])
	p.warm = warm
	if len(warm) == 0 {
		p.warm = nil
	}
}

// sample says whether the channel had traffic or a rate.
func (c *Channel) sample(now time.Duration, seconds, weight float64) bool {
	in, out, drops := c.totals()
	din, dout := in-c.in0, out-c.out0
	busy := din+dout+(drops-c.drops0) > 0
	c.in0, c.out0, c.drops0 = in, out, drops
	c.inRate += weight * (float64(din)/seconds - c.inRate)
	c.outRate += weight * (float64(dout)/seconds - c.outRate)
	if busy {
		c.used = now
	} else {
		c.inRate, c.outRate = settle(c.inRate), settle(c.outRate)
	}
	quiet := !busy && c.inRate == 0 && c.outRate == 0
	c.restSlab(quiet)
	return !quiet
}

func settle(rate float64) float64 {
	if rate < rateFloor {
		return 0
	}
	return rate
}

// totals are the messages in, the copies out, and the copies dropped, ever.
func (c *Channel) totals() (in, out, drops uint64) {
	c.mu.Lock()
	in = c.in
	c.mu.Unlock()
	return in, c.local.Load() + c.sent.Load(), c.drops.Load()
}

// restSlab starts to count the slab's bytes anew. The rest of a big one is let
// go with what came a second ago, since a big one may be there for good
// otherwise; a quiet channel has none at all.
func (c *Channel) restSlab(quiet bool) {
	c.mu.Lock()
	if quiet || c.slab.since == 0 && len(c.slab.free) > minSlab {
		c.slab.free = nil
	}
	c.slab.since = 0
	c.mu.Unlock()
}

// shrink cuts down rings; those that stay long are looked at again.
func (b *Bus) shrink(subs []*Subscriber) {
	for _, s := range subs {
		s.mu.Lock()
		s.grown = s.queue.shrink()
		if s.grown {
			b.moved.subscriber(s)
		}
		s.mu.Unlock()
	}
}
