package node

import (
	"errors"
	"fmt"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
)

// handler is the node as its links see it. Its methods run on the links'
// readers and never wait.
type handler struct{ n *Node }

// Send routes by the number of the process: liminal, the scope, a channel.
func (h handler) Send(l *dist.Link, to etf.PidView, msg []byte) {
	n := h.n
	switch {
	case n.isScope(to):
		n.groups.receive(l, msg)
	case to.ID == selfID && to.Serial == 0:
		if !n.answer(l, msg) {
			n.note(n.deliver(l, msg))
		}
	default:
		if c := n.bus.Lookup(to.ID, to.Serial); c != nil {
			n.receive(l, c, msg)
			return
		}
		n.counts.unknownPid.Add(1)
	}
}

// SendName takes messages for the registered names, liminal and the scope's.
func (h handler) SendName(l *dist.Link, _ etf.PidView, name, msg []byte) {
	switch {
	case string(name) == selfName:
		h.n.note(h.n.deliver(l, msg))
	case h.n.isScopeName(name):
		h.n.groups.receive(l, msg)
	default:
		h.n.counts.unknownName.Add(1)
	}
}

// isScope says whether to is the scope; a look has none.
func (n *Node) isScope(to etf.PidView) bool {
	return to.ID == scopeID && to.Serial == 0 && !n.cfg.look
}

func (n *Node) isScopeName(name []byte) bool {
	return string(name) == n.groups.name && !n.cfg.look
}

// note counts a message that was not understood.
func (n *Node) note(err error) {
	switch {
	case errors.Is(err, errUnknownMessage):
		n.counts.unknownMessage.Add(1)
	case err != nil:
		n.counts.badMessage.Add(1)
		n.log.Debug("message not understood", "error", err)
	}
}

// SendAlias drops: we never make an alias.
func (h handler) SendAlias(*dist.Link, etf.Ref, []byte) { h.n.counts.unknownPid.Add(1) }

// Lives knows liminal, the scope, and the channels that have a subscriber.
func (h handler) Lives(to etf.PidView) bool {
	if to.Serial == 0 && to.ID == selfID || h.n.isScope(to) {
		return true
	}
	return h.n.bus.Lookup(to.ID, to.Serial) != nil
}

// LivesName knows two names.
func (h handler) LivesName(name []byte) bool {
	return string(name) == selfName || h.n.isScopeName(name)
}

// Limit gives the scope room for a sync; all else gets a message and what is
// around it.
func (h handler) Limit(to etf.PidView) int {
	if h.n.isScope(to) {
		return 0 // as much as the link takes
	}
	return h.n.cfg.MaxMessage + messageRoom
}

// LimitName is Limit for registered names.
func (h handler) LimitName(name []byte) int {
	if h.n.isScopeName(name) {
		return 0
	}
	return h.n.cfg.MaxMessage + messageRoom
}

// Dropped ends the link where a message for the scope was lost: the membership
// of that peer would be wrong for ever. The next link begins with a sync.
func (h handler) Dropped(l *dist.Link, to etf.PidView, name []byte, d dist.Drop) {
	if h.n.isScope(to) || h.n.isScopeName(name) {
		h.n.counts.scopeLost.Add(1)
		l.Close(dist.ReasonQuota, fmt.Errorf("%w: %v", errScopeLost, d))
	}
}

var errScopeLost = errors.New("a message to the pg scope was lost")

// messageRoom is for what is around a payload.
const messageRoom = 64 << 10

// Monitored remembers who watches a channel. Other processes that live here do
// so as long as the node, and a link that ends tells the peer more than we
// could.
func (h handler) Monitored(l *dist.Link, from etf.Pid, target dist.Target, ref etf.Ref) {
	if !h.ends(target) {
		return
	}
	if !h.watch(target.Pid, watch{l, from, ref}) {
		_ = l.MonitorExit(target, from, ref, reasonNoproc)
	}
}

// Demonitored takes Monitored back.
func (h handler) Demonitored(l *dist.Link, from etf.Pid, target dist.Target, ref etf.Ref) {
	if h.ends(target) {
		h.n.ends.remove(target.Pid, watch{l, from, ref})
	}
}

// Linked remembers who is linked to a channel.
func (h handler) Linked(l *dist.Link, from, to etf.Pid) {
	if to.ID != selfID && to.ID != scopeID && !h.watch(to, watch{link: l, from: from}) {
		_ = l.Exit(to, from, reasonNoproc)
	}
}

// Unlinked takes Linked back.
func (h handler) Unlinked(l *dist.Link, from, to etf.Pid) {
	h.n.ends.remove(to, watch{link: l, from: from})
}

// ends says whether a target can end before the node does.
func (h handler) ends(t dist.Target) bool {
	return !t.IsName() && t.Pid.ID != selfID && t.Pid.ID != scopeID
}

// watch files a watch on a channel; false if the channel has ended meanwhile. A
// peer with too many of them is expelled.
func (h handler) watch(of etf.Pid, w watch) bool {
	ok, full := h.n.ends.add(of, w, func() bool { return h.n.bus.Lookup(of.ID, of.Serial) != nil })
	if full {
		h.n.groups.expel(w.link, errTooManyWatches)
	}
	return ok || full
}

var errTooManyWatches = errors.New("too many monitors and links on channels")

// MonitorExit says that a peer's scope is gone: we monitor nothing else.
func (h handler) MonitorExit(l *dist.Link, ref etf.Ref, _ []byte) {
	if id := refNumber(ref); id&scopeRef != 0 {
		h.n.groups.scopeDown(l, id&^scopeRef)
		return
	}
	h.n.counts.unknownPid.Add(1)
}

// Exit takes Linked back and does nothing else: nothing here can be killed from
// outside.
func (h handler) Exit(l *dist.Link, from, to etf.Pid, _ []byte) {
	h.n.counts.exits.Add(1)
	h.Unlinked(l, from, to)
}
