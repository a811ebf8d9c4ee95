package tui

import (
	"strconv"
	"strings"

	"github.com/liminal-bus/liminal/internal/control"
)

// symbols are ASCII always: they have one width everywhere.
var symbols = map[string]string{
	stateUp: "*", stateDialling: "~", stateFlap: "!", stateSuspect: "?", stateLeft: "-", stateDown: "x",
}

var stateRoles = map[string]role{
	stateUp: roleUp, stateDialling: roleDialling, stateFlap: roleFlap, stateSuspect: roleSuspect,
	stateLeft: roleLeft, stateDown: roleDown,
}

// stateText is "x down".
func stateText(p *control.Peer) string {
	s := state(p)
	if symbols[s] == "" { // a word of a newer node
		return "  " + s
	}
	return symbols[s] + " " + s
}

func rowRole(r *row) role { return stateRoles[state(&r.p)] }

// leftRole dims what is of no concern any more.
func leftRole(r *row) role {
	if r.p.State == stateLeft {
		return roleLeft
	}
	return plain
}

var peerColumns = []column[*row]{
	{title: "STATE", width: 10, text: func(_ *paper, r *row) string { return stateText(&r.p) }, role: rowRole},
	{title: "NAME", text: func(_ *paper, r *row) string { return r.p.Name }, role: leftRole},
	{title: "ADDRESS", width: 21, from: 110, slim: true, text: addressCell, role: leftRole},
	{title: "ADDRESS", width: 21, from: 70, wide: true, text: addressCell, role: leftRole},
	{title: "KIND", width: 7, from: 80, text: func(_ *paper, r *row) string { return kind(&r.p) }, role: leftRole},
	{title: "UP", width: 7, text: upCell, role: leftRole, over: dialNote},
	{title: "RTT", width: 7, text: func(_ *paper, r *row) string { return rttCell(r) }, role: leftRole, under: true},
	{title: "LAST 5 min", width: 12, from: 68, slim: true, raw: true, under: true, text: func(p *paper, r *row) string { return p.spark(&r.rtt) }},
	{title: "FLAPS", width: 5, right: true, from: 48, slim: true, text: func(_ *paper, r *row) string { return strconv.Itoa(r.p.Flaps) }, role: leftRole},
	{title: "SUBS", width: 4, right: true, from: 73, slim: true, text: func(_ *paper, r *row) string { return orDash(r.p.Subs) }, role: leftRole},
	{title: "IN/s", width: 5, right: true, from: 110, slim: true, text: func(_ *paper, r *row) string { return rateText(r.in) }, role: leftRole},
	{title: "OUT/s", width: 5, right: true, from: 110, slim: true, text: func(_ *paper, r *row) string { return rateText(r.out) }, role: leftRole},
	{title: "REASON", width: 16, from: 110, wide: true, rest: true, text: reasonCell, role: leftRole},
}

func addressCell(_ *paper, r *row) string { return text(r.p.Address) }

// upCell is the time connected, or how long ago that ended.
func upCell(p *paper, r *row) string {
	t := since(r)
	switch now := p.m.clock(); {
	case t.IsZero(), r.p.State == stateDialling:
		return "-"
	case isUp(r.p.State):
		return upText(now.Sub(t))
	default:
		return agoText(now.Sub(t))
	}
}

// dialNote is why a peer that was never up is not: it stands where nothing was
// measured yet. When it is dialled again would change each second: the detail has
// it.
func dialNote(r *row) string {
	if r.p.State != stateDialling {
		return ""
	}
	note, _, _ := strings.Cut(textOf(r.p.Note), ", next in ")
	return note
}

func rttCell(r *row) string {
	return rttText(rtt(r))
}

func reasonCell(_ *paper, r *row) string {
	if r.p.State == stateUp {
		return "-"
	}
	if note := dialNote(r); note != "" {
		return note
	}
	return text(r.p.Reason)
}

// peerList is the titles and the rows that can be seen.
func (m *model) peerList(height int) []string {
	const marker = 2
	cols := pickColumns(peerColumns, m.width, marker, m.wide)
	lines := append(make([]string, 0, height+1), titles(m.theme, cols, m.width, marker))
	if m.lists.all.all == 0 {
		for _, s := range m.emptyState() {
			lines = append(lines, m.theme.line(m.width).add(plain, s).String())
		}
		return lines
	}
	c := m.cursors[viewPeers].show(height, len(m.lists.peers))
	m.cursors[viewPeers] = c
	p := &paper{m: m}
	for i := c.top; i < min(c.top+height, len(m.lists.peers)); i++ {
		lines = append(lines, m.rowText(i == c.at, func(mark string) *line {
			return rowLine(p, cols, m.width, mark+" ", m.lists.peers[i])
		}))
	}
	return append(lines, m.nothing()...)
}

// rowText writes a row: the selected one is marked and reversed, old ones are
// dim.
func (m *model) rowText(selected bool, row func(mark string) *line) string {
	switch {
	case selected:
		return row(">").whole(roleSelected)
	case m.link == linkStopped:
		return row(" ").whole(dim)
	}
	return row(" ").String()
}

// nothing says that the filter leaves no line.
func (m *model) nothing() []string {
	if m.total(m.view) > 0 || m.choice.filter.empty() {
		return nil
	}
	return []string{m.theme.line(m.width).add(plain, "  nothing fits the filter (esc clears it)").String()}
}
