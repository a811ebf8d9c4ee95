package control

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// cutBuffer is how much of a body is read at once.
const cutBuffer = 64 << 10

// cutter cuts a body into messages. It keeps one buffer, which grows to the
// largest message and no further; what it gives is good until the next call.
type cutter struct {
	r       io.Reader
	size    int64 // of the body; below 0 if unknown
	limit   int   // of a message
	buf     []byte
	at, end int   // buf[at:end] is read and not yet cut
	seen    int   // lines: so much of that has no ending in it
	skip    int64 // bytes of a refused message still to come
	toLine  bool  // a refused line still to come, of unknown length
	whole   bool  // the body was given as a whole, or refused
	err     error // why r gives no more
}

// framings: the next message of a body, or io.EOF after the last one. An *Error
// with Exit 65 refuses one message, and the one after it may be asked for.
var framings = map[string]func(*cutter) ([]byte, error){
	FramingWhole:  (*cutter).nextWhole,
	FramingLines:  (*cutter).nextLine,
	FramingFrames: (*cutter).nextFrame,
}

func newCutter(r io.Reader, size int64, limit int) *cutter {
	first := cutBuffer
	if size >= 0 && size < cutBuffer {
		first = int(size) + 1 // one more, to see the end
	}
	return &cutter{r: r, size: size, limit: limit, buf: make([]byte, first)}
}

func (c *cutter) nextWhole() ([]byte, error) {
	if c.whole {
		return nil, c.drop()
	}
	c.whole = true
	if c.size > int64(c.limit) {
		return nil, &sizeError{c.size}
	}
	for c.end <= c.limit {
		if err := c.fill(); err == io.EOF {
			return c.take(c.end, 0), nil
		} else if err != nil {
			return nil, err
		}
	}
	return nil, &sizeError{-1}
}

// drop reads what is left to its end.
func (c *cutter) drop() error {
	for {
		c.at, c.end = 0, 0
		if err := c.fill(); err != nil {
			return err
		}
	}
}

func (c *cutter) nextLine() ([]byte, error) {
	for {
		i := bytes.IndexByte(c.buf[c.at+c.seen:c.end], '\n')
		switch n := c.seen + i; {
		case i >= 0 && c.toLine:
			c.toLine = false
			c.take(n, 1)
			continue
		case i >= 0 && n > c.limit:
			c.take(n, 1)
			return nil, &sizeError{int64(n)}
		case i >= 0:
			return c.take(n, 1), nil
		}
		c.seen = c.end - c.at
		if c.toLine {
			c.take(c.seen, 0)
		} else if c.seen > c.limit {
			c.toLine = true
			c.take(c.seen, 0)
			return nil, &sizeError{-1}
		}
		if err := c.fill(); err == io.EOF && c.seen > 0 {
			return c.take(c.seen, 0), nil // a last line without an ending counts
		} else if err != nil {
			return nil, err
		}
	}
}

func (c *cutter) nextFrame() ([]byte, error) {
	if err := c.skipRest(); err != nil {
		return nil, err
	}
	if err := c.need(4); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(c.buf[c.at:])
	if uint64(n) > uint64(c.limit) {
		c.take(4, 0)
		c.skip = int64(n)
		return nil, &sizeError{int64(n)}
	}
	if err := c.need(4 + int(n)); err != nil {
		return nil, err
	}
	return c.take(4+int(n), 0)[4:], nil
}

// skipRest passes over the bytes of a refused frame.
func (c *cutter) skipRest() error {
	for c.skip > 0 {
		n := int(min(c.skip, int64(c.end-c.at)))
		c.take(n, 0)
		if c.skip -= int64(n); c.skip == 0 {
			return nil
		}
		if err := c.fill(); err == io.EOF {
			return cutError(c.skip)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// need reads until n bytes wait. A body that ends before the first of them has
// ended in order.
func (c *cutter) need(n int) error {
	for c.end-c.at < n {
		have := c.end - c.at
		if err := c.fill(); err == io.EOF && have > 0 {
			return cutError(int64(n - have))
		} else if err != nil {
			return err
		}
	}
	return nil
}

// take gives the next n bytes and passes over those and extra more.
func (c *cutter) take(n, extra int) []byte {
	msg := c.buf[c.at : c.at+n]
	c.at += n + extra
	c.seen = 0
	return msg
}

// fill reads at least one byte more, or says why there is none.
func (c *cutter) fill() error {
	if c.err != nil {
		return c.err
	}
	c.room()
	for range 100 { // as bufio: a reader that gives nothing this often is broken
		n, err := c.r.Read(c.buf[c.end:])
		c.end += n
		c.err = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// room makes some after end. The buffer never outgrows one message of limit
// bytes, its length and one cutBuffer, and reaches that only if one comes.
func (c *cutter) room() {
	if c.at == c.end {
		c.at, c.end = 0, 0
	}
	if c.end < len(c.buf) {
		return
	}
	to := c.buf
	if most := c.limit + 4 + cutBuffer; c.at < len(c.buf)/2 && len(c.buf) < most {
		to = make([]byte, min(2*len(c.buf), most))
	}
	c.end = copy(to, c.buf[c.at:c.end])
	c.buf, c.at = to, 0
}

// sizeError is a message over the limit. The Publication words it: it knows the
// setting and the node.
type sizeError struct{ size int64 } // below 0 if it is not known

func (e *sizeError) Error() string { return fmt.Sprintf("message of %d bytes is too large", e.size) }

func emptyError(says string) *Error {
	return &Error{
		Code: CodeMessageEmpty, Message: says, Why: "it has no byte, which is seldom meant",
		Try: "ask for empty messages (--empty, empty=true)", Exit: exitData,
	}
}

func cutError(missing int64) *Error {
	return usage("each message has its length before it, as 4 bytes", "body: it ends %d bytes before its last message does", missing)
}
