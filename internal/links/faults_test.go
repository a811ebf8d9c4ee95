package links

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

var errFault = errors.New("injected fault")

// faulty is a conn whose n-th call fails. A Close that fails still closes.
type faulty struct {
	net.Conn
	mu     sync.Mutex
	left   int
	fired  bool
	closed bool
}

func (f *faulty) fail() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left--
	f.fired = f.fired || f.left == 0
	return f.left == 0
}

func (f *faulty) Read(b []byte) (int, error) {
	if f.fail() {
		return 0, errFault
	}
	return f.Conn.Read(b)
}

func (f *faulty) Write(b []byte) (int, error) {
	if f.fail() {
		return 0, errFault
	}
	return f.Conn.Write(b)
}

func (f *faulty) SetDeadline(d time.Time) error {
	if f.fail() {
		return errFault
	}
	return f.Conn.SetDeadline(d)
}

func (f *faulty) Close() error {
	err := f.Conn.Close()
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	if f.fail() {
		return errFault
	}
	return err
}

func (f *faulty) state() (fired, closed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired, f.closed
}

// over is Dial with the socket there already.
func (e *end) over(conn net.Conn, want string) (Info, error) {
	a := e.newAttempt(context.Background(), testAddr)
	a.outgoing, a.want, a.name = true, want, want
	if err := e.reserve(a); err != nil {
		return Info{}, err
	}
	defer e.wg.Done()
	defer a.leave()
	a.attach(conn)
	return e.greet(a)
}

// Every call on the conn of a dial, and of an accept, fails once: the
// handshake or the link ends with a reason, and nothing stays behind.
func TestEveryCallFailsOnce(t *testing.T) {
	for _, dials := range []bool{true, false} {
		n := 1
		for ; sweep(t, dials, n); n++ {
			if n > 100 {
				t.Fatal("no end of calls")
			}
		}
		if n < 9 { // 2 deadlines, 4 messages, of which those read take two reads, and the link
			t.Errorf("only %d calls", n)
		}
	}
}

// sweep lets the n-th call fail and says whether there was one.
func sweep(t *testing.T, dials bool, n int) (fired bool) {
	synctest.Test(t, func(t *testing.T) {
		x, y := net.Pipe()
		bad := &faulty{Conn: x, left: n}
		us, them := bare(t, "us@h", 1, nil), bare(t, "them@h", 2, nil)
		var err error
		if dials {
			them.take(y)
			_, err = us.over(bad, "them@h")
		} else {
			us.take(bad)
			_, err = them.over(y, "")
		}
		synctest.Wait()
		fired, _ = bad.state()
		notes, refused := us.log.all()
		up := us.Up("them@h")
		switch {
		case fired && up:
			t.Errorf("call %d failed and the link is up", n)
		case fired && len(notes) > 0 && (count(notes, false) != count(notes, true) || notes[len(notes)-1].info.Reason == ""):
			t.Errorf("call %d: notes %v", n, notes)
		case fired && len(notes) == 0 && dials && err == nil:
			t.Errorf("call %d failed and the dial did not", n)
		case fired && len(notes) == 0 && !dials && (len(refused) != 1 || refused[0].Err == nil):
			t.Errorf("call %d: refused %v", n, refused)
		case !fired && (!up || !them.Up("us@h")):
			t.Errorf("no call failed, and no link: %v", err)
		}
		if _, closed := bad.state(); fired && !closed {
			t.Errorf("call %d: the conn stays open", n)
		}
		us.Close(dist.ReasonStopped)
		them.Close(dist.ReasonStopped)
		var closed bool
		if fired, closed = bad.state(); !closed || len(us.in)+len(us.out)+len(us.dials)+us.pending.len() > 0 {
			t.Errorf("call %d: something stays behind", n)
		}
		us.log.checkOrder()
		them.log.checkOrder()
	})
	return fired
}
