package pg_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"

	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/pg"
)

// world is a pg.Scope of ours among nodes whose scope is an otp25. Every random
// choice is of rng. Signals of one sender arrive in their order on one link;
// those of two senders may overtake each other; all is lost with the link.
type world struct {
	fatal   func(format string, args ...any)
	rng     *rand.Rand
	us      *pg.Scope[int]
	me      etf.Pid
	visible bool
	slow    [3]int // by how much each kind of traffic is slower than all else
	now     int64
	links   int // the last handle of a link
	pids    uint32
	local   map[pg.Key]etf.Pid
	counts  map[string]uint64 // of our lives before
	nodes   []*node
	late    []lateMessage
	trace   [80]event // a ring of what happened
	events  int
}

// node is a peer: what it runs, and what is under way to it and from it.
type node struct {
	origin  pg.Origin
	ids     uint32
	scope   *otp25 // nil between the death of one and the start of the next
	procs   []etf.Pid
	link    int // 0 while down
	greeted bool
	toThem  []pg.Out[int]
	toUs    []signal
	inbox   []mail
	watched map[uint64]etf.Pid // our monitors there
	watches map[uint64]etf.Pid // its scope's monitors here
}

// signal is on its way to us: a message, or the end of our monitor ref.
type signal struct {
	from etf.Pid
	msg  etf.Term
	ref  uint64
}

// mail waits in a scope's mailbox: a message, or the end of its monitor ref of
// a process here.
type mail struct {
	msg  etf.Term
	down uint64
	who  etf.Pid
}

// lateMessage was read before its link ended and is received after.
type lateMessage struct {
	link int
	msg  pg.Message
}

type event struct {
	node int
	what string
	msg  any
}

func newWorld(fatal func(string, ...any), rng *rand.Rand, nodes int, visible bool) *world {
	w := &world{fatal: fatal, rng: rng, visible: visible, slow: [3]int{1, 1, 1}, counts: map[string]uint64{}}
	w.begin()
	for i := range nodes {
		n := &node{origin: pg.Origin{Node: fmt.Sprintf("otp%d@127.0.0.1", i)}}
		w.nodes = append(w.nodes, n)
		w.boot(n)
	}
	return w
}

// begin is a new life of our own node, without links.
func (w *world) begin() {
	w.me = etf.Pid{Node: "liminal@127.0.0.1", ID: 100, Creation: w.me.Creation + 1}
	w.us, w.local, w.late = pg.New[int](pg.Config{Self: w.me}), map[pg.Key]etf.Pid{}, nil
}

// totals are the counters of all our lives.
func (w *world) totals() map[string]uint64 {
	sum := maps.Clone(w.counts)
	for name, n := range w.us.Counters() {
		sum[name] += n
	}
	return sum
}

func (w *world) note(n *node, what string, msg any) {
	i := -1
	for j := range w.nodes {
		if w.nodes[j] == n {
			i = j
		}
	}
	w.trace[w.events%len(w.trace)] = event{i, what, msg}
	w.events++
}

// history tells the last events, the newest last.
func (w *world) history() string {
	var b strings.Builder
	for i := max(0, w.events-len(w.trace)); i < w.events; i++ {
		e := w.trace[i%len(w.trace)]
		fmt.Fprintf(&b, "%d otp%d %s %s\n", i, e.node, e.what, shown(e.msg))
	}
	return b.String()
}

func shown(msg any) string {
	out, ok := msg.(pg.Out[int])
	if !ok {
		return text(msg)
	}
	if out.Msg == nil {
		return fmt.Sprintf("act %d of %s ref %d", out.Act, text(out.To), out.Ref)
	}
	t, _, err := etf.Decode(out.Msg, etf.WireLimits())
	return fmt.Sprintf("%s %v", text(t), err)
}

// boot is a new life of a node, whose links are down.
func (w *world) boot(n *node) {
	n.origin.Creation += 1 + w.rng.Uint32N(3)
	n.ids, n.procs = 0, nil
	for range 3 {
		n.procs = append(n.procs, n.pid())
	}
	n.start()
}

func (n *node) pid() etf.Pid {
	n.ids++
	return etf.Pid{Node: etf.Atom(n.origin.Node), ID: n.ids, Creation: n.origin.Creation}
}

func (n *node) start() {
	n.scope, n.inbox, n.watches = newOTP25(n.pid()), nil, map[uint64]etf.Pid{}
}

// route queues what our scope wants sent.
func (w *world) route(outs []pg.Out[int]) {
	for _, out := range outs {
		n := w.linked(out.Link)
		if n == nil {
			w.fatal("sent on link %d, which is down", out.Link)
			return
		}
		w.note(n, "we send", out)
		n.toThem = append(n.toThem, out)
	}
}

func (w *world) linked(link int) *node {
	for _, n := range w.nodes {
		if n.link == link {
			return n
		}
	}
	return nil
}

// drain queues what the node's scope has sent, and ends the test if it died.
func (w *world) drain(n *node) {
	if n.scope.crashed != "" {
		w.fatal("the scope of %s died of %s", n.origin.Node, n.scope.crashed)
	}
	for _, s := range n.scope.out {
		pid, _ := s.to.(etf.Pid)
		alive := n.link != 0 && (s.named || pid == w.me)
		switch {
		case pid.Node != w.me.Node && (!s.named || s.to != etf.Term(w.me.Node)):
			w.fatal("%s sends %s to %s", n.origin.Node, text(s.msg), text(s.to))
		case s.monitor && alive:
			n.watches[s.ref] = pid
		case s.monitor:
			n.inbox = append(n.inbox, mail{down: s.ref, who: pid})
		case alive:
			w.note(n, "they send", s.msg)
			n.toUs = append(n.toUs, signal{from: n.scope.self, msg: s.msg})
		}
	}
	n.scope.out = nil
}

func (w *world) linkUp(n *node) {
	w.links++
	n.link, n.greeted, n.watched = w.links, !w.visible, map[uint64]etf.Pid{}
	w.note(n, "link up", etf.Atom(""))
	w.route(w.us.LinkUp(n.link, n.origin))
}

// linkDown: the scope hears of it in its mailbox, after what came before.
func (w *world) linkDown(n *node) {
	w.note(n, "link down", etf.Atom(""))
	if len(n.toUs) > 0 && n.toUs[0].msg != nil && w.rng.IntN(2) == 0 {
		w.late = append(w.late, lateMessage{n.link, w.parsed(n, n.toUs[0].msg)})
	}
	w.us.LinkDown(n.link)
	n.link, n.toThem, n.toUs, n.watched = 0, nil, nil, nil
	for _, ref := range sortedRefs(n.watches) {
		n.inbox = append(n.inbox, mail{down: ref, who: n.watches[ref]})
	}
	clear(n.watches)
	if w.visible {
		n.inbox = append(n.inbox, mail{msg: etf.Tuple{etf.Atom("nodedown"), w.me.Node}})
	}
}

// greet tells the scope of the new link, at any time after it came up.
func (w *world) greet(n *node) {
	if n.link != 0 && !n.greeted {
		n.greeted = true
		n.inbox = append(n.inbox, mail{msg: etf.Tuple{etf.Atom("nodeup"), w.me.Node}})
	}
}

// arrive takes the next signal to the node off the link.
func (w *world) arrive(n *node) {
	if len(n.toThem) == 0 {
		return
	}
	out := n.toThem[0]
	n.toThem = n.toThem[1:]
	alive := n.scope != nil && (out.Act == pg.SendName || out.To == n.scope.self)
	switch {
	case out.Act == pg.Monitor && alive:
		n.watched[out.Ref] = out.To
	case out.Act == pg.Monitor:
		n.toUs = append(n.toUs, signal{from: out.To, ref: out.Ref})
	case out.Act == pg.Demonitor:
		delete(n.watched, out.Ref)
	case alive:
		msg, rest, err := etf.Decode(out.Msg, etf.WireLimits())
		if err != nil || len(rest) > 0 {
			w.fatal("sent %x: %v", out.Msg, err)
		}
		n.inbox = append(n.inbox, mail{msg: msg})
	}
}

// work lets the scope take the next of its mailbox.
func (w *world) work(n *node) {
	if n.scope == nil || len(n.inbox) == 0 {
		return
	}
	next := n.inbox[0]
	n.inbox = n.inbox[1:]
	if next.msg == nil {
		w.note(n, "their DOWN", int64(next.down))
		n.scope.down(next.down, next.who)
	} else {
		w.note(n, "they take", next.msg)
		n.scope.receive(next.msg)
	}
	w.drain(n)
}

// hear takes the next signal to us off the link, or one that overtook it.
func (w *world) hear(n *node) {
	if len(n.toUs) == 0 {
		return
	}
	i := 0
	if w.rng.IntN(4) == 0 {
		i = w.overtaker(n)
	}
	s := n.toUs[i]
	n.toUs = append(n.toUs[:i:i], n.toUs[i+1:]...)
	if s.msg == nil {
		w.note(n, "our DOWN", int64(s.ref))
		w.route(w.us.Down(n.link, s.ref))
		return
	}
	w.note(n, "we take", s.msg)
	w.take(n.link, w.parsed(n, s.msg))
}

// overtaker finds a later signal that no earlier one of its sender holds back.
func (w *world) overtaker(n *node) int {
	i := w.rng.IntN(len(n.toUs))
	for _, earlier := range n.toUs[:i] {
		if earlier.from == n.toUs[i].from {
			return 0
		}
	}
	return i
}

// parsed: nothing that OTP sends may be refused.
func (w *world) parsed(n *node, msg etf.Term) pg.Message {
	m, err := pg.Parse([]byte(keyOf(msg)), n.origin, pg.Limits{})
	if err != nil {
		w.fatal("%s: %v", text(msg), err)
	}
	return m
}

func (w *world) take(link int, m pg.Message) {
	outs, err := w.us.Receive(link, m)
	if err != nil {
		w.fatal("receive: %v", err)
	}
	w.route(outs)
}

// hearLate receives what was read from a link that has ended since.
func (w *world) hearLate() {
	for _, l := range w.late {
		w.take(l.link, l.msg)
	}
	w.late = nil
}

func (w *world) tick() {
	w.now += int64(w.rng.IntN(400))
	w.route(w.us.Tick(w.now))
}

// kill ends the scope process; its node goes on.
func (w *world) kill(n *node) {
	if n.scope == nil {
		return
	}
	w.note(n, "their scope dies", n.scope.self)
	for _, ref := range sortedRefs(n.watched) {
		if n.watched[ref] == n.scope.self {
			n.toUs = append(n.toUs, signal{from: n.scope.self, ref: ref})
			delete(n.watched, ref)
		}
	}
	n.scope, n.inbox = nil, nil
}

// revive starts a scope again, which asks the nodes it sees.
func (w *world) revive(n *node) {
	if n.scope != nil {
		return
	}
	n.start()
	w.note(n, "their scope starts", n.scope.self)
	if w.visible && n.link != 0 {
		n.scope.receive(etf.Tuple{etf.Atom("nodeup"), w.me.Node})
	}
	w.drain(n)
}
