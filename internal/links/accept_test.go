package links

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// scripted is a listener that gives what it is told to, and notes when it was
// asked.
type scripted struct {
	results []any // error or net.Conn, in order; then it blocks until Close
	asked   []time.Duration
	start   time.Time
	closed  chan struct{}
	after   error // what Accept gives after Close
}

func (s *scripted) Accept() (net.Conn, error) {
	s.asked = append(s.asked, time.Since(s.start))
	if len(s.results) == 0 {
		<-s.closed
		return nil, s.after
	}
	r := s.results[0]
	s.results = s.results[1:]
	if err, ok := r.(error); ok {
		return nil, err
	}
	return r.(net.Conn), nil
}

func (s *scripted) Close() error   { close(s.closed); return nil }
func (s *scripted) Addr() net.Addr { return &net.TCPAddr{} }

// S5, F12: an accept loop without descriptors pauses, 10 ms to a second, and goes on.
func TestAcceptBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		emfile := fmt.Errorf("accept: %w", syscall.EMFILE)
		ours, theirs := net.Pipe()
		s := &scripted{start: time.Now(), closed: make(chan struct{}), after: net.ErrClosed}
		for range 9 {
			s.results = append(s.results, emfile)
		}
		s.results = append(s.results, ours, emfile)
		e := bare(t, "a@h", 1, nil)
		e.Serve([]net.Listener{s})
		if _, err := dist.Dial(theirs, time.Now().Add(time.Minute), localAs("b@h", testCookie, 2), dist.InitiatorHooks{}); err != nil {
			t.Errorf("a peer that came after the errors: %v", err)
		}
		time.Sleep(time.Minute)
		up := e.Up("b@h")
		e.Close(dist.ReasonStopped)
		ms := time.Millisecond
		want := []time.Duration{0, 10 * ms, 30 * ms, 70 * ms, 150 * ms, 310 * ms, 630 * ms, 1270 * ms, 2270 * ms, 3270 * ms,
			3270 * ms, 3280 * ms} // a success starts the pauses afresh
		if !slices.Equal(s.asked, want) {
			t.Errorf("asked at %v, want %v", s.asked, want)
		}
		if n := e.Counters()["accept_errors"]; n != 10 || !up {
			t.Errorf("%d errors counted, b up: %v", n, up)
		}
	})
}

// A listener that goes on failing after Close keeps nobody busy, nor waiting.
func TestAcceptErrorAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{start: time.Now(), closed: make(chan struct{}), after: syscall.EMFILE}
		e := bare(t, "a@h", 1, nil)
		e.Serve([]net.Listener{s})
		synctest.Wait()
		e.Close(dist.ReasonStopped)
		if took := time.Since(s.start); took != 0 {
			t.Errorf("close took %v", took)
		}
	})
}

func TestAddressOfConn(t *testing.T) {
	for in, want := range map[net.Addr]string{
		&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 5}:                "10.0.0.1:5",
		&net.TCPAddr{IP: net.ParseIP("::ffff:10.0.0.1"), Port: 5}:       "10.0.0.1:5",
		&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 5}: "[fe80::1%eth0]:5",
		&net.UnixAddr{Name: "/x"}:                                       "invalid AddrPort",
	} {
		if got := addrOf(in).String(); got != want {
			t.Errorf("%v: %s, want %s", in, got, want)
		}
	}
}

// What accept still gives while the listeners close is closed too.
func TestTakeAfterClose(t *testing.T) {
	e := bare(t, "a@h", 1, nil)
	e.CloseListeners()
	x, y := net.Pipe()
	e.take(x)
	if _, err := y.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || e.pending.len() != 0 {
		t.Errorf("read %v, %d pending", err, e.pending.len())
	}
	e.Close(dist.ReasonStopped)
}
