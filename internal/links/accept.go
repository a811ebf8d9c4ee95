package links

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// The pauses of an accept loop that runs out of descriptors.
const (
	minAcceptPause = 10 * time.Millisecond
	maxAcceptPause = time.Second
)

// Serve takes connections from ls until CloseListeners. The table owns them
// from here on; one goroutine a listener.
func (t *Table) Serve(ls []net.Listener) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.listeners = append(t.listeners, ls...)
	for _, l := range ls {
		t.wg.Go(func() { t.acceptLoop(l) })
	}
}

// acceptLoop never waits for a handshake. When accept fails for want of
// descriptors it pauses, longer each time, and goes on.
func (t *Table) acceptLoop(l net.Listener) {
	pause := minAcceptPause
	for {
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			t.counts.acceptErrors.Add(1)
			t.rest(pause)
			pause = min(2*pause, maxAcceptPause)
		default:
			pause = minAcceptPause
			t.take(conn)
		}
	}
}

// rest waits, but not beyond the end of the listeners.
func (t *Table) rest(pause time.Duration) {
	select {
	case <-time.After(pause):
	case <-t.closing:
	}
}

// take gives a new connection a place and a goroutine.
func (t *Table) take(conn net.Conn) {
	addr := addrOf(conn.RemoteAddr())
	c, evicted, ok := t.pending.add(conn, addr.Addr())
	if !ok {
		t.counts.refusedPending.Add(1)
		conn.Close()
		return
	}
	if evicted != nil {
		t.counts.evicted.Add(1)
		evicted.conn.Close()
	}
	t.wg.Go(func() {
		defer t.pending.remove(c)
		t.shake(conn, addr)
	})
}

// shake is one inbound handshake. Its goroutine ends with it: the link has
// goroutines of its own.
func (t *Table) shake(conn net.Conn, addr netip.AddrPort) {
	a := &attempt{t: t, conn: conn, addr: addr}
	var link *dist.Link
	_, err := dist.Accept(conn, time.Now().Add(dist.SetupTime), t.cfg.Local, dist.AcceptorHooks{
		Admit: func(h dist.Hello) dist.Status {
			status := a.admit(h)
			a.insisted = status == dist.StatusAlive // it only goes on from there by insisting
			return status
		},
		Established: func(r dist.Remote) (err error) {
			link, err = a.install(r)
			return err
		},
	})
	a.leave()
	if err != nil {
		t.failed(a, link, a.explain(err))
		return
	}
	t.counts.accepted.Add(1)
	t.start(link)
}

// failed cleans up after an inbound handshake that came to nothing, at the
// last even after it was installed: the ack could not be written.
func (t *Table) failed(a *attempt, link *dist.Link, err error) {
	t.counts.failedIn.Add(1)
	a.conn.Close()
	if link != nil {
		link.Close(dist.ReasonReset, err)
	}
	if t.cfg.Refused != nil {
		t.cfg.Refused(Refusal{Addr: a.addr, Peer: a.name, Err: err})
	}
}

// start lets the link run and keeps its goroutines in the table's count.
func (t *Table) start(l *dist.Link) {
	l.Start()
	t.wg.Go(l.Wait)
}

func addrOf(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		ap := tcp.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	ap, _ := netip.ParseAddrPort(a.String())
	return ap
}
