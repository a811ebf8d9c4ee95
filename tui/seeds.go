package tui

import (
	"fmt"
	"strings"

	"github.com/liminal-bus/liminal/internal/control"
)

// unheardSeeds are the addresses that are dialled and where nobody has answered
// that stands in the list: else nothing would show them.
func (m *model) unheardSeeds() []control.Seed {
	d := m.shown()
	var seeds []control.Seed
	for _, s := range d.status.Seeds {
		dialled := s.State == "dialling" || s.State == "waiting" || s.State == "refused"
		if dialled && (s.Node == nil || d.rows[*s.Node] == nil) && d.rows[s.Address] == nil {
			seeds = append(seeds, s)
		}
	}
	return seeds
}

// seedText is "connection refused, 4 tries"; "" while nothing has failed.
func seedText(s control.Seed) string {
	tries := ""
	switch {
	case s.Tries == 1:
		tries = "1 try"
	case s.Tries > 1:
		tries = fmt.Sprintf("%d tries", s.Tries)
	}
	return join(textOf(s.Error), tries)
}

// seedMost is how many seeds are told of one by one.
const seedMost = 4

// seedLines is a line for each seed that does not answer, for a node without
// peers.
func (m *model) seedLines() []string {
	var lines []string
	seeds := m.unheardSeeds()
	for i, s := range seeds {
		if i == seedMost {
			return append(lines, fmt.Sprintf(" and %d more, see: liminal status", len(seeds)-seedMost))
		}
		address := m.theme.text(s.Address)
		why := " Dialling " + address + " ..."
		if seedText(s) != "" {
			why = " Dialling " + address + ": " + seedText(s)
		}
		probe := "liminal probe " + address
		if one := why + "; " + probe; width(one) <= m.width {
			lines = append(lines, one)
		} else {
			lines = append(lines, why, "     "+probe)
		}
	}
	return lines
}

// seedBanner is one line about seeds that do not answer, over a list of peers.
// The first dial of one is no news.
func (m *model) seedBanner() []bannerLine {
	var failed []control.Seed
	for _, s := range m.unheardSeeds() {
		if seedText(s) != "" {
			failed = append(failed, s)
		}
	}
	if len(failed) == 0 || m.lists.all.all == 0 {
		return nil
	}
	first := failed[0]
	address := m.theme.text(first.Address)
	s := fmt.Sprintf("Seed %s does not answer: %s", address, seedText(first))
	if n := len(failed); n > 1 {
		s = fmt.Sprintf("%d seeds do not answer, first %s: %s", n, address, seedText(first))
	}
	if long := s + "; liminal probe " + address; width(m.theme.text(long))+1 < m.width {
		s = long
	}
	return []bannerLine{{dim, strings.TrimRight(fit(s, max(m.width-2, 1), false, m.theme.ascii), " ")}}
}
