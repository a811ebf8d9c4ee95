package node

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/liminal-bus/liminal/internal/discovery"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/links"
)

// LookConfig says where to look. Addresses and Cookie are required.
type LookConfig struct {
	Addresses []string // of the targets, in the forms of Config.Seeds
	Cookie    Cookie
	Accept    []Cookie // tried where Cookie is refused
	EPMD      EPMDMode // EPMDOff asks no epmd; a look is never registered with one
	EPMDPort  int      // 0 is 4369
	TLS       *TLS     // as in Config; its certificate is for our host

	DialTimeout time.Duration // resolving and connecting, and all of Looked; 0 is 5 s
	RetryMax    time.Duration // longest pause between dials; 0 is 5 s

	Logger *slog.Logger                                                  // nil discards
	Local  func(ctx context.Context, name string) (addr string, ok bool) // as in Config
	Claim  ClaimName                                                     // nil claims nothing
}

// Look starts a node that only asks: it shows a cluster from outside and leaves
// no trace in it. It is hidden, does not listen, is in no epmd, has no scope and
// no channels, and greets nobody. It dials the targets, asks them for the nodes
// they are connected to, dials those, and probes all of them; so Peers, Watch and
// Status work as those of other nodes do. Nodes that it only heard of stay listed
// as dialling, with ToldBy and LastError.
//
// A target loads no code for it, and meets one of LookSlots names a host, so that
// its table of atoms does not grow.
// Where a target has a link under a name already, the next one is tried: a look
// replaces nobody's connection.
//
// Look returns once each target was dialled once and one of them is up. If none
// is, the error is the *DialError of the only target or a *JoinError, or wraps
// ErrLooks where all names are in use. ctx bounds the starting only.
func Look(ctx context.Context, c LookConfig) (*Node, error) {
	addrs, err := parseAddresses(c.Addresses)
	if err != nil {
		return nil, err
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("%w: none is given", ErrBadAddress)
	}
	var n *Node
	release, err := underLookName(ctx, c.Claim, addrs[0], c.TLS, func(name string, last bool) error {
		var err error
		n, err = c.open(ctx, name, last)
		return err
	})
	if err != nil {
		return nil, err
	}
	n.release = release
	return n, nil
}

// open is one try under one name. Where a target has no room for the name it
// fails, unless it is the last and another target is up.
func (c LookConfig) open(ctx context.Context, name string, last bool) (*Node, error) {
	n, seeds, err := build(Config{
		Name: name, Cookie: c.Cookie, Accept: c.Accept, Seeds: c.Addresses, Hidden: true, EPMD: c.EPMD, EPMDPort: c.EPMDPort,
		DialTimeout: c.DialTimeout, RetryMax: c.RetryMax, Logger: c.Logger, Local: c.Local, TLS: c.TLS, look: true,
	})
	if err != nil {
		return nil, err
	}
	n.table = links.New(n.tableConfig(dist.OfferLook()))
	n.wg.Go(n.pollLoop)
	n.setSeeds(seeds)
	err = n.lookSeeds(ctx)
	if err != nil && (last || !nameTaken(err)) && n.anyUp() && ctx.Err() == nil {
		err = nil // one target is enough
	}
	if err != nil {
		n.Close()
		return nil, err
	}
	n.joinedAll()
	n.settle(ctx)
	return n, nil
}

// lookSeeds waits until each target was dialled once. Its error is what those
// said that are not up.
func (n *Node) lookSeeds(ctx context.Context) error {
	for {
		n.mu.Lock()
		all := n.seedStatus()
		n.mu.Unlock()
		open, errs := 0, []error(nil)
		for _, s := range all {
			switch {
			case s.Node != "" && n.table.Up(s.Node):
			case s.Err != nil:
				errs = append(errs, s.Err)
			default:
				open++
			}
		}
		if open == 0 {
			return lookFailed(len(all), errs)
		}
		select {
		case <-n.settled:
		case <-ctx.Done():
			return fmt.Errorf("looking: %w", context.Cause(ctx))
		}
	}
}

// anyUp says whether there is a link at all.
func (n *Node) anyUp() bool {
	_, rows := n.table.Snapshot()
	return slices.ContainsFunc(rows, func(r links.Info) bool { return r.Up })
}

func lookFailed(attempted int, errs []error) error {
	switch {
	case len(errs) == 0:
		return nil
	case attempted == 1:
		return errs[0]
	}
	return &JoinError{Attempted: attempted, Seeds: errs}
}

// Looked returns once everything that the targets of a look have told was dialled
// once, or LookConfig.DialTimeout has passed. The error is ctx's cause.
func (n *Node) Looked(ctx context.Context) error {
	limit := time.NewTimer(n.cfg.DialTimeout)
	defer limit.Stop()
	for n.looking() {
		n.mu.Lock()
		greeted := n.greeted
		n.mu.Unlock()
		select {
		case <-n.settled:
		case <-greeted:
		case <-time.After(n.cfg.Poll): // a hello that does not come has no signal
		case <-limit.C:
			n.PollOnce()
			return nil
		case <-n.ctx.Done():
			return ErrClosed
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	n.PollOnce()
	return nil
}

// looking says whether something is open yet: a dial, a first one, a question to
// a target, a kind.
func (n *Node) looking() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.plan.Status()
	for _, t := range all {
		if t.State == discovery.StateDialling || t.State == discovery.StateYielded && !seenTwice(t, all) ||
			t.State == discovery.StateWaiting && t.Last.IsZero() {
			return true
		}
	}
	if n.taking > 0 {
		return true
	}
	now := time.Now()
	for _, c := range n.calls {
		if n.mayAnswer(c, now) {
			return true
		}
	}
	return n.helloAwaited(now)
}

// silentTime is how long a peer that may be liminal has to answer as one does.
const silentTime = time.Second

// mayAnswer says whether a question is worth waiting for: what is neither OTP nor
// liminal does not answer. The caller holds n.mu.
func (n *Node) mayAnswer(c *call, now time.Time) bool {
	p := n.peers[c.peer]
	switch {
	case c.kind == callAuth, p == nil:
		return false
	case c.kind == callPeers && !p.greeted:
		return now.Sub(p.info.Since) < max(silentTime, stretch*p.info.RTT)
	}
	return true
}
