package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// peerColumn is one column of `liminal peers`. The order of the table is a
// promise: new columns come only at its end.
type peerColumn struct {
	name  string // in --columns and --sort, and the head of plain output
	head  string // on a terminal
	right bool
	plain func(p control.Peer) string
	shown func(p control.Peer, now time.Time) cell // nil: as plain
	less  func(a, b control.Peer) bool
}

var peerColumns = []peerColumn{
	{name: "name", head: "NAME", plain: peerName, less: byText(peerName)},
	{name: "state", head: "STATE", plain: peerState, shown: shownState, less: byText(peerState)},
	{name: "kind", head: "KIND", plain: peerKind, less: byText(peerKind)},
	{name: "address", head: "ADDRESS", plain: peerAddress, less: byText(peerAddress)},
	{name: "since", head: "UP", plain: peerSince, shown: shownUp, less: bySince},
	{name: "rtt_us", head: "RTT", plain: peerRTT, shown: shownRTT, less: byRTT},
	{name: "flaps", head: "FLAPS", right: true, plain: peerFlaps, less: byFlaps},
	{name: "subs", head: "SUBS", plain: peerSubs, less: byText(peerSubs)},
	{name: "reason", head: "REASON", plain: peerReason, shown: shownReason, less: byText(peerReason)},
}

func peerColumnNames() []string { return columnNames(peerColumns) }

func columnNames(cols []peerColumn) []string {
	var names []string
	for _, c := range cols {
		names = append(names, c.name)
	}
	return names
}

func plainRow(p control.Peer, cols []peerColumn) []string {
	var fields []string
	for _, c := range cols {
		fields = append(fields, c.plain(p))
	}
	return fields
}

func peerTable(peers []control.Peer, cols []peerColumn, now time.Time) ([]column, [][]cell) {
	var heads []column
	for _, c := range cols {
		heads = append(heads, column{head: c.head, right: c.right})
	}
	var rows [][]cell
	for _, p := range peers {
		var row []cell
		for _, c := range cols {
			if c.shown != nil {
				row = append(row, c.shown(p, now))
			} else {
				row = append(row, cell{text: dash(c.plain(p))})
			}
		}
		rows = append(rows, row)
	}
	return heads, rows
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func peerName(p control.Peer) string    { return p.Name }
func peerState(p control.Peer) string   { return p.State }
func peerKind(p control.Peer) string    { return p.Kind }
func peerAddress(p control.Peer) string { return text(p.Address) }
func peerFlaps(p control.Peer) string   { return strconv.Itoa(p.Flaps) }
func peerSubs(p control.Peer) string    { return strings.Join(p.Subscriptions, ",") }

func peerSince(p control.Peer) string {
	if p.Since == nil {
		return ""
	}
	return stampText(*p.Since)
}

func peerRTT(p control.Peer) string {
	if p.RTTMicros == nil {
		return ""
	}
	return strconv.FormatInt(*p.RTTMicros, 10)
}

// peerReason is empty for a live peer: how its last link ended is history, and
// FLAPS counts that.
func peerReason(p control.Peer) string {
	if isUp(p) {
		return ""
	}
	if p.Reason == nil {
		return text(p.Note)
	}
	return *p.Reason
}

// isUp: a suspect peer has a live link and is still a member.
func isUp(p control.Peer) bool { return p.State == "up" || p.State == "suspect" }

func shownState(p control.Peer, _ time.Time) cell {
	return cell{text: p.State, style: stateStyles[p.State]}
}

func shownUp(p control.Peer, now time.Time) cell {
	if p.Since == nil {
		return cell{text: "-"}
	}
	return cell{text: upText(now.Sub(*p.Since))}
}

func shownRTT(p control.Peer, _ time.Time) cell {
	if p.RTTMicros == nil {
		return cell{text: "-"}
	}
	return cell{text: rttText(time.Duration(*p.RTTMicros) * time.Microsecond)}
}

func shownReason(p control.Peer, now time.Time) cell {
	reason := peerReason(p)
	if reason != "" && p.Reason != nil && p.Changed != nil {
		reason += ", " + spanText(now.Sub(*p.Changed)) + " ago"
	}
	return cell{text: reason}
}

func byText(f func(control.Peer) string) func(a, b control.Peer) bool {
	return func(a, b control.Peer) bool { return f(a) < f(b) }
}

// bySince puts peers without a link last.
func bySince(a, b control.Peer) bool {
	if a.Since == nil || b.Since == nil {
		return a.Since != nil && b.Since == nil
	}
	return a.Since.Before(*b.Since)
}

// byRTT puts peers without one last.
func byRTT(a, b control.Peer) bool {
	if a.RTTMicros == nil || b.RTTMicros == nil {
		return a.RTTMicros != nil && b.RTTMicros == nil
	}
	return *a.RTTMicros < *b.RTTMicros
}

func byFlaps(a, b control.Peer) bool { return a.Flaps < b.Flaps }
