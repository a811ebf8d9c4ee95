package testnet

import (
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Window is how many bytes may be under way in one direction of a connection.
const Window = 64 << 10

// Resend bounds how long after a cut has healed what was lost is sent again.
const Resend = time.Second

// Mem is a network in memory. Its methods may be called from any goroutine of
// one bubble.
type Mem struct {
	seed uint64
	// Tap sees each write before it is under way; nil sees none. It must not
	// keep b. It is set before the first host.
	Tap func(from, to netip.AddrPort, b []byte)
	// Faults are counted as they take effect, not when they are asked for.
	Faults Faults

	mu    sync.Mutex
	hosts map[netip.Addr]*MemHost
	ways  map[route]*way
	pipes map[*pipe]bool // those that are not at rest for good
}

// Faults count what the network did to its users.
type Faults struct {
	Refused    atomic.Uint64 // calls to a host where nobody listens
	Unanswered atomic.Uint64 // calls that met a cut, a clog, or no host
	Bounced    atomic.Uint64 // RSTs to who wrote to a connection that was gone
	Resent     atomic.Uint64 // segments that a cut had lost
	Stalled    atomic.Uint64 // writes that had to wait for room
}

// route is one direction between two hosts.
type route struct{ from, to netip.Addr }

type state uint8

const (
	open state = iota
	clogged
	cut
)

// way is how it goes on a route. Guarded by Mem.mu.
type way struct {
	delay, jitter time.Duration
	state         state
	calls         uint64 // for the sources of chance
}

// NewMem makes a network without hosts.
func NewMem(seed uint64) *Mem {
	return &Mem{seed: seed, hosts: map[netip.Addr]*MemHost{}, ways: map[route]*way{}, pipes: map[*pipe]bool{}}
}

// way finds or makes the way of a route. The caller holds m.mu.
func (m *Mem) way(r route) *way {
	w := m.ways[r]
	if w == nil {
		w = &way{delay: 100 * time.Microsecond, jitter: 50 * time.Microsecond}
		m.ways[r] = w
	}
	return w
}

// chance is a source of its own for the n-th use of a route.
func (m *Mem) chance(r route, n uint64) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write(r.from.AsSlice())
	_, _ = h.Write(r.to.AsSlice())
	return rand.New(rand.NewPCG(m.seed^h.Sum64(), n))
}

// trip draws how long one segment takes.
func (w *way) trip(rnd *rand.Rand) time.Duration {
	return w.delay + time.Duration(rnd.Float64()*float64(w.jitter))
}

// SetDelay makes each segment from one host to another take between delay and
// delay plus jitter. They do not overtake each other.
func (m *Mem) SetDelay(from, to netip.Addr, delay, jitter time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.way(route{from, to})
	w.delay, w.jitter = delay, jitter
}

// Cut loses what goes from one host to another, until Open.
func (m *Mem) Cut(from, to netip.Addr) { m.set(route{from, to}, cut) }

// Clog holds what goes from one host to another, until Open.
func (m *Mem) Clog(from, to netip.Addr) { m.set(route{from, to}, clogged) }

// Open ends a cut or a clog.
func (m *Mem) Open(from, to netip.Addr) { m.set(route{from, to}, open) }

// OpenAll ends all cuts and clogs.
func (m *Mem) OpenAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for r := range m.ways {
		m.turn(r, open)
	}
}

func (m *Mem) set(r route, s state) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(r, s)
}

// turn is set for who holds m.mu.
func (m *Mem) turn(r route, s state) {
	w := m.way(r)
	before := w.state
	if before == s {
		return
	}
	w.state = s
	now := time.Now()
	for p := range m.pipes {
		if p.route != r {
			continue
		}
		if s == open {
			p.resend(now, before == cut)
		}
		p.wake()
		p.bounceSoon(now)
	}
}

// Reset breaks every connection between two hosts at once, as a box on the way
// may.
func (m *Mem) Reset(a, b netip.Addr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := range m.pipes {
		if p.route == (route{a, b}) || p.route == (route{b, a}) {
			p.broken = true
			p.wake()
		}
	}
}

// HalfClose ends the direction from one host to another of every connection
// between them: the one reads an end, what the other writes is lost.
func (m *Mem) HalfClose(from, to netip.Addr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := range m.pipes {
		if p.route == (route{from, to}) {
			p.finish(time.Now())
		}
	}
}

// Conns counts the connections between two hosts that neither end has closed.
func (m *Mem) Conns(a, b netip.Addr) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := range m.pipes {
		if p.route == (route{a, b}) && !p.gone && !p.back.gone && !p.broken {
			n++
		}
	}
	return n
}
