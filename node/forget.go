package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/discovery"
)

// Forgotten says what Forget did.
type Forgotten struct {
	Name    string // of the peer; "" for an address at which none has answered
	State   State  // that it was in; "" if it was not listed
	Address string // that is not dialled any more; "" if none was
}

// Forget stops dialling a peer that is not up and drops it from the list. name
// is its full name, its name without the host if only one peer has that, or an
// address as it was joined or configured.
//
// What is forgotten is that life of the peer, by its creation: until it is
// joined again it is not let in. A restart is another life and comes back by
// itself: when it calls, or when others speak of it, upon which it is dialled,
// from 5 s after it was forgotten on and then after 30 s doubling to 5 min; the
// handshake tells which life answers, and until then it is not listed. A peer
// that never had a link here comes back when it calls, or when others speak of
// it after 30 s. A configured seed comes back with a restart of
// this node, or when Reload names it after a Reload that did not. At most 1,024
// peers are remembered; then the oldest is let go, and is like one that nobody
// ever spoke of here.
//
// The error wraps ErrUp for a peer that is up or suspect, ErrUnknownPeer,
// ErrAmbiguous, ErrSelf or ErrClosed; then nothing was done.
func (n *Node) Forget(name string) (Forgotten, error) {
	f, flights, ending, err := n.forgetNow(name)
	for ending != nil { // its last link is being put away, and nothing was done
		<-ending
		f, flights, ending, err = n.forgetNow(name)
	}
	if err == nil {
		n.log.Info("peer forgotten", "peer", f.Name, "address", f.Address)
	}
	for _, fl := range flights {
		<-fl.done // ended by us: soon
		if fl.made != "" {
			_, _ = n.Forget(fl.made) // it came up at that moment, and was closed again
		}
	}
	return f, err
}

// forgetNow is Forget but for what has to be waited for: dials that are still on
// their way back, and a link that is ending, before which nothing is done. It
// holds off polls, so that what it finds stays true.
func (n *Node) forgetNow(name string) (f Forgotten, out []*flight, ending <-chan struct{}, err error) {
	n.pollMu.Lock()
	defer n.pollMu.Unlock()
	now := time.Now()
	n.poll(now) // who has just gone is seen as gone
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state == NodeStopping {
		return f, nil, nil, ErrClosed
	}
	w, err := n.wantedGone(name)
	if err != nil {
		return f, nil, nil, err
	}
	p := n.peers[w.name]
	up := fmt.Errorf("%s: %w", w.name, ErrUp)
	if w.name != "" && (p != nil && p.member || n.table.Up(w.name)) {
		return f, nil, nil, up
	}
	if w.name != "" {
		if done, ending := n.table.Disown(w.name, p.creation()); !done {
			return f, nil, ending, up // at this very moment, unless it is ending
		}
		n.returns.forget(w.name, n.table.Disowned)
		n.tracker.Forget(w.name)
		n.resolver.Forget(w.name)
	}
	out = n.recallFlights(w.targets) // one that has brought a link since then finds itself unwanted
	f = Forgotten{Name: w.name, Address: n.undial(w)}
	if p != nil {
		if p.listed {
			f.State = p.state
		}
		n.unlist(now, p)
	}
	return f, out, nil, nil
}

// creation is that of the last life, 0 if there was none.
func (p *peer) creation() uint32 {
	if p == nil {
		return 0
	}
	return p.info.Creation
}

// unwanted is what Forget was asked to end: a peer, targets, mostly both.
type unwanted struct {
	name    string
	targets []discovery.TargetStatus
}

func (w unwanted) has(id uint64) bool {
	for _, t := range w.targets {
		if t.ID == id {
			return true
		}
	}
	return false
}

// wantedGone finds what a person means by a name. A full name goes first, then
// the name without host, then an address. The caller holds n.mu.
func (n *Node) wantedGone(asked string) (unwanted, error) {
	var short []string
	for name, p := range n.peers {
		if name == asked && p.listed {
			return n.leadingTo(name), nil
		}
		if before, _, _ := strings.Cut(name, "@"); before == asked && p.listed {
			short = append(short, name)
		}
	}
	switch {
	case len(short) == 1:
		return n.leadingTo(short[0]), nil
	case len(short) > 1:
		return unwanted{}, fmt.Errorf("%q: %w", asked, &AmbiguousError{slices.Sorted(slices.Values(short))})
	}
	return n.atAddress(asked)
}

// leadingTo gives a name and all that is dialled for it. The caller holds n.mu.
func (n *Node) leadingTo(name string) unwanted {
	w := unwanted{name: name}
	for _, t := range n.plan.Status() {
		if t.Name == name {
			w.targets = append(w.targets, t)
		}
	}
	return w
}

// atAddress finds a target by its address, and with it the peer that it leads
// to. The caller holds n.mu.
func (n *Node) atAddress(asked string) (unwanted, error) {
	unknown := fmt.Errorf("%q: %w", asked, ErrUnknownPeer)
	a, err := parseAddress(asked)
	if err != nil {
		return unwanted{}, unknown
	}
	if a.NodeName(n.host) == n.name {
		return unwanted{}, fmt.Errorf("%q: %w", asked, ErrSelf)
	}
	for _, t := range n.plan.Status() {
		switch {
		case t.Address != a.On(n.host):
			continue
		case t.State == discovery.StateAside:
			return unwanted{}, fmt.Errorf("%q: %w", asked, ErrSelf)
		case t.Name != "":
			return n.leadingTo(t.Name), nil
		}
		return unwanted{targets: []discovery.TargetStatus{t}}, nil
	}
	return unwanted{}, unknown
}

// undial drops the targets, tells who waits for them in Join, and gives the
// address that a person would know: a seed's or a joined one. The caller holds
// n.mu.
func (n *Node) undial(w unwanted) (address string) {
	const asked = discovery.RoleSeed | discovery.RoleJoined
	dropped := n.plan.Forget(func(t discovery.Target) bool { return w.has(t.ID) })
	known := false
	for _, t := range dropped {
		for _, c := range n.joins[t.ID] {
			c <- joinResult{err: &DialError{Err: ErrForgotten}}
		}
		delete(n.joins, t.ID)
		if address == "" || !known && t.Role&asked != 0 {
			address, known = t.Address.String(), t.Role&asked != 0
		}
	}
	signal(n.settled) // a Start that waits for its seeds may wait for one less
	return address
}

// flight is a dial that is out.
type flight struct {
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when the plan has its result
	made   string        // whom it reached though nobody wanted it any more; set before done
}

// fly files a dial, so that Forget can end it. The caller holds n.mu.
func (n *Node) fly(id uint64) (context.Context, *flight) {
	ctx, cancel := context.WithCancelCause(n.ctx)
	fl := &flight{cancel: cancel, done: make(chan struct{})}
	n.flights[id] = fl
	return ctx, fl
}

// recallFlights ends the dials of these targets: from here on none of them makes
// a link. The caller holds n.mu, and waits for them without it.
func (n *Node) recallFlights(targets []discovery.TargetStatus) (out []*flight) {
	for _, t := range targets {
		if fl := n.flights[t.ID]; fl != nil {
			fl.cancel(ErrForgotten)
			out = append(out, fl)
		}
	}
	return out
}

// AmbiguousError is the ErrAmbiguous of Forget.
type AmbiguousError struct {
	Names []string // full ones, sorted
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%v: %s", ErrAmbiguous, strings.Join(e.Names, ", "))
}

// Unwrap gives ErrAmbiguous.
func (e *AmbiguousError) Unwrap() error { return ErrAmbiguous }
