package pg

import "errors"

type counter uint8

const (
	cUnknown       counter = iota // messages that are none of the five
	cBad                          // malformed
	cForged                       // with a pid of another node or creation
	cQuota                        // over a limit
	cStale                        // of an unknown scope or an ended link
	cLong                         // groups of peers that are left out, see Message
	cAbsent                       // leaves of what was no member
	cRefused                      // joins of ours that no peer could take
	cDiscovers                    // received
	cSyncs                        //
	cJoins                        //
	cLeaves                       //
	cDiscoversSent                // sent, one a link
	cSyncsSent                    //
	cJoinsSent                    //
	cLeavesSent                   //
	cDowns                        // scopes that died on a link that was up
	cReplaced                     // scopes that another took the place of
	cLate                         // ends of monitors that were given up before
	counterCount
)

type counts [counterCount]uint64

var counterNames = [counterCount]string{
	cUnknown: "pg_unknown", cBad: "pg_bad", cForged: "pg_forged", cQuota: "pg_quota",
	cStale: "pg_stale", cLong: "pg_long_names", cAbsent: "pg_absent", cRefused: "pg_refused",
	cDiscovers: "pg_discovers", cSyncs: "pg_syncs", cJoins: "pg_joins", cLeaves: "pg_leaves",
	cDiscoversSent: "pg_discovers_sent", cSyncsSent: "pg_syncs_sent",
	cJoinsSent: "pg_joins_sent", cLeavesSent: "pg_leaves_sent",
	cDowns: "pg_downs", cReplaced: "pg_replaced", cLate: "pg_late",
}

// Counters gives all counts since New by name; the names are always the same.
func (s *Scope[L]) Counters() map[string]uint64 {
	m := make(map[string]uint64, counterCount)
	for c, name := range counterNames {
		m[name] = s.counts[c]
	}
	return m
}

// Refused counts an error of Parse, which has no state of its own to count in.
func (s *Scope[L]) Refused(err error) {
	switch {
	case errors.Is(err, ErrUnknown):
		s.counts[cUnknown]++
	case errors.Is(err, ErrForged):
		s.counts[cForged]++
	case errors.Is(err, ErrQuota):
		s.counts[cQuota]++
	case err != nil:
		s.counts[cBad]++
	}
}
