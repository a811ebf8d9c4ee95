package links

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/secure"
)

// The limits of a table, unless Config says otherwise.
const (
	DefaultMaxPeers   = 1024
	MaxPending        = 256  // handshakes under way that others began
	MaxPendingAddress = 16   // of them from one address, where all of MaxPending are taken
	MaxDown           = 4096 // rows of names without a link
)

// Errors of Dial and of handshakes that the table ends.
var (
	ErrClosed   = errors.New("the connection table is closed")
	ErrUp       = errors.New("the peer is up already")
	ErrDialling = errors.New("the peer is being dialled already")
	ErrLost     = errors.New("the peer's own attempt goes on instead of ours")
	ErrFull     = errors.New("the table has all the peers it may have")
	ErrEvicted  = errors.New("too many handshakes are under way")
	ErrReplaced = errors.New("another link to the same peer won")
	// ErrTaken: the peer has a link to another node of our name, see Config.Polite.
	ErrTaken = errors.New("the peer has a link to another node of our name")
	// ErrCrowded: the peer ended a dial of ours when a second one reached it.
	ErrCrowded = errors.New("two dials met at the same peer")
	// ErrDuplicate: more than one node is started under that name.
	ErrDuplicate = errors.New("nodes with the same name replace each other")
)

// Config is what a Table needs.
type Config struct {
	Local   dist.Local
	Handler dist.Handler
	Tick    time.Duration // net tick time
	Net     Net           // nil is the kernel's
	// Vet judges the name that a dialled address turned out to have; nil takes
	// any.
	Vet      func(name string) error
	MaxPeers int // live links; 0 is DefaultMaxPeers
	// TLS puts every connection under TLS; nil is in the clear.
	TLS *secure.Keeper
	// Polite gives up a dial, with ErrTaken, where the peer has a link under our
	// name that is not ours: it may be that of another process of that name.
	Polite bool

	// Up is called for each new link before its reader starts, Down once it
	// has ended, without a lock held. They must not wait for other goroutines
	// of the table, nor call Dial or Close. Either may be nil.
	Up, Down func(Info)
	// Refused is told of every inbound handshake that failed, for the log; nil
	// is told nothing.
	Refused func(Refusal)
}

// Refusal is a handshake that others began and that came to nothing.
type Refusal struct {
	Addr netip.AddrPort
	Peer string // the name it claimed, "" if it got no further
	Err  error
	// Forgotten: it is the first of a life of Peer that was disowned, see Disown.
	Forgotten bool
}

// Table is the connection table of one node. Its methods may be called from
// any goroutine.
type Table struct {
	cfg     Config
	version atomic.Uint64 // of rows, as a snapshot shows them

	mu         sync.Mutex
	rows       map[string]*row
	out        map[string]*attempt  // outbound handshakes, by the name wanted or about to be proved
	dials      map[*attempt]bool    // outbound handshakes, all of them
	in         map[*attempt]bool    // inbound handshakes that were let past their name message
	held       map[string]time.Time // names that may have no new link, until when
	forgotten  map[string]forgotten // names that were disowned
	lastForgot uint64               // number of the newest
	cookies    []dist.Cookie        // our own first; see SetCookies
	live       int
	alone      bool // inbound handshakes are not allowed
	closed     bool
	changed    chan struct{} // closed and replaced when a link comes up
	closing    chan struct{} // closed by CloseListeners

	pending   pending
	listeners []net.Listener
	wg        sync.WaitGroup // accept loops, handshakes, links until Down has returned
	counts    counters
	setup     time.Duration // dist.SetupTime, but in tests
}

// New makes an empty table.
func New(c Config) *Table {
	if c.MaxPeers == 0 {
		c.MaxPeers = DefaultMaxPeers
	}
	for _, f := range []*func(Info){&c.Up, &c.Down} {
		if *f == nil {
			*f = func(Info) {}
		}
	}
	return &Table{
		cfg:       c,
		cookies:   cookiesOf(c.Local),
		rows:      map[string]*row{},
		held:      map[string]time.Time{},
		forgotten: map[string]forgotten{},
		out:       map[string]*attempt{},
		dials:     map[*attempt]bool{},
		in:        map[*attempt]bool{},
		changed:   make(chan struct{}),
		closing:   make(chan struct{}),
		pending:   pending{conns: map[*pendingConn]bool{}},
		setup:     dist.SetupTime,
	}
}

// SetAlone makes the table refuse inbound handshakes (after leave), or take
// them again.
func (t *Table) SetAlone(alone bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.alone = alone
}

// Beat gives every live link its heartbeat: ticks, silence, stalled writes.
// The node's one timer calls it.
func (t *Table) Beat(now time.Time) {
	for _, l := range t.liveLinks() {
		l.Beat(now)
	}
}

// Forgive lets the clocks of every link start afresh, after this process was
// suspended or starved.
func (t *Table) Forgive(now time.Time) {
	for _, l := range t.liveLinks() {
		l.Forgive(now)
	}
}

// liveLinks is a copy, so that no lock is held over a link's own work.
func (t *Table) liveLinks() []*dist.Link {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*dist.Link, 0, t.live)
	for _, r := range t.rows {
		if r.info.Up {
			all = append(all, r.info.Link)
		}
	}
	return all
}

// CloseListeners stops taking new connections and ends the handshakes under
// way. Live links are untouched.
func (t *Table) CloseListeners() {
	t.mu.Lock()
	if !t.closed {
		t.closed = true
		close(t.closing)
	}
	listeners := t.listeners
	for a := range t.dials {
		a.cancel(ErrClosed)
	}
	t.mu.Unlock()
	for _, l := range listeners {
		l.Close()
	}
	t.pending.close(ErrClosed)
}

// Close ends everything: listeners, handshakes, then links with the given
// reason. It returns once every goroutine of the table is gone, every Dial has
// returned, and every link has had its Down. Up and Down must not call it.
func (t *Table) Close(reason dist.Reason) {
	t.CloseListeners()
	for _, l := range t.liveLinks() {
		l.Close(reason, nil)
	}
	t.wg.Wait()
}
