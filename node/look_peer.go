package node

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/liminal-bus/liminal/internal/discovery"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/links"
)

// What a look does differently from a node that takes part; and, last, how a node
// that takes part deals with looks.

// lookUp is linkUp's part that differs: nobody is greeted, and who may be liminal
// is asked for its peers, since only such a node answers that.
func (n *Node) lookUp(info links.Info) {
	if mayBeLiminal(info.Offered) {
		n.ask(info.Link, info.Name, callPeers)
		return // the answer nudges
	}
	n.nudge()
}

// lookHeard notes that a peer has answered as a liminal node does, and says
// whether it is a target, whose answer counts.
func (n *Node) lookHeard(from string) bool {
	n.mu.Lock()
	p := n.peers[from]
	if p == nil || p.link == nil {
		n.mu.Unlock()
		return false
	}
	if !p.greeted {
		p.kind, p.greeted, p.answered = KindLiminal, true, true
		n.heardHello()
	}
	target := p.target
	n.mu.Unlock()
	n.nudge()
	return target
}

// The pauses after which a look dials again what was given up, while a target
// still speaks of it. A refusal is an error in the log over there.
const (
	lookRetry   = time.Minute
	lookRefused = 5 * time.Minute
)

// lookDialled notes what a dial came to, and asks a target that came up whom it
// knows. It is called before the plan hears of the dial, so that the question is
// out when the dial is over.
func (n *Node) lookDialled(t discovery.Target, r discovery.Result) {
	n.mu.Lock()
	if r.Outcome != discovery.OutcomeUp {
		if t.Expect != "" && r.Err != nil {
			p, pause := n.record(t.Expect), lookRetry
			if refused(r.Err) {
				pause = lookRefused
			}
			p.failed, p.retryAt = r.Err, time.Now().Add(pause)
		}
		n.mu.Unlock()
		return
	}
	p := n.peers[r.Name]
	if p == nil || p.link == nil || !t.Role.Has(discovery.RoleSeed) {
		n.mu.Unlock()
		return
	}
	p.target = true
	l, kind, offered := p.link, p.kind, p.info.Offered
	n.mu.Unlock()
	switch {
	case kind == KindOTP:
		n.ask(l, r.Name, callNodes)
	case mayBeLiminal(offered):
		n.ask(l, r.Name, callPeers)
	}
}

// lookPasses says whether a look leaves a node alone that a target speaks of:
// another look, or one that was given up a moment ago. The caller holds n.mu.
func (n *Node) lookPasses(name string, p *peer) bool {
	if !n.cfg.look {
		return false
	}
	return isLookName(name) || p != nil && time.Now().Before(p.retryAt) && !n.plan.Knows(name)
}

// lookIgnores are the messages of nodes that take part.
var lookIgnores = map[string]bool{"peers": true, "pub": true}

// answerTime bounds the wait of a look for what it has asked.
const answerTime = 250 * time.Millisecond

// awaitAnswers waits until nothing is open that was asked over l: an OTP node
// that still had to answer would dial us for it, and find nobody.
func (n *Node) awaitAnswers(ctx context.Context, l *dist.Link) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for n.asks(l) {
		select {
		case <-tick.C:
		case <-l.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

func (n *Node) asks(l *dist.Link) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.calls {
		if c.link == l {
			return true
		}
	}
	return false
}

// looks says whether p is somebody's look, by its handshake alone: what a peer
// says later changes nothing. It is here for a moment: it is not listed and makes
// no events, and its end is neither a loss nor worth remembering.
func (p *peer) looks() bool {
	i := p.info
	return isLookName(p.name) && i.Offered != 0 && !i.Outgoing && !i.Offered.Has(dist.FlagPublished) &&
		kindOf(i.Offered) == KindOther && !mayBeLiminal(i.Offered)
}

// countLooks is how many looks are there now. The caller holds n.mu.
func (n *Node) countLooks() (k uint64) {
	for _, p := range n.peers {
		if p.link != nil && p.looks() {
			k++
		}
	}
	return k
}

// twice are the errors of a dial that has met another one of ours.
var twice = []error{links.ErrTaken, links.ErrDialling, links.ErrCrowded, links.ErrReplaced, dist.ErrNOK}

// seenTwice says whether an address, which does not tell a name, leads to a node
// that has our name on a link, while there is such a link to another target:
// probably two addresses of one node. Under another name they would be that again.
func seenTwice(t discovery.TargetStatus, all []discovery.TargetStatus) bool {
	if t.Expect != "" || !slices.ContainsFunc(twice, func(is error) bool { return errors.Is(t.Err, is) }) {
		return false
	}
	return slices.ContainsFunc(all, func(o discovery.TargetStatus) bool {
		return o.ID != t.ID && o.Role.Has(discovery.RoleSeed) && o.State == discovery.StateLinked
	})
}

// nameTaken says whether another name may do better.
func nameTaken(err error) bool {
	return errors.Is(err, ErrDuplicate) || errors.Is(err, dist.ErrNOK) || errors.Is(err, ErrRefused)
}
