package dist

import (
	"context"
	"errors"
	"slices"
)

// flush is one call of Flush or Written that waits.
type flush struct {
	ctl, data, bulk uint64 // counts of messages that must have been written
	ok              bool
	ready           chan struct{}
}

// Flush returns nil when everything queued before the call has been passed to
// the kernel, and an error when the link goes down or ctx ends before that.
func (l *Link) Flush(ctx context.Context) error {
	l.mu.Lock()
	f := l.newFlush(flush{ctl: l.ctl.put, data: l.data.put, bulk: l.bulk.put})
	l.mu.Unlock()
	return l.await(ctx, f)
}

// errNoPlace is what Written says to a place that Publish never gave.
var errNoPlace = errors.New("a message that was not taken is not written")

// A place is the number of a message in its lane, times two, plus one in the
// bulk lane.

// Written returns nil once the message that was given that place by Publish,
// TryPublish or PublishWait has been passed to the kernel whole. It fails with
// ErrLinkDown when that will not happen any more, or may not have happened, and
// with the cause of ctx when that ends before.
func (l *Link) Written(ctx context.Context, place uint64) error {
	switch {
	case place == 0:
		return errNoPlace
	case l.WasWritten(place):
		return nil
	}
	want := flush{data: place >> 1}
	if place&1 == 1 {
		want = flush{bulk: place >> 1}
	}
	l.mu.Lock()
	f := l.newFlush(want)
	l.mu.Unlock()
	return l.await(ctx, f)
}

// WasWritten says whether Written would return nil now.
func (l *Link) WasWritten(place uint64) bool {
	o := &l.data
	if place&1 == 1 {
		o = &l.bulk
	}
	return place != 0 && o.written.Load() >= place>>1
}

func (l *Link) await(ctx context.Context, f *flush) error {
	select {
	case <-f.ready:
	case <-ctx.Done():
		if l.forget(f) {
			return context.Cause(ctx)
		}
	}
	if !f.ok {
		return l.downError()
	}
	return nil
}

// newFlush files f; l.mu is held, as in the next.
func (l *Link) newFlush(f flush) *flush {
	f.ready = make(chan struct{})
	l.flushes = append(l.flushes, &f)
	l.wakeFlushes()
	return &f
}

// wakeFlushes lets those go whose messages are written; all if the link ended.
func (l *Link) wakeFlushes() {
	rest := l.flushes[:0]
	for _, f := range l.flushes {
		f.ok = l.ctl.written.Load() >= f.ctl && l.data.written.Load() >= f.data && l.bulk.written.Load() >= f.bulk
		if f.ok || l.down != nil {
			close(f.ready)
		} else {
			rest = append(rest, f)
		}
	}
	clear(l.flushes[len(rest):])
	l.flushes = rest
}

// forget drops f. It is false if f has its answer by now: that counts, also for
// a caller whose ctx had ended before it asked.
func (l *Link) forget(f *flush) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.flushes, f)
	if i >= 0 {
		l.flushes = slices.Delete(l.flushes, i, i+1)
	}
	return i >= 0
}
