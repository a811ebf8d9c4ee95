package tui

import (
	"slices"
	"strings"
)

// helpLines is the whole key table. A test holds it against keyRows.
var helpLines = []string{
	"MOVE   j k ↓ ↑ line       g G home end first, last      ctrl+d ctrl+u half",
	"       tab shift+tab next, previous pane                pgdn pgup page",
	"VIEWS  1 peers   2 channels   3 events   enter detail   esc back, close",
	"LIST   / filter (esc clears)   s sort by next column   S reverse   0 reset",
	"TIME   p pause, go on    r ask and repaint  e events on/off   w wide columns",
	"LEAVE  q quit    ctrl+c quit    ctrl+z suspend    ? this page",
	"STATE  * up   ~ dialling   ? suspect: silent   - left   x down",
	"       ! flap: 3 losses in 10 min",
	"KIND   liminal: this program   otp: Erlang, Elixir   hidden: otp, unlisted",
	"       other: another program, or an old Erlang      -: not reached yet",
	"FILTER any text, or name:b kind:otp state:down sub:orders; ! before negates",
	"This screen only reads: no key here changes the cluster.",
}

// helpPage is the key table in a frame. The keys that move in a list move in it
// where the window is too small.
func (m *model) helpPage() []string {
	w := min(m.width, 80)
	page := m.helpFrame(w)
	height := max(m.height-1, 1)
	m.helpTop = max(min(m.helpTop, len(page)-height), 0)
	if len(page) > height {
		page = page[m.helpTop : m.helpTop+height]
	}
	return append(page, m.theme.line(m.width).add(dim, " j/k move here  any other key goes back").String())
}

func (m *model) helpFrame(w int) []string {
	g := m.theme.glyphs()
	rule := func(n int) string { return strings.Repeat(g.rule, max(n, 0)) }
	lines := []string{m.theme.line(w).raw(dim, g.corner1, 1).add(plain, " ").add(roleTitle, "Keys").add(plain, " ").
		raw(dim, rule(w-8)+g.corner2, w-7).String()}
	head := ""
	for _, s := range helpLines {
		if m.theme.ascii {
			s = strings.ReplaceAll(s, "↓ ↑", "down up")
		}
		if head = s[:7]; strings.ToUpper(head) == head {
			s = s[7:]
		} else {
			head = ""
		}
		for i, piece := range wrap(s, w-4-len(head)) {
			if i > 0 {
				head = strings.Repeat(" ", len(head))
			}
			l := m.theme.line(w).raw(dim, g.bar, 1).add(plain, " ").add(roleKey, head)
			lines = append(lines, l.cell(plain, piece, w-2-l.n, false).add(plain, " ").raw(dim, g.bar, 1).String())
		}
	}
	return append(lines, m.theme.line(w).raw(dim, g.corner3+rule(w-2)+g.corner4, w).String())
}

// hint is one key of the footer. Those of the greatest rank go first where there
// is no room.
type hint struct {
	keys string
	what string
	rank int
	when func(*model) bool // nil: always
}

var hints = []hint{
	{"j/k", "move", 1, nil},
	{"enter", "detail", 3, func(m *model) bool { return m.view != viewChannels }},
	{"esc", "close", 7, func(m *model) bool { return m.detail }},
	{"/", "filter", 2, nil},
	{"s", "sort", 5, func(m *model) bool { return m.view != viewEvents }},
	{"S", "reverse", 9, nil},
	{"p", "pause", 4, nil},
	{"tab", "events", 6, func(m *model) bool { l := m.layout(); return l.left == 0 && l.right > 0 }},
	{"tab", "next pane", 6, func(m *model) bool { return m.layout().left > 0 }},
	{"e", "hide events", 8, func(m *model) bool { return m.view != viewEvents && m.panel }},
	{"e", "show events", 8, func(m *model) bool { return m.view != viewEvents && !m.panel }},
	{"w", "wide", 10, func(m *model) bool { return m.view == viewPeers }},
	{"?", "help", 0, nil},
	{"q", "quit", 0, nil},
}

// footer names the keys of most use, as many as there is room for.
func (m *model) footer() string {
	var shown []hint
	for _, h := range hints {
		if h.when == nil || h.when(m) {
			shown = append(shown, h)
		}
	}
	for footerWidth(shown) > m.width && len(shown) > 1 {
		last := slices.MaxFunc(shown, func(a, b hint) int { return a.rank - b.rank })
		shown = slices.DeleteFunc(shown, func(h hint) bool { return h.rank == last.rank })
	}
	l := m.theme.line(m.width)
	gap := " "
	for _, h := range shown {
		l.add(plain, gap).add(roleKey, h.keys).add(plain, " "+h.what)
		gap = "  "
	}
	return l.String()
}

func footerWidth(shown []hint) int {
	n := -1
	for _, h := range shown {
		n += 3 + len(h.keys) + len(h.what)
	}
	return n
}
