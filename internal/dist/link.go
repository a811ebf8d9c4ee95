package dist

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Causes that a sender may meet, for errors.Is.
var (
	ErrLinkDown        = errors.New("link is down")
	ErrPayloadTooLarge = errors.New("payload too large")
	ErrNotAgreed       = errors.New("not agreed with this peer")
)

// Limits bound what one link may cost. Zero fields take the defaults.
type Limits struct {
	Frame     int // bytes of one frame received; 1 MiB with fragments, else 16 MiB
	Payload   int // bytes of one payload, and of all partly received ones; 64 MiB and 64 KiB for what is around a message of that size
	Sequences int // partly received payloads; 64, and as many of those whose addressee sets no bound
	Messages  int // in the lanes of what is published; 8,192
	Bytes     int // in the same; 8 MiB, the rest of a message longer than that apart
	Control   int // bytes in the control lane; 16 MiB, payloads over 64 KiB apart

	WriteStall     time.Duration // for one write; 10 s
	FragmentExpiry time.Duration // between fragments of one payload; 30 s
}

func (l Limits) filled(headers bool) Limits {
	frame := maxFrameWhole
	if headers {
		frame = maxFrameFragments
	}
	l.Frame = orElse(l.Frame, frame)
	l.Payload = orElse(l.Payload, 64<<20+64<<10)
	l.Sequences = orElse(l.Sequences, 64)
	l.Messages = orElse(l.Messages, 8192)
	l.Bytes = orElse(l.Bytes, 8<<20)
	l.Control = orElse(l.Control, 16<<20)
	l.WriteStall = orElse(l.WriteStall, 10*time.Second)
	l.FragmentExpiry = orElse(l.FragmentExpiry, 30*time.Second)
	return l
}

func orElse[N int | time.Duration](n, otherwise N) N {
	if n > 0 {
		return n
	}
	return otherwise
}

// LinkConfig is what a link is made of. Limits may be zero, OnDown nil.
type LinkConfig struct {
	Conn     net.Conn // past the handshake, no deadline set; the link closes it
	Local    Local
	Remote   Remote
	Handler  Handler
	Tick     time.Duration // net tick time: four ticks in it, down after 1.25 of it; 60 s if zero
	Outgoing bool          // this side dialled
	OnDown   func(*Link)   // see Close
	Limits   Limits
}

// Link is one authenticated connection to a peer. Its methods may be called
// from any goroutine.
type Link struct {
	conn     net.Conn
	local    Local
	remote   Remote
	agreed   Flags
	handler  Handler
	onDown   func(*Link)
	outgoing bool
	tick     time.Duration
	limits   Limits

	in    inbound // reader's
	count counters

	mu      sync.Mutex
	cond    sync.Cond // something was queued, or the link went down
	waiting bool      // the writer waits on cond
	started bool
	framing framing
	ctl     lane  // control messages and ticks
	data    lane  // published messages
	bulk    lane  // those over 64 KiB, where fragments were agreed
	turn    *lane // data or bulk: which of them the last batch was from
	behind  behind
	offered uint64
	late    *Late // set by Retire
	waiters []*waiter
	batch   *batch // writer's
	vector  net.Buffers
	writing *lane // whose batch the writer has and has not accounted for
	flushes []*flush
	clocks  clocks

	framesOut, bytesOut, ticksOut uint64

	writes atomic.Uint64 // odd while one is in progress
	gone   atomic.Bool   // set with down, to be read without the lock

	down      *ending // why it ended, set once
	announced atomic.Bool
	done      chan struct{}
	group     sync.WaitGroup
}

// ending is why a link ended.
type ending struct {
	reason Reason
	detail string
	err    error
}

// NewLink makes a link whose lanes take messages at once; nothing is read or
// written before Start.
func NewLink(c LinkConfig) *Link {
	headers := c.Remote.Agreed&(FlagFragments|FlagDistHdrAtomCache) != 0
	l := &Link{
		conn: c.Conn, local: c.Local, remote: c.Remote, agreed: c.Remote.Agreed,
		handler: c.Handler, onDown: c.OnDown, outgoing: c.Outgoing,
		tick:   orElse(c.Tick, time.Minute),
		limits: c.Limits.filled(headers),
		batch:  newBatch(),
		done:   make(chan struct{}),
	}
	l.cond.L = &l.mu
	l.framing.headers = headers
	l.in = inbound{l: l, headers: headers, frags: fragments{
		maxOpen: l.limits.Sequences, maxBytes: l.limits.Payload + fragmentSize, expiry: l.limits.FragmentExpiry,
	}}
	return l
}

// Start starts the reader and the writer, the link's only goroutines.
func (l *Link) Start() {
	l.mu.Lock()
	if !l.started && l.down == nil {
		l.started = true
		l.group.Go(l.readLoop)
		l.group.Go(l.writeLoop)
	}
	down := l.down
	l.mu.Unlock()
	if down != nil { // a sender ended it before there was a reader to say so
		l.Close(down.reason, down.err)
	}
}

// Close ends the link for reason r. The first cause wins, whoever calls; the
// others do nothing. OnDown is called exactly once, in the goroutine of one of
// the callers, with no lock held, after the connection was closed. Close does
// not wait for the goroutines, so it may be called from a Handler or OnDown,
// and before Start.
func (l *Link) Close(r Reason, cause error) {
	l.end(r, cause)
	if l.announced.Swap(true) {
		return
	}
	if l.onDown != nil {
		l.onDown(l)
	}
	close(l.done)
}

// end is Close without OnDown. Senders use it, since they may hold locks that
// OnDown takes; the reader, or Beat, then finds the link ended and closes it.
func (l *Link) end(r Reason, cause error) {
	l.mu.Lock()
	if l.down != nil {
		l.mu.Unlock()
		return
	}
	l.down = &ending{r, detailOf(r, cause), cause}
	l.gone.Store(true)
	if l.writing == nil { // else the writer knows what became of its batch
		l.discard()
	}
	l.refuseWaiters()
	l.wakeFlushes()
	l.cond.Broadcast()
	l.mu.Unlock()
	l.count.dropN(DropFragmentExpiry, l.in.frags.clear())
	closeConn(l.conn)
}

// closeConn closes what lies under TLS first: TLS would wait to say goodbye to
// a peer that may not read.
func closeConn(c net.Conn) {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		_ = t.NetConn().Close()
	}
	_ = c.Close()
}

// Wait returns when both goroutines are gone, at once if they never started.
// OnDown and handlers must not call it.
func (l *Link) Wait() { l.group.Wait() }

// Done is closed when the link is down and OnDown has returned.
func (l *Link) Done() <-chan struct{} { return l.done }

// Down says why the link ended: one word, words for people, and the cause,
// which may be nil. All are empty while it is up.
func (l *Link) Down() (r Reason, detail string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down == nil {
		return "", "", nil
	}
	return l.down.reason, l.down.detail, l.down.err
}

// Remote is the peer as the handshake found it.
func (l *Link) Remote() Remote { return l.remote }

// Peer is the name of the peer, for those who need no more of Remote.
func (l *Link) Peer() string { return l.remote.Name }

// Outgoing reports whether this side dialled.
func (l *Link) Outgoing() bool { return l.outgoing }

// RemoteAddr is the peer's end of the connection.
func (l *Link) RemoteAddr() net.Addr { return l.conn.RemoteAddr() }

// LocalAddr is our end of the connection.
func (l *Link) LocalAddr() net.Addr { return l.conn.LocalAddr() }
