package tui

import (
	"strings"
)

// render makes the frame: at most height lines of at most width columns. Only
// what can be seen is made into text.
func render(m *model) string {
	if m.width < 1 || m.height < 1 {
		return ""
	}
	l := m.layout()
	var lines []string
	switch {
	case l.tiny:
		lines = []string{m.tinyLine()}
	case m.help:
		lines = m.helpPage()
	default:
		lines = m.mainPage(l)
	}
	if len(lines) > m.height {
		lines = lines[:m.height]
	}
	return strings.Join(lines, "\n")
}

// mainPage is the usual page: header, tabs, banner, list, panes, keys.
func (m *model) mainPage(l layout) []string {
	lines := make([]string, 0, m.height)
	lines = append(lines, m.header(), m.tabLine())
	for _, b := range l.banner {
		lines = append(lines, m.theme.line(m.width).add(b.role, b.text).String())
	}
	lines = append(lines, m.list(l)...)
	if l.pane > 0 {
		lines = append(lines, m.lower(l)...)
	}
	return append(lines, m.footer())
}

// list is the titles and rows of the view, exactly l.rows + 1 lines.
func (m *model) list(l layout) []string {
	var lines []string
	switch m.view {
	case viewPeers:
		lines = m.peerList(l.rows)
	case viewChannels:
		lines = m.channelList(l.rows)
	case viewEvents:
		lines = m.eventList(l.rows)
	}
	return pad(lines, l.rows+1)
}

// pad gives exactly n lines.
func pad(lines []string, n int) []string {
	for len(lines) < n {
		lines = append(lines, "")
	}
	return lines[:n]
}

// lower is the panes below the list, side by side if there are two.
func (m *model) lower(l layout) []string {
	var left, right []*line
	if l.left > 0 {
		left = m.leftPane(l.left, l.pane)
	}
	if l.right > 0 {
		right = m.eventPane(l.right, l.pane)
	}
	g := m.theme.glyphs()
	lines := make([]string, l.pane)
	for i := range lines {
		switch {
		case l.left > 0 && l.right > 0:
			bar := g.bar
			if i == 0 {
				bar = g.tee
			}
			left[i].to(l.left)
			lines[i] = left[i].String() + strings.Repeat(" ", left[i].trimmed()) + m.theme.paint(dim, bar) + right[i].String()
		case l.left > 0:
			lines[i] = left[i].String()
		default:
			lines[i] = right[i].String()
		}
	}
	return lines
}

// leftPane is the details of what is selected.
func (m *model) leftPane(w, h int) []*line {
	switch m.view {
	case viewChannels:
		return m.listenerPane(w, h)
	case viewEvents:
		return m.burstPane(w, h)
	}
	return m.peerPane(w, h)
}

// paneTitle is "── Events ─── last 7 of 212 ───"; brackets mark the focus, as
// they mark the view in the tab line.
func (m *model) paneTitle(w int, name, end string, focused bool) *line {
	l := m.theme.line(w).rule(2)
	if focused {
		l.add(plain, " ").add(bold, "["+name+"]").add(plain, " ")
	} else {
		l.add(plain, " ").add(roleTitle, name).add(plain, " ")
	}
	if end != "" && l.n+width(end)+6 < w {
		l.rule(w-width(end)-5).add(plain, " "+end+" ")
	}
	return l.rule(w)
}

// tinyLine is all there is in a very small window.
func (m *model) tinyLine() string {
	m.order()
	return m.theme.line(m.width).add(plain, countText(m.countWords(m.lists.all))+" (make the window larger)").String()
}

func countText(words []countWord) string {
	var texts []string
	for _, w := range words {
		texts = append(texts, w.text)
	}
	return strings.Join(texts, " ")
}

// countWord is "4 up".
type countWord struct {
	role role
	text string
}

// countWords has the states that peers are in, up always.
func (m *model) countWords(c counts) []countWord {
	var words []countWord
	for _, s := range []struct {
		n    int
		name string
		role role
	}{
		{c.up, stateUp, roleUp}, {c.flap, stateFlap, roleFlap}, {c.suspect, stateSuspect, roleSuspect},
		{c.dialling, stateDialling, roleDialling}, {c.left, stateLeft, roleLeft}, {c.down, stateDown, roleDown},
	} {
		if s.n > 0 || s.name == stateUp {
			words = append(words, countWord{s.role, group(s.n) + " " + s.name})
		}
	}
	return words
}

// tabLine has the views, and how the list is sorted and filtered.
func (m *model) tabLine() string {
	l := m.theme.line(m.width)
	for i, name := range []string{"1 Peers", "2 Channels", "3 Events"} {
		gap := "  "
		if i == 0 {
			gap = ""
		}
		switch {
		case view(i) == m.view:
			l.add(plain, gap).add(bold, "["+name+"]")
		case i == 0:
			l.add(plain, " "+name)
		default:
			l.add(plain, gap+name)
		}
	}
	if m.editing {
		return m.editLine(l).String()
	}
	filtered := "none"
	if v := m.input.value(); v != "" {
		filtered = v
	}
	long := "sort: " + m.sortName() + "   filter: " + filtered
	switch {
	case m.ignored != "":
		if l.n+2+width(m.ignored) > m.width { // the tabs give way
			l = m.theme.line(m.width)
		}
		return l.add(plain, "  ").add(roleWarn, m.ignored).end(bold, "filter: "+filtered).String()
	case l.n+width(m.theme.text(long)) < m.width:
		return l.end(plain, long).String()
	case filtered != "none":
		return l.add(plain, "  ").add(bold, "filter: "+filtered).String()
	}
	return l.end(plain, m.sortName()).String()
}

// editLine shows the filter being typed; the tabs give way if need be.
func (m *model) editLine(l *line) *line {
	value, at := m.input.text, m.input.at
	before, under, after := string(value[:at]), " ", ""
	if at < len(value) {
		under, after = string(value[at]), string(value[at+1:])
	}
	if !m.theme.colour { // the place is seen without reverse video too
		under, after = "_", string(value[at:])
	}
	hint := "  (enter keeps, esc clears)"
	if m.typo != "" {
		hint = "  " + m.typo
	}
	const name = "  filter: "
	text := width(m.theme.text(before + under + after))
	if l.n+width(name)+text+width(hint) > m.width {
		l = m.theme.line(m.width)
	}
	before = lastColumns(m.theme.text(before), m.width-width(name)-2)
	l.add(bold, name).add(plain, before).add(roleSelected, under).add(plain, after)
	if m.typo != "" {
		return l.add(roleWarn, hint)
	}
	return l.add(dim, hint)
}

// lastColumns is the end of s in at most n columns.
func lastColumns(s string, n int) string {
	r := []rune(s)
	for len(r) > 0 && width(string(r)) > max(n, 0) {
		r = r[1:]
	}
	return string(r)
}

func (m *model) sortName() string {
	name := "newest first"
	switch m.view {
	case viewPeers:
		name = peerOrders[m.choice.sort[viewPeers]].name
	case viewChannels:
		name = channelOrders[m.choice.sort[viewChannels]].name
	case viewEvents:
		if m.choice.back[viewEvents] {
			return "oldest first"
		}
		return name
	}
	if m.choice.back[m.view] {
		name += ", reversed"
	}
	return name
}
