package soak

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy stands before a node's listener, so that all connections through it can be
// reset at once. It refuses until it has a target.
type proxy struct {
	addr string
	l    net.Listener
	wg   sync.WaitGroup

	mu     sync.Mutex
	target string
	closed bool
	conns  map[*net.TCPConn]bool
}

func newProxy(t testing.TB) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String(), l: l, conns: map[*net.TCPConn]bool{}}
	p.wg.Go(p.acceptLoop)
	t.Cleanup(func() {
		l.Close()
		p.mu.Lock()
		p.closed = true
		p.mu.Unlock()
		p.reset()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) lead(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// reset ends all connections with an RST to both sides, and says how many.
func (p *proxy) reset() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.SetLinger(0)
		c.Close()
	}
	return len(p.conns) / 2
}

func (p *proxy) acceptLoop() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(c.(*net.TCPConn)) })
	}
}

func (p *proxy) serve(from *net.TCPConn) {
	defer from.Close()
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	c, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	to := c.(*net.TCPConn)
	defer to.Close()
	if !p.hold(from, to) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { pass(to, from) })
	both.Go(func() { pass(from, to) })
	both.Wait()
	p.mu.Lock()
	delete(p.conns, from)
	delete(p.conns, to)
	p.mu.Unlock()
}

func (p *proxy) hold(from, to *net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.conns[from], p.conns[to] = true, true
	}
	return !p.closed
}

// pass copies one direction, and passes on how it ends: in order, or by a reset.
func pass(to, from *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		_ = to.SetLinger(0)
		to.Close()
		from.Close()
		return
	}
	_ = to.CloseWrite()
}
