package node

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/liminal-bus/liminal/internal/discovery"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/epmd"
	"github.com/liminal-bus/liminal/internal/links"
	"github.com/liminal-bus/liminal/internal/secure"
)

// dialDue starts a goroutine for each dial that is due; the plan bounds them.
func (n *Node) dialDue(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, t := range n.plan.Due(now, n.table.Up) {
		ctx, fl := n.fly(t.ID)
		n.wg.Go(func() { n.dial(ctx, t, fl) })
	}
}

// dial tries one target and tells the plan, and whoever waits in Join.
func (n *Node) dial(ctx context.Context, t discovery.Target, fl *flight) {
	defer close(fl.done)
	info, at, err := n.reach(ctx, t)
	fl.cancel(nil)
	r := discovery.Result{Outcome: outcome(err), Name: info.Name, Err: err}
	if errors.Is(err, ErrSelf) {
		r.Name = n.name
	}
	if r.Outcome == discovery.OutcomeUp {
		r.Err = nil
	}
	if n.cfg.look {
		n.lookDialled(t, r)
	}
	n.mu.Lock()
	wanted := n.plan.Done(t, r, time.Now()) && !n.dropHopeless(t.ID, err)
	waiting := n.joins[t.ID]
	delete(n.joins, t.ID)
	delete(n.flights, t.ID)
	if wanted && t.Expect != "" {
		n.list(t.Expect) // as dialling
	}
	n.mu.Unlock()
	if !wanted && err == nil && info.Link != nil { // nil: it has ended by itself
		info.Link.Close(dist.ReasonClosed, nil)
		<-info.Link.Done() // its reader may have been faster, and be at it
		fl.made = info.Name
	}
	for _, w := range waiting {
		w <- joinResult{info, at, err}
	}
	if err != nil && r.Outcome != discovery.OutcomeUp && r.Outcome != discovery.OutcomeYielded && !canceled(n.ctx) {
		n.log.Debug("dial failed", "address", t.Address.String(), "error", err)
	}
	signal(n.settled)
	signal(n.kicks)
}

// reach resolves a target afresh and tries every address it gives, until one
// answers or one says something that another would only repeat.
func (n *Node) reach(ctx context.Context, t discovery.Target) (links.Info, netip.AddrPort, error) {
	return n.reachBy(ctx, t, n.table.Dial)
}

// dialFunc is Table.Dial or Table.DialNew.
type dialFunc func(ctx context.Context, timeout time.Duration, addr netip.AddrPort, want string) (links.Info, error)

func (n *Node) reachBy(ctx context.Context, t discovery.Target, dial dialFunc) (links.Info, netip.AddrPort, error) {
	if err := n.vetAddress(t.Address); err != nil {
		return links.Info{}, netip.AddrPort{}, n.dialError(t, netip.AddrPort{}, err)
	}
	n.mu.Lock()
	timeout := n.dialFor
	n.mu.Unlock()
	lookup, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var worst failure
	for ap, err := range n.resolver.Candidates(lookup, t.Address) {
		if err != nil {
			worst.add(ap, err)
			continue
		}
		info, err := dial(ctx, timeout, ap, t.Expect)
		if err == nil {
			return info, ap, n.resolver.Learn(info.Name, ap.String())
		}
		worst.add(ap, err)
		worst.info = info
		if final(err) {
			break
		}
	}
	err := n.dialError(t, worst.at, worst.err)
	if errors.Is(err, ErrNoSuchName) && n.awaited(t) {
		n.addKnown(lookup, err, t.Address)
	}
	return worst.info, worst.at, err
}

// awaited says whether somebody waits in Join, or for a look, for this dial.
func (n *Node) awaited(t discovery.Target) bool {
	if n.cfg.look && t.Role.Has(discovery.RoleSeed) {
		return true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.joins[t.ID]) > 0
}

// addKnown asks the epmd that did not know a name which names it does know.
func (n *Node) addKnown(ctx context.Context, err error, a discovery.Address) {
	var dial *DialError
	if n.cfg.EPMD == EPMDOff || !errors.As(err, &dial) {
		return
	}
	entries, err := epmd.Client{Port: n.cfg.EPMDPort}.Names(ctx, a.On(n.host).Host)
	if err != nil {
		return // it only says more
	}
	for _, e := range entries {
		dial.Known = append(dial.Known, e.Name)
	}
}

// vetAddress finds a long name for a short node, or the reverse, before it is
// dialled.
func (n *Node) vetAddress(a discovery.Address) error {
	if a.Name == "" {
		return nil
	}
	return n.vet(a.NodeName(n.host))
}

// failure keeps the most telling of several errors: what a peer said outranks
// a connection that failed, and that a name that did not resolve.
type failure struct {
	at   netip.AddrPort
	err  error
	info links.Info
}

func (f *failure) add(at netip.AddrPort, err error) {
	if f.err == nil || weight(err) >= weight(f.err) {
		f.at, f.err = at, err
	}
}

func weight(err error) int {
	var connect *links.ConnectError
	var resolve *discovery.ResolveError
	switch {
	case errors.As(err, &resolve):
		return 0
	case errors.As(err, &connect):
		return 1
	}
	return 2
}

// final says that the peer was found, so that other addresses are not tried:
// each refusal is an error in the peer's log.
func final(err error) bool {
	return outcome(err) != discovery.OutcomeFailed
}

// outcomes sorts the errors of a dial for the plan; the rest is OutcomeFailed.
var outcomes = []struct {
	is  error
	out discovery.Outcome
}{
	{links.ErrUp, discovery.OutcomeUp},
	{links.ErrLost, discovery.OutcomeYielded},
	{links.ErrReplaced, discovery.OutcomeYielded},
	{links.ErrDialling, discovery.OutcomeYielded},
	{dist.ErrNOK, discovery.OutcomeYielded},
	{dist.ErrSelf, discovery.OutcomeSelf},
	{ErrSelf, discovery.OutcomeSelf},
	{dist.ErrDigest, discovery.OutcomeHungUp},
	{dist.ErrCookie, discovery.OutcomeRefused},
	{dist.ErrNotAllowed, discovery.OutcomeRefused},
	{dist.ErrSameName, discovery.OutcomeRefused},
	{dist.ErrTooOld, discovery.OutcomeRefused},
	{ErrNameMode, discovery.OutcomeRefused},
	{links.ErrForgotten, discovery.OutcomeRefused},
	{secure.ErrCertificate, discovery.OutcomeRefused},
	{secure.ErrNotTLS, discovery.OutcomeRefused},
	{secure.ErrVersion, discovery.OutcomeRefused},
}

func outcome(err error) discovery.Outcome {
	if err == nil {
		return discovery.OutcomeUp
	}
	for _, o := range outcomes {
		if errors.Is(err, o.is) {
			return o.out
		}
	}
	return discovery.OutcomeFailed
}

// refused says that trying again soon would change nothing, as far as can be seen.
func refused(err error) bool {
	o := outcome(err)
	return o == discovery.OutcomeRefused || o == discovery.OutcomeHungUp
}
