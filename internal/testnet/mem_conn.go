package testnet

import (
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// conn is one end of a connection.
type conn struct {
	m           *Mem
	host        *MemHost
	local, peer netip.AddrPort
	in, out     *pipe

	// Guarded by m.mu.
	closed  bool
	lost    bool // the host is no more
	readBy  time.Time
	writeBy time.Time
}

// Read waits for what the peer has written.
func (c *conn) Read(b []byte) (int, error) {
	for {
		n, wait, changed, err := c.read(b)
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		pause(wait, changed)
	}
}

// pause waits until changed is closed or the time is over; none if negative.
func pause(d time.Duration, changed <-chan struct{}) {
	if d < 0 {
		<-changed
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-changed:
	}
}

func (c *conn) read(b []byte) (n int, wait time.Duration, changed <-chan struct{}, err error) {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	now := time.Now()
	if err := c.fault("read", now, c.readBy); err != nil {
		return 0, 0, nil, err
	}
	n, end := c.in.take(now, b)
	switch {
	case n > 0:
		return n, 0, nil, nil
	case end == fin:
		return 0, 0, nil, io.EOF
	case end == rst:
		return 0, 0, nil, c.failed("read", syscall.ECONNRESET)
	}
	wait = -1
	if d, ok := c.in.ready(now); ok {
		wait = d
	}
	return 0, sooner(wait, now, c.readBy), c.in.changed, nil
}

// sooner is the shorter of a wait and what is left until a deadline.
func sooner(wait time.Duration, now, by time.Time) time.Duration {
	if left := by.Sub(now); !by.IsZero() && (wait < 0 || left < wait) {
		return left
	}
	return wait
}

// Write returns when all of b is under way.
func (c *conn) Write(b []byte) (done int, err error) {
	if c.m.Tap != nil {
		c.m.Tap(c.local, c.peer, b)
	}
	for {
		n, wait, changed, err := c.write(b[done:])
		done += n
		if err != nil || done == len(b) {
			return done, err
		}
		if changed != nil {
			c.m.Faults.Stalled.Add(1)
			pause(wait, changed)
		}
	}
}

func (c *conn) write(b []byte) (n int, wait time.Duration, changed <-chan struct{}, err error) {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	now := time.Now()
	if err := c.fault("write", now, c.writeBy); err != nil {
		return 0, 0, nil, err
	}
	if c.in.refused(now) {
		return 0, 0, nil, c.failed("write", syscall.ECONNRESET)
	}
	if c.out.ended {
		return len(b), 0, nil, nil // half-closed on the way: nobody tells us
	}
	n = min(len(b), Window-c.out.bytes)
	if n <= 0 {
		return 0, sooner(-1, now, c.writeBy), c.out.changed, nil
	}
	c.out.add(now, segment{data: append([]byte(nil), b[:n]...)})
	return n, 0, nil, nil
}

// fault says why this end cannot be used now. The caller holds m.mu, as in the
// next.
func (c *conn) fault(op string, now, by time.Time) error {
	switch {
	case c.closed:
		return c.failed(op, net.ErrClosed)
	case c.lost:
		return c.failed(op, syscall.ECONNRESET)
	case c.in.broken || c.out.broken:
		return c.failed(op, syscall.ECONNRESET)
	case !by.IsZero() && !now.Before(by):
		return c.failed(op, os.ErrDeadlineExceeded)
	}
	return nil
}

func (c *conn) failed(op string, err error) error {
	if _, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError(op, err)
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// Close ends this end. The peer reads what was written before, then the end; or
// it is reset, if there was something that nobody here has read.
func (c *conn) Close() error {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	if c.closed {
		return c.failed("close", net.ErrClosed)
	}
	c.closed = true
	delete(c.host.conns, c)
	c.hangUp(time.Now())
	return nil
}

// hangUp is what the kernel does for an end that nobody has any more. The
// caller holds m.mu.
func (c *conn) hangUp(now time.Time) {
	if c.in.gone {
		return
	}
	wait, ok := c.in.ready(now)
	unread := ok && wait == 0 && c.in.segs[0].end == more
	c.in.gone = true
	switch {
	case c.in.broken, c.in.refused(now):
	case unread:
		c.in.segs, c.in.bytes = nil, 0
		c.out.reset(now)
	default:
		c.out.finish(now)
	}
	c.settle(now)
}

// settle wakes who waits at either end, and forgets the connection once both
// ends are gone. The caller holds m.mu.
func (c *conn) settle(now time.Time) {
	c.in.wake()
	c.out.wake()
	c.in.bounceSoon(now)
	if c.in.gone && c.out.gone {
		delete(c.m.pipes, c.in)
		delete(c.m.pipes, c.out)
	}
}

// lose is the end of the host's machine: nobody is told anything. The caller
// holds m.mu.
func (c *conn) lose() {
	c.lost, c.in.gone = true, true
	c.out.ended = true
	c.settle(time.Now())
}

func (c *conn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.peer) }

func (c *conn) SetDeadline(t time.Time) error {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	c.readBy, c.writeBy = t, t
	c.in.wake()
	c.out.wake()
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	c.readBy = t
	c.in.wake()
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	c.writeBy = t
	c.out.wake()
	return nil
}
