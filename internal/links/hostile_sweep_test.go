package links

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// The n-th failure over the whole way of a connection: Accept of the listener
// too, and whatever is tried again afterwards.

// nth runs hit once, at the n-th call of pass.
type nth struct {
	mu   sync.Mutex
	left int
	hit  func() error
	done bool
	late int // calls after that one
}

func (f *nth) pass() error {
	f.mu.Lock()
	f.left--
	now := f.left == 0
	if f.done {
		f.late++
	}
	f.done = f.done || now
	f.mu.Unlock()
	if now {
		return f.hit()
	}
	return nil
}

func (f *nth) fired() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.done
}

func (f *nth) lateCalls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.late
}

// sweptConn is a conn each call of which passes by f.
type sweptConn struct {
	net.Conn
	f *nth
}

func (c sweptConn) Read(b []byte) (int, error) {
	if err := c.f.pass(); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c sweptConn) Write(b []byte) (int, error) {
	if err := c.f.pass(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c sweptConn) SetDeadline(d time.Time) error {
	if err := c.f.pass(); err != nil {
		return err
	}
	return c.Conn.SetDeadline(d)
}

// sweptListener hands out what is put into conns, if Accept passes by f.
type sweptListener struct {
	conns chan net.Conn
	f     *nth
	shut  chan struct{}
	once  sync.Once
}

func (l *sweptListener) Accept() (net.Conn, error) {
	if err := l.f.pass(); err != nil {
		return nil, err
	}
	select {
	case c := <-l.conns:
		return sweptConn{c, l.f}, nil
	case <-l.shut:
		return nil, net.ErrClosed
	}
}

func (l *sweptListener) Close() error   { l.once.Do(func() { close(l.shut) }); return nil }
func (l *sweptListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(testAddr) }

// Whatever fails once on the way of an inbound connection, Accept included, and
// however it fails: what was begun ends with a reason, nothing stays, and the
// next connection gets through.
func TestEveryFailureOfAccept(t *testing.T) {
	for name, fault := range map[string]error{
		"odd": errFault, "reset": syscall.ECONNRESET, "no descriptors": syscall.EMFILE, "timeout": context.DeadlineExceeded,
	} {
		t.Run(name, func(t *testing.T) {
			n := 1
			for ; sweepAccept(t, n, fault); n++ {
				if n > 100 {
					t.Fatal("no end of calls")
				}
			}
			if n < 10 { // Accept, 2 deadlines, 4 messages of which those read take two reads, and the link
				t.Errorf("only %d calls", n)
			}
		})
	}
}

func sweepAccept(t *testing.T, n int, fault error) (fired bool) {
	synctest.Test(t, func(t *testing.T) {
		f := &nth{left: n, hit: func() error { return fault }}
		us, them := bare(t, "us@h", 1, nil), bare(t, "them@h", 2, nil)
		l := &sweptListener{conns: make(chan net.Conn), f: f, shut: make(chan struct{})}
		us.Serve([]net.Listener{l})
		for tries := 0; !us.Up("them@h"); tries++ {
			if tries == 3 {
				t.Fatalf("call %d: no way in any more", n)
			}
			x, y := net.Pipe()
			l.conns <- y
			_, _ = them.over(x, "us@h") // the first may fail, by design
			synctest.Wait()
		}
		fired = f.fired()
		us.checkSwept(t, n)
		us.Close(dist.ReasonStopped)
		them.Close(dist.ReasonStopped)
		us.log.checkOrder()
		them.log.checkOrder()
	})
	return fired
}

// checkSwept: all that ended has a reason, and nothing is under way.
func (e *end) checkSwept(t *testing.T, n int) {
	t.Helper()
	notes, refused := e.log.all()
	for _, note := range notes {
		if !note.up && note.info.Reason == "" {
			t.Errorf("call %d: down without a reason", n)
		}
	}
	for _, r := range refused {
		if r.Err == nil {
			t.Errorf("call %d: refused without a reason", n)
		}
	}
	if left := len(e.in) + len(e.out) + len(e.dials) + e.pending.len(); left > 0 {
		t.Errorf("call %d: %d attempts stay behind", n, left)
	}
}

// A dial that is cancelled at its n-th call, or whose table closes then, ends at
// once, with the cause it was given, or was a link by then.
func TestEveryCancelOfDial(t *testing.T) {
	for _, cause := range []error{errCalledOff, ErrClosed} {
		n := 1
		for ; sweepCancel(t, n, cause); n++ {
			if n > 100 {
				t.Fatal("no end of calls")
			}
		}
		if n < 9 {
			t.Errorf("only %d calls", n)
		}
	}
}

var errCalledOff = errors.New("called off")

func sweepCancel(t *testing.T, n int, cause error) (fired bool) {
	synctest.Test(t, func(t *testing.T) {
		us, them := bare(t, "us@h", 1, nil), bare(t, "them@h", 2, nil)
		x, y := net.Pipe()
		them.take(y)
		a := us.newAttempt(t.Context(), testAddr)
		f := &nth{left: n, hit: func() error {
			if cause == ErrClosed {
				us.CloseListeners()
			} else {
				a.cancel(cause)
			}
			return nil
		}}
		a.outgoing, a.want, a.name = true, "them@h", "them@h"
		if err := us.reserve(a); err != nil {
			t.Fatal(err)
		}
		a.attach(sweptConn{x, f})
		info, err := us.greet(a)
		a.leave()
		us.wg.Done()
		synctest.Wait()
		fired = f.fired()
		switch {
		case err != nil && f.lateCalls() > 1:
			t.Errorf("call %d: called off, and %d more were made", n, f.lateCalls())
		case err != nil && !errors.Is(err, cause):
			t.Errorf("call %d: %v", n, err)
		case err == nil && (info.Link == nil || !us.Up("them@h")):
			t.Errorf("call %d: no error and no link", n)
		case err != nil && us.Up("them@h"):
			t.Errorf("call %d: called off and up", n)
		}
		us.checkSwept(t, n)
		us.Close(dist.ReasonStopped)
		them.Close(dist.ReasonStopped)
		us.log.checkOrder()
	})
	return fired
}

// A dial that fails before there is a conn says with what it could not connect,
// and leaves the name free for the next.
func TestDialsThatNeverConnect(t *testing.T) {
	us := bare(t, "us@h", 1, nil)
	defer us.Close(dist.ReasonStopped)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().(*net.TCPAddr).AddrPort()
	l.Close()
	gone, cancel := context.WithCancelCause(t.Context())
	cancel(errCalledOff)
	for what, c := range map[string]struct {
		ctx  context.Context
		addr netip.AddrPort
	}{
		"nobody listens": {t.Context(), closed},
		"called off":     {gone, closed},
		"no such port":   {t.Context(), netip.AddrPortFrom(closed.Addr(), 0)},
	} {
		for range 2 {
			_, err := us.Dial(c.ctx, within, c.addr, "them@h")
			var connect *ConnectError
			if !errors.As(err, &connect) && !errors.Is(err, errCalledOff) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	us.checkSwept(t, 0)
	if us.Counters()["handshakes_failed_out"] != 6 {
		t.Errorf("counted: %v", us.Counters())
	}
}
