package dist

import (
	"context"
	"slices"

	"github.com/liminal-bus/liminal/internal/etf"
)

// The three ways to publish queue a message for a process of the peer: on the
// data lane, or on the bulk lane if it is cut into fragments or follows one
// that is. They differ in what a full lane means. A lane is full that holds
// Limits.Messages or Limits.Bytes, both lanes together, or for which others
// wait. A message longer than Limits.Bytes is taken when both are empty, and
// what is left of it does not count for those after it: they have not to wait
// for it.
//
// msg is one encoded term without version byte. The link may keep it, as may
// other links that got the same slice: it must not change after the call.
//
// place is for Written; it is 0 if the message was not taken, and drop says
// why, DropFull, DropTooLarge or DropLinkDown. Each message that was taken or
// dropped is counted as offered once.

// Publish drops a message for which there is no room. It never waits.
func (l *Link) Publish(to etf.Pid, msg []byte) (place uint64, drop Drop) {
	place, drop, _ = l.offer(to, msg, dropWhenFull)
	return place, drop
}

// TryPublish is Publish, but that DropFull is not counted, neither as offered
// nor as dropped: the caller will ask again.
func (l *Link) TryPublish(to etf.Pid, msg []byte) (place uint64, drop Drop) {
	place, drop, _ = l.offer(to, msg, askWhenFull)
	return place, drop
}

// PublishWait waits for room, behind those that wait already, and says
// DropFull if ctx ends before there is some, DropLinkDown if the link does. It
// allocates nothing where it does not wait.
func (l *Link) PublishWait(ctx context.Context, to etf.Pid, msg []byte) (place uint64, drop Drop) {
	place, drop, w := l.offer(to, msg, waitWhenFull)
	if w == nil {
		return place, drop
	}
	select {
	case <-w.ready:
	case <-ctx.Done():
		l.giveUp(w)
	}
	return w.place, w.drop
}

type whenFull uint8

const (
	dropWhenFull whenFull = iota
	askWhenFull
	waitWhenFull
)

// waiter is one call of PublishWait for which there was no room.
type waiter struct {
	to    etf.Pid
	msg   []byte
	size  int
	place uint64 // set with drop, before ready is closed
	drop  Drop
	ready chan struct{}
}

// offer takes a message, or drops it, or makes a waiter of it.
func (l *Link) offer(to etf.Pid, msg []byte, full whenFull) (place uint64, drop Drop, w *waiter) {
	var buf [160]byte
	control := appendSend(buf[:0], to)
	size := len(control) + len(msg) + frameOverhead
	fits := len(msg) > 0 && l.fits(len(control), len(msg)) == nil
	l.mu.Lock()
	drop = l.refusal(fits, size)
	switch {
	case drop == DropNone:
		place = l.put(to, control, msg)
		if l.wake() {
			l.mu.Unlock()
			l.cond.Signal()
			return place, DropNone, nil
		}
	case drop == DropFull && full == waitWhenFull:
		w = &waiter{to: to, msg: msg, size: size, ready: make(chan struct{})}
		l.waiters = append(l.waiters, w)
	case drop != DropFull || full == dropWhenFull:
		l.refuse(drop)
	}
	l.mu.Unlock()
	return place, drop, w
}

// refusal says why a message cannot be taken now; l.mu is held, as in all below
// but giveUp.
func (l *Link) refusal(fits bool, size int) Drop {
	switch {
	case l.down != nil:
		return DropLinkDown
	case !fits:
		return DropTooLarge
	case len(l.waiters) > 0 || !l.room(size):
		return DropFull
	}
	return DropNone
}

// room reports whether the lanes can take a message of that size.
func (l *Link) room(size int) bool {
	waiting := l.data.held() + l.bulk.held()
	if size > l.limits.Bytes {
		return waiting == 0
	}
	return l.data.queued+l.bulk.queued < l.limits.Messages &&
		waiting-l.data.overlong-l.bulk.overlong+size <= l.limits.Bytes
}

// put queues a message for which there is room, and gives its place.
func (l *Link) put(to etf.Pid, control, msg []byte) uint64 {
	l.offered++
	cut := len(msg) > fragmentSize && l.framing.headers
	if cut || l.bulk.queued > 0 && l.behind.has(to, &l.bulk) {
		l.putBulk(to, control, msg, cut)
		return l.bulk.put<<1 | 1
	}
	l.data.message(&l.framing, control, msg, KeepFrom)
	if len(msg) > l.limits.Bytes {
		l.data.overlong = len(msg)
	}
	return l.data.put << 1
}

func (l *Link) putBulk(to etf.Pid, control, msg []byte, cut bool) {
	l.bulk.message(&l.framing, control, msg, KeepFrom)
	if cut {
		big := l.bulk.fill.big
		big[len(big)-1].after = l.data.put
	}
	if len(msg) > l.limits.Bytes {
		l.bulk.overlong = len(msg)
	}
	l.behind.add(to, &l.bulk)
}

// refuse counts a message that was dropped when it was offered.
func (l *Link) refuse(d Drop) {
	if l.late != nil {
		defer l.tellLate(l.tally())
	}
	l.offered++
	l.count.drop(d)
}

// admit takes the messages of those that wait, the first first, as far as there
// is room.
func (l *Link) admit() {
	for len(l.waiters) > 0 && l.room(l.waiters[0].size) {
		w := l.waiters[0]
		l.waiters = slices.Delete(l.waiters, 0, 1)
		var buf [160]byte
		w.place = l.put(w.to, appendSend(buf[:0], w.to), w.msg)
		close(w.ready)
	}
}

// refuseWaiters is for the end of the link.
func (l *Link) refuseWaiters() {
	for _, w := range l.waiters {
		l.refuse(DropLinkDown)
		w.drop = DropLinkDown
		close(w.ready)
	}
	l.waiters = nil
}

// giveUp takes w off the waiters, unless it has its answer. There may be room
// for the one behind it.
func (l *Link) giveUp(w *waiter) {
	l.mu.Lock()
	i := slices.Index(l.waiters, w)
	if i >= 0 {
		l.waiters = slices.Delete(l.waiters, i, i+1)
		l.refuse(DropFull)
		w.drop = DropFull
		l.admit()
	}
	wake := !l.idle() && l.wake()
	l.mu.Unlock()
	if wake {
		l.cond.Signal()
	}
}

// behind keeps the order of messages to one process. It has the processes that
// a message of the bulk lane is for, with the number of the last of these: what
// is for them goes behind it.
type behind map[etf.Pid]uint64

func (b behind) has(to etf.Pid, bulk *lane) bool {
	n, ok := b[to]
	return ok && n > bulk.written.Load()
}

// add books the message that was put last. Processes whose messages are all
// written are swept out before they are more than those that are not.
func (b *behind) add(to etf.Pid, bulk *lane) {
	if *b == nil {
		*b = behind{}
	}
	if _, ok := (*b)[to]; !ok && len(*b) >= 2*bulk.queued+minBehind {
		b.sweep(bulk.written.Load())
	}
	(*b)[to] = bulk.put
}

// minBehind is how many processes are not worth a sweep.
const minBehind = 16

func (b behind) sweep(written uint64) {
	for to, n := range b {
		if n <= written {
			delete(b, to)
		}
	}
}

// clean forgets all when the lane is empty.
func (b *behind) clean(bulk *lane) {
	switch {
	case len(*b) == 0 || bulk.queued > 0:
	case len(*b) > minBehind:
		*b = nil
	default:
		clear(*b)
	}
}
