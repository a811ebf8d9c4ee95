package node

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/testnet"
)

// simWorld is whole nodes on a network in memory, and what happens to them. One
// seed decides all of that before any node has run: the driver, which is the
// only one to draw from rnd, never looks at a node to decide what to do next.
type simWorld struct {
	t      *testing.T
	seed   uint64
	rnd    *rand.Rand
	shape  simShape
	net    *testnet.Mem
	spots  []*simSpot
	fakes  []*simLife // second bearers of a name
	hidden *simSpot   // at most one: two would not be told of each other
	began  time.Time
	tasks  sync.WaitGroup // of joins, leaves and the like
	plan   []simPlanned   // by time

	mu     sync.Mutex // guards what follows
	lives  map[uint32]*simLife
	log    bytes.Buffer
	wrong  []string
	seen   map[string]int
	healed time.Duration // from the healing to equal views
}

// simShape is how one world is set up.
type simShape struct {
	nodes    int
	phaseA   time.Duration
	gap      time.Duration // mean, between two things that happen
	delay    time.Duration // of the network, at most
	retryMax time.Duration
	tick     time.Duration
	probe    time.Duration // ProbeTimeout
}

// simSpot is a name with an address. At most one life is in it.
type simSpot struct {
	name string
	addr netip.AddrPort
	life *simLife
	busy bool // its last life is saying goodbye
}

// simLife is one run of a node.
type simLife struct {
	w      *simWorld
	spot   *simSpot
	number uint32 // also its creation
	host   *testnet.MemHost
	cancel context.CancelFunc
	up     chan struct{} // Start has returned
	gone   chan struct{} // Close has returned
	over   bool          // it was killed, or is stopping; driver's
	left   bool          // it has left at least once; driver's
	forgot map[*simSpot]bool
	subs   []*simSub // driver's
	orders chan simOrder
	asked  atomic.Int64 // orders that are not done

	mu    sync.Mutex
	node  *Node // once it listens
	watch *simWatch
	links map[*dist.Link]*simLink // checker's
}

// simPlanned is something that is to happen at a time.
type simPlanned struct {
	at time.Time
	do func()
}

func newSimWorld(t *testing.T, seed uint64) *simWorld {
	rnd := rand.New(rand.NewPCG(seed, 5))
	w := &simWorld{
		t: t, seed: seed, rnd: rnd, net: testnet.NewMem(seed), began: time.Now(),
		lives: map[uint32]*simLife{}, seen: map[string]int{}, shape: newSimShape(rnd),
	}
	w.net.Tap = w.tap
	for i := range w.shape.nodes {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 4370)
		w.spots = append(w.spots, &simSpot{name: fmt.Sprintf("n%d@%v", i+1, addr.Addr()), addr: addr})
	}
	if w.rnd.IntN(4) == 0 {
		w.hidden = some(w, w.spots)
	}
	for _, a := range w.spots {
		for _, b := range w.spots {
			w.net.SetDelay(a.addr.Addr(), b.addr.Addr(), w.upTo(w.shape.delay), w.upTo(w.shape.delay))
		}
	}
	return w
}

// newSimShape makes small worlds more often than large ones.
func newSimShape(rnd *rand.Rand) simShape {
	pick := func(of ...time.Duration) time.Duration { return of[rnd.IntN(len(of))] }
	return simShape{
		nodes:    3 + min(rnd.IntN(7), rnd.IntN(7), rnd.IntN(7)),
		phaseA:   pick(4*time.Second, 8*time.Second, 15*time.Second),
		gap:      pick(30*time.Millisecond, 150*time.Millisecond, 400*time.Millisecond),
		delay:    pick(100*time.Microsecond, 3*time.Millisecond, 40*time.Millisecond),
		retryMax: pick(0, 500*time.Millisecond, 2*time.Second),
		tick:     pick(0, 0, 2*time.Second),
		probe:    pick(0, 0, 0, 20*time.Second),
	}
}

// upTo is a time below d.
func (w *simWorld) upTo(d time.Duration) time.Duration { return time.Duration(w.rnd.Int64N(int64(d))) }

// some is one of a list; nil of an empty one.
func some[T any](w *simWorld, of []*T) *T {
	if len(of) == 0 {
		return nil
	}
	return of[w.rnd.IntN(len(of))]
}

// living are the lives that have not been ended.
func (w *simWorld) living() (all []*simLife) {
	for _, s := range w.spots {
		if s.life != nil {
			all = append(all, s.life)
		}
	}
	return all
}

// empty are the spots where a life may begin.
func (w *simWorld) empty() (all []*simSpot) {
	for _, s := range w.spots {
		if s.life == nil && !s.busy {
			all = append(all, s)
		}
	}
	return all
}

// later plans something.
func (w *simWorld) later(d time.Duration, do func()) {
	at, i := time.Now().Add(d), 0
	for i < len(w.plan) && !w.plan[i].at.After(at) {
		i++
	}
	w.plan = append(w.plan[:i:i], append([]simPlanned{{at, do}}, w.plan[i:]...)...)
}

// pass lets time pass, does what was planned for it, and looks at everything
// after each of it. It is false once something was wrong.
func (w *simWorld) pass(d time.Duration) bool {
	end := time.Now().Add(d)
	for len(w.plan) > 0 && !w.plan[0].at.After(end) {
		next := w.plan[0]
		w.plan = w.plan[1:]
		time.Sleep(time.Until(next.at))
		next.do()
		if !w.look() {
			return false
		}
	}
	time.Sleep(time.Until(end))
	return w.look()
}

// look waits until nobody has anything to do now, and checks all.
func (w *simWorld) look() bool {
	synctest.Wait()
	for _, l := range append(w.living(), w.fakes...) {
		l.check()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.wrong) == 0
}

// fail notes what must not be.
func (w *simWorld) fail(format string, args ...any) {
	w.note("WRONG: "+format, args...)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// note writes into the log of events.
func (w *simWorld) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(&w.log, "%13.9f ", time.Since(w.began).Seconds())
	fmt.Fprintf(&w.log, format+"\n", args...)
}

// saw counts what is to happen at times.
func (w *simWorld) saw(what string) { w.sawn(what, 1) }

func (w *simWorld) sawn(what string, n uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n > 0 {
		w.seen[what] += int(n)
	}
}

// has says whether something was seen.
func (w *simWorld) has(what string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[what] > 0
}

// tap looks for what handshakes say.
func (w *simWorld) tap(_, _ netip.AddrPort, b []byte) {
	if len(b) < 4 || b[0] != 0 || b[2] != 's' {
		return
	}
	for status, name := range map[string]string{
		"ok_simultaneous": "status ok_simultaneous", "nok": "status nok", "alive": "status alive", "not_allowed": "status not_allowed",
	} {
		if bytes.HasPrefix(b[3:], []byte(status)) && int(b[1]) == len(status)+1 {
			w.saw(name)
		}
	}
}

// begin starts a life in a spot. Its first seed is the first spot, so that those
// who never met have one to meet at.
func (w *simWorld) begin(s *simSpot) {
	w.mu.Lock()
	number := uint32(len(w.lives)) + 1000
	l := &simLife{
		w: w, spot: s, number: number, up: make(chan struct{}), gone: make(chan struct{}),
		host: w.net.Host(s.addr.Addr()), forgot: map[*simSpot]bool{},
		orders: make(chan simOrder, 64), links: map[*dist.Link]*simLink{},
	}
	w.lives[number] = l
	w.mu.Unlock()
	s.life = l
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	c := l.config(ctx)
	w.note("%s starts as %d, seeds %v", s.name, number, c.Seeds)
	go func() {
		defer close(l.up)
		if _, err := Start(ctx, c); err != nil && ctx.Err() == nil {
			w.fail("%s does not start: %v", s.name, err)
		}
	}()
	go l.publishLoop()
	if w.rnd.IntN(3) > 0 {
		l.later(subscribeAction)
	}
}

// later does something to a life, if it is still there, as soon as it listens.
func (l *simLife) later(do func(*simLife)) {
	l.w.later(time.Duration(1+l.w.rnd.IntN(int(time.Millisecond))), func() {
		if !l.over {
			do(l)
		}
	})
}

func (l *simLife) config(ctx context.Context) Config {
	w, s := l.w, l.spot
	c := Config{
		Name: s.name, Listen: s.addr.String(), Cookie: NewCookie("secret"), EPMD: EPMDOff, RetryJoin: true,
		RetryMax: w.shape.retryMax, Tick: w.shape.tick, ProbeTimeout: w.shape.probe, Drain: time.Second,
		NoNudge: w.rnd.IntN(4) == 0, Hidden: s == w.hidden,
		Logger: slog.New(simLog{w, s.name}),
		seams:  seams{net: l.host, rand: l.jitter, creation: l.number},
		Listening: func(n *Node) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.node, l.watch = n, newSimWatch(l, n)
		},
	}
	for i, other := range w.spots {
		if i == 0 && s != other || w.rnd.IntN(2*len(w.spots)) == 0 {
			c.Seeds = append(c.Seeds, w.addressOf(other))
		}
	}
	return c
}

// jitter is a matter of life and time, not of who asks first at one moment.
func (l *simLife) jitter() float64 {
	return rand.New(rand.NewPCG(l.w.seed^uint64(l.number)<<32, uint64(time.Since(l.w.began)))).Float64()
}

// addressOf names a spot in one of the two ways that need no epmd.
func (w *simWorld) addressOf(s *simSpot) string {
	if w.rnd.IntN(2) == 0 {
		return s.addr.String()
	}
	return s.byName()
}

func (s *simSpot) byName() string { return fmt.Sprintf("%s:%d", s.name, s.addr.Port()) }

// now is the node, nil before it listens.
func (l *simLife) now() *Node {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.node
}

// end ends a life: its spot is free from now on, but for one that stops in peace.
func (l *simLife) end() {
	l.harvest()
	l.over, l.spot.life = true, nil
	close(l.orders)
	go func() {
		defer close(l.gone)
		l.cancel()
		<-l.up
		if n := l.now(); n != nil {
			n.Close()
		}
	}()
}

// simLog puts the warnings of nodes among the events; with debug, all they say.
type simLog struct {
	w    *simWorld
	name string
}

func (s simLog) Enabled(_ context.Context, level slog.Level) bool {
	return simReplays() || level >= slog.LevelWarn
}

func (s simLog) Handle(_ context.Context, r slog.Record) error {
	var b bytes.Buffer
	r.Attrs(func(a slog.Attr) bool { fmt.Fprintf(&b, " %v", a); return true })
	s.w.note("  %s: %s%s", s.name, r.Message, b.String())
	return nil
}

func (s simLog) WithAttrs([]slog.Attr) slog.Handler { return s }
func (s simLog) WithGroup(string) slog.Handler      { return s }
