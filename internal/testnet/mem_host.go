package testnet

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// MemHost is one life of an address. It listens and dials as net.ListenConfig and
// net.Dialer do.
type MemHost struct {
	m    *Mem
	addr netip.Addr

	// Guarded by m.mu.
	ports map[uint16]*listener
	conns map[*conn]bool
	dead  bool // its process has ended
	off   bool // and its kernel with it
}

// MemHost starts a host, or starts it anew: its life before gets no more of what
// comes.
func (m *Mem) Host(addr netip.Addr) *MemHost {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := &MemHost{m: m, addr: addr, ports: map[uint16]*listener{}, conns: map[*conn]bool{}}
	m.hosts[addr] = h
	for p := range m.pipes {
		if p.route.to == addr {
			p.bounceSoon(time.Now())
		}
	}
	return h
}

// Kill ends the host's process as SIGKILL does: its kernel hangs up for it.
func (h *MemHost) Kill() { h.end((*conn).die, false) }

// PowerOff ends the host without a word to anybody.
func (h *MemHost) PowerOff() { h.end((*conn).lose, true) }

func (h *MemHost) end(each func(*conn), off bool) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if h.dead {
		return
	}
	h.dead, h.off = true, off
	for _, l := range h.ports {
		l.shut()
	}
	for c := range h.conns {
		each(c)
	}
}

// die is the end of the process that has c. The caller holds m.mu.
func (c *conn) die() {
	c.lost = true
	c.hangUp(time.Now())
}

// listener hands out the calls that have come.
type listener struct {
	h      *MemHost
	addr   netip.AddrPort
	calls  chan *conn
	closed chan struct{}
	shutUp bool // guarded by Mem.mu
}

// Listen takes calls at address, IP:PORT.
func (h *MemHost) Listen(_ context.Context, network, address string) (net.Listener, error) {
	fail := func(err error) error { return &net.OpError{Op: "listen", Net: network, Err: err} }
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fail(err)
	}
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	switch {
	case ap.Addr() != h.addr:
		return nil, fail(os.NewSyscallError("bind", syscall.EADDRNOTAVAIL))
	case h.dead:
		return nil, fail(os.NewSyscallError("bind", syscall.ENETDOWN))
	case h.ports[ap.Port()] != nil:
		return nil, fail(os.NewSyscallError("bind", syscall.EADDRINUSE))
	}
	l := &listener{h: h, addr: ap, calls: make(chan *conn, 4096), closed: make(chan struct{})}
	h.ports[ap.Port()] = l
	return l, nil
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.calls:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

func (l *listener) Close() error {
	l.h.m.mu.Lock()
	defer l.h.m.mu.Unlock()
	l.shut()
	return nil
}

// shut ends the calls that nobody has taken too. The caller holds m.mu.
func (l *listener) shut() {
	if l.shutUp {
		return
	}
	l.shutUp = true
	delete(l.h.ports, l.addr.Port())
	close(l.closed)
	for {
		select {
		case c := <-l.calls:
			c.closed = true
			c.hangUp(time.Now())
		default:
			return
		}
	}
}

// resendCall is how long a call waits for an answer before it is made again.
const resendCall = time.Second

// DialContext calls address. It waits for an answer as long as ctx lives.
func (h *MemHost) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	fail := func(err error) error { return &net.OpError{Op: "dial", Net: network, Err: err} }
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fail(err)
	}
	rnd := h.call(to.Addr())
	for {
		c, wait, err := h.try(to, rnd)
		if late := pass(ctx, cmp.Or(wait, resendCall)); late != nil {
			return nil, fail(late)
		}
		switch {
		case err != nil:
			return nil, fail(os.NewSyscallError("connect", err))
		case c != nil && h.connect(c, rnd):
			return c, nil
		}
	}
}

// pass lets time pass, as long as ctx lives.
func pass(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// call counts a call and gives its source of chance.
func (h *MemHost) call(to netip.Addr) *rand.Rand {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	r := route{h.addr, to}
	w := h.m.way(r)
	w.calls++
	return h.m.chance(r, w.calls)
}

// try makes one attempt. wait is how long its answer takes, 0 where none comes.
func (h *MemHost) try(to netip.AddrPort, rnd *rand.Rand) (c *conn, wait time.Duration, err error) {
	m := h.m
	m.mu.Lock()
	defer m.mu.Unlock()
	there, back := m.way(route{h.addr, to.Addr()}), m.way(route{to.Addr(), h.addr})
	trip := there.trip(rnd) + back.trip(rnd)
	other := m.hosts[to.Addr()]
	switch {
	case h.dead:
		return nil, trip, syscall.ENETDOWN
	case there.state != open, back.state != open, other == nil, other.off:
		m.Faults.Unanswered.Add(1)
		return nil, 0, nil
	case other.ports[to.Port()] == nil:
		m.Faults.Refused.Add(1)
		return nil, trip, syscall.ECONNREFUSED
	}
	port := 40000 + uint16(there.calls%20000) // one port may call several hosts
	return &conn{m: m, host: h, local: netip.AddrPortFrom(h.addr, port), peer: to}, trip, nil
}

// connect makes both ends, unless something has come between meanwhile. The
// other end has it one trip later.
func (h *MemHost) connect(c *conn, rnd *rand.Rand) bool {
	m := h.m
	m.mu.Lock()
	defer m.mu.Unlock()
	there, back := route{h.addr, c.peer.Addr()}, route{c.peer.Addr(), h.addr}
	other := m.hosts[c.peer.Addr()]
	if h.dead || other == nil || other.ports[c.peer.Port()] == nil || m.way(there).state != open || m.way(back).state != open {
		m.Faults.Unanswered.Add(1)
		return false
	}
	l := other.ports[c.peer.Port()]
	c.out, c.in = m.newPipe(there, rnd), m.newPipe(back, rand.New(rand.NewPCG(rnd.Uint64(), rnd.Uint64())))
	c.out.back, c.in.back = c.in, c.out
	m.pipes[c.in], m.pipes[c.out] = true, true
	far := &conn{m: m, host: other, local: c.peer, peer: c.local, in: c.out, out: c.in}
	h.conns[c], other.conns[far] = true, true
	trip := m.way(there).trip(rnd)
	c.out.last = time.Now().Add(trip)
	time.AfterFunc(trip, func() { l.take(far) })
	return true
}

// take queues a call for Accept. Where the queue is full it is reset.
func (l *listener) take(c *conn) {
	l.h.m.mu.Lock()
	defer l.h.m.mu.Unlock()
	if c.lost || c.closed {
		return
	}
	if !l.shutUp {
		select {
		case l.calls <- c:
			return
		default:
		}
	}
	c.closed = true
	delete(c.host.conns, c)
	c.hangUp(time.Now())
	c.out.reset(time.Now())
}
