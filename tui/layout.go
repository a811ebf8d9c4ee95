package tui

const (
	leastWidth  = 40 // below: one line
	leastHeight = 8
	paneHeight  = 16  // below: no event pane, and a detail takes the list's place
	pairWidth   = 100 // from here two panes stand side by side
	chrome      = 4   // lines of header, tabs, titles and keys
)

// layout says what stands where. All sizes are in columns and lines.
type layout struct {
	tiny   bool // one line is all
	banner []bannerLine
	rows   int // of the list
	pane   int // lines of the panes below with their title; 0: none
	left   int // columns of the pane with details; 0: none
	right  int // columns of the event pane; 0: none
}

// layout follows from the size and from what is open.
func (m *model) layout() layout {
	if m.width < leastWidth || m.height < leastHeight {
		return layout{tiny: true}
	}
	l := layout{banner: wrapped(m.banner(), m.width)}
	if most := m.height - chrome - 2; len(l.banner) > most {
		l.banner = l.banner[:max(most, 0)]
	}
	body := m.height - chrome - len(l.banner)
	left, right := m.wanted()
	switch {
	case !left && !right:
	case m.height >= paneHeight && (m.detail || m.view == viewChannels):
		l.pane = body / 2
	case m.height >= paneHeight:
		l.pane = body * 2 / 5
	case m.detail:
		l.pane, right = body-1, false
	}
	if l.pane < 2 {
		l.pane, left, right = 0, false, false
	}
	l.rows = body - l.pane
	l.left, l.right = split(m.width, left, right)
	return l
}

// wrapped cuts a banner into lines of the width.
func wrapped(banner []bannerLine, w int) []bannerLine {
	var lines []bannerLine
	for _, b := range banner {
		for _, s := range wrap(b.text, w-1) {
			lines = append(lines, bannerLine{b.role, " " + s})
		}
	}
	return lines
}

// wanted says which panes are open.
func (m *model) wanted() (left, right bool) {
	switch m.view {
	case viewChannels:
		return m.o.Attached == "", m.panel
	case viewEvents:
		return m.detail, false
	}
	return m.detail, m.panel
}

// split shares the width. Where there is no room for two panes the details win.
func split(w int, left, right bool) (l, r int) {
	switch {
	case left && right && w >= pairWidth:
		l = w * 47 / 100
		return l, w - l - 1
	case left:
		return w, 0
	case right:
		return 0, w
	}
	return 0, 0
}

// panes are those that the focus can be in, in order.
func (l layout) panes() []focus {
	p := []focus{focusList}
	if l.left > 0 {
		p = append(p, focusDetail)
	}
	if l.right > 0 {
		p = append(p, focusEvents)
	}
	return p
}
