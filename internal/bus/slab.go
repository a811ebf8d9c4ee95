package bus

import (
	"math/bits"
	"unsafe"
)

const (
	minSlab = 1 << 10
	maxSlab = 128 << 10
	// ownSlice is from where a message gets a slice of its own: a slab that
	// it does not fit into may be left with that much unused.
	ownSlice = 32 << 10
)

// slab is where the messages of one channel are copied to. Guarded by
// Channel.mu; the bytes handed out are their owner's alone until they are
// queued, so they are written without the lock.
type slab struct {
	free  []byte // what is left
	since uint64 // bytes handed out since the last Sample
}

// cut hands out n bytes, or nil for the caller to allocate a slice of its own.
func (s *slab) cut(n int) []byte {
	if n > ownSlice || n == 0 {
		return nil
	}
	if n > len(s.free) {
		s.free = make([]byte, s.next(n))
	}
	b := s.free[:n:n]
	s.free = s.free[n:]
	s.since += uint64(n)
	return b
}

// next is the length of the next slab: as much as came since the last Sample,
// rounded up, so that slabs of a busy channel double up to the largest.
func (s *slab) next(n int) int {
	want := min(max(s.since+uint64(n), minSlab), maxSlab)
	return 1 << bits.Len64(want-1)
}

// text copies id and payload to buf, which holds them exactly or is nil, and
// returns it as text that nobody writes to again.
func text(buf, id, payload []byte) string {
	n := len(id) + len(payload)
	if n == 0 {
		return ""
	}
	if buf == nil {
		buf = make([]byte, n)
	}
	copy(buf[copy(buf, id):], payload)
	return unsafe.String(unsafe.SliceData(buf), n)
}
