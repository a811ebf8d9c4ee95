package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/liminal-bus/liminal/internal/discovery"
)

// ringSize is how many events are kept for watchers that fall behind or come
// back.
const ringSize = 4096

// feed is the node's one log of events. Watchers read it by position, so that
// a slow one costs nothing but its own gap.
type feed struct {
	mu     sync.Mutex
	ring   []Event // by Seq modulo ringSize, grown on demand
	last   uint64  // seq of the newest event
	more   chan struct{}
	closed bool
}

func newFeed() *feed { return &feed{more: make(chan struct{})} }

func (f *feed) seq() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

// add numbers an event and wakes those who wait.
func (f *feed) add(ev Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	ev.Seq = f.last
	if len(f.ring) < ringSize {
		f.ring = append(f.ring, ev)
	} else {
		f.ring[(f.last-1)%ringSize] = ev
	}
	close(f.more)
	f.more = make(chan struct{})
}

// young returns the seq before the oldest kept event that is not older than
// since, and that of the newest; lost says that events as young as that may be
// kept no more.
func (f *feed) young(since time.Time) (pos uint64, lost bool, last uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := f.last - uint64(len(f.ring))
	for pos = first; pos < f.last; pos++ {
		if !f.ring[pos%ringSize].Time.Before(since) {
			return pos, pos == first && first > 0, f.last
		}
	}
	return pos, false, f.last
}

// next returns the event after pos; missed is how many before it are no longer
// kept, and wait is closed once there may be more when there is none now.
func (f *feed) next(pos uint64) (ev Event, missed uint64, ok, closed bool, wait <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if pos >= f.last {
		return Event{}, 0, false, f.closed, f.more
	}
	oldest := f.last - uint64(len(f.ring)) + 1
	if pos+1 < oldest {
		return Event{}, oldest - pos - 1, false, f.closed, f.more
	}
	return f.ring[pos%ringSize], 0, true, f.closed, f.more
}

// wait is closed once there is an event after pos, or none will come.
func (f *feed) wait(pos uint64) <-chan struct{} {
	_, missed, ok, closed, more := f.next(pos)
	if ok || closed || missed > 0 {
		now := make(chan struct{})
		close(now)
		return now
	}
	return more
}

func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	close(f.more)
	f.more = make(chan struct{})
}

// emit adds an event about p, which may be nil; a creation and generation that
// ev has already stay. Of who is not listed there are no events. The caller holds n.mu, so that a snapshot and the events
// after it fit together.
func (n *Node) emit(now time.Time, p *peer, ev Event) {
	if n.state == NodeStopping && ev.Type != EventStopping {
		return // node.stopping is the last event
	}
	if p != nil && !p.listed {
		return // a look
	}
	ev.Time = now
	if p != nil {
		was := ev.Peer
		ev.Peer = n.view(now, p, discovery.TargetStatus{}) // how dials go is not the event's affair
		if was.Generation != 0 {
			ev.Peer.Creation, ev.Peer.Generation = was.Creation, was.Generation
		}
	}
	n.feed.add(ev)
}

// Watcher reads a node's events in order. It is for one goroutine.
type Watcher struct {
	n        *Node
	pos      uint64
	snapshot []Event // still to be given out
	closed   chan struct{}
	once     sync.Once
}

// Watch begins with a snapshot: one EventSnapshotPeer for each listed peer,
// then EventSnapshotEnd, then every event after it. With since > 0 it goes on
// after the event of that number instead, as long as the node still keeps what
// came since: the last 4,096 events. A watcher that falls further behind gets
// one EventGap with the number of events it missed, and a new snapshot.
func (n *Node) Watch(since uint64) *Watcher {
	w := &Watcher{n: n, pos: since, closed: make(chan struct{})}
	if since == 0 || since > n.feed.seq() {
		w.restart(false)
	}
	return w
}

// WatchAfter goes on after an event of a node with that creation: the next
// event, if this is that node and still keeps it. Else it begins with EventGap
// and a snapshot, as for a seq that this node has not reached; where the seq is
// not one of this life Missed counts all of its events.
func (n *Node) WatchAfter(seq uint64, creation uint32) *Watcher {
	w := &Watcher{n: n, pos: seq, closed: make(chan struct{})}
	if creation != n.creation || seq > n.feed.seq() {
		w.pos = 0
		w.restart(true)
	}
	return w // what is kept no more Next finds out
}

// WatchLast begins with the kept events of the last d, without a snapshot. Where
// there may have been more than are kept, EventGap goes first, with how many
// events of all this node keeps no more. Where there is none, EventBookmark
// tells where the watch stands.
func (n *Node) WatchLast(d time.Duration) *Watcher {
	w := &Watcher{n: n, closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	pos, lost, last := n.feed.young(now.Add(-d))
	w.pos = pos
	switch {
	case lost:
		w.snapshot = []Event{{Type: EventGap, Seq: pos, Time: now, Missed: pos}}
	case pos == last:
		w.snapshot = []Event{{Type: EventBookmark, Seq: pos, Time: now}}
	}
	return w
}

// restart fills the snapshot, after a gap if events were missed. The snapshot
// stands for every event up to now, those that are still kept too.
func (w *Watcher) restart(missed bool) {
	n := w.n
	n.mu.Lock()
	defer n.mu.Unlock()
	now, at := time.Now(), n.feed.seq()
	targets := n.targets()
	for _, p := range n.listedPeers() {
		w.snapshot = append(w.snapshot, Event{Type: EventSnapshotPeer, Seq: at, Time: now, Peer: n.view(now, p, targets[p.name])})
	}
	w.snapshot = append(w.snapshot, Event{Type: EventSnapshotEnd, Seq: at, Time: now, Peers: len(w.snapshot)})
	if missed {
		gap := Event{Type: EventGap, Seq: w.pos, Time: now, Missed: at - w.pos}
		w.snapshot = slices.Insert(w.snapshot, 0, gap)
	}
	w.pos = at
}

// Next waits for the next event. It returns ErrClosed once the node has
// stopped and all events are read, or the watcher was closed, and ctx's error
// when ctx ends.
func (w *Watcher) Next(ctx context.Context) (Event, error) {
	for {
		if len(w.snapshot) > 0 {
			ev := w.snapshot[0]
			w.snapshot = w.snapshot[1:]
			return ev, nil
		}
		ev, missed, ok, closed, more := w.n.feed.next(w.pos)
		switch {
		case ok:
			w.pos = ev.Seq
			return ev, nil
		case missed > 0:
			w.restart(true)
			continue
		case closed:
			return Event{}, ErrClosed
		}
		select {
		case <-more:
		case <-w.closed:
			return Event{}, ErrClosed
		case <-ctx.Done():
			return Event{}, context.Cause(ctx)
		}
	}
}

// Close ends a Next that waits. It may be called from any goroutine.
func (w *Watcher) Close() { w.once.Do(func() { close(w.closed) }) }
