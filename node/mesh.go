package node

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/links"
)

// turns say how often one peer of a kind, each in its turn, is asked whom it
// knows. A liminal newcomer asks all at once, so that asking liminal peers only
// mends what a race or a partition left open. An OTP newcomer asks nobody, and
// OTP tells nobody of it on our behalf: the other OTP nodes are all that know.
var turns = [...]struct {
	kind  Kind
	what  callKind
	every time.Duration
}{
	{KindLiminal, callPeers, 5 * time.Second},
	{KindOTP, callNodes, time.Second},
}

// turn is when the next peer of a kind is asked, and who was asked last.
type turn struct {
	at   time.Time
	last string
}

// appendPeers writes the list that answers peers: every live peer that is not
// hidden. Loopback addresses are told to loopback peers only.
func (n *Node) appendPeers(b []byte, l *dist.Link) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	asker := n.sender(l)
	local := asker != nil && asker.info.Addr.Addr().IsLoopback()
	var list []told
	for _, p := range n.peers {
		if p.link == nil || p == asker || !p.info.Offered.Has(dist.FlagPublished) || len(list) == maxTold {
			continue
		}
		list = append(list, p.tell(local))
	}
	slices.SortFunc(list, func(a, b told) int { return strings.Compare(a.name, b.name) }) // the same question, the same answer
	return appendToldList(b, list)
}

// spread tells our liminal peers of a new OTP peer: it does not ask around, as
// a liminal newcomer does, and OTP tells nobody of it on our behalf.
func (n *Node) spread(info links.Info) {
	if n.cfg.NoMesh || !info.Offered.Has(dist.FlagPublished) {
		return
	}
	n.mu.Lock()
	newcomer := n.record(info.Name)
	to := map[*dist.Link][]told{}
	for _, p := range n.peers {
		if p.link != nil && p.kind == KindLiminal {
			to[p.link] = []told{newcomer.tell(p.info.Addr.Addr().IsLoopback())}
		}
	}
	n.mu.Unlock()
	for l, list := range to {
		n.send(l, encodePeers(list))
	}
}

// peers takes what a liminal peer tells unasked.
func (m message) peers() error {
	if err := m.skip(); err != nil {
		return err
	}
	return m.n.gotPeers(m.l.Remote().Name, m.r)
}

// tell is a peer as others are told of it: where it listens if it said so,
// where we reached it if we dialled, else by name alone.
func (p *peer) tell(local bool) told {
	t := told{name: p.name, kind: p.kind, host: p.host, addr: p.addr}
	if p.kind != KindLiminal && p.info.Outgoing {
		t.addr = p.info.Addr
	}
	if !local && t.loopback() {
		return told{name: p.name, kind: p.kind}
	}
	t.port = t.addr.Port()
	return t
}

// gotPeers takes a liminal peer's list. Each entry is an address to try, never
// an identity.
func (n *Node) gotPeers(from string, r *etf.Reader) error {
	if n.cfg.look && !n.lookHeard(from) {
		return nil // asked for its kind only
	}
	count, err := r.ListHeader()
	for i := 0; i < min(count, maxTold) && err == nil; i++ {
		var name, host string
		var port uint16
		name, host, port, err = readTold(r)
		if err == nil {
			n.told(from, name, host, port)
		}
	}
	signal(n.kicks)
	return err
}

// gotNodes takes an OTP node's nodes(), a list of atoms.
func (n *Node) gotNodes(from string, r *etf.Reader) error {
	count, err := r.ListHeader()
	for i := 0; i < min(count, maxTold) && err == nil; i++ {
		var name []byte
		if name, err = r.Atom(); err == nil {
			n.told(from, string(name), "", 0)
		}
	}
	signal(n.kicks)
	return err
}

// told files one node that a peer spoke of, unless it is known already.
func (n *Node) told(from, name, host string, port uint16) {
	if name == n.name || n.cfg.NoMesh {
		return
	}
	if n.vet(name) != nil {
		n.counts.toldRefused.Add(1)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.peers[name]
	if p != nil && p.link != nil || n.state == NodeAlone || n.state == NodeStopping || n.lookPasses(name, p) {
		return
	}
	if n.barred(name, host, port) {
		return
	}
	if err := n.plan.AddTold(name); err != nil {
		n.counts.toldRefused.Add(1)
		return
	}
	if p == nil {
		n.record(name).toldBy = from
	}
	n.list(name)
	n.toldAddress(name, host, port)
}

// toldAddress files where a node is said to listen, if that was said.
func (n *Node) toldAddress(name, host string, port uint16) {
	if host != "" && port != 0 && n.resolver.Tell(name, net.JoinHostPort(host, strconv.Itoa(int(port)))) != nil {
		n.counts.toldRefused.Add(1)
	}
}

// askMesh asks the peers whose turn has come whom they know.
func (n *Node) askMesh(now time.Time) {
	if n.cfg.NoMesh {
		return
	}
	for i, t := range turns {
		n.mu.Lock()
		p := n.nextAsked(now, &n.turns[i], t.kind, t.every)
		if p == nil {
			n.mu.Unlock()
			continue
		}
		l, name := p.link, p.name
		n.mu.Unlock()
		n.ask(l, name, t.what)
	}
}

// nextAsked picks the live peer of a kind that follows the one asked last, by
// name, if it is time. The caller holds n.mu.
func (n *Node) nextAsked(now time.Time, t *turn, kind Kind, every time.Duration) *peer {
	if now.Before(t.at) {
		return nil
	}
	t.at = now.Add(every)
	var first, next *peer
	for _, p := range n.peers {
		if p.link == nil || p.kind != kind || n.cfg.look && !p.target {
			continue
		}
		if first == nil || p.name < first.name {
			first = p
		}
		if p.name > t.last && (next == nil || p.name < next.name) {
			next = p
		}
	}
	if next == nil {
		next = first
	}
	if next != nil {
		t.last = next.name
	}
	return next
}
