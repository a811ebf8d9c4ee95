package node

import (
	"context"
	"maps"
	"time"

	"github.com/liminal-bus/liminal/internal/discovery"
	"github.com/liminal-bus/liminal/internal/dist"
)

// When a forgotten peer that others speak of is dialled: the creation of who
// answers tells whether it has come back. returnAfter counts from the forgetting,
// as does neverAfter, for one that never had a link here.
const (
	returnAfter = 5 * time.Second
	neverAfter  = 30 * time.Second
	maxReturns  = 8 // dials at one time
)

// returns are the forgotten peers that others speak of. They are not listed and
// not in the plan; each is dialled only when somebody has spoken of it again.
// Guarded by Node.mu.
type returns struct {
	ways         map[string]*wayBack
	flying       int
	first, never time.Duration // returnAfter and neverAfter, but in tests
	pause        discovery.Backoff
}

// wayBack is how it goes with one name.
type wayBack struct {
	next  time.Time
	tries int
	out   bool // a dial is
}

func newReturns() returns {
	return returns{ways: map[string]*wayBack{}, first: returnAfter, never: neverAfter, pause: discovery.RefusedBackoff()}
}

// barred says whether what is told of a name ends here, since it was forgotten.
// It may be a new life of that peer, which is dialled to find out. The caller
// holds n.mu.
func (n *Node) barred(name, host string, port uint16) bool {
	creation, since, ok := n.table.Forgotten(name)
	now := time.Now()
	switch {
	case !ok:
		return false
	case creation == 0 && now.Sub(since) >= n.returns.never:
		n.table.Recall(name) // no life of it is known: it may as well be a new one
		return false
	}
	n.counts.toldForgotten.Add(1)
	if creation != 0 {
		n.toldAddress(name, host, port)
		n.seek(now, name, since)
	}
	return true
}

// seek dials a forgotten peer if its time has come. The caller holds n.mu, and
// has seen that the node is not stopping.
func (n *Node) seek(now time.Time, name string, since time.Time) {
	short, host, err := discovery.SplitName(name)
	if err != nil {
		return
	}
	r := &n.returns
	w := r.ways[name]
	if w == nil {
		w = &wayBack{next: since.Add(r.first)}
		r.ways[name] = w
	}
	if w.out || now.Before(w.next) || r.flying >= maxReturns {
		return
	}
	w.out = true
	r.flying++
	t := discovery.Target{Address: discovery.Address{Name: short, Host: host}, Expect: name}
	n.tasks.Go(func() { n.callBack(n.ctx, t, w) })
}

// callBack is one dial of seek.
func (n *Node) callBack(ctx context.Context, t discovery.Target, w *wayBack) {
	info, _, err := n.reachBy(ctx, t, n.table.DialNew)
	n.mu.Lock()
	n.returns.flying--
	w.out = false
	w.tries++
	w.next = time.Now().Add(n.returns.pause.Delay(w.tries, n.cfg.seams.chance()))
	gone := n.state == NodeAlone || n.state == NodeStopping
	n.mu.Unlock()
	if err == nil && gone && info.Link != nil {
		info.Link.Close(dist.ReasonClosed, nil)
	}
	if err != nil && !canceled(n.ctx) {
		n.log.Debug("forgotten peer is not back", "peer", t.Expect, "error", err)
	}
}

// forget begins anew with a name, and drops those that are forgotten no more.
func (r *returns) forget(name string, disowned func(string) bool) {
	maps.DeleteFunc(r.ways, func(n string, _ *wayBack) bool { return n == name || !disowned(n) })
}
