package tui

import (
	"errors"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// edit begins to type a filter in the tab line.
func (m *model) edit() tea.Cmd {
	m.editing = true
	m.focus = focusList
	m.input = m.input.set(m.input.value())
	return nil
}

// onEditKey filters with each key. Enter keeps the filter, esc clears it; the
// arrows move in the list meanwhile.
func (m *model) onEditKey(k tea.KeyMsg) tea.Cmd {
	switch k.String() {
	case "enter":
		m.editing = false
		return nil
	case "esc":
		m.editing = false
		return m.setFilter("")
	case "ctrl+c":
		return tea.Quit
	case "ctrl+z":
		return m.suspend()
	case "up":
		return m.move(-1)
	case "down":
		return m.move(1)
	}
	m.input = m.input.key(k)
	return m.applyFilter()
}

func (m *model) setFilter(s string) tea.Cmd {
	m.input = m.input.set(s)
	return m.applyFilter()
}

// applyFilter reads what was typed; terms that cannot be read are told of, the
// others hold.
func (m *model) applyFilter() tea.Cmd {
	had := m.choice.filter.subs()
	f, err := parseFilter(m.input.value())
	m.choice.filter, m.fresh, m.typo, m.ignored = f, false, "", ""
	if err != nil {
		m.typo, m.ignored = clean(err.Error()), ignoredText(err)
	}
	m.w.full.Store(f.subs())
	if had && !f.subs() {
		m.live.forgetNames()
	}
	if f.subs() && !had && !m.asking { // names of channels come with full lists only
		m.asking = true
		return m.w.peers(0, true)
	}
	return nil
}

// ignoredText is what is left to say of a wrong term once the filter is kept.
func ignoredText(err error) string {
	word := "a term"
	var wrong *termError
	if errors.As(err, &wrong) {
		word = clean(wrong.word)
	}
	return word + ": ignored"
}

// subs reports whether the filter asks for names of channels.
func (f filter) subs() bool {
	for _, t := range f.terms {
		if t.key == "sub" && strings.TrimSpace(t.want) != "" {
			return true
		}
	}
	return false
}
