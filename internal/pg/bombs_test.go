package pg

import (
	"bytes"
	bits "encoding/binary"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/etf"
)

// S4: messages to the scope that ask for more than they are take no more heap than
// 40 bytes a byte and 1 MiB, and no more time than 50 ms a MiB. Under the race
// detector, whose pools forget what they hold, only panics count.
func TestParseBombs(t *testing.T) {
	const size = 256 << 10
	pid := enc(t, pidOf(alice, 1))
	head := func(tag byte, n uint32) []byte { return bits.BigEndian.AppendUint32([]byte{tag}, n) }
	message := func(name string, parts ...[]byte) []byte {
		b := append(etf.AppendAtom(etf.AppendTuple(nil, 1+len(parts)), name), bytes.Join(parts, nil)...)
		return b
	}
	sync := func(groups []byte) []byte {
		b := etf.AppendAtom(etf.AppendTuple(nil, 2), "$gen_cast")
		b = etf.AppendAtom(etf.AppendTuple(b, 3), "sync")
		return append(append(b, pid...), groups...)
	}
	list := func(n int, each []byte) []byte {
		return append(append(head(108, uint32(n)), bytes.Repeat(each, n)...), 106)
	}
	group := func(name, pids []byte) []byte { return append(append([]byte{104, 2}, name...), pids...) }
	nested := bytes.Repeat([]byte{104, 1}, size/2)
	for _, c := range []struct {
		name string
		msg  []byte
	}{
		{"a sync of 2^32-1 groups", sync(head(108, 1<<32-1))},
		{"a sync that promises all its bytes", sync(append(head(108, size), make([]byte, size)...))},
		{"a sync of NILs", sync(list(size, []byte{106}))},
		{"groups of nobody", sync(list(size/8, group([]byte{97, 1}, []byte{106})))},
		{"groups with a name of a byte", sync(list(size/40, group([]byte{97, 1}, list(1, pid))))},
		{"groups with a name of a tuple", sync(list(size/40, group([]byte{104, 2, 106, 106}, list(1, pid))))},
		{"groups with a name of a map", sync(list(size/40, group([]byte{116, 0, 0, 0, 1, 106, 106}, list(1, pid))))},
		{"groups with a name of 250 NILs", sync(list(size/300, group(list(250, []byte{106}), []byte{106})))},
		{"groups with a name that is too long", sync(list(size/300, group(list(300, []byte{106}), []byte{106})))},
		{"a name nested without end", message("join", pid, nested)},
		{"a name of 2^32-1 bytes", message("join", pid, head(109, 1<<32-1))},
		{"a name of a bignum", message("join", pid, append(append(head(111, size), 0), make([]byte, size)...), pid)},
		{"2^32-1 members", message("join", pid, enc(t, etf.Binary("g")), head(108, 1<<32-1))},
		{"members that are no pids", message("join", pid, enc(t, etf.Binary("g")), list(size, []byte{106}))},
		{"many members", message("join", pid, enc(t, etf.Binary("g")), list(size/20, pid))},
		{"a leave of many from many", message("leave", pid, list(size/40, pid), list(size/16, []byte{97, 1}))},
		{"a leave of a string", message("leave", pid, pid, append([]byte{107, 255, 255}, make([]byte, 65535)...))},
		{"a leave of many groups", message("leave", pid, pid, list(size/2, []byte{97, 1}))},
		{"a discover with a third element nested without end", message("discover", pid, nested)},
		{"no tuple", nested},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer debug.SetGCPercent(debug.SetGCPercent(-1))
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			_, _ = Parse(c.msg, alice, Limits{})
			runtime.ReadMemStats(&after)
			if heap, most := after.TotalAlloc-before.TotalAlloc, 40*uint64(len(c.msg))+1<<20; heap > most && !raceEnabled {
				t.Errorf("%d bytes took %d of heap, at most %d are allowed", len(c.msg), heap, most)
			}
			best := time.Hour
			for range 3 {
				begin := time.Now()
				_, _ = Parse(c.msg, alice, Limits{})
				best = min(best, time.Since(begin))
			}
			if most := 200*time.Millisecond + time.Duration(len(c.msg))*50*time.Millisecond>>20; best > most && !raceEnabled {
				t.Errorf("%d bytes took %v, at most %v are allowed", len(c.msg), best, most)
			}
		})
	}
}
