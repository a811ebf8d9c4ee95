package cli

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// feedChunk is how much is read at once.
const feedChunk = 64 << 10

// errCut ends a body in the middle of a message, which must not be published.
var errCut = errors.New("the input was cut in the middle of a message")

// feed hands a source to a request body. Nothing is held but what is on its
// way: two chunks, and with lines the beginning of a line, which the node could
// not publish yet either. So it can end between two lines at any time, also
// while the source gives nothing; half a line is never sent for a whole one.
type feed struct {
	lines  bool
	counts atomic.Bool // count the lines, for progress
	chunks chan []byte
	free   chan []byte
	done   chan struct{} // closed: the reader of the source ends
	halt   chan struct{} // closed: no more is handed out
	once   [2]sync.Once  // of done and halt

	// Owned by Read.
	chunk []byte // as it came from readLoop
	cur   []byte // what is left of it
	mid   bool   // what was handed out last ends in the middle of a message

	sent  atomic.Int64 // bytes handed out
	ended atomic.Int64 // lines among them, if counted

	mu  sync.Mutex
	err error // why the source ended; io.EOF in order
}

func newFeed(src io.Reader, lines bool) *feed {
	f := &feed{
		lines: lines, chunks: make(chan []byte), free: make(chan []byte, 2),
		done: make(chan struct{}), halt: make(chan struct{}),
	}
	f.free <- make([]byte, feedChunk)
	f.free <- make([]byte, feedChunk)
	go f.readLoop(src)
	return f
}

// readLoop reads the source until it ends or the feed is closed. It may outlive
// the feed by one read: nothing can end a read of a terminal.
func (f *feed) readLoop(src io.Reader) {
	defer close(f.chunks)
	var rest []byte // the beginning of a line
	for {
		var buf []byte
		select {
		case <-f.done:
			return
		case buf = <-f.free:
		}
		n := copy(buf, rest)
		for cut := 0; cut == 0 && !f.closed(); {
			m, err := src.Read(buf[n:])
			cut = f.cut(buf[:n+m], n)
			n += m
			if err != nil {
				f.end(buf, n, cut, err)
				return
			}
			if cut > 0 {
				rest = append(rest[:0], buf[cut:n]...)
				if !f.pass(buf[:cut]) {
					return
				}
			}
		}
	}
}

func (f *feed) closed() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// cut is how much of buf can go: with lines the whole ones, or all of a chunk
// that is one long piece of a line. No line ends before from.
func (f *feed) cut(buf []byte, from int) int {
	if !f.lines {
		return len(buf)
	}
	if end := bytes.LastIndexByte(buf[from:], '\n'); end >= 0 {
		return from + end + 1
	}
	if len(buf) == feedChunk {
		return feedChunk
	}
	return 0
}

// end passes on what is left. A last line without an ending counts, but not one
// that a failed read has cut off.
func (f *feed) end(buf []byte, n, cut int, err error) {
	if errors.Is(err, io.EOF) {
		err, cut = io.EOF, n
	}
	f.mu.Lock()
	f.err = err
	f.mu.Unlock()
	if cut > 0 {
		f.pass(buf[:cut])
	}
}

func (f *feed) pass(chunk []byte) bool {
	select {
	case f.chunks <- chunk:
		return true
	case <-f.done:
		return false
	}
}

// Read is for the transport, from one goroutine.
func (f *feed) Read(p []byte) (int, error) {
	for len(f.cur) == 0 {
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.cur)
	f.mid = !f.lines || f.cur[n-1] != '\n'
	f.sent.Add(int64(n))
	if f.counts.Load() {
		f.ended.Add(int64(bytes.Count(f.cur[:n], newline)))
	}
	if f.cur = f.cur[n:]; len(f.cur) == 0 {
		f.free <- f.chunk[:feedChunk]
	}
	return n, nil
}

var newline = []byte{'\n'}

// next takes the next chunk, unless the feed has been stopped.
func (f *feed) next() error {
	select {
	case <-f.halt:
		return f.halted()
	default:
	}
	select {
	case <-f.halt:
		return f.halted()
	case chunk, ok := <-f.chunks:
		if !ok {
			return f.over()
		}
		f.chunk, f.cur = chunk, chunk
		return nil
	}
}

func (f *feed) halted() error {
	if f.mid {
		return errCut
	}
	return io.EOF
}

// over is the end of the source. Whole lines that came before a failed read are
// published; a message that misses its end is not.
func (f *feed) over() error {
	if err := f.readError(); err != nil && (f.mid || !f.lines) {
		return err
	}
	return io.EOF
}

func (f *feed) readError() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == io.EOF { // end has made every form of it this one
		return nil
	}
	return f.err
}

// stop ends the body at the next line. It is false where a part of the source
// would be no message.
func (f *feed) stop() bool {
	if f.lines {
		f.once[1].Do(func() { close(f.halt) })
	}
	return f.lines
}

// Close ends the feed. It may come from any goroutine, more than once.
func (f *feed) Close() error {
	f.once[0].Do(func() { close(f.done) })
	f.once[1].Do(func() { close(f.halt) })
	return nil
}
