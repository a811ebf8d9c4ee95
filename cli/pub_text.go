package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/liminal-bus/liminal/internal/control"
)

// publishedText is the receipt for people:
//
//	published 12 bytes to chat: 1 local subscriber, 2 members on 2 nodes
//	published 1 000 000 messages (6.9 MB) to nums: 1 member on 1 node
func publishedText(d control.Published) string {
	what := grouped(d.Messages) + " messages (" + amountText(d.Bytes) + ")"
	switch d.Messages {
	case 0:
		what = "nothing"
	case 1:
		what = amountText(d.Bytes)
	}
	parts := []string{"published " + what + " to " + d.Channel + ": " + reachText(d)}
	if d.Hint != nil && d.Subscribers+d.Members == 0 {
		parts = append(parts, fmt.Sprintf("%s has %d", d.Hint.Channel, d.Hint.Members))
	}
	if d.Refused > 0 {
		parts = append(parts, grouped(d.Refused)+" refused")
	}
	if d.Dropped > 0 {
		parts = append(parts, countWide(d.Dropped, "copy", "copies")+" dropped"+bracketed("", lossText(d.Peers)))
	}
	if d.DroppedHere > 0 {
		parts = append(parts, countWide(d.DroppedHere, "message", "messages")+" lost by slow subscribers here")
	}
	if late := lateNodes(d.Peers); late != "" {
		parts = append(parts, "not all written yet to "+late)
	}
	return strings.Join(parts, "; ")
}

// reachText is who was there to hear it.
func reachText(d control.Published) string {
	var parts []string
	if d.Subscribers > 0 {
		parts = append(parts, count(d.Subscribers, "local subscriber"))
	}
	if d.Members > 0 {
		parts = append(parts, count(d.Members, "member")+" on "+count(d.Nodes, "node"))
	}
	if len(parts) == 0 {
		return "0 subscribers"
	}
	return strings.Join(parts, ", ")
}

// outcomeWords say why a peer did not get its copies.
var outcomeWords = map[string]string{
	control.OutcomeDroppedFull: "its link was full",
	control.OutcomeLinkDown:    "its link went down",
	control.OutcomeTooLarge:    "too large for it",
}

// namedPeers is how many peers a sentence names.
const namedPeers = 3

// lossText says where copies were lost, and why.
func lossText(peers []control.PeerOutcome) string {
	var parts []string
	for _, p := range peers {
		if p.Dropped > 0 || outcomeWords[p.Outcome] != "" {
			parts = append(parts, p.Node+": "+orElse(outcomeWords[p.Outcome], "its link was full or went down"))
		}
	}
	return someOf(parts, ", ")
}

// lateNodes are the peers that have copies on the way.
func lateNodes(peers []control.PeerOutcome) string {
	var names []string
	for _, p := range peers {
		if p.Outcome == control.OutcomeQueued {
			names = append(names, p.Node)
		}
	}
	return someOf(names, ", ")
}

func someOf(parts []string, sep string) string {
	if more := len(parts) - namedPeers; more > 0 {
		parts = append(slices.Clone(parts[:namedPeers]), fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, sep)
}

// countWide says a number of any size with its noun: "1 copy", "1 000 000
// copies".
func countWide(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

// grouped is a number in groups of three: 120 345.
func grouped(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, r := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// amountText is how much was sent: "1 byte", "9 999 bytes", "12.3 kB", "6.9 MB".
func amountText[N int | int64 | uint64](n N) string {
	if n < 10_000 {
		return countWide(uint64(max(n, 0)), "byte", "bytes")
	}
	size := float64(n)
	for _, unit := range []string{"kB", "MB", "GB"} {
		if size /= 1000; size < 999.95 {
			return fmt.Sprintf("%.1f %s", size, unit)
		}
	}
	return fmt.Sprintf("%.1f TB", size/1000)
}
