package dist

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/etf"
)

// recorder is a Handler that writes down what it was told.
type recorder struct {
	mu     sync.Mutex
	calls  []string
	alive  map[uint32]bool // ids of pids that live
	names  map[string]bool
	limits map[string]int // by id or name
	hook   func(l *Link, call string)
}

func (h *recorder) note(l *Link, format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	h.mu.Lock()
	h.calls = append(h.calls, s)
	h.mu.Unlock()
	if h.hook != nil {
		h.hook(l, s)
	}
}

func (h *recorder) taken() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.calls
	h.calls = nil
	return c
}

func (h *recorder) Send(l *Link, to etf.PidView, msg []byte) {
	h.note(l, "send %d %x", to.ID, msg)
}
func (h *recorder) SendName(l *Link, from etf.PidView, name []byte, msg []byte) {
	h.note(l, "name %d %s %x", from.ID, name, msg)
}
func (h *recorder) SendAlias(l *Link, to etf.Ref, msg []byte) {
	h.note(l, "alias %v %x", to.Words[:to.Len], msg)
}
func (h *recorder) Limit(to etf.PidView) int  { return h.limits[fmt.Sprint(to.ID)] }
func (h *recorder) LimitName(name []byte) int { return h.limits[string(name)] }
func (h *recorder) Dropped(l *Link, to etf.PidView, name []byte, d Drop) {
	if name != nil {
		h.note(l, "dropped %s %s", name, d)
		return
	}
	h.note(l, "dropped %s %d.%d.%x %s", to.Node, to.ID, to.Serial, to.Creation, d)
}
func (h *recorder) Linked(l *Link, from, to etf.Pid) {
	h.note(l, "linked %d %d", from.ID, to.ID)
}
func (h *recorder) Unlinked(l *Link, from, to etf.Pid) {
	h.note(l, "unlinked %d %d", from.ID, to.ID)
}
func (h *recorder) Lives(to etf.PidView) bool  { return h.alive[to.ID] }
func (h *recorder) LivesName(name []byte) bool { return h.names[string(name)] }
func (h *recorder) Monitored(l *Link, from etf.Pid, target Target, ref etf.Ref) {
	h.note(l, "monitored %d %s %v", from.ID, showTarget(target), ref.Words[:ref.Len])
}
func (h *recorder) Demonitored(l *Link, from etf.Pid, target Target, ref etf.Ref) {
	h.note(l, "demonitored %d %s %v", from.ID, showTarget(target), ref.Words[:ref.Len])
}
func (h *recorder) MonitorExit(l *Link, ref etf.Ref, reason []byte) {
	h.note(l, "down %v %x", ref.Words[:ref.Len], reason)
}
func (h *recorder) Exit(l *Link, from, to etf.Pid, reason []byte) {
	h.note(l, "exit %d %d %x", from.ID, to.ID, reason)
}

func showTarget(t Target) string {
	if t.IsName() {
		return t.Name
	}
	return fmt.Sprint(t.Pid.ID)
}

// counting is a Handler that only counts what Send gets.
type counting struct{ sends, bytes int }

func (h *counting) Send(_ *Link, _ etf.PidView, msg []byte)     { h.sends++; h.bytes += len(msg) }
func (h *counting) SendName(*Link, etf.PidView, []byte, []byte) {}
func (h *counting) SendAlias(*Link, etf.Ref, []byte)            {}
func (h *counting) Limit(etf.PidView) int                       { return 0 }
func (h *counting) LimitName([]byte) int                        { return 0 }
func (h *counting) Dropped(*Link, etf.PidView, []byte, Drop)    {}
func (h *counting) Linked(_ *Link, _, _ etf.Pid)                {}
func (h *counting) Unlinked(_ *Link, _, _ etf.Pid)              {}
func (h *counting) Lives(etf.PidView) bool                      { return false }
func (h *counting) LivesName([]byte) bool                       { return false }
func (h *counting) Monitored(*Link, etf.Pid, Target, etf.Ref)   {}
func (h *counting) Demonitored(*Link, etf.Pid, Target, etf.Ref) {}
func (h *counting) MonitorExit(*Link, etf.Ref, []byte)          {}
func (h *counting) Exit(_ *Link, _, _ etf.Pid, _ []byte)        {}

const (
	ourName    = "us@h"
	peerName   = "peer@h"
	ourLife    = 0x11223344
	peerLife   = 0x55667788
	allAgreed  = offered
	noHeaders  = offered &^ FlagFragments
	plainFlags = mandatory &^ FlagFragments
)

func ourPid(id uint32) etf.Pid  { return etf.Pid{Node: ourName, ID: id, Creation: ourLife} }
func peerPid(id uint32) etf.Pid { return etf.Pid{Node: peerName, ID: id, Creation: peerLife} }
func ourRef(w ...uint32) etf.Ref {
	return newRef(ourName, ourLife, w...)
}
func peerRef(w ...uint32) etf.Ref {
	return newRef(peerName, peerLife, w...)
}
func newRef(node etf.Atom, creation uint32, w ...uint32) etf.Ref {
	r := etf.Ref{Node: node, Creation: creation, Len: uint8(len(w))}
	copy(r.Words[:], w)
	return r
}

func linkConfig(c net.Conn, agreed Flags, h Handler) LinkConfig {
	return LinkConfig{
		Conn: c, Handler: h,
		Local:  Local{Name: ourName, Creation: ourLife},
		Remote: Remote{Name: peerName, Creation: peerLife, Flags: agreed, Agreed: agreed},
	}
}

// idleLink has no goroutines: frames are given to its inbound half by hand and
// what it would write is read from its lanes.
func idleLink(agreed Flags, h Handler) *Link {
	return NewLink(linkConfig(deadConn{}, agreed, h))
}

// deadConn is a conn that is never read.
type deadConn struct{ net.Conn }

func (deadConn) Close() error { return nil }

// queuedFrames drains the lanes of an idle link, control first.
func queuedFrames(t testing.TB, l *Link) [][]byte {
	t.Helper()
	return splitFrames(t, drain(l))
}

// drain is what the writer would write, all at once.
func drain(l *Link) []byte {
	var all []byte
	for {
		b, ok := writeByHand(l)
		if !ok {
			return all
		}
		all = append(all, b...)
	}
}

// writeByHand does what the writer of an idle link would do for one batch, and
// says what it would write. It reports false when nothing is left.
func writeByHand(l *Link) (b []byte, ok bool) {
	l.mu.Lock()
	empty := l.idle()
	l.mu.Unlock()
	if empty || !l.nextLane(nil) {
		return nil, false
	}
	l.collect()
	for _, p := range l.batch.parts {
		b = append(b, p...)
	}
	l.mu.Lock()
	l.account(nil)
	l.mu.Unlock()
	return b, true
}

// failer is a test, or a run of one under rapid.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func splitFrames(t failer, b []byte) (frames [][]byte) {
	t.Helper()
	for len(b) > 0 {
		if len(b) < 4 || uint32(len(b)-4) < binary.BigEndian.Uint32(b) {
			t.Fatalf("half a frame: %x", b[:min(len(b), 64)])
		}
		n := 4 + int(binary.BigEndian.Uint32(b))
		frames, b = append(frames, b[4:n]), b[n:]
	}
	return frames
}

// frameOf builds a frame with its length around a control tuple and payload.
func frameOf(agreed Flags, control, payload []byte) []byte {
	l := idleLink(agreed, nil)
	l.ctl.message(&l.framing, control, payload, 1<<30)
	return drain(l)
}

// controlOf builds a control tuple from terms.
func controlOf(op Op, terms ...etf.Term) []byte {
	return termOf(etf.Tuple(append([]etf.Term{int64(op)}, terms...)))
}

func termOf(t etf.Term) []byte {
	b, err := etf.Append(nil, t)
	if err != nil {
		panic(err)
	}
	return b
}

func atom(s string) etf.Term { return etf.Atom(s) }

// memPipe is a pair of conns with a buffer between them in each direction, for
// bubbles, where a real socket would hold the clock. A write that finds the
// buffer full waits, as in a kernel.
func memPipe(buffer int) (a, b *memConn) {
	ab, ba := newMemHalf(buffer), newMemHalf(buffer)
	return &memConn{in: ba, out: ab}, &memConn{in: ab, out: ba}
}

type memHalf struct {
	mu     sync.Mutex
	cond   sync.Cond
	b      []byte
	most   int
	closed bool
}

func newMemHalf(most int) *memHalf {
	h := &memHalf{most: most}
	h.cond.L = &h.mu
	return h
}

func (h *memHalf) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cond.Broadcast()
}

type memConn struct {
	in, out *memHalf
	mu      sync.Mutex
	dead    bool
}

func (c *memConn) isDead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

func (c *memConn) Read(p []byte) (int, error) {
	h := c.in
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.b) == 0 && !h.closed {
		h.cond.Wait()
	}
	if c.isDead() {
		return 0, net.ErrClosed
	}
	if len(h.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, h.b)
	h.b = h.b[n:]
	h.cond.Broadcast()
	return n, nil
}

func (c *memConn) Write(p []byte) (written int, err error) {
	h := c.out
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(p) > 0 {
		for len(h.b) >= h.most && !h.closed {
			h.cond.Wait()
		}
		if h.closed {
			return written, io.ErrClosedPipe
		}
		n := min(len(p), h.most-len(h.b))
		h.b = append(h.b, p[:n]...)
		written, p = written+n, p[n:]
		h.cond.Broadcast()
	}
	return written, nil
}

func (c *memConn) Close() error {
	c.mu.Lock()
	c.dead = true
	c.mu.Unlock()
	c.in.close()
	c.out.close()
	return nil
}

func (c *memConn) LocalAddr() net.Addr              { return memAddr{} }
func (c *memConn) RemoteAddr() net.Addr             { return memAddr{} }
func (c *memConn) SetDeadline(time.Time) error      { return nil }
func (c *memConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memConn) SetWriteDeadline(time.Time) error { return nil }

type memAddr struct{}

func (memAddr) Network() string { return "mem" }
func (memAddr) String() string  { return "mem" }

// tcpPair is a loopback connection.
func tcpPair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	type accepted struct {
		c   net.Conn
		err error
	}
	got := make(chan accepted, 1)
	go func() {
		c, err := ln.Accept()
		got <- accepted{c, err}
	}()
	if a, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	r := <-got
	if r.err != nil {
		t.Fatal(r.err)
	}
	t.Cleanup(func() { a.Close(); r.c.Close() })
	return a, r.c
}

// published reports whether the link took a message for pid 7.
func published(l *Link, msg []byte) bool {
	_, d := l.Publish(peerPid(7), msg)
	return d == DropNone
}
