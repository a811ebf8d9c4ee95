package links

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// provenPeers dials e under many names, each proving the cookie, and keeps the raw
// conns behind the handshake.
func provenPeers(t *testing.T, e *end, count int) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, count)
	for k := range conns {
		c, err := net.Dial("tcp", e.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := dist.Dial(c, time.Time{}, localAs(fmt.Sprintf("m%d@h", k), testCookie, 7), dist.InitiatorHooks{}); err != nil {
			t.Fatal(err)
		}
		conns[k] = c
	}
	return conns
}

// S3: a thousand peers that have proved the cookie declare a frame of four, two,
// and almost two gibibytes and send one byte of it: each link is closed, with
// the reason, and nothing was set aside for them.
func TestLyingLengths(t *testing.T) {
	const count = 1000
	for _, declared := range []uint32{0xFFFFFFFF, 0x80000000, 0x7FFFFFFF} {
		t.Run(fmt.Sprintf("%#x", declared), func(t *testing.T) {
			e := open(t, "a@h", 1, nil)
			conns := provenPeers(t, e, count)
			before, beforeHeap := resident(t), int64(heap())
			for _, c := range conns {
				if _, err := c.Write(append(binary.BigEndian.AppendUint32(nil, declared), 131)); err != nil {
					t.Fatal(err)
				}
			}
			e.downs(t, count)
			grown := max(resident(t)-before, int64(heap())-beforeHeap)
			if grown > 80<<20 {
				t.Errorf("the process grew by %d bytes", grown)
			}
			notes, _ := e.log.all()
			for _, n := range notes {
				if !n.up && n.info.Reason != dist.ReasonProtocol {
					t.Fatalf("%s ended by %s", n.info.Name, n.info.Reason)
				}
			}
			for _, c := range conns {
				_ = c.SetReadDeadline(time.Now().Add(within))
				if _, err := io.Copy(io.Discard, c); isTimeout(err) {
					t.Fatal("a link is still open")
				}
			}
			t.Logf("%d links, the process grew by %d KiB", count, grown>>10)
		})
	}
}

func isTimeout(err error) bool {
	n, ok := err.(net.Error)
	return ok && n.Timeout()
}

// S3: the longest frame that is allowed costs nothing either before it comes.
func TestHonestLengthsReserveNothing(t *testing.T) {
	e := open(t, "a@h", 1, nil)
	const count = 1000
	conns := provenPeers(t, e, count)
	before, beforeHeap := resident(t), int64(heap())
	for _, c := range conns {
		if _, err := c.Write(append(binary.BigEndian.AppendUint32(nil, 1<<20), make([]byte, 1000)...)); err != nil {
			t.Fatal(err)
		}
	}
	pollUntil(t, "all have been read", func() bool {
		for _, l := range e.liveLinks() {
			if l.Stats().BytesIn < 1004 {
				return false
			}
		}
		return true
	})
	if grown := max(resident(t)-before, int64(heap())-beforeHeap); grown > 80<<20 {
		t.Errorf("the process grew by %d bytes for %d KiB received", grown, count)
	}
	if n := len(e.liveLinks()); n != count {
		t.Errorf("%d links are up, want %d", n, count)
	}
}

// S3: before anybody is proved a length has two bytes and may say 65,535. One of
// 1,100 is believed and waited for, in a buffer that is there anyway; more is
// refused at once. 256 who lie cost what 256 conns cost.
func TestLyingLengthsOfStrangers(t *testing.T) {
	e := bare(t, "a@h", 1, nil)
	defer e.Close(dist.ReasonStopped)
	const perStranger = 32 << 10 // conn, goroutine with its stack, buffer, machine, this test's pipe
	e.take(mutePeer(t, nil))
	before := int64(heap())
	for range MaxPending - 1 {
		e.take(mutePeer(t, []byte{0x04, 0x4c, 'N'}))
	}
	if grown := int64(heap()) - before; grown > MaxPending*perStranger {
		t.Errorf("%d strangers cost %d bytes", MaxPending, grown)
	}
	if n := e.pending.len(); n != MaxPending {
		t.Errorf("%d pending", n)
	}
	e.CloseListeners()
	e.refusals(t, MaxPending)
	for _, head := range [][]byte{{0xff, 0xff}, {0x04, 0x4d}, {0x80, 0x00}, {0x7f, 0xff}} {
		f := bare(t, "a@h", 1, nil)
		f.take(mutePeer(t, append(head, 'N')))
		if r := f.refusals(t, 1); r[0].Err == nil {
			t.Errorf("%x: %v", head, r)
		}
		f.Close(dist.ReasonStopped)
	}
}

// mutePeer is the table's end of a conn whose other end says one thing and then
// waits for ever.
func mutePeer(t *testing.T, says []byte) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { theirs.Close() })
	go func() { _, _ = theirs.Write(says) }()
	return ours
}
