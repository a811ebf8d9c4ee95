package pg

import (
	"fmt"

	"github.com/liminal-bus/liminal/internal/etf"
	"pgregory.net/rapid"
)

// world is nodes whose scopes talk over links that deliver in order, each when
// the schedule says so. Links are cut, nodes crash, scopes die and start again;
// the two ends of a link notice its end at different times.
type world struct {
	t     *rapid.T
	nodes []*simNode
	links int
	now   int64

	// disorder lets what one process sent overtake what another one of the same
	// node did, and a scope's end overtake its messages.
	disorder bool

	seen map[string]int // counters of all scopes there were, summed up
}

type simNode struct {
	from  Origin
	id    uint32       // of its scope's process; a restart takes the next
	s     *Scope[int]  // nil while its scope is dead
	ends  map[int]*end // by the peer's index
	local map[Key]bool
}

// end is one side of a link.
type end struct {
	link  int
	far   *end // nil once the far side has gone
	queue []packet
	mons  map[uint64]uint32 // what the far side monitors here
}

type packet struct {
	act Act // zero: the end of the monitor ref
	by  uint32
	to  uint32
	ref uint64
	msg []byte
}

func newWorld(t *rapid.T, n int) *world {
	w := &world{t: t, seen: map[string]int{}}
	for i := range n {
		n := &simNode{from: Origin{fmt.Sprintf("n%d@h", i), 10}, id: 1, ends: map[int]*end{}}
		n.start()
		w.nodes = append(w.nodes, n)
	}
	return w
}

func (n *simNode) start() {
	n.s, n.local = New[int](Config{Self: pidOf(n.from, n.id)}), map[Key]bool{}
}

func (w *world) up(a, b int) {
	if a == b || w.nodes[a].ends[b] != nil || w.nodes[b].ends[a] != nil {
		return
	}
	w.links++
	x, y := &end{link: w.links, mons: map[uint64]uint32{}}, &end{link: w.links, mons: map[uint64]uint32{}}
	x.far, y.far = y, x
	w.nodes[a].ends[b], w.nodes[b].ends[a] = x, y
	w.greet(a, b)
	w.greet(b, a)
}

func (w *world) greet(a, b int) {
	if n := w.nodes[a]; n.s != nil {
		w.send(a, n.s.LinkUp(n.ends[b].link, w.nodes[b].from))
	}
}

// notice ends the link to b at a's side. What was under way is lost.
func (w *world) notice(a, b int) {
	n := w.nodes[a]
	e := n.ends[b]
	if e == nil {
		return
	}
	if e.far != nil {
		e.far.far, e.far.queue = nil, nil
	}
	delete(n.ends, b)
	if n.s != nil {
		n.s.LinkDown(e.link)
	}
}

// send puts outs of node a into the queues of the far ends.
func (w *world) send(a int, outs []Out[int]) {
	for _, o := range outs {
		for _, e := range w.nodes[a].ends {
			if e.link == o.Link && e.far != nil {
				e.far.queue = append(e.far.queue, packet{o.Act, w.nodes[a].id, o.To.ID, o.Ref, o.Msg})
			}
		}
	}
}

// deliver takes the next packet that came to a from b.
func (w *world) deliver(a, b int) bool {
	n := w.nodes[a]
	e := n.ends[b]
	if e == nil || len(e.queue) == 0 {
		return false
	}
	p := e.queue[0]
	e.queue = e.queue[1:]
	switch p.act {
	case SendName, SendPid:
		if n.s != nil && (p.act == SendName || p.to == n.id) {
			w.receive(a, b, p.msg)
		}
	case Monitor:
		e.mons[p.ref] = p.to
		if n.s == nil || p.to != n.id {
			e.exit(p.ref)
		}
	case Demonitor:
		delete(e.mons, p.ref)
	default:
		if n.s != nil {
			w.send(a, n.s.Down(e.link, p.ref))
		}
	}
	return true
}

func (e *end) exit(ref uint64) {
	delete(e.mons, ref)
	if e.far != nil {
		e.far.queue = append(e.far.queue, packet{ref: ref})
	}
}

// overtake swaps the first two packets that need not come in this order.
func (e *end) overtake() {
	for i := 1; i < len(e.queue); i++ {
		if p, q := e.queue[i-1], e.queue[i]; q.act == 0 && p.act != 0 || p.act != 0 && p.by != q.by {
			e.queue[i-1], e.queue[i] = q, p
			return
		}
	}
}

func (w *world) receive(a, b int, msg []byte) {
	n := w.nodes[a]
	m, err := Parse(msg, w.nodes[b].from, Limits{})
	if err != nil {
		w.t.Fatalf("node %d cannot read %s of node %d: %v", a, show(msg), b, err)
	}
	outs, err := n.s.Receive(n.ends[b].link, m)
	if err != nil {
		w.t.Fatal(err)
	}
	w.send(a, outs)
}

// kill ends a's scope: everybody who monitors it hears of it.
func (w *world) kill(a int) {
	n := w.nodes[a]
	if n.s == nil {
		return
	}
	w.blameless(a)
	n.s, n.local = nil, nil
	for _, e := range n.ends {
		for ref := range e.mons {
			e.exit(ref)
		}
	}
}

func (w *world) restart(a int) {
	n := w.nodes[a]
	if n.s != nil {
		return
	}
	n.id++
	n.start()
	for b := range w.nodes {
		if n.ends[b] != nil {
			w.greet(a, b)
		}
	}
}

// crash is the end of the whole node and its next life. The others still hold
// their ends of the old links until they notice.
func (w *world) crash(a int) {
	w.kill(a)
	n := w.nodes[a]
	for b := range w.nodes {
		w.notice(a, b)
	}
	n.from.Creation++
	w.restart(a)
}

func (w *world) change(a int, k Key, join bool) {
	n := w.nodes[a]
	switch {
	case n.s == nil:
	case join:
		n.local[k] = true
		w.send(a, n.s.Join(k, pidOf(n.from, 1000)))
	default:
		delete(n.local, k)
		w.send(a, n.s.Leave(k))
	}
}

func (w *world) tick() {
	w.now += 250
	for a, n := range w.nodes {
		if n.s != nil {
			w.send(a, n.s.Tick(w.now))
		}
	}
}

// settle heals everything and runs until nothing is under way or waited for.
func (w *world) settle() {
	for a := range w.nodes {
		w.restart(a)
		for b := range w.nodes {
			if e := w.nodes[a].ends[b]; e != nil && e.far == nil {
				w.notice(a, b)
			}
		}
	}
	for a := range w.nodes {
		for b := range w.nodes {
			w.up(a, b)
		}
	}
	for range 60 {
		w.drain()
		w.tick()
		if w.quiet() {
			return
		}
	}
	w.t.Fatal("not at rest after 15 s")
}

func (w *world) drain() {
	for busy := true; busy; {
		busy = false
		for a := range w.nodes {
			for b := range w.nodes {
				for w.deliver(a, b) {
					busy = true
				}
			}
		}
	}
}

func (w *world) quiet() bool {
	for _, n := range w.nodes {
		if len(n.s.waiting) > 0 {
			return false
		}
		for _, e := range n.ends {
			if len(e.queue) > 0 {
				return false
			}
		}
	}
	return true
}

// blameless looks at a scope's counters at its end: nothing that one of us sends is wrong for another, whatever happens.
func (w *world) blameless(a int) {
	c := w.nodes[a].s.Counters()
	for name, n := range c {
		w.seen[name] += int(n)
	}
	for _, name := range []string{"pg_unknown", "pg_bad", "pg_forged", "pg_quota", "pg_absent", "pg_refused"} {
		// A leave of a dead scope that comes after its end finds nothing there.
		if c[name] != 0 && !(w.disorder && name == "pg_absent") {
			w.t.Fatalf("node %d counted %d %s", a, c[name], name)
		}
	}
}

// agree holds every node's view to the union of what the others have.
func (w *world) agree(names []Key) {
	for a, n := range w.nodes {
		w.blameless(a)
		checkIndex(w.t, n.s)
		for _, k := range names {
			got := map[etf.Pid]int{}
			for _, r := range n.s.Remote(k, nil) {
				got[r.Pid]++
			}
			for b, far := range w.nodes {
				pid := pidOf(far.from, 1000)
				if want := a != b && far.local[k]; got[pid] != map[bool]int{true: 1}[want] {
					w.t.Fatalf("node %d has %d members of node %d in %s, want one: %t", a, got[pid], b, k, want)
				}
				delete(got, pid)
			}
			if len(got) > 0 {
				w.t.Fatalf("node %d has members of nobody in %s: %v", a, k, got)
			}
		}
	}
}
