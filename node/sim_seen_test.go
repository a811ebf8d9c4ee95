package node

// simEnough is how many worlds must have seen all of simSometimes, simMany how
// many all of simRarely.
const (
	simEnough = 150
	simMany   = 1500
)

// simSometimes are what a run must have seen, or it proves little.
var simSometimes = []string{
	"call refused", "call unanswered", "half-open found by a reset", "sent again after a cut", "write had to wait",
	"status ok_simultaneous", "status nok", "status alive", "status not_allowed",
	"links_flapped", "links_replaced", "takeover by a new life",
	"suspect, then up", "suspect, then down",
	"left: eof", "left: reset", "left: probe_timeout", "left: tick_timeout", "left: goodbye", "left: closed", "left: replaced",
	"purge", "healed a disagreement",
	"publish: dropped_full", "message in fragments", "subscriber gap",
	"link_dropped_full", "link_dropped_link_down", "dropped_unknown_pid",
	"joined", "forget", "peer forgotten",
	"handshakes_failed_in", "handshakes_failed_out", "handshakes_refused_alone",
}

// simRarely are what many worlds must have seen.
var simRarely = []string{
	"links_coalesced", "publish: link_down", "publish: written", "link_dropped_in_flight", "forgot_refused", "told_forgotten",
}

// harvest adds up what a life has counted, before it ends.
func (l *simLife) harvest() {
	n := l.now()
	if n == nil || n.ctx.Err() != nil {
		return
	}
	for name, v := range n.Status().Counters {
		l.w.sawn(name, v)
	}
}
