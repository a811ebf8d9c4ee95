package node

import (
	"fmt"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// missedProbes in a row make a peer suspect.
const missedProbes = 2

// stretch is how many smoothed round trips a liminal peer may be silent, where
// that is longer than Config.ProbeTimeout.
const stretch = 8

// probing is what watchPeers wants done once the lock is free.
type probing struct {
	link   *dist.Link
	name   string
	kind   Kind
	number uint64
	rtt    time.Duration
	silent time.Duration // longer than allowed: end the link
}

// watchPeers probes the peers whose turn it is, and judges their silence. Any
// byte received is life.
func (n *Node) watchPeers(now time.Time) {
	n.mu.Lock()
	var todo []probing
	for _, p := range n.peers {
		if p.link == nil {
			continue
		}
		p.mute(now)
		silence := p.link.Silence(now)
		n.suspect(p, silence, now)
		if limit := n.patience(p); limit > 0 && p.answered && silence >= limit {
			todo = append(todo, probing{link: p.link, silent: silence})
		} else if n.probes(p, silence) && now.Sub(p.probed) >= n.cfg.Probe {
			todo = append(todo, p.nextProbe(now))
		}
	}
	n.mu.Unlock()
	for _, t := range todo {
		n.probe(t)
	}
}

// probes says whether it is ours to probe p: of two liminal nodes the greater
// name does, and the other one too before it gives up, since its peer may be
// set to probe more rarely. A look is probed by nobody. The caller holds n.mu.
func (n *Node) probes(p *peer, silence time.Duration) bool {
	return p.kind == KindOTP || p.kind == KindLiminal && (n.cfg.look || n.name > p.name || n.missed(silence))
}

// missed says whether a silence has lasted for missedProbes.
func (n *Node) missed(silence time.Duration) bool {
	return silence > missedProbes*n.cfg.Probe+n.cfg.Poll
}

// patience is the silence after which the link is ended; 0 leaves it to the
// tick rule. It is never so short that a peer which answers could be taken for
// silent, however the intervals are set.
func (n *Node) patience(p *peer) time.Duration {
	least := missedProbes * (n.cfg.Probe + n.cfg.Poll)
	switch {
	case p.kind == KindLiminal:
		return max(n.cfg.ProbeTimeout, least, stretch*p.srtt)
	case p.kind == KindOTP && n.cfg.OTPProbeTimeout > 0:
		return max(n.cfg.OTPProbeTimeout, least)
	}
	return 0
}

// suspect marks a member that answered probes and now misses them. It makes no
// delta: the peer is still a member. The caller holds n.mu.
func (n *Node) suspect(p *peer, silence time.Duration, now time.Time) {
	missed := n.missed(silence)
	switch {
	case p.state == StateUp && p.answered && missed:
		n.turn(p, StateSuspect, now)
		n.counts.suspected.Add(1)
	case p.state == StateSuspect && !missed:
		n.turn(p, StateUp, now)
	}
}

// nextProbe counts a probe as sent. The caller holds Node.mu.
func (p *peer) nextProbe(now time.Time) probing {
	p.probed, p.pending = now, true
	p.probeN++
	return probing{link: p.link, name: p.name, kind: p.kind, number: p.probeN, rtt: p.rtt}
}

func (n *Node) probe(t probing) {
	switch {
	case t.silent > 0:
		t.link.Close(dist.ReasonProbeTimeout, fmt.Errorf("silent for %.1f s", t.silent.Seconds()))
	case t.kind == KindLiminal:
		n.send(t.link, encodeProbe(t.number, t.rtt.Microseconds()))
	default:
		n.askNumbered(t.link, t.name, callAuth, t.number)
	}
}

// probeAnswered measures the round trip of the probe that is out. One that was
// out for longer than the next should have taken to follow measures how long our
// own loop stood still.
func (n *Node) probeAnswered(l *dist.Link, number uint64) {
	now := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.sender(l)
	if p == nil {
		return
	}
	p.answered = true
	if p.pending && p.probeN == number {
		p.pending = false
		if rtt := now.Sub(p.probed); rtt <= n.cfg.Probe+n.cfg.Poll+lateBy {
			p.measured(rtt)
			n.rtts.add(rtt)
		}
	}
}

// measured takes a round trip; the smoothed one follows by eighths, as TCP's.
func (p *peer) measured(rtt time.Duration) {
	p.rtt = rtt
	if p.srtt == 0 {
		p.srtt = rtt
	}
	p.srtt += (rtt - p.srtt) / 8
}
