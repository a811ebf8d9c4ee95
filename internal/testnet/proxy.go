package testnet

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy stands before the listener of a node, for machines without namespaces:
// connections through it can be clogged, cut, closed by half and refused. Bytes
// that a clogged direction has not passed on come through when it is opened.
type Proxy struct {
	Addr string

	l      net.Listener
	wg     sync.WaitGroup
	mu     sync.Mutex
	opened sync.Cond
	target string
	clog   [2]bool // to the target, from it
	refuse bool
	closed bool
	pairs  map[*pair]bool
}

// pair is one connection: who dialled, and the target.
type pair struct{ from, to *net.TCPConn }

// The directions of a proxy, seen from who dialled.
const (
	Out  = 0 // to the target
	Back = 1
)

// NewProxy listens; it refuses until it has a target.
func NewProxy(t testing.TB) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: l.Addr().String(), l: l, pairs: map[*pair]bool{}}
	p.opened.L = &p.mu
	p.wg.Go(p.acceptLoop)
	t.Cleanup(p.close)
	return p
}

// Target says where connections go from now on.
func (p *Proxy) Target(addr string) { p.set(func() { p.target = addr }) }

// Clog stops or opens the directions.
func (p *Proxy) Clog(out, back bool) { p.set(func() { p.clog = [2]bool{Out: out, Back: back} }) }

// Refuse ends new connections at once, or takes them again.
func (p *Proxy) Refuse(refuse bool) { p.set(func() { p.refuse = refuse }) }

func (p *Proxy) set(f func()) {
	p.mu.Lock()
	f()
	p.mu.Unlock()
	p.opened.Broadcast()
}

// Reset ends all connections with an RST to both sides, and says how many.
func (p *Proxy) Reset() int {
	return p.each(func(x *pair) {
		for _, c := range []*net.TCPConn{x.from, x.to} {
			_ = c.SetLinger(0)
			c.Close()
		}
	})
}

// HalfClose tells the target of each connection that no more will come.
func (p *Proxy) HalfClose() int { return p.each(func(x *pair) { _ = x.to.CloseWrite() }) }

func (p *Proxy) each(f func(*pair)) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for x := range p.pairs {
		f(x)
	}
	return len(p.pairs)
}

func (p *Proxy) close() {
	p.l.Close()
	p.set(func() { p.closed = true })
	p.Reset()
	p.wg.Wait()
}

func (p *Proxy) acceptLoop() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(c.(*net.TCPConn)) })
	}
}

func (p *Proxy) serve(from *net.TCPConn) {
	defer from.Close()
	p.mu.Lock()
	target, refuse := p.target, p.refuse || p.target == ""
	p.mu.Unlock()
	if refuse {
		_ = from.SetLinger(0)
		return
	}
	c, err := net.Dial("tcp", target)
	if err != nil {
		_ = from.SetLinger(0)
		return
	}
	x := &pair{from, c.(*net.TCPConn)}
	defer x.to.Close()
	p.mu.Lock()
	gone := p.closed
	p.pairs[x] = true
	p.mu.Unlock()
	if !gone {
		var both sync.WaitGroup
		both.Go(func() { p.pass(Out, x.to, x.from) })
		both.Go(func() { p.pass(Back, x.from, x.to) })
		both.Wait()
	}
	p.mu.Lock()
	delete(p.pairs, x)
	p.mu.Unlock()
}

// pass copies one direction until it ends, and passes the end on.
func (p *Proxy) pass(direction int, to, from *net.TCPConn) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if !p.awaitOpen(direction) {
			return
		}
		if n > 0 {
			if _, bad := to.Write(buf[:n]); bad != nil {
				_ = from.CloseRead()
				return
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			_ = to.CloseWrite()
			return
		default:
			_ = to.SetLinger(0)
			to.Close()
			return
		}
	}
}

// awaitOpen waits while the direction is clogged; false is the end of the proxy.
func (p *Proxy) awaitOpen(direction int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.clog[direction] && !p.closed {
		p.opened.Wait()
	}
	return !p.closed
}
