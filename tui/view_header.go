package tui

import (
	"fmt"
	"time"
)

// header is the first line: whose screen it is, how it is, and whether it is
// true at this moment.
func (m *model) header() string {
	end, endRole := m.mood()
	room := m.width - width(end) - 2
	whose := " " + m.whose()
	l := m.theme.line(m.width).add(roleHeader, whose)
	if l.n > room { // a long name gives way
		return m.theme.line(m.width).cell(roleHeader, whose, max(room, 0), false).end(endRole, end).String()
	}
	parts := m.headerParts()
	for len(parts) > 0 && parts.width() > room-l.n {
		parts = parts.without(parts.least())
	}
	for _, p := range parts {
		for _, w := range p.words {
			l.add(w.role, w.text)
		}
	}
	return l.end(endRole, end).String()
}

// whose is the node's name; from outside, its address.
func (m *model) whose() string {
	if m.o.Attached != "" {
		return "looking at " + m.theme.text(m.o.Attached) + " from outside"
	}
	return m.theme.text(m.shown().node)
}

// phrase is words that are shown together or not at all; those of the greatest
// rank go first where there is no room.
type phrase struct {
	rank  int
	words []countWord
}

type phrases []phrase

func (ps phrases) width() int {
	n := 0
	for _, p := range ps {
		for _, w := range p.words {
			n += width(w.text)
		}
	}
	return n
}

// least is the place of the phrase that goes first.
func (ps phrases) least() int {
	at := 0
	for i, p := range ps {
		if p.rank >= ps[at].rank {
			at = i
		}
	}
	return at
}

func (ps phrases) without(i int) phrases { return append(ps[:i:i], ps[i+1:]...) }

// headerParts are the phrases of the header from left to right. How many peers
// there are in which state is the last to go.
func (m *model) headerParts() phrases {
	d := m.shown()
	var parts phrases
	if m.link == linkStopped && !m.live.known {
		return nil
	}
	if m.link == linkStopped {
		parts = append(parts, phrase{2, []countWord{{roleWarn, "  stopped"}}})
	} else if d.told && m.o.Attached == "" {
		parts = append(parts, phrase{2, m.health()})
	}
	name, states := m.peerWords()
	parts = append(parts, phrase{1, name}, phrase{0, states})
	if c := d.status.Channels; d.told && m.o.Attached == "" && m.link != linkStopped {
		parts = append(parts, phrase{3, []countWord{{plain, "   " + plural(uint64(max(c.Channels, 0)), "channel")}}})
		rate := "   " + group(int(c.InRate+0.5)) + "/s"
		if m.width >= pairWidth {
			rate = fmt.Sprintf("   %s msg/s in  %s msg/s out", group(int(c.InRate+0.5)), group(int(c.OutRate+0.5)))
		}
		parts = append(parts, phrase{4, []countWord{{plain, rate}}})
	}
	return parts
}

func (m *model) health() []countWord {
	s := m.shown().status
	p := []countWord{{plain, "  " + m.theme.text(s.State) + " " + upText(m.clock().Sub(s.Started))}}
	if s.Started.IsZero() { // of an old node, or a look
		p[0].text = "  " + m.theme.text(s.State)
	}
	if s.Health != "" && s.Health != "healthy" {
		p = append(p, countWord{roleWarn, " " + m.theme.text(s.Health)})
	}
	return p
}

// peerWords are "   6 peers:" and " 4 up 1 down"; of a filtered list "2 of 6
// shown" and the states of those.
func (m *model) peerWords() (name, states []countWord) {
	c := m.lists.all
	name = []countWord{{plain, "   " + group(c.all) + " " + noun(c.all, "peer") + ":"}}
	if !m.choice.filter.empty() {
		name = []countWord{{bold, "   " + group(m.total(m.view)) + " of " + group(m.everything()) + " shown"}}
		if m.view != viewPeers {
			return name, nil
		}
		c, name = m.lists.shown, append(name, countWord{plain, ":"})
	}
	gap := " "
	if m.width >= pairWidth {
		gap = "  "
	}
	states = []countWord{{plain, " "}}
	for i, w := range m.countWords(c) {
		if i > 0 {
			states = append(states, countWord{plain, gap})
		}
		states = append(states, w)
	}
	return name, states
}

// everything is how many lines the view has without a filter.
func (m *model) everything() int {
	switch m.view {
	case viewChannels:
		return len(m.shown().channels)
	case viewEvents:
		return m.shown().log.len()
	}
	return m.lists.all.all
}

func noun(n int, s string) string {
	if n == 1 {
		return s
	}
	return s + "s"
}

// quiet is how long nothing may come before the header says so. Status is asked
// for every second.
const quiet = 6 * time.Second

// mood is the end of the header: whether what the screen says is so now.
func (m *model) mood() (string, role) {
	stamp := m.now.Local().Format("15:04")
	if m.width >= pairWidth {
		stamp = m.now.Local().Format(time.TimeOnly)
	}
	silent := m.now.Sub(m.heard)
	switch {
	case m.frozen != nil:
		waiting := m.live.log.count - m.frozen.log.count
		return fmt.Sprintf("PAUSED %s, %s waiting", secondsText(m.now.Sub(m.paused)), plural(waiting, "event")), roleWarn
	case m.link == linkStopped && !m.live.known:
		return "WAITING " + stamp, roleWarn
	case m.link == linkStopped:
		return "STOPPED " + stamp, roleWarn
	case m.link == linkFirst && !m.live.known:
		return "CONNECTING " + stamp, plain
	case m.link == linkCut:
		return "NO EVENTS " + stamp, roleWarn
	case silent > quiet:
		return "NO ANSWER " + secondsText(silent), roleWarn
	}
	return "LIVE " + stamp, plain
}
