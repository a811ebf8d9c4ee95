package dist

import "sync/atomic"

// Drop says why a message was thrown away. The names are a closed set.
type Drop uint8

const (
	DropNone Drop = iota // nothing was thrown away

	// Of what Publish and its kin were offered.
	DropFull     // there was no room in the lanes
	DropTooLarge // longer than Limits.Payload, or than a frame where fragments were not agreed; or empty
	DropLinkDown // queued or offered when the link was down
	DropInFlight // being written when the link went down; the peer may have it

	// Of what the peer sent.
	DropStaleCreation  // addressed to an older life of this node
	DropNotOurs        // addressed to another node
	DropForged         // a sender that is not of the peer
	DropUnexpected     // an answer to nothing that was asked
	DropTooLong        // more than its addressee takes, see Handler.Limit
	DropFragmentOrder  // a fragment out of order, its whole sequence
	DropFragmentOrphan // a fragment of no open sequence
	DropFragmentLimit  // more partly received payload than is held, the sequence
	DropFragmentExpiry // a sequence that was never finished

	dropCount
)

var dropNames = [dropCount]string{
	DropFull:           "full",
	DropTooLarge:       "too_large",
	DropLinkDown:       "link_down",
	DropInFlight:       "in_flight",
	DropStaleCreation:  "stale_creation",
	DropNotOurs:        "not_ours",
	DropForged:         "forged",
	DropUnexpected:     "unexpected",
	DropTooLong:        "too_long",
	DropFragmentOrder:  "fragment_order",
	DropFragmentOrphan: "fragment_orphan",
	DropFragmentLimit:  "fragment_limit",
	DropFragmentExpiry: "fragment_expiry",
}

// String is the name of the counter.
func (d Drop) String() string {
	if d < dropCount {
		return dropNames[d]
	}
	return "unknown"
}

// Stats are the counters of one link since it was made. At rest
// Offered = Written + Queued + Dropped of full, too_large, link_down, in_flight.
type Stats struct {
	FramesIn, BytesIn   uint64 // frames include ticks, bytes include lengths
	FramesOut, BytesOut uint64 // written to the kernel
	TicksIn, TicksOut   uint64

	Offered uint64 // messages given to Publish and its kin
	Written uint64 // of these: passed to the kernel whole
	Queued  int    // of these: waiting

	QueuedBytes   int // of these
	ControlBytes  int // in the control lane, waiting
	PartialBytes  int // payloads of the peer partly received
	PartialCounts int // their number

	Dropped map[string]uint64 // by Drop, those above 0
	Refused map[string]uint64 // by operation or registered name, those above 0
}

// refusal indexes Refused: operations by their number, then the names of
// kernel.go.
const (
	refusedNetKernel = opCount + iota
	refusedGlobal
	refusedRex
	refusalCount
)

var kernelRefusals = [...]string{"net_kernel", "global_name_server", "rex"}

// counters are what the reader and others bump without a lock.
type counters struct {
	framesIn, bytesIn, ticksIn atomic.Uint64
	heard                      atomic.Uint64 // see Traffic
	dropped                    [dropCount]atomic.Uint64
	refused                    [refusalCount]atomic.Uint64
}

func (c *counters) drop(d Drop) {
	if d != DropNone {
		c.dropped[d].Add(1)
	}
}

func (c *counters) dropN(d Drop, n int) { c.dropped[d].Add(uint64(n)) }

// named gives the counters above 0 under their names.
func (c *counters) named() (dropped, refused map[string]uint64) {
	dropped, refused = map[string]uint64{}, map[string]uint64{}
	for i := range c.dropped {
		if n := c.dropped[i].Load(); n > 0 {
			dropped[Drop(i).String()] = n
		}
	}
	for i := range c.refused {
		if n := c.refused[i].Load(); n > 0 {
			refused[refusalName(i)] = n
		}
	}
	return dropped, refused
}

func refusalName(i int) string {
	if i < opCount {
		return Op(i).String()
	}
	return kernelRefusals[i-opCount]
}

// ControlBytes is how much waits in the control lane, payloads over 64 KiB apart,
// which is what Limits.Control bounds.
func (l *Link) ControlBytes() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ctl.bytes
}

// Stats reads the counters.
func (l *Link) Stats() Stats { return l.stats(nil) }

func (l *Link) stats(late *Late) Stats {
	l.mu.Lock()
	if late != nil {
		l.late = late
	}
	s := Stats{
		FramesOut: l.framesOut, BytesOut: l.bytesOut, TicksOut: l.ticksOut,
		Offered: l.offered, Written: l.data.written.Load() + l.bulk.written.Load(),
		Queued: l.data.queued + l.bulk.queued, QueuedBytes: l.data.held() + l.bulk.held(),
		ControlBytes: l.ctl.held(),
	}
	// Inside the lock, so that what Publish counts is of one instant.
	s.Dropped, s.Refused = l.count.named()
	l.mu.Unlock()
	s.FramesIn, s.BytesIn, s.TicksIn = l.count.framesIn.Load(), l.count.bytesIn.Load(), l.count.ticksIn.Load()
	s.PartialBytes, s.PartialCounts = l.in.frags.held()
	return s
}
