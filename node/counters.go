package node

import (
	"maps"
	"sync/atomic"

	"github.com/liminal-bus/liminal/internal/dist"
)

// counters are what the node itself counts. The names are a closed set.
type counters struct {
	joined, left, coalesced, flapped atomic.Uint64
	suspected, late                  atomic.Uint64
	unknownPid, unknownName          atomic.Uint64
	unknownMessage, badMessage       atomic.Uint64
	exits, lateAnswers               atomic.Uint64
	callsRefused, callsExpired       atomic.Uint64
	toldRefused, toldForgotten       atomic.Uint64
	quota, fromForged, tooLong       atomic.Uint64
	scopeLost, scopeLate, pubNobody  atomic.Uint64
	overflowed                       atomic.Uint64 // links ended by control_overflow
	pubRate                          atomic.Uint64
}

// counters gathers what every part counted but the links; channels is what those
// of channels did. The caller holds n.mu.
func (n *Node) counters(channels map[string]uint64) map[string]uint64 {
	c, plan, resolver := &n.counts, n.plan.Stats(), n.resolver.Stats()
	all := map[string]uint64{
		"peers_joined":           c.joined.Load(),
		"peers_left":             c.left.Load(),
		"links_coalesced":        c.coalesced.Load(),
		"links_flapped":          c.flapped.Load(),
		"peers_suspected":        c.suspected.Load(),
		"loop_late":              c.late.Load(),
		"dropped_unknown_pid":    c.unknownPid.Load(),
		"dropped_unknown_name":   c.unknownName.Load(),
		"dropped_unknown_tag":    c.unknownMessage.Load(),
		"dropped_bad_message":    c.badMessage.Load(),
		"exits_ignored":          c.exits.Load(),
		"answers_late":           c.lateAnswers.Load(),
		"calls_refused":          c.callsRefused.Load(),
		"calls_expired":          c.callsExpired.Load(),
		"told_refused":           c.toldRefused.Load() + plan.Refused,
		"told_given_up":          plan.GivenUp,
		"told_forgotten":         c.toldForgotten.Load(),
		"told_addresses_dropped": resolver.ToldDropped,
	}
	maps.Copy(all, map[string]uint64{
		"peers_expelled":      c.quota.Load(),
		"pg_dropped_lost":     c.scopeLost.Load(),
		"pg_dropped_late":     c.scopeLate.Load(),
		"pub_to_nobody":       c.pubNobody.Load(),
		"looks":               n.countLooks(),
		"messages_from_other": c.fromForged.Load(),
		"dropped_too_long":    c.tooLong.Load(),
		"dropped_pub_rate":    c.pubRate.Load(),
	})
	maps.Copy(all, channels)
	maps.Copy(all, n.table.Counters())
	for _, r := range dist.Reasons() {
		all["peers_left_"+string(r)] = n.leftBy[r]
	}
	return all
}
