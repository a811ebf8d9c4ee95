package node

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/liminal-bus/liminal/internal/bus"
	"github.com/liminal-bus/liminal/internal/discovery"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/epmd"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/links"
	"github.com/liminal-bus/liminal/internal/membership"
)

// Version is the version that hello carries.
const Version = "0.1.0"

// Node is one running node. Its methods may be called from any goroutine.
type Node struct {
	cfg      Config // with defaults filled in
	name     string
	host     string
	creation uint32
	log      *slog.Logger
	self     etf.Pid // of the process liminal
	started  time.Time
	listen   []netip.AddrPort
	hello    []byte // encoded once

	tls      tlsState
	table    *links.Table
	groups   *groups
	bus      *bus.Bus
	ends     ends
	gate     gate      // of what is decoded
	pubs     pubRates  // of what peers have published
	sampled  time.Time // owned by pollLoop
	resolver *discovery.Resolver
	epmd     *epmd.Registrar // nil when off

	pollMu  sync.Mutex // one poll at a time; guards tracker, polls and budget
	tracker *membership.Tracker
	polls   uint64        // snapshots taken; the tracker's version, since rows may be held
	budget  subsBudget    // of events of channels; guarded by pollMu
	polled  atomic.Uint64 // 1 + the table version last polled

	cookieMu sync.Mutex // one change of cookies at a time, and what peers are told of it; before mu

	mu       sync.Mutex // guards what follows
	state    NodeState
	plan     *discovery.Plan
	peers    map[string]*peer
	calls    map[uint64]*call
	lastRef  uint64
	taking   int // answers being taken: no calls any more, and not told yet
	joins    map[uint64][]chan joinResult
	flights  map[uint64]*flight // dials that are out, by target
	returns  returns
	greeted  chan struct{}          // closed and replaced when a hello comes or a link ends
	turns    [len(turns)]turn       // of askMesh
	leftBy   map[dist.Reason]uint64 // peers that left, by why
	recorded uint64                 // peers ever recorded
	dialFor  time.Duration
	forget   time.Duration
	drain    time.Duration

	feed      *feed
	counts    counters
	totals    linkTotals // guarded by mu
	pulse     pulse
	rtts      *timings
	delays    *timings      // of polls, behind their time
	refusals  seldom        // warnings that strangers bring about
	published atomic.Uint64 // messages, for their ids
	bytes     atomic.Uint64 // of these
	idHead    string        // what all ids begin with

	ctx     context.Context // ended by Close, first of all
	stop    context.CancelFunc
	nudges  chan struct{} // a link came or went: poll now
	kicks   chan struct{} // there may be something to dial
	rounds  chan struct{} // whether the loop goes round; unbuffered
	settled chan struct{} // a dial has ended or a poll has found something
	wg      sync.WaitGroup
	tasks   sync.WaitGroup // begun under mu while not stopping
	opened  bool           // it listened; set before anything runs
	closing atomic.Bool
	closed  chan struct{}
	release func() // lets go of the name of a look; nil for other nodes
}

// Name is the full name of the node, NAME@HOST.
func (n *Node) Name() string { return n.name }

// Creation tells this run of the node from earlier ones of the same name.
func (n *Node) Creation() uint32 { return n.creation }

// ListenAddr returns the addresses bound, at least one.
func (n *Node) ListenAddr() []netip.AddrPort {
	return append([]netip.AddrPort(nil), n.listen...)
}

// MaxMessage is the longest payload that is published or taken, in bytes.
func (n *Node) MaxMessage() int { return n.cfg.MaxMessage }

// nudge asks for a poll now. It is a hint: a lost one costs a poll interval.
func (n *Node) nudge() {
	if !n.cfg.NoNudge {
		signal(n.nudges)
	}
}

// signal leaves a message in a channel of capacity one; a second one waiting
// there would say nothing more.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
