package tui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/display"
)

// fieldName is the columns of a field's name in a pane of details.
const fieldName = 11

// field is a name and its text, on as many lines as the text needs.
func (m *model) field(w int, name, s string) []*line {
	var lines []*line
	for _, piece := range wrap(m.theme.text(s), w-fieldName-1) {
		l := m.theme.line(w).cell(dim, " "+name, fieldName, false)
		lines, name = append(lines, l.add(plain, piece)), ""
	}
	return lines
}

// wrap cuts s at blanks into lines of at most n columns; a longer word is left
// to be cut. It gives at least one line, and at most wrapMost: a text of others
// may have any length.
func wrap(s string, n int) []string {
	if width(s) <= n {
		return []string{s}
	}
	var lines []string
	now := ""
	for word := range strings.FieldsSeq(s) {
		switch {
		case len(lines) == wrapMost:
			return lines
		case now == "":
			now = word
		case width(now)+1+width(word) <= n:
			now += " " + word
		default:
			lines, now = append(lines, now), word
		}
	}
	return append(lines, now)
}

const wrapMost = 2000

// peerPane is all that is known of the selected peer.
func (m *model) peerPane(w, h int) []*line {
	r := m.selected()
	if r == nil {
		return m.scrolled(w, h, "no peer", nil)
	}
	p := r.p
	if m.full.Name == p.Name {
		p.Subscriptions, p.Version, p.Direction = m.full.Subscriptions, m.full.Version, m.full.Direction
	}
	var body []*line
	for _, f := range detailFields {
		if s := f.text(m, r, &p); s != "" {
			name := f.name
			if name == "Up" && !isUp(p.State) {
				name = "Was up"
			}
			lines := m.field(w, name, s)
			if f.command && len(lines) > 1 {
				lines = []*line{m.theme.line(w).cell(dim, " "+name, fieldName, false), m.theme.line(w).add(plain, "   "+s)}
			}
			if f.spark && lines[0].n+14 < w {
				last := lines[0]
				last.add(plain, "   ").raw(plain, (&paper{m: m, cells: 12}).spark(&r.rtt), 12)
			}
			body = append(body, lines...)
		}
	}
	return m.scrolled(w, h, p.Name, body)
}

// detailField is one line of the pane; without a text it is left out.
type detailField struct {
	name    string
	text    func(m *model, r *row, p *control.Peer) string
	spark   bool
	command bool // to be typed: it is not torn where it fits on a line of its own
}

var detailFields = []detailField{
	{name: "State", text: stateField},
	{name: "Up", text: upField},
	{name: "Address", text: addressField},
	{name: "Kind", text: kindField},
	{name: "RTT", text: rttField, spark: true},
	{name: "Channels", text: channelsField},
	{name: "Traffic", text: trafficField},
	{name: "See why", text: probeField, command: true},
	{name: "Drop it", text: forgetField, command: true},
	{name: "Join it", text: joinField, command: true},
	{name: "Told by", text: func(_ *model, _ *row, p *control.Peer) string { return textOf(p.ToldBy) }},
	{name: "Creation", text: func(_ *model, _ *row, p *control.Peer) string {
		if p.Creation == 0 {
			return ""
		}
		return fmt.Sprintf("%x, link %d", p.Creation, p.Generation)
	}},
}

func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// stateField is "x down for 41 s: no tick for 60 s".
func stateField(m *model, r *row, p *control.Peer) string {
	s := stateText(p)
	if p.Changed != nil {
		s += " for " + secondsText(m.clock().Sub(*p.Changed))
	}
	switch reason := textOf(p.Reason); {
	case reason == "":
		return s
	case isUp(p.State):
		return s + " (before: " + reason + ")"
	default:
		return s + ": " + reason
	}
}

// upField is how long the link lasts, or lasted.
func upField(m *model, r *row, p *control.Peer) string {
	flaps := fmt.Sprintf("   flaps %d", p.Flaps)
	switch now := m.clock(); {
	case isUp(p.State) && p.Since != nil:
		return fmt.Sprintf("%s (since %s)%s", display.Up(now.Sub(*p.Since)), dayTime(*p.Since, now), flaps)
	case !isUp(p.State) && r.wasUp > 0:
		return fmt.Sprintf("%s (since %s)%s", display.Up(r.wasUp), dayTime(r.upTil.Add(-r.wasUp), now), flaps)
	}
	return "-" + flaps
}

// addressField is where it is, who dialled, and how redialling goes.
func addressField(_ *model, _ *row, p *control.Peer) string {
	who := ""
	if isUp(p.State) {
		who = map[string]string{"in": "it dialled us", "out": "we dialled it"}[textOf(p.Direction)]
	}
	return join(text(p.Address), who, textOf(p.Note))
}

func kindField(_ *model, _ *row, p *control.Peer) string {
	s := strings.TrimSpace(p.Kind + " " + textOf(p.Version))
	if p.Hidden {
		s += ", hidden"
	}
	return s
}

// rttField sums up what the history has of it.
func rttField(m *model, r *row, p *control.Peer) string {
	var known []float64
	for _, v := range r.rtt.cells(historyBuckets) {
		if v > 0 {
			known = append(known, v)
		}
	}
	if len(known) == 0 {
		return "-"
	}
	last := known[len(known)-1]
	if p.RTTMicros != nil {
		last = float64(*p.RTTMicros)
	}
	slices.Sort(known)
	at := func(q int) string { return msText(known[min(len(known)*q/100, len(known)-1)]) }
	if p.State == stateSuspect { // it answers no more
		return fmt.Sprintf("none now, before %s  p50 %s  p99 %s", rttText(int64(last)), at(50), at(99))
	}
	return fmt.Sprintf("last %s  p50 %s  p99 %s", rttText(int64(last)), at(50), at(99))
}

// channelsField names the channels, as soon as they are known.
func channelsField(m *model, _ *row, p *control.Peer) string {
	switch {
	case m.o.Attached != "":
		return "not to be seen from outside"
	case p.Subs == 0 && len(p.Subscriptions) == 0:
		return "none"
	case len(p.Subscriptions) == 0:
		return group(p.Subs)
	}
	return strings.Join(p.Subscriptions, ", ")
}

func trafficField(m *model, r *row, p *control.Peer) string {
	if m.o.Attached != "" {
		return ""
	}
	s := fmt.Sprintf("in %s msg  out %s msg", group(p.In), group(p.Out))
	if r.in >= 0 {
		s += fmt.Sprintf("  (%s/s, %s/s)", rateText(r.in), rateText(r.out))
	}
	if p.Drops > 0 {
		s += "  dropped " + group(p.Drops)
	}
	return s
}

// probeField is what tells why a peer is not up.
func probeField(_ *model, _ *row, p *control.Peer) string {
	if p.State != stateDown && p.State != stateDialling {
		return ""
	}
	return "liminal probe " + or(textOf(p.Address), p.Name)
}

// forgetField is what ends redialling it.
func forgetField(m *model, _ *row, p *control.Peer) string {
	if p.State != stateDown && p.State != stateDialling || m.o.Attached != "" {
		return ""
	}
	return "liminal forget " + p.Name
}

// joinField is what brings one back that said goodbye.
func joinField(m *model, _ *row, p *control.Peer) string {
	if p.State != stateLeft || m.o.Attached != "" {
		return ""
	}
	return "liminal join " + p.Name
}
