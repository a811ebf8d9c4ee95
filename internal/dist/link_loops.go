package dist

import (
	"errors"
	"io"
)

// readLoop reads frames and acts on them until the connection ends. It waits
// for nothing but the connection: a reader that stops makes the peer suspend
// its senders, its pg server first of all.
func (l *Link) readLoop() {
	buf := newFrameBuffer(l.limits.Frame)
	err := l.read(buf)
	buf.release()
	l.Close(reasonOf(err), err)
}

func (l *Link) read(buf *frameBuffer) error {
	for {
		n, err := buf.fill(l.conn)
		l.count.bytesIn.Add(uint64(n))
		if bad := l.frames(buf); bad != nil {
			return bad
		}
		if errors.Is(err, io.EOF) && buf.w > buf.r {
			err = io.ErrUnexpectedEOF // in the middle of a frame
		}
		if err != nil {
			return err
		}
	}
}

// frames acts on all whole frames in buf. Those behind the end of the link are
// not handed on: its messages are void once it is down.
func (l *Link) frames(buf *frameBuffer) error {
	frames := uint64(0)
	defer func() { l.count.framesIn.Add(frames) }()
	for !l.gone.Load() {
		frame, ok, err := buf.next()
		if err != nil {
			return protocolError(0, buf.b[buf.r:buf.w], err)
		}
		if !ok {
			return nil
		}
		frames++
		if err := l.in.frame(frame); err != nil {
			return err
		}
	}
	return ErrLinkDown
}

// writeLoop writes what is queued, one batch of one lane at a time, and
// holds no lock while it writes. It flushes by having nothing left: there is
// no timer and nothing is held back.
func (l *Link) writeLoop() {
	var err error
	for l.nextLane(err) {
		l.collect()
		l.writes.Add(1)
		err = l.write()
		l.writes.Add(1)
		if err != nil {
			l.Close(reasonOf(err), err)
		}
	}
}

// nextLane accounts for the last batch, which was written with err, waits
// until something is queued, and picks the lane of the next batch. It reports
// false when the link is down.
func (l *Link) nextLane(err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.account(err)
	for l.down == nil && l.idle() {
		l.waiting = true
		l.cond.Wait()
	}
	l.waiting = false
	if l.down != nil {
		for _, o := range l.lanes() {
			o.out = cursor{}
		}
		return false
	}
	for _, o := range l.lanes() {
		if o.out.exhausted() && len(o.fill.b) > 0 {
			o.out.swap(o)
		}
	}
	l.writing = l.pick()
	return true
}

func (l *Link) lanes() [3]*lane { return [...]*lane{&l.ctl, &l.data, &l.bulk} }

// idle reports whether no lane has anything that is not written.
func (l *Link) idle() bool { return l.ctl.queued == 0 && l.data.queued == 0 && l.bulk.queued == 0 }

// pick is control before all else, then data and bulk by turns. A lane that is
// blocked waits for messages of the data lane, so there are some.
func (l *Link) pick() *lane {
	if !l.ctl.out.exhausted() {
		return &l.ctl
	}
	l.bulk.out.ready = l.data.written.Load()
	bulk := !l.bulk.out.exhausted() && !l.bulk.out.blocked()
	if bulk && (l.turn == &l.data || l.data.out.exhausted()) {
		l.turn = &l.bulk
	} else {
		l.turn = &l.data
	}
	return l.turn
}

// collect fills the batch. The lanes are not locked: a cursor owns its buffer.
func (l *Link) collect() {
	l.batch.reset()
	l.writing.out.next(l.batch)
}

// write passes the batch to the kernel in one call.
func (l *Link) write() error {
	if len(l.batch.parts) == 1 {
		_, err := l.conn.Write(l.batch.parts[0])
		return err
	}
	l.vector = l.batch.parts // WriteTo consumes what it is called on
	_, err := l.vector.WriteTo(l.conn)
	return err
}

// account books the batch that was written, and what is lost if the link went
// down meanwhile. l.mu is held, as in all below.
func (l *Link) account(err error) {
	if l.writing == nil {
		return
	}
	if l.late != nil {
		defer l.tellLate(l.tally())
	}
	b, o := l.batch, l.writing
	l.writing = nil
	clear(b.parts) // a link at rest holds no payload
	if err != nil {
		if o != &l.ctl {
			l.count.dropN(DropInFlight, b.messages)
			o.queued -= b.messages
		}
	} else {
		o.done(b)
		l.framesOut += uint64(b.frames)
		l.bytesOut += uint64(b.size)
		l.ticksOut += uint64(b.ticks)
	}
	if l.down != nil {
		l.discard()
	}
	l.behind.clean(&l.bulk)
	l.admit()
	l.wakeFlushes()
}

// discard counts what will never be written: nothing of it goes to a later
// link.
func (l *Link) discard() {
	l.count.dropN(DropLinkDown, l.data.queued+l.bulk.queued)
	for _, o := range l.lanes() {
		o.discard()
	}
	l.behind = nil
}

// wake starts the writer if it waits; the caller unlocks and then signals.
func (l *Link) wake() bool {
	w := l.waiting
	l.waiting = false
	return w
}
