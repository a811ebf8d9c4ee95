package dist

import "encoding/binary"

const (
	batchSize  = 64 << 10 // a batch is full when it has this much; a tick waits behind one
	batchParts = 32
	// batchHeaders has room for the headers of fragments after the first: there
	// are no more than parts.
	batchHeaders = batchParts * (lengthSize + 18)
)

// batch is what one write takes. It is reused; parts alias lane buffers and
// payloads.
type batch struct {
	parts    [][]byte
	headers  []byte
	size     int
	frames   int
	ticks    int
	messages int // whole with this batch
	bytes    int // to take off the lane's account, as is bigBytes
	bigBytes int
}

func newBatch() *batch {
	return &batch{parts: make([][]byte, 0, batchParts), headers: make([]byte, 0, batchHeaders)}
}

func (b *batch) reset() {
	clear(b.parts[:cap(b.parts)]) // payloads must not live on for having been sent
	*b = batch{parts: b.parts[:0], headers: b.headers[:0]}
}

// full leaves room for a frame and its payload.
func (b *batch) full() bool { return b.size >= batchSize || len(b.parts)+2 > cap(b.parts) }

func (b *batch) add(part []byte) {
	b.parts = append(b.parts, part)
	b.size += len(part)
}

// cursor walks one buffer of a lane. It belongs to the writer, which may touch
// its buffers without the lock while it is not exhausted.
type cursor struct {
	outbuf
	off int    // c.b[off:] is not yet in a batch
	nth int    // nor is c.big[nth:]
	msg []byte // rest of the payload whose fragments are being written
	seq uint64
	num uint64 // number of the next of them

	ready uint64 // messages of the data lane that are written, as far as is known
}

func (c *cursor) exhausted() bool { return c.off == len(c.b) && len(c.msg) == 0 }

// swap takes what the lane has and leaves it the empty buffers.
func (c *cursor) swap(o *lane) {
	clear(c.big)
	c.outbuf, o.fill = o.fill, outbuf{c.b[:0], c.big[:0]}
	c.off, c.nth = 0, 0
}

// rest shrinks an exhausted cursor's buffers.
func (c *cursor) rest() {
	clear(c.big)
	c.b, c.big, c.off, c.nth = c.b[:0], c.big[:0], 0, 0
	c.shrink()
}

// blocked reports whether the next frame is to wait for the data lane.
func (c *cursor) blocked() bool {
	if len(c.msg) > 0 || c.nth == len(c.big) || c.big[c.nth].after <= c.ready {
		return false
	}
	return c.frameEnd() > c.big[c.nth].at
}

// frameEnd is where the next frame ends, counted as if its payload were in c.b.
func (c *cursor) frameEnd() int {
	return c.off + lengthSize + int(binary.BigEndian.Uint32(c.b[c.off:]))
}

// next collects frames until the batch is full, nothing is left, or what comes
// has to wait.
func (c *cursor) next(b *batch) {
	for !b.full() {
		switch {
		case len(c.msg) > 0:
			c.nextFragment(b)
		case c.off < len(c.b) && !c.blocked():
			c.frames(b)
		default:
			return
		}
	}
}

// frames adds one part: a run of whole frames, the last of which may go on
// with the part after it, a big payload.
func (c *cursor) frames(b *batch) {
	start := c.off
	for c.off < len(c.b) && b.size+c.off-start < batchSize {
		if c.blocked() {
			break
		}
		end := c.frameEnd()
		b.frames++
		if c.nth < len(c.big) && end > c.big[c.nth].at { // its payload is not in c.b
			c.part(b, start, c.big[c.nth].at)
			c.bigPayload(b)
			return
		}
		if end == c.off+lengthSize {
			b.ticks++
		}
		b.messages++
		c.off = end
	}
	c.part(b, start, c.off)
}

func (c *cursor) part(b *batch, from, to int) {
	c.off = to
	b.add(c.b[from:to])
	b.bytes += to - from
}

// bigPayload adds the payload, or the first fragment of it.
func (c *cursor) bigPayload(b *batch) {
	big := c.big[c.nth]
	c.big[c.nth].msg = nil
	c.nth++
	if big.left > 0 {
		c.msg, c.seq, c.num = big.msg, big.seq, big.left
		c.piece(b, fragmentSize)
		return
	}
	c.msg = big.msg
	c.piece(b, len(c.msg))
}

// nextFragment adds a header and its piece of the payload.
func (c *cursor) nextFragment(b *batch) {
	n := min(len(c.msg), fragmentSize)
	from := len(b.headers)
	b.headers = appendFragmentStart(b.headers, false, c.seq, c.num, n)
	b.add(b.headers[from:])
	b.frames++
	c.num--
	c.piece(b, n)
}

func (c *cursor) piece(b *batch, n int) {
	b.add(c.msg[:n])
	b.bigBytes += n
	c.msg = c.msg[n:]
	if len(c.msg) == 0 {
		c.msg = nil
		b.messages++
	}
}
