package dist

import (
	"fmt"
	"time"
)

// clocks are how time reaches a link: the reader and the writer bump counters
// and look at no clock, Beat samples the counters. Guarded by Link.mu.
type clocks struct {
	heard mark // bytes received
	said  mark // bytes written
	write mark // Link.writes, while one is in progress
	ctl   mark // messages of the control lane that were put when it was set
	quiet mark // messages put in any lane: all idle
}

// mark is a counter as it was seen, and since when.
type mark struct {
	count uint64
	at    time.Time
}

// still says how long the counter has had this value. The first call starts
// the clock.
func (m *mark) still(count uint64, now time.Time) time.Duration {
	if count != m.count || m.at.IsZero() {
		m.count, m.at = count, now
	}
	return now.Sub(m.at)
}

// shrinkAfter is how long a link must be idle before its buffers are let go.
const shrinkAfter = time.Second

// Beat is called by the node's timer, every 250 ms, with the time of the
// monotonic clock. It writes a tick when nothing was written for a quarter of
// the tick time, and closes the link with
//
//   - ReasonTickTimeout when no byte came for 1.25 times the tick time,
//   - ReasonWriteStall when one write has taken Limits.WriteStall,
//   - ReasonControlOverflow when a control message has waited for 1.25 times
//     the tick time.
func (l *Link) Beat(now time.Time) {
	l.mu.Lock()
	reason, cause := l.judge(now)
	tick := reason == "" && l.tickDue(now)
	if tick {
		l.ctl.tick()
		l.clocks.said.count += lengthSize // so that the tick itself restarts no clock
		l.clocks.said.at = now
	}
	wake := tick && l.wake()
	l.shrink(now)
	l.mu.Unlock()
	if wake {
		l.cond.Signal()
	}
	expired := l.in.frags.expire(now)
	if reason != "" {
		l.Close(reason, cause)
	}
	for _, to := range expired {
		l.lost(to, DropFragmentExpiry)
	}
}

// judge says why the link must end, if it must.
func (l *Link) judge(now time.Time) (Reason, error) {
	if l.down != nil { // by a sender: OnDown may be due
		return l.down.reason, l.down.err
	}
	limit := l.tick + l.tick/4
	if l.clocks.heard.still(l.count.bytesIn.Load(), now) >= limit {
		return ReasonTickTimeout, fmt.Errorf("no tick for %s", plain(l.tick))
	}
	if w := l.writes.Load(); w&1 == 0 {
		l.clocks.write = mark{}
	} else if l.clocks.write.still(w, now) >= l.limits.WriteStall {
		return ReasonWriteStall, fmt.Errorf("peer has read nothing for %s", plain(l.limits.WriteStall))
	}
	if l.controlWaits(now) >= limit {
		return ReasonControlOverflow, fmt.Errorf("control messages unsent for %s", plain(limit))
	}
	return "", nil
}

// controlWaits says how long the control lane has had messages that were there
// when the mark was set.
func (l *Link) controlWaits(now time.Time) time.Duration {
	m := &l.clocks.ctl
	if m.at.IsZero() || l.ctl.written.Load() >= m.count || l.ctl.queued == 0 {
		*m = mark{l.ctl.put, now}
	}
	return now.Sub(m.at)
}

// tickDue: something that waits to be written says more than a tick.
func (l *Link) tickDue(now time.Time) bool {
	idle := l.clocks.said.still(l.bytesOut, now)
	return idle >= l.tick/4 && l.idle()
}

// shrink lets grown buffers go when the lanes have been idle. The writer's are
// touched only while it waits, which it does with l.mu given up.
func (l *Link) shrink(now time.Time) {
	if l.clocks.quiet.still(l.ctl.put+l.data.put+l.bulk.put, now) < shrinkAfter {
		return
	}
	for _, o := range l.lanes() {
		o.fill.shrink()
		if l.waiting {
			o.out.rest()
		}
	}
}

// Forgive starts the clocks of the peer afresh: this process was suspended or
// starved, and what it missed says nothing about the peer. What we have not
// said stands: a tick is overdue, and the next Beat writes it.
func (l *Link) Forgive(now time.Time) {
	l.mu.Lock()
	c := &l.clocks
	for _, m := range []*mark{&c.heard, &c.write, &c.ctl} {
		if !m.at.IsZero() {
			m.at = now
		}
	}
	l.mu.Unlock()
	l.in.frags.forgive(now)
}

// Silence is how long no byte has come from the peer, as Beat saw it; 0 before
// the first Beat.
func (l *Link) Silence(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.clocks.heard.at.IsZero() || l.count.bytesIn.Load() != l.clocks.heard.count {
		return 0
	}
	return now.Sub(l.clocks.heard.at)
}

// plain is a duration as people write it: 60 s, 1.5 s.
func plain(d time.Duration) string {
	return fmt.Sprintf("%g s", d.Seconds())
}
