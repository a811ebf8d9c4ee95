package node

import (
	"errors"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/epmd"
	"github.com/liminal-bus/liminal/internal/links"
)

// LogEvent is the key of the log attribute that names an Event's type, in the
// lines that say what an event says too.
const LogEvent = "event"

// logRefusal is one line a failed inbound handshake: stage, peer and cause.
// What anybody can bring about by connecting is for debugging only.
func (n *Node) logRefusal(r links.Refusal) {
	if canceled(n.ctx) {
		return
	}
	if r.Forgotten {
		n.log.Warn("forgotten peer refused", "peer", r.Peer, "addr", r.Addr, "try", "join it here, or restart it, to take it back")
		return
	}
	level := n.log.Debug
	if errors.Is(r.Err, dist.ErrCookie) || errors.Is(r.Err, dist.ErrSameName) || errors.Is(r.Err, dist.ErrReflection) {
		level = n.log.Warn
	}
	level("handshake refused", "addr", r.Addr, "peer", r.Peer, "error", r.Err)
}

// logEPMD tells when registration comes and goes.
func (n *Node) logEPMD(s epmd.State) {
	switch {
	case s.Registered:
		n.log.Info("registered with epmd", "port", n.cfg.EPMDPort)
	case errors.Is(s.Err, epmd.ErrNoEPMD):
		n.log.Debug("no epmd answers", "port", n.cfg.EPMDPort, "error", s.Err)
	default:
		n.log.Warn("not registered with epmd", "error", s.Err)
	}
}
