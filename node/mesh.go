package node

import (
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/links"
)

// meshEvery is how often one peer, each in turn, is asked for its peers. A
// newcomer asks all of them at once; this mends what a race or a partition
// left open.
const meshEvery = 5 * time.Second

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
	if p != nil && p.link != nil || n.state == NodeAlone || n.state == NodeStopping {
		return
	}
	if err := n.plan.AddTold(name); err != nil {
		n.counts.toldRefused.Add(1)
		return
	}
	if p == nil {
		p = n.record(name)
		p.toldBy = from
	}
	if host != "" && port != 0 && n.resolver.Tell(name, net.JoinHostPort(host, strconv.Itoa(int(port)))) != nil {
		n.counts.toldRefused.Add(1)
	}
}

// askMesh asks the next peer for its peers when its turn has come.
func (n *Node) askMesh(now time.Time) {
	n.mu.Lock()
	p := n.meshTurn(now)
	if p == nil {
		n.mu.Unlock()
		return
	}
	n.meshTo = p.name
	l, name, what := p.link, p.name, callPeers
	if p.kind == KindOTP {
		what = callNodes
	}
	n.mu.Unlock()
	n.ask(l, name, what)
}

// meshTurn picks the peer after the one asked last. The caller holds n.mu.
func (n *Node) meshTurn(now time.Time) *peer {
	if n.cfg.NoMesh || now.Before(n.meshAt) {
		return nil
	}
	n.meshAt = now.Add(meshEvery)
	var names []string
	for name, p := range n.peers {
		if p.link != nil && p.kind != KindOther {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	i, found := slices.BinarySearch(names, n.meshTo)
	if found {
		i++
	}
	return n.peers[names[i%len(names)]]
}
