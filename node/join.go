package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/liminal-bus/liminal/internal/discovery"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/links"
)

// joinResult is what a dial came to, for those who wait in Join.
type joinResult struct {
	info links.Info
	at   netip.AddrPort
	err  error
}

// Join dials an address now, whatever its back-off, and says how that went.
// The node goes on dialling it until Leave or Close. A peer that is up already
// is a success. After Leave, Join makes the node take part again.
func (n *Node) Join(ctx context.Context, address string) Joined {
	a, err := parseAddress(address)
	if err != nil {
		return Joined{Address: address, Err: &DialError{Address: address, Stage: "address", Err: err}}
	}
	answer, name := n.askJoin(a)
	var r joinResult
	select {
	case r = <-answer:
	case <-ctx.Done():
		r.err = &DialError{Address: address, Err: context.Cause(ctx)}
	case <-n.ctx.Done():
		r.err = ErrClosed
	}
	if r.info.Name != "" {
		name = r.info.Name
	}
	return n.joinedAs(ctx, address, name, r)
}

// askJoin makes the target due and files the wait for its outcome. A peer that
// is up is not dialled, so that its outcome is known here.
func (n *Node) askJoin(a discovery.Address) (<-chan joinResult, string) {
	answer := make(chan joinResult, 1)
	name := a.NodeName(n.host)
	n.table.SetAlone(false)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state == NodeAlone {
		n.state = NodeUp
	}
	if err := n.hopelessAddress(a); err != nil {
		answer <- joinResult{err: err}
		return answer, name
	}
	id := n.plan.Join(a)
	n.table.Recall(name)
	if linked := n.linkedAs(id, name); linked != "" {
		info, _ := n.table.Lookup(linked)
		answer <- joinResult{info, info.Addr, links.ErrUp}
		return answer, linked
	}
	n.joins[id] = append(n.joins[id], answer)
	signal(n.kicks)
	return answer, name
}

// answerJoins tells those who wait in Join that the peer has come up by its own
// attempt. Where a dial of ours is out, its end tells them. The caller holds
// n.mu.
func (n *Node) answerJoins(info links.Info) {
	if len(n.joins) == 0 {
		return
	}
	for _, t := range n.plan.Status() {
		if t.Name != info.Name || t.State == discovery.StateDialling {
			continue
		}
		for _, w := range n.joins[t.ID] {
			w <- joinResult{info, info.Addr, nil}
		}
		delete(n.joins, t.ID)
	}
}

// linkedAs finds the live peer that a target stands for, "" if there is none.
// The caller holds n.mu.
func (n *Node) linkedAs(id uint64, name string) string {
	for _, t := range n.plan.Status() {
		if t.ID == id && t.Name != "" {
			name = t.Name
		}
	}
	if name != "" && n.table.Up(name) {
		return name
	}
	return ""
}

// joinedAs turns the outcome into the answer. When the peer's own attempt won,
// its link is awaited.
func (n *Node) joinedAs(ctx context.Context, address, name string, r joinResult) Joined {
	j := Joined{Address: address, Name: name, Addr: r.at, Err: r.err}
	var dial *DialError
	if errors.As(r.err, &dial) { // a copy, since the plan has this one
		own := *dial
		own.Address, j.Err = address, &own
	}
	switch out := outcome(r.err); {
	case out == discovery.OutcomeUp:
		j.Already = r.err != nil
		j.Err = nil
	case out == discovery.OutcomeYielded && name != "":
		wait, cancel := context.WithTimeout(ctx, dist.SetupTime)
		defer cancel()
		if info, err := n.table.Await(wait, name); err == nil {
			r.info, j.Err = info, nil
		}
	}
	if j.Err != nil {
		return j
	}
	j.Name = r.info.Name
	j.Addr, j.RTT = r.info.Addr, r.info.RTT
	n.settle(ctx)
	return j
}

// settleTime bounds the wait for a new peer's hello.
const settleTime = 250 * time.Millisecond

// settle polls once the kind of every peer that is linked is known, so that
// who asks for peers after Start or Join sees them as they are.
func (n *Node) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		n.mu.Lock()
		open, more := n.helloAwaited(time.Now()), n.greeted
		n.mu.Unlock()
		if !open {
			break
		}
		select {
		case <-more:
			continue
		case <-ctx.Done():
		case <-n.ctx.Done():
		}
		break
	}
	n.PollOnce()
}

// helloAwaited says whether a linked peer may still say hello. The caller holds
// n.mu.
func (n *Node) helloAwaited(now time.Time) bool {
	for _, p := range n.peers {
		if p.awaited(now) {
			return true
		}
	}
	return false
}

// heardHello wakes settle. The caller holds n.mu.
func (n *Node) heardHello() {
	close(n.greeted)
	n.greeted = make(chan struct{})
}

// setSeeds dials these addresses from now on, unless the node has left.
func (n *Node) setSeeds(seeds []discovery.Address) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state == NodeAlone {
		return
	}
	n.plan.SetSeeds(seeds)
	for _, a := range seeds {
		if name := a.NodeName(n.host); name != "" && name != n.name && n.plan.Knows(name) {
			n.table.Recall(name) // named anew, or never forgotten
			n.list(name)         // as dialling
		}
	}
	signal(n.kicks)
	signal(n.settled)
}

// joinSeeds dials the seeds and waits until one is up.
func (n *Node) joinSeeds(ctx context.Context, seeds []discovery.Address) error {
	n.setSeeds(seeds)
	limit := make(<-chan time.Time)
	if n.cfg.JoinTimeout > 0 && !n.cfg.RetryJoin {
		t := time.NewTimer(n.cfg.JoinTimeout)
		defer t.Stop()
		limit = t.C
	}
	for {
		if done, err := n.seedsDone(); done {
			return err
		}
		select {
		case <-n.settled:
		case <-limit:
			return n.joinFailed()
		case <-ctx.Done():
			return fmt.Errorf("joining: %w", context.Cause(ctx))
		case <-n.ctx.Done():
			return ErrClosed
		}
	}
}

// seedsDone says whether the wait for seeds is over: one is up, none is left
// but ourselves, or each was tried once and once is all that was asked for.
func (n *Node) seedsDone() (bool, error) {
	n.mu.Lock()
	all := n.seedStatus()
	n.mu.Unlock()
	open, untried, refused := 0, 0, 0
	for _, s := range all {
		switch {
		case s.Node != "" && n.table.Up(s.Node):
			return true, nil
		case s.State == "self":
			continue
		case s.State == "refused":
			refused++
		case s.Tries == 0:
			untried++
		}
		open++
	}
	if open == 0 {
		return true, nil
	}
	// A refusal is not a matter of who starts first: waiting mends nothing.
	hopeless := refused == open || n.cfg.JoinTimeout < 0 && untried == 0
	if hopeless && !n.cfg.RetryJoin {
		return true, n.joinFailed()
	}
	return false, nil
}

// joinFailed is ErrClusterJoin with what each seed said last.
func (n *Node) joinFailed() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.seedStatus()
	var errs []error
	for _, s := range all {
		if s.Err == nil { // its first dial is still out
			s.Err = &DialError{Address: s.Address, Err: ErrTimeout}
		}
		if s.State != "self" {
			errs = append(errs, s.Err)
		}
	}
	return &JoinError{Attempted: len(all), Seeds: errs}
}

// JoinError is the ErrClusterJoin of Start: no seed has answered.
type JoinError struct {
	Attempted int
	Seeds     []error // the last error of each, mostly *DialError
}

func (e *JoinError) Error() string {
	text := fmt.Sprintf("%v (%d attempted)", ErrClusterJoin, e.Attempted)
	for _, err := range e.Seeds {
		text += "; " + err.Error()
	}
	return text
}

// Unwrap gives ErrClusterJoin and what the seeds said.
func (e *JoinError) Unwrap() []error { return append([]error{ErrClusterJoin}, e.Seeds...) }
