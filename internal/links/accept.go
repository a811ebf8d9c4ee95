package links

import (
	"context"
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
// from here on; one goroutine a listener. A table that is closed closes them.
func (t *Table) Serve(ls []net.Listener) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		for _, l := range ls {
			l.Close()
		}
		return
	}
	t.listeners = append(t.listeners, ls...)
	for _, l := range ls {
		t.wg.Go(func() { t.acceptLoop(l) })
	}
}

// acceptLoop never waits for a handshake. When accept fails for want of
// descriptors, or takes one that is reserved, it pauses, longer each time, and
// goes on.
func (t *Table) acceptLoop(l net.Listener) {
	pause := minAcceptPause
	for {
		conn, err := accept(l)
		switch {
		case err != nil && (errors.Is(err, net.ErrClosed) || !t.rest(context.Background(), pause)):
			return
		case err != nil:
			t.counts.acceptErrors.Add(1)
			pause = min(2*pause, maxAcceptPause)
		default:
			pause = minAcceptPause
			t.take(conn)
		}
	}
}

// rest waits. It returns false at the end of ctx or of the listeners.
func (t *Table) rest(ctx context.Context, pause time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	case <-t.closing:
		return false
	}
}

// take gives a new connection a place and a goroutine.
func (t *Table) take(conn net.Conn) {
	a := t.newAttempt(context.Background(), addrOf(conn.RemoteAddr()))
	a.conn = t.underTLS(conn)
	c, evicted, err := t.pending.add(a)
	if err != nil {
		t.counts.refusedPending.Add(1)
		a.cancel(err)
		return
	}
	if evicted != nil {
		t.counts.evicted.Add(1)
		evicted.a.cancel(ErrEvicted)
	}
	t.wg.Go(func() {
		defer t.pending.remove(c)
		t.shake(a)
	})
}

// shake is one inbound handshake. Its goroutine ends with it: the link has
// goroutines of its own.
func (t *Table) shake(a *attempt) {
	defer a.leave()
	var link *dist.Link
	_, err := dist.Accept(a.conn, time.Now().Add(t.setup), a.tries.local, dist.AcceptorHooks{
		Admit: a.admit,
		Established: func(r dist.Remote) error {
			info, err := a.install(r)
			link = info.Link
			return err
		},
	})
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
	t.counts.causesIn.add(err)
	a.conn.Close()
	if link != nil {
		link.Close(dist.ReasonReset, err)
	}
	if t.cfg.Refused != nil {
		t.cfg.Refused(Refusal{Addr: a.addr, Peer: a.name, Err: err, Forgotten: a.barred})
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
