package links

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// Tools of those without a cookie: raw messages of the handshake, and conns
// that say a fixed thing.

// hostileSize is short in every run and full with LIMINAL_TEST_LONG=1.
func hostileSize(short, full int) int {
	if os.Getenv("LIMINAL_TEST_LONG") == "1" {
		return full
	}
	return short
}

// framed puts the length of the handshake before a message.
func framed(m []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...)
}

// nameBytes is a name message as it goes over the wire.
func nameBytes(name string, creation uint32, flags dist.Flags) []byte {
	b := binary.BigEndian.AppendUint64([]byte{'N'}, uint64(flags))
	b = binary.BigEndian.AppendUint32(b, creation)
	b = binary.BigEndian.AppendUint16(b, uint16(len(name)))
	return framed(append(b, name...))
}

// takeMessage reads one message of the handshake.
func takeMessage(c net.Conn) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return nil, err
	}
	m := make([]byte, binary.BigEndian.Uint16(head[:]))
	_, err := io.ReadFull(c, m)
	return m, err
}

// parrot is a conn that says its piece, hears nothing, and then ends. closed
// is told when the table lets go of it.
type parrot struct {
	net.Conn
	rest   []byte
	closed chan<- struct{}
}

func (p *parrot) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *parrot) Write(b []byte) (int, error) { return len(b), nil }
func (p *parrot) SetDeadline(time.Time) error { return nil }
func (p *parrot) RemoteAddr() net.Addr        { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 7} }
func (p *parrot) Close() error {
	select {
	case p.closed <- struct{}{}:
	default: // a second Close
	}
	return nil
}

// resident is how much memory of the machine this process has, in bytes.
func resident(t testing.TB) int64 {
	t.Helper()
	runtime.GC()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil { // not Linux: what Go has from the system and has not given back
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.Sys - m.HeapReleased)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// pollUntil polls for a condition; it yields and never sleeps.
func pollUntil(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(2 * within); !ok(); <-tick.C {
		if time.Now().After(limit) {
			t.Fatalf("not within %v: %s", 2*within, what)
		}
	}
}
