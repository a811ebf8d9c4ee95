package node

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/links"
)

// light is a peer made of a connection table alone: it says what a test makes
// it say, and nothing else.
type light struct {
	t     testing.TB
	pid   etf.Pid
	table *links.Table
	greet []byte // sent to liminal as soon as a link is up

	mu     sync.Mutex
	handle func(l *dist.Link, msg []byte) // what liminal is sent; may be nil
}

type lightOption func(*light, *links.Config)

// sayingHello makes it a liminal peer that does not say where it listens.
func sayingHello(p *light, _ *links.Config) { p.greet = encodeHello("", 0) }

// ofLife gives it the creation of another, whose name it has too.
func ofLife(creation uint32) lightOption {
	return func(p *light, c *links.Config) { c.Local.Creation, p.pid.Creation = creation, creation }
}

// newLight makes a light peer of the cluster of testConfig.
func newLight(t testing.TB, name string, opts ...lightOption) *light {
	p := &light{t: t}
	local := dist.Local{
		Name: name + "@127.0.0.1", Creation: dist.NewCreation(), Flags: dist.Offer(false),
		Cookie: NewCookie("a cookie for these tests"), Challenges: new(dist.Challenges),
	}
	p.pid = etf.Pid{Node: etf.Atom(local.Name), ID: 100, Creation: local.Creation}
	c := links.Config{Local: local, Handler: lightHandler{p}, Tick: time.Minute, Down: func(links.Info) {}}
	c.Up = func(info links.Info) {
		if p.greet != nil {
			_ = info.Link.SendName(p.pid, selfName, p.greet)
		}
	}
	for _, o := range opts {
		o(p, &c)
	}
	p.table = links.New(c)
	t.Cleanup(func() { p.table.Close(dist.ReasonStopped) })
	return p
}

// dial makes a link to n.
func (p *light) dial(n *Node) *dist.Link {
	p.t.Helper()
	info, err := p.table.Dial(p.t.Context(), within, n.listen[0], n.name)
	if err != nil || info.Link == nil {
		p.t.Fatalf("dial %s: %+v, %v", n.name, info, err)
	}
	return info.Link
}

// say sends a message to the process liminal of the other end.
func (p *light) say(l *dist.Link, msg []byte) {
	p.t.Helper()
	if err := l.SendName(p.pid, selfName, msg); err != nil {
		p.t.Fatal(err)
	}
}

func (p *light) name() string { return string(p.pid.Node) }

type lightHandler struct{ p *light }

// liveLinks are the links of a node that are up.
func liveLinks(n *Node) (live []*dist.Link) {
	_, rows := n.table.Snapshot()
	for _, r := range rows {
		if r.Up {
			live = append(live, r.Link)
		}
	}
	return live
}

// goodbyeMessage is made once: tests count what others allocate.
var goodbyeMessage = encodeGoodbye()

func (h lightHandler) message(l *dist.Link, msg []byte) {
	if bytes.Equal(msg, goodbyeMessage) {
		l.Close(dist.ReasonGoodbye, nil)
		return
	}
	h.p.mu.Lock()
	handle := h.p.handle
	h.p.mu.Unlock()
	if handle != nil {
		handle(l, msg)
	}
}

func (h lightHandler) Send(l *dist.Link, _ etf.PidView, msg []byte)          { h.message(l, msg) }
func (h lightHandler) SendName(l *dist.Link, _ etf.PidView, _, msg []byte)   { h.message(l, msg) }
func (h lightHandler) SendAlias(*dist.Link, etf.Ref, []byte)                 {}
func (h lightHandler) Limit(etf.PidView) int                                 { return 0 }
func (h lightHandler) LimitName([]byte) int                                  { return 0 }
func (h lightHandler) Dropped(*dist.Link, etf.PidView, []byte, dist.Drop)    {}
func (h lightHandler) Linked(_ *dist.Link, _, _ etf.Pid)                     {}
func (h lightHandler) Unlinked(_ *dist.Link, _, _ etf.Pid)                   {}
func (h lightHandler) Lives(etf.PidView) bool                                { return true }
func (h lightHandler) LivesName([]byte) bool                                 { return true }
func (h lightHandler) Monitored(*dist.Link, etf.Pid, dist.Target, etf.Ref)   {}
func (h lightHandler) Demonitored(*dist.Link, etf.Pid, dist.Target, etf.Ref) {}
func (h lightHandler) MonitorExit(*dist.Link, etf.Ref, []byte)               {}
func (h lightHandler) Exit(*dist.Link, etf.Pid, etf.Pid, []byte)             {}

// peerEntry is one element of an answer to peers.
type peerEntry struct {
	name, host string
	port       uint16
}

// askPeers asks n what it tells others.
func (p *light) askPeers(l *dist.Link) map[string]peerEntry {
	p.t.Helper()
	answer := make(chan []byte, 16)
	p.mu.Lock()
	p.handle = func(_ *dist.Link, msg []byte) {
		r := etf.NewReader(msg, etf.WireLimits())
		if arity, err := r.TupleHeader(); err != nil || arity != 2 {
			return
		}
		if _, err := r.RefView(); err == nil {
			answer <- append([]byte(nil), r.Rest()...)
		}
	}
	p.mu.Unlock()
	ref := etf.Ref{Node: p.pid.Node, Creation: p.pid.Creation, Len: 3, Words: [5]uint32{7}}
	p.say(l, encodeCall(p.pid, ref, requestPeers(nil)))
	var msg []byte
	select {
	case msg = <-answer:
	case <-time.After(within):
		p.t.Fatal("no answer to peers")
	}
	r := etf.NewReader(msg, etf.WireLimits())
	count, err := r.ListHeader()
	all := map[string]peerEntry{}
	for i := 0; i < count && err == nil; i++ {
		var e peerEntry
		e.name, e.host, e.port, err = readTold(&r)
		all[e.name] = e
	}
	if err != nil || r.ListEnd() != nil {
		p.t.Fatalf("answer to peers: %v: %x", err, msg)
	}
	return all
}
