package dist

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/liminal-bus/liminal/internal/perf"
)

// BenchmarkPublishToLink is the whole way out: encode, queue, write to loopback
// TCP. A full lane is waited for, so that each message counted was written.
func BenchmarkPublishToLink(b *testing.B) {
	for _, size := range []int{16, 128, 1024, 16 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			ours, theirs := tcpPair(b)
			l := NewLink(linkConfig(ours, allAgreed, &counting{}))
			l.Start()
			go func() {
				buf := make([]byte, 1<<20)
				for {
					if _, err := theirs.Read(buf); err != nil {
						return
					}
				}
			}()
			msg := payloadOf(size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for !published(l, msg) {
					runtime.Gosched()
				}
			}
			if err := l.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			l.Close(ReasonClosed, nil)
			l.Wait()
		})
	}
}

// BenchmarkReadSend is the whole way in: read, cut, dispatch to a Handler.
func BenchmarkReadSend(b *testing.B) {
	for _, size := range []int{16, 128, 1024} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			frame := frameOf(allAgreed, controlOf(OpSend, unused, ourPid(7)), payloadOf(size))
			run := bytes.Repeat(frame, 1000)
			h := &counting{}
			l := idleLink(allAgreed, h)
			buf := newFrameBuffer(l.limits.Frame)
			src := &looped{b: run}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			want := 0
			for b.Loop() {
				for want++; h.sends < want; {
					if _, err := buf.fill(src); err != nil {
						b.Fatal(err)
					}
					if err := l.frames(buf); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// looped gives the same bytes for ever.
type looped struct {
	b   []byte
	off int
}

func (r *looped) Read(p []byte) (int, error) {
	n := copy(p, r.b[r.off:])
	r.off = (r.off + n) % len(r.b)
	return n, nil
}

// BenchmarkDispatchSend is one SEND_SENDER frame to a Handler.
func BenchmarkDispatchSend(b *testing.B) {
	frame := frameOf(allAgreed, controlOf(OpSendSender, peerPid(5), ourPid(7)), payloadOf(128))[4:]
	l := idleLink(allAgreed, &counting{})
	b.ReportAllocs()
	for b.Loop() {
		if err := l.in.frame(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func TestCostOfDispatch(t *testing.T) {
	for _, c := range []struct {
		op   Op
		args []byte
	}{
		{OpSend, controlOf(OpSend, unused, ourPid(7))},
		{OpSendSender, controlOf(OpSendSender, peerPid(5), ourPid(7))},
		{OpRegSend, controlOf(OpRegSend, peerPid(5), unused, atom("liminal"))},
	} {
		frame := frameOf(allAgreed, c.args, payloadOf(128))[4:]
		l := idleLink(allAgreed, &counting{})
		perf.Most(t, "dist.dispatch.allocs", testing.AllocsPerRun(1000, func() {
			if err := l.in.frame(frame); err != nil {
				t.Fatal(err)
			}
		}))
	}
}

func TestCostOfPublish(t *testing.T) {
	ours, theirs := tcpPair(t)
	l := NewLink(linkConfig(ours, allAgreed, &counting{}))
	l.Start()
	drained := make(chan struct{})
	go func() { io.Copy(io.Discard, theirs); close(drained) }()
	msg := payloadOf(128)
	publish := func() {
		for !published(l, msg) {
			runtime.Gosched()
		}
	}
	for range 20_000 { // both buffers have grown
		publish()
	}
	perf.Most(t, "dist.publish.allocs", testing.AllocsPerRun(50_000, publish))
	l.Close(ReasonClosed, nil)
	l.Wait()
	<-drained
}
