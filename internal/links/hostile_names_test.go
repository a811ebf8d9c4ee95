package links

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// strangeHello is the k-th of many name messages of which no two have one name.
func strangeHello(k int) []byte {
	flags := dist.Offer(k%2 == 0)
	switch k % 8 {
	case 6:
		flags = 0x1050f94 // of long ago
	case 7:
		return nameBytes(fmt.Sprintf("stranger\x1b%d@h", k), uint32(k), flags)
	}
	return nameBytes(fmt.Sprintf("stranger%d@host%d.example", k, k), uint32(k), flags)
}

// S2: 100,000 names that are only claimed, good ones and bad ones, leave no row,
// no counter of their own, and not a mebibyte.
func TestHelloNamesLeaveNoTrace(t *testing.T) {
	e := bare(t, "a@h", 1, func(c *Config) { c.Refused = nil })
	defer e.Close(dist.ReasonStopped)
	labels := labelsOf(e)
	claim := func(from, to int) {
		const atOnce = 128 // fewer than MaxPending, so that each is heard out
		closed := make(chan struct{}, atOnce)
		for k := from; k < to; k++ {
			if k-from >= atOnce {
				<-closed
			}
			e.take(&parrot{rest: strangeHello(k), closed: closed})
		}
		pollUntil(t, "all are gone", func() bool { return e.pending.len() == 0 })
	}
	claim(0, 1000)
	before, start := heap(), time.Now()
	count := hostileSize(20_000, 100_000)
	claim(1000, 1000+count)
	grown, took := int64(heap())-int64(before), time.Since(start)
	if grown > 1<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if n := e.Counters()["handshakes_failed_in"]; n != uint64(count+1000) {
		t.Errorf("%d refusals were counted, want %d", n, count+1000)
	}
	if _, rows := e.Snapshot(); len(rows) > 0 || e.Version() != 0 || len(e.in)+len(e.out)+len(e.dials) > 0 {
		t.Errorf("%d rows, version %d, %d attempts", len(rows), e.Version(), len(e.in))
	}
	if now := labelsOf(e); !slices.Equal(now, labels) {
		t.Errorf("counters were %q and are %q", labels, now)
	}
	t.Logf("%d names in %v, the heap grew by %d bytes", count, took, grown)
}

func labelsOf(e *end) (names []string) {
	for name := range e.Counters() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// S2: the same over real sockets, where the kernel takes part.
func TestHelloNamesOverSockets(t *testing.T) {
	e := bare(t, "a@h", 1, func(c *Config) { c.Refused = nil })
	e.serve(t, "127.0.0.1:0")
	defer e.Close(dist.ReasonStopped)
	claim := func(count int) {
		for k := range count {
			c, err := net.Dial("tcp", e.addr.String())
			if err != nil {
				t.Fatal(err)
			}
			_ = c.SetDeadline(time.Now().Add(within))
			if _, err := c.Write(strangeHello(k)); err == nil {
				_, _ = takeMessage(c) // the answer: what it is does not matter here
			}
			_ = c.(*net.TCPConn).SetLinger(0) // no port waits behind it
			c.Close()
		}
		pollUntil(t, "all are gone", func() bool { return e.pending.len() == 0 })
	}
	claim(100)
	before, start := heap(), time.Now()
	count := hostileSize(1000, 100_000)
	claim(count)
	if grown := int64(heap()) - int64(before); grown > 1<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if _, rows := e.Snapshot(); len(rows) > 0 {
		t.Errorf("%d rows", len(rows))
	}
	t.Logf("%d names in %v", count, time.Since(start))
}
