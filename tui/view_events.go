package tui

import (
	"fmt"
	"time"
)

// verbRoles colour the verbs as the states that they lead to.
var verbRoles = map[string]role{
	verbDown: roleDown, verbRejoin: roleFlap, verbLeave: roleLeft, verbSuspect: roleSuspect,
	verbDial: roleDialling, verbStop: roleWarn, verbRestart: roleWarn, verbGap: roleWarn,
}

// eventLine is " 12:03:50 down    c@dev            no tick for 60 s". Of a burst
// the text follows the verb.
func (m *model) eventLine(e entry, w int, mark string) *line {
	verb, name, rest := e.words()
	l := m.theme.line(w).add(plain, mark+e.at.Local().Format(time.TimeOnly)+" ")
	l.cell(verbRoles[e.typ], verb, 7, false).add(plain, " ")
	if e.folded() {
		return l.add(plain, rest)
	}
	n := 16
	if w < 64 {
		n = 14
	}
	if w >= pairWidth {
		n = 28
	}
	return l.cell(plain, name, n, false).add(plain, " ").add(plain, rest)
}

// eventList is the titles and the events that can be seen.
func (m *model) eventList(height int) []string {
	lines := []string{m.theme.line(m.width).add(roleTitle, " TIME     EVENT").String()}
	if len(m.lists.events) == 0 && m.choice.filter.empty() {
		return append(lines, m.theme.line(m.width).add(plain, " Nothing has happened since this screen began.").String())
	}
	c := m.cursors[viewEvents].show(height, len(m.lists.events))
	m.cursors[viewEvents] = c
	for i := c.top; i < min(c.top+height, len(m.lists.events)); i++ {
		e := m.event(i)
		lines = append(lines, m.rowText(i == c.at, func(mark string) *line { return m.eventLine(e, m.width, mark) }))
	}
	return append(lines, m.nothing()...)
}

// eventPane is the newest events beside another list, whatever that list's
// filter: what happens shall not be missed for it.
func (m *model) eventPane(w, h int) []*line {
	log := &m.shown().log
	n := log.len()
	m.evCursor = m.evCursor.show(h-1, n)
	shown := min(h-1, n-m.evCursor.top)
	end := fmt.Sprintf("last %d of %s", shown, group(log.total()))
	if m.evCursor.top > 0 {
		end = fmt.Sprintf("%d-%d of %s", m.evCursor.top+1, m.evCursor.top+shown, group(log.total()))
	}
	focused := m.focus == focusEvents
	pane := []*line{m.paneTitle(w, "Events", end, focused)}
	for i := m.evCursor.top; len(pane) < h; i++ {
		switch {
		case i >= n:
			pane = append(pane, m.theme.line(w))
		case focused && i == m.evCursor.at:
			pane = append(pane, m.theme.line(w).reversed(m.eventLine(log.entry(i), w, ">")))
		default:
			pane = append(pane, m.eventLine(log.entry(i), w, " "))
		}
	}
	return pane
}

// reversed is another line as one piece, selected.
func (l *line) reversed(other *line) *line {
	other.to(l.w)
	for _, p := range other.parts {
		l.raw(roleSelected, p.text, width(p.text))
	}
	return l
}

// burstPane tells all of the selected event: its whole text, and whom a burst
// was about.
func (m *model) burstPane(w, h int) []*line {
	e, ok := m.selectedEvent()
	if !ok {
		return m.scrolled(w, h, "event", nil)
	}
	field := func(name, s string) []*line { return m.field(w, name, s) }
	now := m.clock()
	if !e.folded() {
		body := field("Time", dayTime(e.at, now)+", "+secondsText(now.Sub(e.at))+" ago")
		if e.name != "" {
			body = append(body, field("Peer", e.name)...)
		}
		return m.scrolled(w, h, or(e.typ+" "+e.name), append(body, field("Event", e.typ+" "+e.text)...))
	}
	body := field("Time", dayTime(e.at, now)+" to "+dayTime(e.last, now))
	body = append(body, field("Event", fmt.Sprintf("%s x%d; the first: %s", e.typ, e.count, e.text))...)
	names := ""
	for _, n := range e.names {
		names = join(names, n)
	}
	if more := e.count - len(e.names); more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return m.scrolled(w, h, fmt.Sprintf("%s x%d", e.typ, e.count), append(body, field("Peers", names)...))
}
