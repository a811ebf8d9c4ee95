package etf

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

const bombSize = 256 << 10

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// times repeats the term in hex until it fills bombSize.
func times(s string) []byte {
	b := unhex(s)
	return bytes.Repeat(b, bombSize/len(b))
}

// listOf is a proper list of n terms that are already written in body.
func listOf(n int, body []byte) []byte {
	b := appendHeader(nil, tagList, n)
	return AppendNil(append(b, body...))
}

// many is a list of as many of the term in hex as fill bombSize.
func many(s string) []byte { return listOf(bombSize/(len(s)/2), times(s)) }

// million is a list of n such terms, however large.
func million(n int, s string) []byte { return listOf(n, bytes.Repeat(unhex(s), n)) }

// nest is depth times the header in hex, then the term.
func nest(depth int, header, inner string) []byte {
	return append(bytes.Repeat(unhex(header), depth), unhex(inner)...)
}

// promiseAll nests headers that each promise all the bytes behind them.
func promiseAll(tag byte, unit int) []byte {
	b := make([]byte, 0, bombSize)
	for len(b)+5 < bombSize {
		b = appendHeader(b, tag, (bombSize-len(b)-5)/unit)
	}
	return append(b, bytes.Repeat([]byte{tagNil}, bombSize-len(b))...)
}

// mapOf writes n pairs of keys by write and NIL.
func mapOf(n int, write func(dst []byte, i int) []byte) []byte {
	b := AppendMapHeader(nil, n)
	for i := range n {
		b = AppendNil(write(b, i))
	}
	return b
}

func deflated(n int) []byte {
	var buf bytes.Buffer
	z := zlib.NewWriter(&buf)
	z.Write(AppendBinary(nil, make([]byte, n)))
	z.Close()
	return append(appendHeader([]byte{Version}, tagCompressed, n+5), buf.Bytes()...)
}

// chained is a map in the key of a map, depth deep, around one big leaf.
func chained(depth int) []byte {
	b := bytes.Repeat(unhex("7400000002"), depth)
	b = AppendBinary(b, make([]byte, bombSize))
	return append(b, bytes.Repeat(unhex("6a77016b6a"), depth)...)
}

// twins is a map with the same big map as a key twice, in opposite orders.
func twins(n int) []byte {
	up := mapOf(n, func(dst []byte, i int) []byte { return AppendInt(dst, int64(i)) })
	down := mapOf(n, func(dst []byte, i int) []byte { return AppendInt(dst, int64(n-1-i)) })
	b := AppendMapHeader(nil, 2)
	b = AppendNil(append(b, up...))
	return AppendNil(append(b, down...))
}

type bomb struct {
	name string
	b    []byte
	want error // nil: harmless, decodes
}

func bombs() []bomb {
	return []bomb{
		{"tuples nested without end", nest(bombSize/2, "6801", "6a"), ErrLimit},
		{"large tuples nested without end", nest(bombSize/5, "6900000001", "6a"), ErrLimit},
		{"lists nested without end", nest(bombSize/5, "6c00000001", "6a"), ErrLimit},
		{"maps nested in values", nest(bombSize/6, "74000000016a", "6a"), ErrLimit},
		{"maps nested in keys", nest(1000, "7400000001", "6a"), ErrLimit},
		{"closed lists, one level too many", append(nest(257, "6c00000001", "6a"), bytes.Repeat([]byte{tagNil}, 257)...), ErrLimit},
		{"closed lists, as deep as allowed", append(nest(256, "6c00000001", "6a"), bytes.Repeat([]byte{tagNil}, 256)...), nil},
		{"tuples as deep as allowed", nest(256, "6801", "6a"), nil},
		{"improper tails nested without end", nest(1000, "6c000000016a6801", "6a"), ErrLimit},
		{"funs nested in free variables", nest(1000, "70000000ff00"+"00000000000000000000000000000000"+"0000000000000001"+"770061006100"+"5877000000000000000000"+"00000000", "6a"), ErrLimit},
		{"SMALL_TUPLE of 255 without elements", unhex("68ff"), ErrTruncated},
		{"LARGE_TUPLE of 2^32-1", times("69ffffffff"), ErrTruncated},
		{"LARGE_TUPLE of 2^31", unhex("69800000006a"), ErrTruncated},
		{"LIST of 2^32-1", times("6cffffffff"), ErrTruncated},
		{"LIST of 2^31-1", unhex("6c7fffffff6a"), ErrTruncated},
		{"MAP of 2^32-1", times("74ffffffff"), ErrTruncated},
		{"MAP of 2^31", unhex("74800000006a6a"), ErrTruncated},
		{"BINARY of 2^32-1", times("6dffffffff"), ErrTruncated},
		{"BIT_BINARY of 2^32-1", times("4dffffffff07"), ErrTruncated},
		{"STRING of 65535 without bytes", unhex("6bffff"), ErrTruncated},
		{"LARGE_BIG of 2^32-1", times("6fffffffff00"), ErrTruncated},
		{"LARGE_BIG of all the bytes there are", append(unhex("6f0004000000"), make([]byte, bombSize)...), ErrLimit},
		{"SMALL_BIG of 255 without bytes", unhex("6eff00"), ErrTruncated},
		{"ATOM_UTF8 of 65535", append(unhex("76ffff"), make([]byte, 65535)...), ErrLimit},
		{"ATOM of 65535", append(unhex("64ffff"), make([]byte, 65535)...), ErrLimit},
		{"NEWER_REFERENCE of 65535 words", append(unhex("5affff7700"), make([]byte, bombSize)...), ErrLimit},
		{"NEW_FUN of 2^32-1 bytes", times("70ffffffff"), ErrTruncated},
		{"NEW_FUN of 2^32-1 free variables", append(unhex("7000010000"+"00"+"00000000000000000000000000000000"+"00000000ffffffff"), make([]byte, bombSize)...), ErrMalformed},
		{"lists that each promise all that follows", promiseAll(tagList, 1), ErrTruncated},
		{"tuples that each promise all that follows", promiseAll(tagLargeTuple, 1), ErrTruncated},
		{"maps that each promise all that follows", promiseAll(tagMap, 2), ErrTruncated},
		{"more NILs than terms allowed", million(1_000_001, "6a"), ErrLimit},
		{"more characters than terms allowed", million(16, "6bffff"+hex.EncodeToString(make([]byte, 65535))), ErrLimit},
		{"a list of NILs", many("6a"), nil},
		{"a list of empty tuples", many("6800"), nil},
		{"a list of empty strings", many("6b0000"), nil},
		{"a list of empty maps", many("7400000000"), nil},
		{"a list of {[]}", many("68016a"), nil},
		{"a list of [[]]", many("6c000000016a6a"), nil},
		{"a list of [[]|{}]", many("6c000000016a6800"), nil},
		{"a list of lists of no element and a tail", many("6c0000000061ff"), nil},
		{"a list of #{[] => []}", many("74000000016a6a"), nil},
		{"a list of one-character strings", many("6b0001ff"), nil},
		{"a list of one-byte binaries", many("6d00000001ff"), nil},
		{"a list of one-byte bit binaries", many("4d0000000107ff"), nil},
		{"a list of one-letter atoms", many("770178"), nil},
		{"a list of two-letter atoms", many("77027879"), nil},
		{"a list of Latin-1 atoms", many("7302e9e9"), nil},
		{"a list of integers", many("6200000100"), nil},
		{"a list of floats", many("463ff0000000000000"), nil},
		{"a list of floats in text", many("63" + hex.EncodeToString([]byte("1.00000000000000000000e+00\x00\x00\x00\x00\x00"))), nil},
		{"a list of bignums of 9 bytes", many("6e0900010101010101010101"), nil},
		{"a list of bignums of 1 KiB", many("6f0000040000" + hex.EncodeToString(bytes.Repeat([]byte{0xff}, 1024))), nil},
		{"a bignum of zeros", append(unhex("6f0000040000"), make([]byte, 1024)...), nil},
		{"a list of pids", many("677700000000010000000203"), nil},
		{"a list of ports", many("6677000000000103"), nil},
		{"a list of references", many("7200017700030000000a"), nil},
		{"a list of exports", many("717700770061ff"), nil},
		{"a list that goes on in its tail", append(nest(bombSize/6, "6c000000016a", "6a"), 0)[:bombSize/6*6+1], nil},
		{"a tail of tails without elements", nest(bombSize/5, "6c00000000", "6a"), nil},
		{"a map of integers", mapOf(bombSize/6, func(b []byte, i int) []byte { return appendHeader(b, tagInt, i) }), nil},
		{"a map of pairs of one key", mapOf(bombSize/2, func(b []byte, _ int) []byte { return AppendNil(b) }), ErrMalformed},
		{"a map of tuples", mapOf(bombSize/8, func(b []byte, i int) []byte { return appendHeader(AppendTuple(b, 1), tagInt, i) }), nil},
		{"a map in the key of a map, 255 deep", chained(255), nil},
		{"two equal maps as keys, in opposite orders", twins(bombSize / 12), ErrMalformed},
		{"compressed, never on the wire", []byte{tagCompressed, 0, 0, 0, 1}, ErrTag},
		{"LOCAL_EXT", unhex("7900000000"), ErrTag},
		{"random bytes behind a list header", append(unhex("6c00010000"), noise()...), ErrTag},
	}
}

func noise() []byte {
	rng, b := rand.New(rand.NewPCG(1, 2)), make([]byte, bombSize)
	for i := 0; i < len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], rng.Uint64()|1<<7)
	}
	return b
}

// heapOf gives all that f allocates with collection off, which is more than
// any peak of the heap.
func heapOf(f func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// allowed is the heap an input may cost: 40 bytes a byte of it and 1 MiB, at
// most 96 MiB.
func allowed(input int) uint64 { return min(40*uint64(input)+1<<20, 96<<20) }

// S4: hand-made terms that ask for more than they are; none takes more heap or time
// than its size allows. internal/dist has the frames, internal/pg the messages of
// the scope, node the texts that are made of terms.
func TestBombs(t *testing.T) {
	all := bombs()
	if len(all) < 60 {
		t.Errorf("%d bombs, want 60", len(all))
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			var err error
			heap := heapOf(func() { _, _, err = Decode(c.b, WireLimits()) })
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if heap > allowed(len(c.b)) {
				t.Errorf("%d bytes of input took %d of heap, allowed %d", len(c.b), heap, allowed(len(c.b)))
			}
			if heap := heapOf(func() { agreeSkip(t, c.b, err) }); heap > 1<<20+24*uint64(len(c.b)) {
				t.Errorf("Skip took %d of heap", heap)
			}
			inTime(t, c.b)
		})
	}
}

func agreeSkip(t *testing.T, b []byte, want error) {
	r := NewReader(b, WireLimits())
	if err := r.Skip(); (err == nil) != (want == nil) {
		t.Errorf("Skip says %v, Decode %v", err, want)
	}
}

// inTime holds the best of three decodes to 50 ms per MiB; the slack is for a
// machine that does something else as well.
func inTime(t *testing.T, b []byte) {
	most := 100*time.Millisecond + time.Duration(len(b))*50*time.Millisecond/(1<<20)
	if raceEnabled {
		most *= 20
	}
	best := time.Hour
	for range 3 {
		start := time.Now()
		Decode(b, WireLimits())
		if best = min(best, time.Since(start)); best <= most {
			return
		}
	}
	t.Errorf("%d bytes took %v, allowed %v", len(b), best, most)
}

// At the limit of terms the dearest ones must stay below 96 MiB together.
func TestHeapAtTheLimitOfTerms(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
	}{
		{"references", million(999_999, "7200017700030000000a")},
		{"exports", million(999_999, "717700770061ff")},
		{"{[]}", million(499_999, "68016a")},
		{"[[]|{}]", million(333_333, "6c000000016a6800")},
		{"#{[] => []}", million(333_333, "74000000016a6a")},
		{"binaries", million(999_999, "6d00000001ff")},
		{"long atoms", million(60_000, "77ff"+hex.EncodeToString(bytes.Repeat([]byte("x"), 255)))},
	} {
		t.Run(c.name, func(t *testing.T) {
			var err error
			heap := heapOf(func() { _, _, err = Decode(c.b, WireLimits()) })
			if err != nil || heap > allowed(len(c.b)) {
				t.Errorf("%v, %d bytes of input took %d of heap, allowed %d", err, len(c.b), heap, allowed(len(c.b)))
			}
		})
	}
}

func TestCompressedBombs(t *testing.T) {
	good := deflated(1 << 20)
	small := func(lim Limits) Limits { lim.MaxInflated = 1 << 10; return lim }
	for _, c := range []struct {
		name string
		b    []byte
		lim  Limits
		want error
	}{
		{"fits", good, FileLimits(), nil},
		{"not allowed", good, WireLimits(), ErrTag},
		{"larger than allowed", good, small(FileLimits()), ErrLimit},
		{"stated size impossible", append(unhex("835003ffffff"), good[6:30]...), FileLimits(), ErrTruncated},
		{"stated size above the limit", append(unhex("8350ffffffff"), good[6:]...), FileLimits(), ErrLimit},
		{"stated size a byte short", append(unhex("835000100004"), good[6:]...), FileLimits(), ErrMalformed},
		{"stated size a byte long", append(unhex("835000100006"), good[6:]...), FileLimits(), ErrMalformed},
		{"cut", good[:len(good)-1], FileLimits(), ErrTruncated},
		{"no size", unhex("8350000000"), FileLimits(), ErrTruncated},
		{"inside a tuple", append(unhex("836801"), good[1:]...), FileLimits(), ErrTag},
	} {
		t.Run(c.name, func(t *testing.T) {
			var err error
			heap := heapOf(func() { _, _, err = DecodeVersioned(c.b, c.lim) })
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if c.want == ErrLimit && heap > 64<<10 {
				t.Errorf("refused, and took %d of heap", heap)
			}
			if heap > 16<<20 { // 1 MiB inflated, in a buffer that doubles
				t.Errorf("took %d of heap", heap)
			}
		})
	}
	if _, rest, err := DecodeVersioned(append(good, 1, 2, 3), FileLimits()); err != nil || len(rest) != 3 {
		t.Errorf("%d bytes left behind a compressed term, %v; want 3", len(rest), err)
	}
}
