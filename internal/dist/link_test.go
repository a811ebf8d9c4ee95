package dist

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/etf"
)

// linkPair is two links that face each other over loopback TCP.
func linkPair(t testing.TB, agreed Flags, ours, theirs Handler) (a, b *Link) {
	t.Helper()
	ca, cb := tcpPair(t)
	a = NewLink(linkConfig(ca, agreed, ours))
	cfg := linkConfig(cb, agreed, theirs)
	cfg.Local, cfg.Remote = Local{Name: peerName, Creation: peerLife}, Remote{Name: ourName, Creation: ourLife, Agreed: agreed}
	b = NewLink(cfg)
	a.Start()
	b.Start()
	t.Cleanup(func() {
		a.Close(ReasonClosed, nil)
		b.Close(ReasonClosed, nil)
		a.Wait()
		b.Wait()
	})
	return a, b
}

// until is a Handler hook that closes done at the nth call.
func until(n int) (hook func(*Link, string), done chan struct{}) {
	done = make(chan struct{})
	left := atomic.Int64{}
	left.Store(int64(n))
	return func(*Link, string) {
		if left.Add(-1) == 0 {
			close(done)
		}
	}, done
}

func TestEveryMessageArrives(t *testing.T) {
	for name, agreed := range map[string]Flags{"fragments": allAgreed, "pass-through": noHeaders} {
		t.Run(name, func(t *testing.T) {
			h := &recorder{}
			var done chan struct{}
			h.hook, done = until(9)
			a, _ := linkPair(t, agreed, &recorder{}, h)
			msg, me := []byte{97, 1}, ourPid(1)
			for i, err := range []error{
				a.SendName(me, "liminal", msg),
				a.Send(me, peerPid(7), msg),
				a.SendAlias(me, peerRef(1, 2, 3), msg),
				a.MonitorPid(me, peerPid(8), ourRef(4)), // noproc
				a.MonitorName(me, "pg", ourRef(5)),      // noproc
				a.DemonitorPid(me, peerPid(8), ourRef(4)),
				a.DemonitorName(me, "pg", ourRef(5)),
				a.MonitorExit(PidTarget(me), peerPid(9), peerRef(6), []byte{106}),
				a.MonitorExit(NameTarget("liminal"), peerPid(9), peerRef(7), []byte{106}),
				a.Send(me, peerPid(7), payloadOf(200_000)),
			} {
				if err != nil {
					t.Fatal(i, err)
				}
			}
			if !published(a, msg) {
				t.Fatal("publish refused")
			}
			<-done
			want := []string{"name 1 liminal 6101", "send 7 6101", "alias [1 2 3] 6101", "demonitored 1 8 [4]",
				"demonitored 1 pg [5]", "down [6] 6a", "down [7] 6a"}
			got := h.taken()
			if len(got) != 9 || !slices.Equal(got[:7], want) || !strings.HasPrefix(got[7], "send 7 6d00030d3b00") || got[8] != "send 7 6101" {
				t.Errorf("got %.200q", got)
			}
		})
	}
}

func TestSendErrors(t *testing.T) {
	msg := []byte{106}
	l := idleLink(plainFlags, nil)
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"alias", l.SendAlias(ourPid(1), peerRef(1), msg), ErrNotAgreed},
		{"monitor", l.MonitorPid(ourPid(1), peerPid(1), ourRef(1)), ErrNotAgreed},
		{"monitor name", l.MonitorName(ourPid(1), "pg", ourRef(1)), ErrNotAgreed},
		{"demonitor", l.DemonitorPid(ourPid(1), peerPid(1), ourRef(1)), ErrNotAgreed},
		{"long name", l.SendName(ourPid(1), strings.Repeat("x", 256), msg), etf.ErrEncode},
		{"no message", l.Send(ourPid(1), peerPid(1), nil), errEmpty},
		{"no reason", l.MonitorExit(PidTarget(ourPid(1)), peerPid(1), peerRef(1), nil), errEmpty},
		{"too large", idleLink(allAgreed, nil).Send(ourPid(1), peerPid(1), payloadOf(65<<20)), ErrPayloadTooLarge},
		{"too large for a frame", l.Send(ourPid(1), peerPid(1), payloadOf(16<<20)), ErrPayloadTooLarge},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.err, c.want)
		}
	}
	if frames := queuedFrames(t, l); len(frames) > 0 {
		t.Errorf("queued %x", frames)
	}
	l.Close(ReasonGoodbye, nil)
	if err := l.Send(ourPid(1), peerPid(1), msg); !errors.Is(err, ErrLinkDown) || !strings.Contains(err.Error(), "goodbye") {
		t.Errorf("on a link that is down: %v", err)
	}
	if err := l.Flush(t.Context()); err != nil {
		t.Errorf("flush of nothing: %v", err)
	}
}

func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := memPipe(1000)
		l := NewLink(linkConfig(ours, allAgreed, &recorder{}))
		if err := l.Flush(t.Context()); err != nil {
			t.Errorf("nothing queued: %v", err)
		}
		l.Publish(peerPid(7), payloadOf(100_000))
		if err := l.Send(ourPid(1), peerPid(7), []byte{106}); err != nil {
			t.Fatal(err)
		}
		l.Start()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("peer that does not read: %v", err)
		}
		go io.Copy(io.Discard, theirs)
		if err := l.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if s := l.Stats(); s.Written != 1 || s.Queued != 0 || s.ControlBytes != 0 {
			t.Errorf("flushed, but %+v", s)
		}
		l.Close(ReasonClosed, nil)
		l.Wait()
		theirs.Close()
	})
}

func TestFlushEndsWithLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, _ := memPipe(1000)
		l := NewLink(linkConfig(ours, allAgreed, &recorder{}))
		l.Publish(peerPid(7), payloadOf(100_000))
		l.Start()
		flushed := make(chan error)
		go func() { flushed <- l.Flush(context.Background()) }()
		synctest.Wait()
		l.Close(ReasonReplaced, nil)
		if err := <-flushed; !errors.Is(err, ErrLinkDown) {
			t.Errorf("got %v", err)
		}
		l.Wait()
	})
}

// Control messages and ticks go between the fragments of a long message.
func TestControlOvertakesData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := memPipe(1000)
		l := NewLink(linkConfig(ours, allAgreed, &recorder{}))
		l.Publish(peerPid(7), payloadOf(10*fragmentSize))
		l.Start()
		synctest.Wait() // the first batch is under way
		if err := l.Send(ourPid(1), peerPid(8), []byte{106}); err != nil {
			t.Fatal(err)
		}
		go func() { l.Flush(context.Background()); l.Close(ReasonClosed, nil) }()
		wire, _ := io.ReadAll(theirs)
		l.Wait()
		var kinds []byte
		for _, f := range splitFrames(t, wire) {
			kinds = append(kinds, f[1])
		}
		i := slices.Index(kinds, byte(typeHeader))
		if i < 1 || i > 2 || len(kinds) != 11 {
			t.Errorf("frames of types %v: the control message is number %d", kinds, i)
		}
	})
}

// OnDown comes once, for the first cause, whoever closes and however often.
func TestCloseOnce(t *testing.T) {
	for _, c := range []struct {
		name  string
		start bool
		close func(l *Link)
	}{
		{"before start", false, func(l *Link) { l.Close(ReasonReplaced, nil) }},
		{"after start", true, func(l *Link) { l.Close(ReasonReplaced, nil) }},
		{"many", true, func(l *Link) {
			l.Close(ReasonReplaced, nil)
			var g sync.WaitGroup
			for range 20 {
				g.Go(func() { l.Close(ReasonStopped, nil) })
			}
			g.Wait()
		}},
		{"by a sender", true, func(l *Link) { l.end(ReasonReplaced, nil) }},
		{"by a sender before start", false, func(l *Link) { l.end(ReasonReplaced, nil); l.Start() }},
		{"by a sender, seen by Beat", false, func(l *Link) { l.end(ReasonReplaced, nil); l.Beat(time.Now()) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			ours, _ := tcpPair(t)
			var downs atomic.Int64
			cfg := linkConfig(ours, allAgreed, &recorder{})
			cfg.OnDown = func(l *Link) {
				downs.Add(1)
				l.Close(ReasonStopped, nil) // may be called here
				l.Stats()
			}
			l := NewLink(cfg)
			if c.start {
				l.Start()
			}
			c.close(l)
			<-l.Done()
			l.Start() // does nothing now
			l.Wait()
			if r, _, _ := l.Down(); downs.Load() != 1 || r != ReasonReplaced {
				t.Errorf("OnDown %d times, reason %q", downs.Load(), r)
			}
		})
	}
}

// A Handler may close the link it is called from, and hears nothing more.
func TestCloseFromHandler(t *testing.T) {
	h := &recorder{hook: func(l *Link, call string) { l.Close(ReasonGoodbye, nil) }}
	a, b := linkPair(t, allAgreed, &recorder{}, h)
	for range 100 {
		a.Publish(peerPid(7), []byte{106})
	}
	<-b.Done()
	b.Wait()
	if got := h.taken(); len(got) != 1 {
		t.Errorf("%d messages after close", len(got)-1)
	}
	<-a.Done()
	if r, _, _ := a.Down(); r != ReasonEOF && r != ReasonReset {
		t.Errorf("the other side: %s", r)
	}
}

func TestReasons(t *testing.T) {
	for _, c := range []struct {
		name   string
		do     func(peer net.Conn)
		want   Reason
		detail string
		err    error
	}{
		{"eof", func(p net.Conn) { p.Close() }, ReasonEOF, "connection closed by peer", io.EOF},
		{"eof inside a frame", func(p net.Conn) { p.Write([]byte{0, 0, 1}); p.Close() }, ReasonEOF, "connection closed by peer", io.ErrUnexpectedEOF},
		{"reset", func(p net.Conn) { p.(*net.TCPConn).SetLinger(0); p.Close() }, ReasonReset, "connection reset by peer", syscall.ECONNRESET},
		{"length", func(p net.Conn) { p.Write([]byte{255, 255, 255, 255, 1}) }, ReasonProtocol, "malformed frame of 5 bytes: frame of 4294967295 bytes, at most 1048576 are allowed: ffffffff01", nil},
		{"garbage", func(p net.Conn) { p.Write([]byte{0, 0, 0, 3, 131, 68, 0}) }, ReasonProtocol, "malformed frame of 3 bytes: control: etf: input ends too early (tag 0 at offset 0): 834400", etf.ErrTruncated},
	} {
		t.Run(c.name, func(t *testing.T) {
			ours, theirs := tcpPair(t)
			l := NewLink(linkConfig(ours, allAgreed, &recorder{}))
			l.Start()
			c.do(theirs)
			<-l.Done()
			l.Wait()
			r, detail, err := l.Down()
			if r != c.want || detail != c.detail || c.err != nil && !errors.Is(err, c.err) {
				t.Errorf("%s, %q, %v; want %s, %q, %v", r, detail, err, c.want, c.detail, c.err)
			}
			if r.Text() == string(r) {
				t.Errorf("%s has no text", r)
			}
		})
	}
}

// Offered = written + dropped + queued at every moment, with slow readers,
// full lanes and an end in the middle of a write.
func TestPublishConserves(t *testing.T) {
	ours, theirs := tcpPair(t)
	l := NewLink(linkConfig(ours, allAgreed, &recorder{}))
	l.Start()
	go io.CopyN(io.Discard, theirs, 30<<20)
	var g sync.WaitGroup
	var taken atomic.Uint64
	for i := range 4 {
		g.Go(func() {
			msg := payloadOf([]int{10, 200, 20_000, 150_000}[i])
			for range 3000 {
				if published(l, msg) {
					taken.Add(1)
				}
				if s := l.Stats(); s.Offered != settled(s)+uint64(s.Queued) {
					t.Errorf("offered %d, %+v", s.Offered, s)
				}
			}
		})
	}
	g.Wait()
	l.Close(ReasonStopped, nil)
	l.Wait()
	s := l.Stats()
	if s.Offered != 12_000 || s.Queued != 0 || s.Offered != settled(s) || taken.Load() != s.Written+s.Dropped["link_down"]+s.Dropped["in_flight"] {
		t.Errorf("taken %d: %+v", taken.Load(), s)
	}
	if s.Dropped["full"] == 0 || s.Written == 0 {
		t.Errorf("nothing was dropped or written: %+v", s)
	}
}

func settled(s Stats) uint64 {
	return s.Written + s.Dropped["full"] + s.Dropped["too_large"] + s.Dropped["link_down"] + s.Dropped["in_flight"]
}

// Order holds within the data lane and within the control lane.
func TestOrder(t *testing.T) {
	h := &sequenceCheck{done: make(chan struct{}), want: 20_000}
	a, _ := linkPair(t, allAgreed, &recorder{}, h)
	for i := range h.want {
		msg := etf.AppendTuple(nil, 2)
		msg = append(etf.AppendInt(msg, int64(i)), payloadOf(1+i*7%300)...)
		if i%500 == 0 {
			msg = append(msg, make([]byte, 70_000)...)
		}
		for !published(a, msg) {
			if err := a.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	<-h.done
	if h.bad > 0 {
		t.Errorf("%d messages out of order", h.bad)
	}
}

type sequenceCheck struct {
	counting
	next, want, bad int
	done            chan struct{}
}

func (h *sequenceCheck) Send(_ *Link, _ etf.PidView, msg []byte) {
	r := etf.NewReader(msg, etf.WireLimits())
	r.TupleHeader()
	if n, err := r.Int(); err != nil || int(n) != h.next {
		h.bad++
	}
	if h.next++; h.next == h.want {
		close(h.done)
	}
}

// A peer that asks for answers and never reads them ends its own link.
func TestAnswersAreBounded(t *testing.T) {
	l := idleLink(allAgreed, &recorder{})
	frame := frameOf(allAgreed, controlOf(OpMonitor, peerPid(5), atom("nosuch"), peerRef(1)), nil)[4:]
	for i := 0; ; i++ {
		if err := l.in.frame(frame); err != nil {
			t.Fatal(err)
		}
		if r, _, _ := l.Down(); r == ReasonControlOverflow {
			return
		}
		if i > 16<<20/50 {
			t.Fatal("answers without bound")
		}
	}
}
