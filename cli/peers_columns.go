package cli

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/display"
)

var peerColumns = []listColumn[control.Peer]{
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

// peerReason is only a note for a live peer: how its last link ended is history,
// and FLAPS counts that.
func peerReason(p control.Peer) string {
	if isUp(p) {
		return text(p.Note)
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
	return cell{text: display.Up(now.Sub(*p.Since))}
}

func shownRTT(p control.Peer, _ time.Time) cell {
	if p.RTTMicros == nil {
		return cell{text: "-"}
	}
	return cell{text: display.RTT(time.Duration(*p.RTTMicros) * time.Microsecond)}
}

func shownReason(p control.Peer, now time.Time) cell {
	reason := peerReason(p)
	if reason != "" && !isUp(p) && p.Reason != nil && p.Changed != nil {
		reason += ", " + display.Span(now.Sub(*p.Changed)) + " ago"
	}
	return cell{text: reason}
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

const (
	subsLeast = 12 // columns that SUBS gets whatever else is there
	subsMost  = 40 // and those it takes at most, however wide the terminal
	whyLeast  = 20 // columns that SUBS leaves to REASON where that has so many
)

// peersTable cuts SUBS, the one column that can be of any length, to what the
// others leave of the width.
func (o *output) peersTable(peers []control.Peer, v listView[control.Peer], now time.Time) {
	cols, rows := tableOf(peers, v, now)
	room := subsMost
	if o.width > 0 {
		room = min(room, o.width-othersWidth(cols, columnWidths(cols, rows, o.header)))
	}
	for i, c := range v.columns {
		if c.name != "subs" {
			continue
		}
		for j := range rows {
			rows[j][i].text = dash(subsText(peers[j].Subscriptions, max(room, subsLeast)))
		}
	}
	o.table(cols, rows)
}

// othersWidth is what all columns but SUBS need, gaps included.
func othersWidth(cols []column, widths []int) int {
	used := 0
	for i, c := range cols {
		switch c.head {
		case "SUBS":
		case "REASON":
			used += min(widths[i], whyLeast) + 2
		default:
			used += widths[i] + 2
		}
	}
	return used
}

// subsText is as many names as have room, and how many more there are:
// "chat,orders,+12".
func subsText(names []string, room int) string {
	text := clean(strings.Join(names, ","))
	if textWidth(text) <= room {
		return text
	}
	kept, used := 0, textWidth("+"+strconv.Itoa(len(names)))
	for kept < len(names) && used+textWidth(clean(names[kept]))+1 <= room {
		used += textWidth(clean(names[kept])) + 1
		kept++
	}
	return clean(strings.Join(append(slices.Clone(names[:kept]), "+"+strconv.Itoa(len(names)-kept)), ","))
}
