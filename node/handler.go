package node

import (
	"errors"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
)

// handler is the node as its links see it. Its methods run on the links'
// readers and never wait.
type handler struct{ n *Node }

// Send takes answers to our calls, and messages for liminal by its pid.
func (h handler) Send(l *dist.Link, to etf.PidView, msg []byte) {
	if to.ID != selfID || to.Serial != 0 {
		h.n.counts.unknownPid.Add(1)
		return
	}
	if h.n.answer(l, msg) {
		return
	}
	h.n.note(h.n.deliver(l, msg))
}

// SendName takes messages for the registered name liminal.
func (h handler) SendName(l *dist.Link, _ etf.PidView, name, msg []byte) {
	if string(name) != selfName {
		h.n.counts.unknownName.Add(1)
		return
	}
	h.n.note(h.n.deliver(l, msg))
}

// note counts a message that liminal did not understand.
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

// Lives knows one process.
func (h handler) Lives(to etf.PidView) bool { return to.ID == selfID && to.Serial == 0 }

// LivesName knows one name.
func (h handler) LivesName(name []byte) bool { return string(name) == selfName }

// Monitored needs nothing: liminal lives as long as the node, and a link that
// ends tells the peer more than we could.
func (h handler) Monitored(*dist.Link, etf.Pid, dist.Target, etf.Ref) {}

// Demonitored needs nothing either.
func (h handler) Demonitored(*dist.Link, etf.Pid, dist.Target, etf.Ref) {}

// MonitorExit does not come: we monitor nothing yet.
func (h handler) MonitorExit(*dist.Link, etf.Ref, []byte) { h.n.counts.unknownPid.Add(1) }

// Exit is counted only: nothing here can be killed from outside.
func (h handler) Exit(*dist.Link, etf.Pid, etf.Pid, []byte) { h.n.counts.exits.Add(1) }
