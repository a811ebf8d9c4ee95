package node

import (
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/links"
)

// linkUp is the table's hook for a new link. Its reader has not started.
func (n *Node) linkUp(info links.Info) {
	n.mu.Lock()
	p := n.record(info.Name)
	p.link, p.info, p.parting, p.saidBye = info.Link, info, false, false
	if kind := kindOf(info.Offered); kind == KindOTP || p.kind != KindLiminal {
		p.kind = kind // a liminal peer's next life is thought liminal, see mute
	}
	p.greeted, p.proofs = false, nil
	p.version, p.host, p.addr = "", "", netip.AddrPort{}
	p.rtt, p.srtt = info.RTT, info.RTT
	p.answered, p.pending, p.probed = false, false, time.Now()
	kind := p.kind
	p.failed = nil
	delete(n.returns.ways, info.Name)
	n.answerJoins(info)
	n.mu.Unlock()

	if n.cfg.look {
		n.lookUp(info)
		return
	}
	if kind == KindOTP || mayBeLiminal(info.Offered) {
		n.groups.up(info)
	}
	switch {
	case kind == KindOTP:
		n.ask(info.Link, info.Name, callNodes)
		n.spread(info)
	case mayBeLiminal(info.Offered):
		n.send(info.Link, n.hello)
		n.tellCookies(info.Link)
		n.ask(info.Link, info.Name, callPeers)
		return // its own hello nudges
	}
	n.nudge()
}

// kindOf is what the handshake tells; hello may say more.
func kindOf(offered dist.Flags) Kind {
	if offered.Has(dist.FlagSpawn) {
		return KindOTP
	}
	return KindOther
}

// mayBeLiminal says whether hello may be sent: an erl_call or another small C
// node gives up on the first message it does not expect, and none of them
// takes fragments.
func mayBeLiminal(offered dist.Flags) bool {
	return !offered.Has(dist.FlagSpawn) && offered.Has(dist.FlagFragments)
}

// linkDown is the table's hook for the end of a link. What the peer had here
// goes now; that it left is announced by the poll.
func (n *Node) linkDown(info links.Info) {
	n.groups.down(info.Link) // first: what it refuses from here on is still counted
	n.ends.drop(info.Link)
	n.pubs.drop(info.Link)
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.record(info.Name)
	n.totals.retire(info.Link, p) // under the lock with p.link = nil: who adds up counts it once
	if info.Reason == dist.ReasonControlOverflow {
		n.counts.overflowed.Add(1)
	}
	if p.link != info.Link {
		return // replaced: its successor has had its Up, or will
	}
	p.link, p.saidBye = nil, info.Reason == dist.ReasonGoodbye
	n.heardHello()
	n.dropCalls(info.Link)
	if p.saidBye {
		n.plan.Goodbye(info.Name, time.Now())
	} else {
		n.plan.LinkDown(info.Name, time.Now())
	}
	n.nudge()
}

// send queues a message for the peer's liminal. A link that is gone or full
// tells so through its end.
func (n *Node) send(l *dist.Link, msg []byte) {
	_ = l.SendName(n.self, selfName, msg)
}

// sender finds the record of a link's peer, if that link is its live one. The
// caller holds n.mu.
func (n *Node) sender(l *dist.Link) *peer {
	if p := n.peers[l.Remote().Name]; p != nil && p.link == l {
		return p
	}
	return nil
}

// hello makes a peer a liminal peer and tells where it listens.
func (m message) hello() error {
	if err := m.skip(); err != nil {
		return err
	}
	h, err := readHello(m.r)
	if err != nil {
		return err
	}
	n := m.n
	n.mu.Lock()
	p := n.sender(m.l)
	if p == nil {
		n.mu.Unlock()
		return nil
	}
	first := !p.greeted
	p.kind, p.greeted, p.version, p.host = KindLiminal, true, h.version, h.host
	p.answered = true // who says hello answers probes: its silence means something from now on
	n.heardHello()
	p.addr = netip.AddrPortFrom(p.info.Addr.Addr(), h.port)
	name, addr := p.name, p.addr.String()
	told := addr
	if h.host != "" {
		told = net.JoinHostPort(h.host, strconv.Itoa(int(h.port)))
	}
	if first { // one dial a link, whatever it says how often
		n.plan.Heard(addr, told)
	}
	n.mu.Unlock()
	n.nudge()
	if h.port == 0 {
		return nil
	}
	return n.resolver.Tell(name, told)
}

// goodbye ends the link; linkDown stops the redialling.
func (m message) goodbye() error {
	if err := m.skip(); err != nil {
		return err
	}
	m.l.Close(dist.ReasonGoodbye, nil)
	return nil
}

// probe is answered at once. It carries the round trip that the prober has
// measured, so that both sides know it.
func (m message) probe() error {
	if err := m.skip(); err != nil {
		return err
	}
	number, err := m.r.Uint()
	if err != nil {
		return err
	}
	micros, err := m.r.Int()
	if err != nil {
		return err
	}
	m.n.send(m.l, encodeEcho(number))
	m.n.mu.Lock()
	defer m.n.mu.Unlock()
	if p := m.n.sender(m.l); p != nil {
		p.answered = true
		if micros > 0 && micros < int64(time.Hour/time.Microsecond) {
			rtt := time.Duration(micros) * time.Microsecond
			p.measured(rtt)
			m.n.rtts.add(rtt)
		}
	}
	return nil
}

// echo is the answer to our probe.
func (m message) echo() error {
	if err := m.skip(); err != nil {
		return err
	}
	number, err := m.r.Uint()
	if err != nil {
		return err
	}
	m.n.probeAnswered(m.l, number)
	return nil
}
