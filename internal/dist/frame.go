package dist

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/liminal-bus/liminal/internal/etf"
)

// The first bytes of connected frames (OTP distribution protocol, "Protocol
// between connected nodes"). Headers begin with the version byte.
const (
	typePassThrough = 112 // 112 131 control [131 payload]
	typeHeader      = 68  // 131 68 refs control payload
	typeFirst       = 69  // 131 69 sequence fragment refs control payload...
	typeNext        = 70  // 131 70 sequence fragment ...payload
)

const (
	lengthSize   = 4
	fragmentSize = 64 << 10 // payload bytes in each fragment we write, as OTP cuts

	maxFrameFragments = 1 << 20  // a frame's bytes where fragments were agreed
	maxFrameWhole     = 16 << 20 // and where a payload is one frame
)

const (
	smallBuffer = 4 << 10  // what an idle link holds for reading
	bigBuffer   = 64 << 10 // what a busy one reads into
)

var bigBuffers = sync.Pool{New: func() any { return new([bigBuffer]byte) }}

// frameBuffer cuts a stream into frames. It grows by bytes received, never by
// a length that was only declared. Frames alias it until the next fill.
//
// It reads into the small buffer whenever it is empty and the last read did
// not fill the space given: then the socket had no more, and an idle link must
// not hold a big one. A read that fills the space shows a busy link.
type frameBuffer struct {
	b      []byte
	r, w   int // b[r:w] was received and not yet given out
	filled bool
	small  []byte
	pooled *[bigBuffer]byte // b, when b is from the pool
	max    uint32
}

func newFrameBuffer(maxFrame int) *frameBuffer {
	small := make([]byte, smallBuffer)
	return &frameBuffer{b: small, small: small, max: uint32(maxFrame)}
}

// fill reads once.
func (f *frameBuffer) fill(src io.Reader) (int, error) {
	f.makeRoom()
	n, err := src.Read(f.b[f.w:])
	f.filled = f.w+n == len(f.b)
	f.w += n
	return n, err
}

// next gives the next whole frame without its length; a tick is a frame of no
// bytes. ok is false when more must be read.
func (f *frameBuffer) next() (frame []byte, ok bool, err error) {
	have := f.w - f.r
	if have < lengthSize {
		return nil, false, nil
	}
	n := binary.BigEndian.Uint32(f.b[f.r:])
	if n > f.max {
		return nil, false, fmt.Errorf("frame of %d bytes, at most %d are allowed", n, f.max)
	}
	if uint32(have-lengthSize) < n {
		return nil, false, nil
	}
	from := f.r + lengthSize
	f.r = from + int(n)
	return f.b[from:f.r:f.r], true, nil
}

// makeRoom sees that the next read has space: it picks the buffer and moves
// the beginning of an unfinished frame to its front.
func (f *frameBuffer) makeRoom() {
	pending := f.b[f.r:f.w]
	switch {
	case len(pending) == 0 && !f.filled:
		f.use(f.small, nil, pending)
	case f.filled && len(f.b) < bigBuffer:
		p := bigBuffers.Get().(*[bigBuffer]byte)
		f.use(p[:], p, pending)
	case len(pending) == len(f.b):
		f.use(make([]byte, f.grown()), nil, pending)
	case f.r > 0 && (len(pending) == 0 || len(f.b)-f.w < len(f.b)/2):
		// Only after frames were given out, or a peer that sends byte by byte
		// would have us copy for each.
		f.w = copy(f.b, pending)
		f.r = 0
	}
}

// grown is the size of the next buffer for a frame that fills this one: twice
// what was received, but no more than the frame needs.
func (f *frameBuffer) grown() int {
	need := uint64(binary.BigEndian.Uint32(f.b[f.r:])) + lengthSize
	return int(min(uint64(2*len(f.b)), need))
}

// use changes to buffer b, which holds pending first.
func (f *frameBuffer) use(b []byte, pooled *[bigBuffer]byte, pending []byte) {
	old := f.pooled
	f.w = copy(b, pending)
	f.r, f.b, f.pooled = 0, b, pooled
	if old != nil && old != pooled {
		bigBuffers.Put(old)
	}
}

// release gives the buffer back when the link is gone.
func (f *frameBuffer) release() {
	f.r, f.w, f.filled = 0, 0, false
	f.use(nil, nil, nil)
	f.small = nil
}

// appendFrameStart appends the length and all that stands before the control
// term of a frame that is not a fragment. rest counts the bytes from the
// control term on, the version byte of a payload included.
func appendFrameStart(dst []byte, headers bool, rest int) []byte {
	if headers {
		dst = binary.BigEndian.AppendUint32(dst, uint32(rest+3))
		return append(dst, etf.Version, typeHeader, 0)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(rest+2))
	return append(dst, typePassThrough, etf.Version)
}

// appendFragmentStart appends the length and header of one fragment whose
// remaining part has rest bytes. Only a first one has the count of atom
// references.
func appendFragmentStart(dst []byte, first bool, seq, number uint64, rest int) []byte {
	size := rest + 18
	typ := byte(typeNext)
	if first {
		size, typ = size+1, typeFirst
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(size))
	dst = append(dst, etf.Version, typ)
	dst = binary.BigEndian.AppendUint64(dst, seq)
	dst = binary.BigEndian.AppendUint64(dst, number)
	if first {
		dst = append(dst, 0)
	}
	return dst
}
