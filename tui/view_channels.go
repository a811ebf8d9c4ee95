package tui

import (
	"fmt"
	"strconv"
	"time"
)

var channelColumns = []column[*channelRow]{
	{title: "CHANNEL", text: func(_ *paper, c *channelRow) string { return c.Name }},
	{title: "SUBS", width: 5, right: true, text: func(_ *paper, c *channelRow) string { return strconv.Itoa(c.Subscribers) }},
	{title: "NODES", width: 5, right: true, from: 56, text: func(_ *paper, c *channelRow) string { return strconv.Itoa(c.Nodes) }},
	{title: "IN/s", width: 6, right: true, text: func(_ *paper, c *channelRow) string { return rateText(c.InRate) }},
	{title: "OUT/s", width: 6, right: true, text: func(_ *paper, c *channelRow) string { return rateText(c.OutRate) }},
	{title: "LAST 5 min", width: 12, from: 78, raw: true, text: func(p *paper, c *channelRow) string { return p.spark(c.rate) }},
	{title: "LAST MSG", width: 9, right: true, from: 66, text: lastCell},
	{title: "DROPS", width: 6, right: true, from: 50, text: func(_ *paper, c *channelRow) string { return dropsText(c.Drops) }},
}

func lastCell(p *paper, c *channelRow) string {
	if c.Last == nil {
		return "-"
	}
	return lastText(p.m.clock().Sub(*c.Last))
}

func dropsText(n uint64) string {
	if n > 999_999 {
		return strconv.FormatUint(n/1_000_000, 10) + "M"
	}
	return strconv.FormatUint(n, 10)
}

// unheard is a channel that is published to while nobody listens.
func unheard(c *channelRow) bool { return c.Subscribers == 0 && c.InRate+c.OutRate > 0 }

// channelList is the titles and the rows that can be seen.
func (m *model) channelList(height int) []string {
	const marker = 3
	cols := pickColumns(channelColumns, m.width, marker, false)
	lines := append(make([]string, 0, height+1), titles(m.theme, cols, m.width, marker))
	if s := m.noChannels(); len(s) > 0 {
		for _, s := range s {
			lines = append(lines, m.theme.line(m.width).add(plain, s).String())
		}
		return lines
	}
	c := m.cursors[viewChannels].show(height, len(m.lists.channels))
	m.cursors[viewChannels] = c
	p := &paper{m: m}
	for i := c.top; i < min(c.top+height, len(m.lists.channels)); i++ {
		ch := m.lists.channels[i]
		warn := "  "
		if unheard(ch) {
			warn = "! "
		}
		lines = append(lines, m.rowText(i == c.at, func(mark string) *line {
			return rowLine(p, cols, m.width, mark+warn, ch)
		}))
	}
	return append(lines, m.nothing()...)
}

// noChannels says why there are none.
func (m *model) noChannels() []string {
	d := m.shown()
	switch {
	case m.o.Attached != "":
		lines := []string{" From outside no channel can be seen: only a node of the cluster knows them."}
		lines = append(lines, m.advice("Start one here:", "liminal node start --seed "+m.theme.text(m.o.Attached))...)
		return append(lines, m.advice("Then look from it:", "liminal watch")...)
	case !d.asked:
		return []string{" Asking " + m.nodeName() + " ..."}
	case len(d.channels) == 0:
		lines := append([]string{" Nobody listens to a channel yet."}, m.advice("Listen:", "liminal sub orders")...)
		return append(lines, m.advice("Publish:", "liminal pub orders hello")...)
	}
	return nil
}

// listenerPane says who listens to the selected channel.
func (m *model) listenerPane(w, h int) []*line {
	c := m.selectedChannel()
	name := "who listens"
	if c != nil {
		name = c.Name + ": who listens"
	}
	body := m.listeners(c, w)
	return m.scrolled(w, h, name, body)
}

func (m *model) listeners(c *channelRow, w int) []*line {
	if c == nil {
		return nil
	}
	var body []*line
	for _, s := range c.Members {
		l := m.theme.line(w).add(plain, "  ").cell(bold, s.Node, min(24, w/3), false)
		l.add(plain, " ").cell(plain, plural(uint64(max(s.Subscribers, 0)), "subscriber"), 16, false)
		body = append(body, l.add(plain, s.Kind))
	}
	switch {
	case len(body) == 0 && unheard(c):
		body = append(body, m.theme.line(w).add(roleWarn, "  nobody: what is published is heard by no one"))
	case len(body) == 0:
		body = append(body, m.theme.line(w).add(plain, "  nobody"))
	}
	sum := fmt.Sprintf("since this node started: in %s msg, out %s msg, dropped %s", group(c.In), group(c.Out), group(c.Drops))
	for _, piece := range wrap(sum, w-2) {
		body = append(body, m.theme.line(w).add(dim, "  "+piece))
	}
	return body
}

// scrolled is a pane with a title and as much of the body as fits, from where
// the keys have moved it.
func (m *model) scrolled(w, h int, name string, body []*line) []*line {
	focused := m.focus == focusDetail
	m.detailTop = max(min(m.detailTop, len(body)-(h-1)), 0)
	end := ""
	if len(body) > h-1 {
		end = fmt.Sprintf("%d-%d of %d", m.detailTop+1, m.detailTop+h-1, len(body))
	}
	pane := []*line{m.paneTitle(w, name, end, focused)}
	for i := range h - 1 {
		if at := m.detailTop + i; at < len(body) {
			pane = append(pane, body[at])
		} else {
			pane = append(pane, m.theme.line(w))
		}
	}
	return pane
}

// dayTime is the time of day; another day than now's has its date.
func dayTime(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.YearDay() != now.YearDay() || t.Year() != now.Year() {
		return t.Format("2 Jan 15:04")
	}
	return t.Format(time.TimeOnly)
}
