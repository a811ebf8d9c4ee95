package testnet

import (
	"math/rand/v2"
	"time"
)

// pipe is one direction of a connection. Guarded by Mem.mu.
type pipe struct {
	m     *Mem
	route route
	back  *pipe // the other direction
	rnd   *rand.Rand

	segs    []segment
	bytes   int       // in segs
	last    time.Time // when the newest of segs arrives
	ended   bool      // FIN or RST is the last of segs, or was read
	broken  bool      // a box on the way has reset the connection
	gone    bool      // the reader has closed, or its host is no more
	changed chan struct{}
}

// segment is what was written at once, or the end.
type segment struct {
	at   time.Time // when it is there, unless the way is not open
	data []byte
	end  ending
}

type ending uint8

const (
	more ending = iota
	fin
	rst
)

func (m *Mem) newPipe(r route, rnd *rand.Rand) *pipe {
	return &pipe{m: m, route: r, rnd: rnd, changed: make(chan struct{})}
}

// wake lets reader and writer look again. The caller holds m.mu, as in all
// below but bounce.
func (p *pipe) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *pipe) way() *way { return p.m.way(p.route) }

// add puts a segment under way, behind those before it.
func (p *pipe) add(now time.Time, s segment) {
	s.at = now.Add(p.way().trip(p.rnd))
	if s.at.Before(p.last) {
		s.at = p.last
	}
	p.last = s.at
	p.segs, p.bytes = append(p.segs, s), p.bytes+len(s.data)
	p.wake()
	p.bounceSoon(now)
}

// finish says FIN; what is written after it is lost.
func (p *pipe) finish(now time.Time) {
	if !p.ended {
		p.ended = true
		p.add(now, segment{end: fin})
	}
}

// reset says RST in place of all that is not said yet. A cut loses it.
func (p *pipe) reset(now time.Time) {
	if n := len(p.segs); n > 0 && p.segs[n-1].end == rst || p.way().state == cut {
		return
	}
	p.ended = true
	p.add(now, segment{end: rst})
}

// ready is how long until the first segment is there; ok is false where none is
// on its way.
func (p *pipe) ready(now time.Time) (wait time.Duration, ok bool) {
	if len(p.segs) == 0 || p.way().state != open {
		return 0, false
	}
	return max(0, p.segs[0].at.Sub(now)), true
}

// refused says whether an RST is there, be it behind bytes that nobody has read.
func (p *pipe) refused(now time.Time) bool {
	n := len(p.segs)
	return p.broken || n > 0 && p.segs[n-1].end == rst && p.way().state == open && !p.segs[n-1].at.After(now)
}

// take reads what is there into b.
func (p *pipe) take(now time.Time, b []byte) (n int, end ending) {
	for n < len(b) {
		wait, ok := p.ready(now)
		if !ok || wait > 0 {
			break
		}
		s := &p.segs[0]
		if s.end != more {
			return n, s.end
		}
		k := copy(b[n:], s.data)
		n, p.bytes, s.data = n+k, p.bytes-k, s.data[k:]
		if len(s.data) == 0 {
			p.segs = p.segs[1:]
		}
	}
	if n > 0 {
		p.wake() // there is room again
	}
	return n, more
}

// resend moves what was held behind the opening of its way, and what was lost
// further. No two pipes go on at one moment.
func (p *pipe) resend(now time.Time, lost bool) {
	at := now.Add(p.way().trip(p.rnd))
	if lost {
		at = at.Add(time.Duration(p.rnd.Int64N(int64(Resend))))
	}
	for i := range p.segs {
		if !p.segs[i].at.Before(at) {
			continue
		}
		p.segs[i].at = at
		if lost {
			p.m.Faults.Resent.Add(1)
		}
	}
	if p.last.Before(at) {
		p.last = at
	}
}

// bounceSoon answers what comes for a connection that is gone, when it is there.
func (p *pipe) bounceSoon(now time.Time) {
	if wait, ok := p.ready(now); ok && p.gone {
		time.AfterFunc(wait, p.bounce)
	}
}

func (p *pipe) bounce() {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	now := time.Now()
	wait, ok := p.ready(now)
	if h := p.m.hosts[p.route.to]; !ok || wait > 0 || h == nil || h.off {
		return // a host that starts looks again
	}
	data := false
	for _, s := range p.segs {
		data = data || s.end == more
	}
	p.segs, p.bytes = nil, 0
	p.wake()
	if data {
		p.m.Faults.Bounced.Add(1)
		p.back.reset(now)
	}
}
