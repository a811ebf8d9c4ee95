package tui

import (
	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// keyRow is what one key does.
type keyRow struct {
	key key.Binding
	do  func(m *model) tea.Cmd
}

// keyRows are all keys outside the line of the filter. The help page, where
// most of them do nothing, has its own few: see onHelpKey.
var keyRows = []keyRow{
	{keys.Quit, func(*model) tea.Cmd { return tea.Quit }},
	{keys.Suspend, (*model).suspend},
	{keys.Help, func(m *model) tea.Cmd { m.help = !m.help; return nil }},
	{keys.Up, func(m *model) tea.Cmd { return m.move(-1) }},
	{keys.Down, func(m *model) tea.Cmd { return m.move(1) }},
	{keys.HalfUp, func(m *model) tea.Cmd { return m.move(-m.page() / 2) }},
	{keys.HalfDown, func(m *model) tea.Cmd { return m.move(m.page() / 2) }},
	{keys.PageUp, func(m *model) tea.Cmd { return m.move(-m.page()) }},
	{keys.PageDown, func(m *model) tea.Cmd { return m.move(m.page()) }},
	{keys.Top, func(m *model) tea.Cmd { return m.move(-maxLines) }},
	{keys.Bottom, func(m *model) tea.Cmd { return m.move(maxLines) }},
	{keys.Next, func(m *model) tea.Cmd { m.turn(1); return nil }},
	{keys.Prev, func(m *model) tea.Cmd { m.turn(-1); return nil }},
	{keys.Peers, func(m *model) tea.Cmd { return m.open(viewPeers) }},
	{keys.Channels, func(m *model) tea.Cmd { return m.open(viewChannels) }},
	{keys.Events, func(m *model) tea.Cmd { return m.open(viewEvents) }},
	{keys.Enter, (*model).enter},
	{keys.Esc, (*model).escape},
	{keys.Filter, (*model).edit},
	{keys.Sort, func(m *model) tea.Cmd { m.sortNext(); return nil }},
	{keys.Reverse, func(m *model) tea.Cmd { m.reverse(); return nil }},
	{keys.Reset, func(m *model) tea.Cmd { m.sortReset(); return nil }},
	{keys.Pause, (*model).pause},
	{keys.Ask, func(m *model) tea.Cmd { return tea.Batch(tea.ClearScreen, m.askNow()) }}, // what another program has written goes too
	{keys.Panel, func(m *model) tea.Cmd { m.togglePanel(); return nil }},
	{keys.Wide, func(m *model) tea.Cmd { m.wide = !m.wide; return nil }},
}

// maxLines is more than any list has.
const maxLines = 1 << 30

// onKeys takes what was typed. Letters that were read in one piece come as one
// message: each is a key, unless they were pasted, which is text for the filter
// alone.
func (m *model) onKeys(k tea.KeyMsg) tea.Cmd {
	if k.Type != tea.KeyRunes || len(k.Runes) < 2 || k.Paste {
		if k.Paste && !m.editing {
			return nil
		}
		return m.onKey(k)
	}
	var cmds []tea.Cmd
	for _, r := range k.Runes {
		cmds = append(cmds, m.onKey(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}, Alt: k.Alt}))
	}
	return tea.Batch(cmds...)
}

func (m *model) onKey(k tea.KeyMsg) tea.Cmd {
	if m.ignored == noShell {
		m.ignored = ""
	}
	switch {
	case m.editing:
		return m.onEditKey(k)
	case m.help:
		return m.onHelpKey(k)
	}
	for _, row := range keyRows {
		if key.Matches(k, row.key) {
			return row.do(m)
		}
	}
	return nil
}

// onHelpKey closes the page with any key but those that move or leave.
func (m *model) onHelpKey(k tea.KeyMsg) tea.Cmd {
	switch {
	case key.Matches(k, keys.Quit):
		return tea.Quit
	case key.Matches(k, keys.Suspend):
		return m.suspend()
	}
	for _, row := range helpKeys {
		if key.Matches(k, row.key) {
			m.helpTop = max(m.helpTop+row.by*max(m.height-2, 1)/2, 0)
			return nil
		}
	}
	switch {
	case key.Matches(k, keys.Down):
		m.helpTop++
	case key.Matches(k, keys.Up):
		m.helpTop = max(m.helpTop-1, 0)
	default:
		m.help, m.helpTop = false, 0
	}
	return nil
}

// helpKeys move in the help page by halves of it.
var helpKeys = []struct {
	key key.Binding
	by  int
}{{keys.HalfDown, 1}, {keys.HalfUp, -1}, {keys.PageDown, 2}, {keys.PageUp, -2}}

// move goes by n lines in the pane with the focus.
func (m *model) move(n int) tea.Cmd {
	m.order()
	switch m.focus {
	case focusDetail:
		m.detailTop = min(max(m.detailTop+n, 0), maxLines)
		return nil
	case focusEvents:
		m.evCursor = m.evCursor.moved(n, m.shown().log.len(), m.logKey)
		return nil
	}
	m.cursors[m.view] = m.cursors[m.view].moved(n, m.total(m.view), func(i int) string { return m.key(m.view, i) })
	m.detailTop = 0
	return nil
}

// page is how many lines the pane with the focus shows.
func (m *model) page() int {
	l := m.layout()
	switch m.focus {
	case focusDetail, focusEvents:
		return max(l.pane-1, 1)
	}
	return max(l.rows, 1)
}

// turn goes to the next pane that is on the screen.
func (m *model) turn(step int) {
	panes := m.layout().panes()
	at := 0
	for i, p := range panes {
		if p == m.focus {
			at = i
		}
	}
	m.focus = panes[(at+step+len(panes))%len(panes)]
}

// open shows another list.
func (m *model) open(v view) tea.Cmd {
	m.view, m.focus, m.detailTop = v, focusList, 0
	if v != viewPeers {
		m.detail = false
	}
	return nil
}

// enter opens what the selected line stands for; a second one closes it. From
// the event pane it goes to that event in the list of events.
func (m *model) enter() tea.Cmd {
	if m.focus == focusEvents {
		return m.openEvent(m.evCursor.key)
	}
	if m.view == viewChannels || m.total(m.view) == 0 {
		return nil
	}
	m.detail = !m.detail
	if m.focus == focusDetail {
		m.focus = focusList
	}
	return nil
}

// openEvent goes to one event in their list. A filter that hides it gives way.
func (m *model) openEvent(key string) tea.Cmd {
	var cmd tea.Cmd
	m.open(viewEvents)
	m.detail = true
	at := m.eventAt(key)
	if at < 0 && key != "" {
		cmd = m.setFilter("")
		at = m.eventAt(key)
	}
	m.cursors[viewEvents] = cursor{key: key, at: max(at, 0)}
	return cmd
}

// eventAt is the line of an event in their list, -1 if it is not there.
func (m *model) eventAt(key string) int {
	m.order()
	for i := range m.lists.events {
		if entryKey(m.event(i)) == key {
			return i
		}
	}
	return -1
}

// escape takes one step back: from a pane, a filter, another view. It never
// quits.
func (m *model) escape() tea.Cmd {
	switch {
	case m.detail:
		m.detail, m.focus = false, focusList
	case m.focus != focusList:
		m.focus = focusList
	case !m.choice.filter.empty() || m.input.value() != "":
		return m.setFilter("")
	case m.view != viewPeers:
		return m.open(viewPeers)
	}
	return nil
}

func (m *model) sortNext() {
	n := [views]int{viewPeers: len(peerOrders), viewChannels: len(channelOrders), viewEvents: 1}
	m.choice.sort[m.view] = (m.choice.sort[m.view] + 1) % n[m.view]
	m.choice.back[m.view] = m.choice.back[m.view] && m.view == viewEvents
	m.fresh = false
}

func (m *model) reverse() {
	m.choice.back[m.view] = !m.choice.back[m.view]
	m.fresh = false
}

func (m *model) sortReset() {
	m.choice.sort[m.view], m.choice.back[m.view] = 0, false
	m.fresh = false
}

// pause freezes the picture: a copy of what is known stays while the node's
// news go on below. A second one shows them.
func (m *model) pause() tea.Cmd {
	if m.frozen != nil {
		m.frozen = nil
		return nil
	}
	m.stood = m.clock()
	m.frozen, m.paused = m.live.clone(), m.now
	return nil
}

// askNow asks for all lists at once, one at a time however long the key is held.
func (m *model) askNow() tea.Cmd {
	if m.asking {
		return nil
	}
	m.asking = true
	cmds := []tea.Cmd{m.w.peers(0, true)}
	m.chain++
	return tea.Batch(append(cmds, m.ask(0))...)
}

func (m *model) togglePanel() {
	m.panel = !m.panel
	if m.focus == focusEvents {
		m.focus = focusList
	}
}
