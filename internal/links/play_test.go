package links

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/dist"
)

// The tests here drive the tables of two nodes by hand, one message of one
// handshake at a time, without sockets or goroutines, and try every order in
// which the messages of several handshakes can pass each other.

// play is one run: the two tables and the handshakes between them.
type play struct {
	nodes  [2]*end
	shakes []*shake
	trace  []string
	hungUp int // dials that were hung up on after their digest, as by another cookie
}

// shake is one handshake: the two attempts and what is on the way.
type shake struct {
	p      *play
	i, r   *half
	byName bool
	faulty bool // its dialler may give up at any moment, once
	hasty  bool // its dialler may lose patience at any moment
}

// half is one side of a shake.
type half struct {
	p        *play
	on, peer *end
	a        *attempt
	far      *half
	state    string
	inbox    []string
	shut     bool // its conn is closed
	eof      bool // it has seen the other side's end
	wait     <-chan struct{}
	link     *dist.Link
}

type handConn struct {
	net.Conn
	h *half
}

func (c handConn) Close() error { c.h.shut = true; return nil }

// script says what a play is made of: for each handshake who dials, 0 for the
// node of the smaller name, and how.
type script struct {
	from          []int
	byName        []bool
	faulty, hasty bool
	stale         *stale
}

// stale is a link that its holder begins with and that the other has lost.
type stale struct {
	holder   int
	outgoing bool
}

var testAddr = netip.MustParseAddrPort("192.0.2.1:4369")

func newPlay(t testing.TB, s script) *play {
	p := &play{nodes: [2]*end{bare(t, "a@h", 1, nil), bare(t, "b@h", 2, nil)}}
	for k, from := range s.from {
		sh := &shake{p: p, byName: s.byName[k], faulty: s.faulty && k == 0, hasty: s.hasty}
		x, y := p.nodes[from], p.nodes[1-from]
		sh.i = &half{p: p, on: x, peer: y, state: "idle"}
		sh.r = &half{p: p, on: y, peer: x, state: "name"}
		sh.i.far, sh.r.far = sh.r, sh.i
		p.shakes = append(p.shakes, sh)
	}
	if s.stale != nil {
		a := p.nodes[s.stale.holder].newAttempt(context.Background(), testAddr)
		a.conn, a.outgoing = handConn{h: &half{}}, s.stale.outgoing
		if _, err := a.install(hello(p.nodes[1-s.stale.holder]).remote()); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

type greetings dist.Hello

func hello(e *end) greetings {
	return greetings{Name: e.cfg.Local.Name, Creation: e.cfg.Local.Creation, Flags: e.cfg.Local.Flags}
}

func (g greetings) remote() dist.Remote {
	return dist.Remote{Name: g.Name, Creation: g.Creation, Flags: g.Flags, Agreed: g.Flags}
}

// move is one thing that can happen next.
type move struct {
	what string
	do   func()
}

func (p *play) moves() []move {
	var all []move
	for n, s := range p.shakes {
		for _, m := range s.moves() {
			m.what = fmt.Sprintf("%d %s %s", n, p.shakes[n].i.on.name()[:1], m.what)
			all = append(all, m)
		}
	}
	return all
}

func (s *shake) moves() (all []move) {
	add := func(what string, do func()) { all = append(all, move{what, do}) }
	i := s.i
	switch i.state {
	case "idle":
		add("reserves", s.reserve)
	case "connecting":
		if i.a.ctx.Err() == nil {
			add("connects", func() { i.a.attach(handConn{h: i}); i.state = "intro"; s.intro(true) })
		}
	case "intro", "proof":
		again := map[string]func(bool){"intro": s.intro, "proof": s.proof}[i.state]
		if i.a.ctx.Err() == nil && closed(i.wait) {
			add("goes on", func() { again(true) })
		} else if i.a.ctx.Err() == nil && s.hasty {
			add("loses patience", func() { again(false) })
		}
	}
	if s.faulty && i.a != nil && !i.a.linked && i.state != "dead" {
		add("gives up", func() { s.faulty = false; i.a.cancel(context.Canceled) })
	}
	for _, h := range []*half{s.i, s.r} {
		all = append(all, h.reads()...)
	}
	return all
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// reads are the moves of whoever waits in a read.
func (h *half) reads() []move {
	role := "in"
	if h.a != nil && h.a.outgoing {
		role = "out"
	}
	waiting := !slices.Contains([]string{"idle", "dead", "connecting", "intro", "proof"}, h.state)
	switch {
	case h.a != nil && h.state != "dead" && h.state != "up" && h.a.ctx.Err() != nil:
		return []move{{role + " finds itself cancelled", h.die}}
	case !waiting || h.shut:
		return nil
	case len(h.inbox) > 0:
		return []move{{role + " reads " + h.inbox[0], h.read}}
	case h.far.shut && !h.eof:
		return []move{{role + " reads the end", func() { h.eof = true; h.end() }}}
	}
	return nil
}

func (h *half) end() {
	if h.link != nil {
		h.link.Close(dist.ReasonEOF, nil)
		return
	}
	if h.state == "ack" {
		h.p.hungUp++
	}
	h.die()
}

// die is what shake and giveUp do.
func (h *half) die() {
	h.state, h.shut = "dead", true
	if h.a != nil {
		h.a.leave()
		if h.a.outgoing {
			h.on.wg.Done()
		}
	}
}

func (h *half) write(m string) {
	if !h.far.shut {
		h.far.inbox = append(h.far.inbox, m)
	}
}

func (s *shake) reserve() {
	i := s.i
	i.a = i.on.newAttempt(context.Background(), testAddr)
	i.a.outgoing = true
	if s.byName {
		i.a.want, i.a.name = i.peer.name(), i.peer.name()
	}
	i.state = "connecting"
	if i.on.reserve(i.a) != nil {
		i.state, i.shut = "dead", true
	}
}

func (s *shake) intro(patient bool) {
	i := s.i
	if i.wait, _ = i.a.mayName(patient); i.wait == nil {
		i.state = "status"
		i.write("name")
	}
}

func (s *shake) proof(patient bool) {
	i := s.i
	h := dist.Hello(hello(i.peer))
	i.a.t.mu.Lock()
	i.a.name, i.a.creation = h.Name, h.Creation
	i.a.t.mu.Unlock()
	wait, err := i.a.mayProve(h, patient)
	switch i.wait = wait; {
	case err != nil:
		i.die()
	case wait == nil:
		i.state = "ack"
		i.write("reply")
	default:
		i.state = "proof"
	}
}

// read takes one message as the machines of dist do.
func (h *half) read() {
	m := h.inbox[0]
	h.inbox = h.inbox[1:]
	switch h.state + " " + m {
	case "name name":
		h.a = h.on.newAttempt(context.Background(), testAddr)
		h.a.conn = handConn{h: h}
		h.status(h.a.admit(dist.Hello(hello(h.peer))))
	case "status ok", "status ok_simultaneous", "answer true":
		h.state = map[string]string{"status": "challenge", "answer": "reply"}[h.state]
		if m == "true" {
			h.write("challenge")
		}
	case "status alive":
		if h.on.insist(h.a) {
			h.state = "challenge"
			h.write("true")
			return
		}
		h.write("false")
		h.die()
	case "challenge challenge":
		(&shake{i: h}).proof(true)
	case "reply reply", "ack ack":
		info, err := h.a.install(hello(h.peer).remote())
		if err != nil {
			h.die()
			return
		}
		if h.state == "reply" {
			h.write("ack")
		} else {
			h.on.wg.Done()
		}
		h.a.leave()
		h.state, h.link = "up", info.Link
	default: // nok, not_allowed, false
		h.die()
	}
}

func (h *half) status(s dist.Status) {
	h.write(s.String())
	switch s {
	case dist.StatusOK, dist.StatusOKSimultaneous:
		h.write("challenge")
		h.state = "reply"
	case dist.StatusAlive:
		h.state = "answer"
	default:
		h.die()
	}
}

// run plays until nothing can happen any more. pick chooses among n.
func (p *play) run(t testing.TB, pick func(n int) int) {
	for len(p.trace) < 1000 {
		all := p.moves()
		if len(all) == 0 {
			return
		}
		m := all[pick(len(all))]
		p.trace = append(p.trace, m.what)
		m.do()
		p.always(t)
	}
	t.Fatalf("no end of it:\n%s", strings.Join(p.trace, "\n"))
}

// always holds at every moment: a node has no two live links.
func (p *play) always(t testing.TB) {
	for _, e := range p.nodes {
		n := 0
		for _, s := range p.shakes {
			for _, h := range []*half{s.i, s.r} {
				if h.on == e && h.link != nil && !closed(h.link.Done()) {
					n++
				}
			}
		}
		if n > 1 {
			p.fail(t, "%s has %d links", e.name(), n)
		}
	}
}

func (p *play) fail(t testing.TB, format string, args ...any) {
	t.Helper()
	t.Fatalf("%s\nafter:\n%s", fmt.Sprintf(format, args...), strings.Join(p.trace, "\n"))
}
