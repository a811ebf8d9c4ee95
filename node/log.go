package node

import (
	"errors"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/epmd"
	"github.com/liminal-bus/liminal/internal/links"
)

// LogEvent is the key of the log attribute that names an Event's type, in the
// lines that say what an event says too.
const LogEvent = "event"

// logRefusal is one line a failed inbound handshake: stage, peer and cause.
// What anybody can bring about by connecting is for debugging only, but for what
// a wrong setting looks like; and of that no more than seldom allows.
func (n *Node) logRefusal(r links.Refusal) {
	if canceled(n.ctx) {
		return
	}
	if r.Forgotten {
		n.log.Warn("forgotten peer refused", "peer", r.Peer, "addr", r.Addr, "try", "join it here, or restart it, to take it back")
		return
	}
	level, facts := n.log.Debug, []any{"addr", r.Addr, "peer", r.Peer, "error", r.Err}
	if warns(r.Err) || n.suspicious(r.Err) {
		if more, ok := n.refusals.allow(time.Now()); ok {
			level, facts = n.log.Warn, append(facts, "more", more)
		}
	}
	level("handshake refused", facts...)
}

// warns says which refusals a person should hear of.
func warns(err error) bool {
	return errors.Is(err, dist.ErrCookie) || errors.Is(err, dist.ErrSameName) || errors.Is(err, dist.ErrReflection)
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
