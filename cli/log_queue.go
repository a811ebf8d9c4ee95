package cli

import (
	"bytes"
	"io"
	"sync/atomic"
	"time"
)

// maxLogLines is how many lines may wait for a reader of the log, or of the
// event lines of a node.
const maxLogLines = 1024

// logPatience bounds the wait for the last lines to be written.
const logPatience = time.Second

// lineQueue stands between the log, or the event lines of a node, and a stream
// that may not be read: a pipe whose reader sleeps or has gone, a terminal that
// is held. Who writes never waits; what finds no room is dropped and counted.
type lineQueue struct {
	lines   chan []byte
	dropped atomic.Uint64
	stop    chan struct{}
	done    chan struct{}
}

// newLineQueue writes to w until end. lost is told of dropped lines as soon as
// w takes lines again, by the goroutine that writes.
func newLineQueue(w io.Writer, lost func(lines uint64)) *lineQueue {
	q := &lineQueue{lines: make(chan []byte, maxLogLines), stop: make(chan struct{}), done: make(chan struct{})}
	go q.loop(w, lost)
	return q
}

// Write takes one line.
func (q *lineQueue) Write(p []byte) (int, error) {
	select {
	case q.lines <- bytes.Clone(p):
	default:
		q.dropped.Add(1)
	}
	return len(p), nil
}

func (q *lineQueue) loop(w io.Writer, lost func(lines uint64)) {
	defer close(q.done)
	put := func(line []byte) {
		if _, err := w.Write(line); err != nil { // its disk is full: tell once it is not
			q.dropped.Add(1)
		} else if n := q.dropped.Swap(0); n > 0 {
			lost(n)
		}
	}
	for {
		select {
		case line := <-q.lines:
			put(line)
			continue
		case <-q.stop:
		}
		for len(q.lines) > 0 { // the only reader
			put(<-q.lines)
		}
		return
	}
}

// end writes what waits, and gives up on a stream that takes nothing.
func (q *lineQueue) end() {
	close(q.stop)
	limit := time.NewTimer(logPatience)
	defer limit.Stop()
	select {
	case <-q.done:
	case <-limit.C:
	}
}
