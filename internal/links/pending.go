package links

import (
	"net/netip"
	"sync"
)

// pending bounds what strangers can hold: at most MaxPending connections that
// are not authenticated. When all are taken the newcomer gets the place of the
// oldest connection of the busiest address, so that one address which floods
// us pays for it itself. Loopback addresses are not held to a share of their
// own, since on one machine many nodes start at once.
type pending struct {
	mu     sync.Mutex
	seq    uint64
	conns  map[*pendingConn]bool
	closed error // why no more are taken
}

type pendingConn struct {
	a    *attempt
	addr netip.Addr // see source
	seq  uint64
}

// source is what counts as one address: whoever has one IPv6 address has a
// whole network of them.
func source(addr netip.Addr) netip.Addr {
	if addr.Is6() && !addr.IsLoopback() {
		if p, err := addr.WithZone("").Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}

// add takes a place for a. It says which connection had to go for it, and why
// there is no place for a at all.
func (p *pending) add(a *attempt) (c, evicted *pendingConn, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed != nil {
		return nil, nil, p.closed
	}
	addr := source(a.addr.Addr())
	if len(p.conns) >= MaxPending {
		evicted = p.victim(addr)
		if evicted == nil {
			return nil, nil, ErrEvicted
		}
		delete(p.conns, evicted)
	}
	p.seq++
	c = &pendingConn{a: a, addr: addr, seq: p.seq}
	p.conns[c] = true
	return c, evicted, nil
}

// victim is the oldest connection of the address that holds most, or nil when
// the newcomer's own address has its full share already. The caller holds p.mu.
func (p *pending) victim(newcomer netip.Addr) *pendingConn {
	share := map[netip.Addr]int{}
	for c := range p.conns {
		share[c.addr]++
	}
	if share[newcomer] >= MaxPendingAddress && !newcomer.IsLoopback() && share[newcomer] < most(share) {
		return nil
	}
	var oldest *pendingConn
	for c := range p.conns {
		switch {
		case oldest == nil, share[c.addr] > share[oldest.addr]:
			oldest = c
		case share[c.addr] == share[oldest.addr] && c.seq < oldest.seq:
			oldest = c
		}
	}
	return oldest
}

func most(share map[netip.Addr]int) int {
	n := 0
	for _, s := range share {
		n = max(n, s)
	}
	return n
}

func (p *pending) remove(c *pendingConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

func (p *pending) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

// close ends all of them and takes no more.
func (p *pending) close(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = cause
	for c := range p.conns {
		c.a.cancel(cause)
	}
}
