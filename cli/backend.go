package cli

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// liveNode is what the control calls need of a node.
type liveNode interface {
	Name() string
	Status() node.Status
	Peers() []node.Peer
	Join(ctx context.Context, addr string) node.Joined
	Leave(ctx context.Context) (node.Left, error)
	Forget(name string) (node.Forgotten, error)
	Creation() uint32
	Watch(since uint64) watcher
	WatchAfter(seq uint64, creation uint32) watcher
	WatchLast(d time.Duration) watcher

	MaxMessage() int
	Publisher(channel string) (publisher, error)
	Audience(channel string) (subscribers, members int, err error)
	AwaitMembers(ctx context.Context, channel string, members int) error
	Subscribe(ctx context.Context, o node.SubscribeOptions, channels ...string) (subscription, error)
	Channels(ctx context.Context, names ...string) ([]node.Channel, []string, error)
	AllSubscriptions() map[string][]string
}

// watcher is a *node.Watcher.
type watcher interface {
	Next(ctx context.Context) (node.Event, error)
	Close()
}

// embedded makes a *node.Node a liveNode.
type embedded struct{ *node.Node }

func (e embedded) Watch(since uint64) watcher        { return e.Node.Watch(since) }
func (e embedded) WatchLast(d time.Duration) watcher { return e.Node.WatchLast(d) }
func (e embedded) WatchAfter(seq uint64, creation uint32) watcher {
	return e.Node.WatchAfter(seq, creation)
}

// backend puts a node behind the control server: its types become those of the
// wire, its errors those that people get.
type backend struct {
	node   liveNode
	socket string
	cookie string                 // where it came from and its length, never its value
	newer  atomic.Pointer[string] // cookie since the last reload; nil before
	tick   time.Duration
	pid    int
	now    func() time.Time
	stop   func() // ends the process's node, returns at once

	http     netip.AddrPort // where health and metrics are served, if they are
	warnings []string       // of what is around the node
}

// Status implements control.Backend.
func (b *backend) Status(context.Context) (control.Status, error) {
	s, peers := b.node.Status(), b.node.Peers()
	out := control.Status{
		Schema: control.SchemaStatus, Node: s.Name, State: string(s.State), Version: version(), PID: b.pid,
		Names: namesWord(s.LongNames), Hidden: s.Hidden, Boot: bootText(s.Creation), Started: wireTime(s.Started),
		Listen: addrTexts(s.Listen), Loopback: allLoopback(s.Listen), Socket: b.socket, EPMD: epmdOf(s.EPMD),
		Cookie: b.cookieText(), Seeds: seedsOf(s.Seeds), Peers: countPeers(peers), Channels: countsOf(s.Channels), Down: downNames(peers),
		CookiesAccepted: s.Accepted, OtherCookie: append([]string{}, s.Others...),
		HTTP: []string{}, Counters: countersOf(s.Counters), Epoch: bootText(s.Creation), EventSeq: s.EventSeq, MeshPeers: s.Told,
		TLS: tlsOf(s.TLS),
	}
	out.Health, out.Reasons, out.Warnings = health(s, b.warnings)
	if b.http.IsValid() {
		out.HTTP = append(out.HTTP, b.http.String())
	}
	return out, nil
}

// cookieText describes the cookie that is used now.
func (b *backend) cookieText() string {
	if newer := b.newer.Load(); newer != nil {
		return *newer
	}
	return b.cookie
}

// health says how a node judges itself: what makes it ill makes it degraded;
// other warnings (a short cookie, an open port) are shown and change no exit
// status. Peers that are down do not: the cluster's health is not the node's.
func health(s node.Status, more []string) (word string, reasons, warnings []string) {
	word, reasons = "healthy", []string{}
	for _, r := range s.Ill {
		word, reasons = "degraded", append(reasons, string(r.Code))
	}
	return word, reasons, append(append([]string{}, s.Warnings...), more...)
}

// Peers implements control.Backend. A name without a host means the peer of
// that name, if there is only one.
func (b *backend) Peers(_ context.Context, f control.Filter) (control.Peers, error) {
	now := b.now()
	list := b.listPeers(now, f.Brief)
	f.Names = fullNames(f.Names, list)
	kept, err := f.Apply(list)
	if unknown := (*control.Error)(nil); errors.As(err, &unknown) {
		unknown.Try += " --node " + nameOf(b.node.Name())
	}
	if err != nil {
		return control.Peers{}, err
	}
	return control.Peers{Schema: control.SchemaPeers, Node: b.node.Name(), Time: wireTime(now), Peers: kept}, nil
}

// listPeers is every peer; brief leaves out which channels each is in, which is
// most of the work.
func (b *backend) listPeers(now time.Time, brief bool) []control.Peer {
	peers := b.node.Peers()
	list := make([]control.Peer, len(peers))
	for i, p := range peers {
		list[i] = peerOfNode(p, now)
	}
	if brief {
		return list
	}
	all := b.node.AllSubscriptions()
	for i := range list {
		list[i].Subscriptions = append([]string{}, all[list[i].Name]...)
		list[i].Subs = len(list[i].Subscriptions) // of one look
	}
	return list
}

// fullNames adds the host to names that lack it; those that no peer has stay.
func fullNames(names []string, peers []control.Peer) []string {
	var full []string
	for _, name := range names {
		matches := []string{}
		for _, p := range peers {
			if p.Name != name && nameOf(p.Name) == name {
				matches = append(matches, p.Name)
			}
		}
		if len(matches) == 0 {
			matches = []string{name}
		}
		full = append(full, matches...)
	}
	return full
}

// Join implements control.Backend: all addresses at once, results in the order
// asked.
func (b *backend) Join(ctx context.Context, r control.JoinRequest) (control.Join, error) {
	results := make([]control.JoinResult, len(r.Addresses))
	var group sync.WaitGroup
	for i, addr := range r.Addresses {
		group.Go(func() { results[i] = b.joinOne(ctx, addr) })
	}
	group.Wait()
	return control.Join{Schema: control.SchemaJoin, Node: b.node.Name(), Results: results}, nil
}

func (b *backend) joinOne(ctx context.Context, addr string) control.JoinResult {
	j := b.node.Join(ctx, addr)
	r := control.JoinResult{Address: addr, Name: optional(j.Name), Already: j.Already, RTTMicros: micros(j.RTT)}
	if j.Addr.IsValid() {
		r.Endpoint = optional(j.Addr.String())
	}
	if j.Err != nil {
		r.Error = explainDial(addr, j.Err, b.self())
	}
	return r
}

func (b *backend) self() self {
	s := b.node.Status()
	return self{name: b.node.Name(), cookie: b.cookieText(), tick: durationText(b.tick), epmd: s.EPMD.Port, ca: authoritiesOf(s.TLS)}
}

// Leave implements control.Backend.
func (b *backend) Leave(ctx context.Context, r control.LeaveRequest) (control.Leave, error) {
	left, err := b.node.Leave(ctx)
	if r.Stop {
		b.stop() // asked for is asked for, also by a client that waits no longer
	} else if err != nil {
		return control.Leave{}, fail("node_stopped", "cannot leave", err.Error(), "liminal status")
	}
	return control.Leave{
		Schema: control.SchemaLeave, Node: b.node.Name(), Told: left.Told, Flushed: left.Flushed, Stopped: r.Stop,
	}, nil
}

// Watch implements control.Backend.
func (b *backend) Watch(ctx context.Context, r control.WatchRequest, emit func(control.Event) error) error {
	w := b.watcher(r)
	defer w.Close()
	boot := bootText(b.node.Creation())
	for {
		e, err := w.Next(ctx)
		if err != nil {
			if errors.Is(err, node.ErrClosed) || ctx.Err() != nil {
				return nil // the end of the node ends the stream in order
			}
			return err
		}
		if err := emit(eventOf(e, boot)); err != nil {
			return err
		}
	}
}

// watcher begins where the request says.
func (b *backend) watcher(r control.WatchRequest) watcher {
	switch {
	case r.Resume:
		return b.node.WatchAfter(r.Since, b.creationOf(r.Boot))
	case r.Last > 0:
		return b.node.WatchLast(r.Last)
	}
	return b.node.Watch(0)
}

// creationOf reads a boot. None is this one; what is no boot is another.
func (b *backend) creationOf(boot string) uint32 {
	ours := b.node.Creation()
	if boot == "" {
		return ours
	}
	c, err := strconv.ParseUint(boot, 16, 32)
	if err != nil {
		return ^ours
	}
	return uint32(c)
}
