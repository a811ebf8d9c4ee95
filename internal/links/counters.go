package links

import "sync/atomic"

// counters are what a table refused or dropped. The names are a closed set.
type counters struct {
	accepted, dialled   atomic.Uint64
	refusedAlone        atomic.Uint64
	refusedFull         atomic.Uint64
	refusedPending      atomic.Uint64
	refusedDuplicate    atomic.Uint64
	refusedHeld         atomic.Uint64
	holdsDropped        atomic.Uint64
	refusedForgotten    atomic.Uint64
	forgotDropped       atomic.Uint64
	evicted             atomic.Uint64
	failedIn, failedOut atomic.Uint64
	causesIn, causesOut causeCounts // of these
	replaced            atomic.Uint64
	rowsDropped         atomic.Uint64
	acceptErrors        atomic.Uint64
	otherCookie         atomic.Uint64
}

// Counters returns what the table counted, by name.
func (t *Table) Counters() map[string]uint64 {
	c := &t.counts
	all := map[string]uint64{
		"links_accepted":           c.accepted.Load(),
		"links_dialled":            c.dialled.Load(),
		"links_replaced":           c.replaced.Load(),
		"handshakes_failed_in":     c.failedIn.Load(),
		"handshakes_failed_out":    c.failedOut.Load(),
		"handshakes_evicted":       c.evicted.Load(),
		"handshakes_refused_alone": c.refusedAlone.Load(),
		"handshakes_refused_full":  c.refusedFull.Load(),
		"handshakes_refused_slots": c.refusedPending.Load(),
		"handshakes_refused_name":  c.refusedDuplicate.Load(),
		"handshakes_refused_held":  c.refusedHeld.Load(),
		"holds_dropped":            c.holdsDropped.Load(),
		"forgot_refused":           c.refusedForgotten.Load(),
		"forgot_dropped":           c.forgotDropped.Load(),
		"accept_errors":            c.acceptErrors.Load(),
		"rows_dropped":             c.rowsDropped.Load(),
		"dials_other_cookie":       c.otherCookie.Load(),
	}
	c.causesIn.named(all, "handshakes_failed_in_")
	c.causesOut.named(all, "handshakes_failed_out_")
	return all
}
