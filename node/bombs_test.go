package node

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/liminal-bus/liminal/internal/etf"
)

// S4: the text of a term for people costs as little as the term: 40 bytes a byte
// and 1 MiB, at most 96 MiB, and what the longest message takes in a buffer that
// doubles.
func TestTextBombs(t *testing.T) {
	n, _ := linkedNode(t)
	list := func(count int, each string) []byte {
		b := binary.BigEndian.AppendUint32([]byte{108}, uint32(count))
		return append(append(b, bytes.Repeat([]byte(each), count)...), 106)
	}
	for _, c := range []struct {
		name string
		msg  []byte
	}{
		{"NILs", list(500_000, "\x6a")},
		{"{[]}", list(300_000, "\x68\x01\x6a")},
		{"maps", list(100_000, "\x74\x00\x00\x00\x01\x6a\x6a")},
		{"floats", list(100_000, "\x46\x7f\xef\xff\xff\xff\xff\xff\xff")},
		{"bignums", list(1000, "\x6f\x00\x00\x04\x00\x00"+string(bytes.Repeat([]byte{0xff}, 1024)))},
		{"pids", list(50_000, "\x67\x77\x00\x00\x00\x00\x01\x00\x00\x00\x02\x03")},
		{"bytes to escape", append([]byte{107, 255, 255}, bytes.Repeat([]byte{1}, 65535)...)},
		{"atoms to quote", list(100_000, "\x77\x02\x01\x02")},
		{"improper", append(append(binary.BigEndian.AppendUint32([]byte{108}, 500_000), bytes.Repeat([]byte{106}, 500_000)...), 104, 0)},
		{"as deep as allowed", append(bytes.Repeat([]byte{104, 1}, 256), 106)},
		{"binaries", list(100_000, "\x6d\x00\x00\x00\x01\xff")},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer debug.SetGCPercent(debug.SetGCPercent(-1))
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			r := etf.NewReader(c.msg, etf.WireLimits())
			text, err := n.text(&r)
			runtime.ReadMemStats(&after)
			if err == nil && len(text) > n.cfg.MaxMessage {
				t.Errorf("a text of %d bytes", len(text))
			}
			heap, most := after.TotalAlloc-before.TotalAlloc, min(40*uint64(len(c.msg))+1<<20, 96<<20)+4*uint64(n.cfg.MaxMessage)
			if heap > most {
				t.Errorf("%d bytes took %d of heap, at most %d are allowed", len(c.msg), heap, most)
			}
		})
	}
}
