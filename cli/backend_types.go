package cli

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/display"
	"github.com/liminal-bus/liminal/node"
)

// What follows turns the node's values into the documents of the control
// socket. There, what is not known is null and lists are never null.

func eventOf(e node.Event, boot string) control.Event {
	out := control.Event{
		Type: string(e.Type), Seq: e.Seq, Boot: boot, Time: wireTime(e.Time), Reason: e.Reason, Detail: e.Detail,
		Coalesced: e.Coalesced, Missed: e.Missed, Channel: e.Channel, Count: e.Count,
	}
	if e.Type == node.EventSnapshotEnd {
		out.Peers = &e.Peers
	}
	if e.Peer.Name == "" {
		return out
	}
	p := e.Peer
	out.Name, out.State, out.Kind, out.ToldBy = p.Name, string(p.State), string(p.Kind), p.ToldBy
	out.RTTMicros, out.Flaps, out.Creation, out.Generation = micros(p.RTT), &p.Flaps, p.Creation, p.Generation
	if p.Addr.IsValid() {
		out.Address = p.Addr.String()
	}
	if e.Type == node.EventRejoin {
		away := e.Away.Milliseconds()
		out.AwayMillis = &away
	}
	switch e.Type {
	case node.EventSubAdd, node.EventSubRemove:
		out.Subs = &p.Subs
	case node.EventSnapshotPeer: // how its last link ended, if it has none
		out.Subs, out.Reason, out.Detail = &p.Subs, p.Reason, p.Detail
	}
	return out
}

func peerOfNode(p node.Peer, now time.Time) control.Peer {
	out := control.Peer{
		Name: p.Name, State: string(p.State), Kind: string(p.Kind), Since: instant(p.Since), RTTMicros: micros(p.RTT),
		Flaps: p.Flaps, Subs: p.Subs, In: p.In, Out: p.Out, Drops: p.Drops, Version: optional(p.Version), Hidden: p.Hidden, Flapping: p.Flapping,
		Reason: optional(cmp.Or(p.Detail, p.Reason)), Creation: p.Creation, Generation: p.Generation,
		Changed: instant(p.Changed), ToldBy: optional(p.ToldBy), Note: optional(dialNote(p, now)),
		OtherCookie: p.OtherCookie, Written: p.Written, Queued: p.Queued,
	}
	if p.Addr.IsValid() {
		out.Address = optional(p.Addr.String())
		out.Direction = optional("in")
		if p.Outgoing {
			out.Direction = optional("out")
		}
	}
	return out
}

// dialNote says how redialling a peer goes: "connection refused, 3 tries, next
// in 8 s".
func dialNote(p node.Peer, now time.Time) string {
	if p.Tries == 0 || p.State == node.StateUp || p.State == node.StateSuspect {
		return ""
	}
	next := ""
	if wait := p.Next.Sub(now); !p.Next.IsZero() && wait > 0 {
		next = "next in " + display.Span(wait)
	}
	return joinWords(", ", p.LastError, tries(p.Tries), next)
}

func epmdOf(e node.EPMDStatus) control.EPMD {
	out := control.EPMD{Mode: string(e.Mode), Port: e.Port, Registered: e.Registered}
	if e.Err != nil {
		out.Error = optional(e.Err.Error())
	}
	return out
}

func seedsOf(seeds []node.SeedStatus) []control.Seed {
	out := []control.Seed{}
	for _, s := range seeds {
		seed := control.Seed{Address: s.Address, State: s.State, Node: optional(s.Node), Tries: s.Tries, Next: instant(s.Next)}
		if s.Err != nil {
			seed.Error = optional(s.Why)
		}
		out = append(out, seed)
	}
	return out
}

func countPeers(peers []node.Peer) control.PeerCounts {
	var c control.PeerCounts
	for _, p := range peers {
		switch p.State {
		case node.StateUp:
			c.Up++
		case node.StateSuspect:
			c.Suspect++
		case node.StateDialling:
			c.Dialling++
		case node.StateLeft:
			c.Left++
		case node.StateDown:
			c.Down++
		}
	}
	return c
}

func countsOf(t node.ChannelTotals) control.ChannelCounts {
	return control.ChannelCounts{
		Channels: t.Channels, Subscriptions: t.Subscriptions, InRate: tenth(t.InRate), OutRate: tenth(t.OutRate), Drops: t.Drops,
	}
}

func downNames(peers []node.Peer) []string {
	down := []string{}
	for _, p := range peers {
		if p.State == node.StateDown {
			down = append(down, p.Name)
		}
	}
	return down
}

func countersOf(m map[string]uint64) []control.NamedCount {
	out := []control.NamedCount{}
	for name, v := range m {
		out = append(out, control.NamedCount{Name: name, Value: v})
	}
	slices.SortFunc(out, func(a, b control.NamedCount) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func namesWord(long bool) string {
	if long {
		return "long"
	}
	return "short"
}

func bootText(creation uint32) string { return fmt.Sprintf("%x", creation) }

func addrTexts(addrs []netip.AddrPort) []string {
	out := []string{}
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}

func allLoopback(addrs []netip.AddrPort) bool {
	return !slices.ContainsFunc(addrs, func(a netip.AddrPort) bool { return !a.Addr().IsLoopback() })
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = wireTime(t)
	return &t
}

// micros is nil while unknown. A round trip below a microsecond is one.
func micros(d time.Duration) *int64 {
	if d <= 0 {
		return nil
	}
	us := max(d.Microseconds(), 1)
	return &us
}
