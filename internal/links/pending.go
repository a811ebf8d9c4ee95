package links

import (
	"net"
	"net/netip"
	"sync"
)

// pending bounds what strangers can hold: at most MaxPending connections that
// are not authenticated. When all are taken the newcomer gets the place of the
// oldest connection of the busiest address, so that one address which floods
// us pays for it itself. Loopback addresses are not held to a share of their
// own, since on one machine many nodes start at once.
type pending struct {
	mu    sync.Mutex
	seq   uint64
	conns map[*pendingConn]bool
}

type pendingConn struct {
	conn net.Conn
	addr netip.Addr
	seq  uint64
}

// add takes a place for conn. It says which connection had to go for it, and
// false if there is no place at all.
func (p *pending) add(conn net.Conn, addr netip.Addr) (c, evicted *pendingConn, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.conns) >= MaxPending {
		evicted = p.victim(addr)
		if evicted == nil {
			return nil, nil, false
		}
		delete(p.conns, evicted)
	}
	p.seq++
	c = &pendingConn{conn: conn, addr: addr, seq: p.seq}
	p.conns[c] = true
	return c, evicted, true
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

func (p *pending) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.conn.Close()
	}
}
