package dist

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/liminal-bus/liminal/internal/etf"
)

// lane holds the frames that wait for the writer in one order. Small frames lie
// encoded end to end in one buffer; a big payload stays where it is and is
// written from there. All fields are guarded by Link.mu, except as they say.
//
// There are two buffers: one is filled, the other is with the writer. They
// change places, so nothing is allocated once both have grown.
type lane struct {
	fill outbuf
	out  cursor // what the writer has; its own, except while it waits

	queued   int // messages that were put and not yet written
	bytes    int // their bytes in buffers
	bigBytes int // and in big payloads
	overlong int // of these: of a message that was taken though over the bound

	put     uint64        // messages, ever
	written atomic.Uint64 // messages passed to the kernel whole, ever; read without the lock
}

// outbuf is encoded frames with gaps where big payloads go.
type outbuf struct {
	b   []byte
	big []bigPayload
}

// bigPayload belongs into the frame that ends at b[:at].
type bigPayload struct {
	at   int
	msg  []byte
	seq  uint64 // fragments only
	left uint64 // fragments after the first

	after uint64 // how many messages of the data lane must be written before it
}

// framing is how this link writes.
type framing struct {
	headers bool
	seq     uint64 // of the last fragmented message
}

// message appends a control term with its payload, nil where there is none.
// A payload is copied if it is shorter than keepFrom; otherwise the lane keeps
// it, and cuts it where fragments were agreed.
func (o *lane) message(f *framing, control, payload []byte, keepFrom int) {
	o.queued++
	o.put++
	start := len(o.fill.b)
	switch {
	case len(payload) > fragmentSize && f.headers:
		o.fragmented(f, control, payload)
	case len(payload) >= keepFrom:
		o.start(f, control, payload)
		o.fill.big = append(o.fill.big, bigPayload{at: len(o.fill.b), msg: payload})
		o.bigBytes += len(payload)
	default:
		o.start(f, control, payload)
		o.fill.b = append(o.fill.b, payload...)
	}
	o.bytes += len(o.fill.b) - start
}

// start appends a frame up to its payload.
func (o *lane) start(f *framing, control, payload []byte) {
	rest := len(control) + len(payload)
	version := !f.headers && payload != nil
	if version {
		rest++
	}
	o.fill.b = append(appendFrameStart(o.fill.b, f.headers, rest), control...)
	if version {
		o.fill.b = append(o.fill.b, etf.Version)
	}
}

// fragmented appends the first fragment up to its payload; the writer makes
// the headers of the others.
func (o *lane) fragmented(f *framing, control, payload []byte) {
	f.seq++
	count := uint64((len(payload) + fragmentSize - 1) / fragmentSize)
	o.fill.b = appendFragmentStart(o.fill.b, true, f.seq, count, len(control)+fragmentSize)
	o.fill.b = append(o.fill.b, control...)
	o.fill.big = append(o.fill.big, bigPayload{at: len(o.fill.b), msg: payload, seq: f.seq, left: count - 1})
	o.bigBytes += len(payload)
}

// tick appends the frame of no bytes.
func (o *lane) tick() {
	o.queued++
	o.put++
	o.fill.b = binary.BigEndian.AppendUint32(o.fill.b, 0)
	o.bytes += lengthSize
}

// done takes a written batch off the account.
func (o *lane) done(b *batch) {
	o.queued -= b.messages
	o.bytes -= b.bytes
	o.bigBytes -= b.bigBytes
	o.overlong -= min(o.overlong, b.bigBytes) // it was alone when it was put: what is written is of it
	o.written.Add(uint64(b.messages))
}

// held is how many bytes wait.
func (o *lane) held() int { return o.bytes + o.bigBytes }

// discard throws away what waits.
func (o *lane) discard() {
	o.fill = outbuf{}
	o.queued, o.bytes, o.bigBytes, o.overlong = 0, 0, 0, 0
}

// shrink lets a buffer go that grew and is not needed now.
func (o *outbuf) shrink() {
	if len(o.b) == 0 && cap(o.b) > smallBuffer {
		o.b = nil
	}
	if len(o.big) == 0 && cap(o.big) > 16 {
		o.big = nil
	}
}
