package tui

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/liminal-bus/liminal/internal/control"
)

// Update takes one message. It does no I/O: what is to be done is in the command.
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.KeyMsg:
		cmd = m.onKeys(msg)
		m.draw()
		return m, tea.Batch(cmd, m.look())
	case tea.WindowSizeMsg:
		m.width, m.height = max(msg.Width, 0), max(msg.Height, 0)
		m.draw()
		return m, nil
	case tea.ResumeMsg:
		m.draw()
		return m, nil
	case eventsMsg:
		m.at(msg.at)
		cmd = m.onEvents(msg)
	case peersMsg:
		m.at(msg.at)
		cmd = m.onPeers(msg)
	case peerMsg:
		m.at(msg.at)
		cmd = m.onPeer(msg)
	case channelsMsg:
		m.at(msg.at)
		cmd = m.onChannels(msg)
	case statusMsg:
		m.at(msg.at)
		cmd = m.onStatus(msg)
	case historyMsg:
		m.at(msg.at)
		m.live.log.precede(msg.events)
	case tickMsg:
		m.at(msg.at)
		cmd = m.tick()
	case frameMsg:
		m.at(msg.at)
		m.due = false
	default:
		return m, nil
	}
	cmd = tea.Batch(cmd, m.redraw(), m.look())
	return m, cmd
}

// at moves the clock, never back: messages may overtake each other.
func (m *model) at(t time.Time) {
	if t.After(m.now) {
		m.now = t
	}
}

// redraw draws the news now, or has it drawn when it may be.
func (m *model) redraw() tea.Cmd {
	if wait := frameEvery - m.now.Sub(m.drawn); wait > 0 {
		if m.due {
			return nil
		}
		m.due = true
		return m.w.after(wait, func(at time.Time) tea.Msg { return frameMsg{at} })
	}
	m.drawn = m.now
	m.draw()
	return nil
}

func (m *model) onPeers(msg peersMsg) tea.Cmd {
	if msg.err == nil {
		m.heard = msg.at
		m.live.applyPeers(msg.doc, msg.at)
		if m.frozen != nil && m.choice.filter.subs() {
			m.frozen.learnNames(msg.doc)
		}
	}
	m.note(msg.err)
	if msg.once {
		m.asking = false
		return nil
	}
	return m.w.peers(m.pace.peers.next(msg.took, 20*time.Second), false)
}

// note keeps why the list of peers could not be had. While the stream is down
// the banner says enough.
func (m *model) note(err error) {
	m.trouble = ""
	if err != nil {
		m.trouble = reason(err, false)
	}
}

func (m *model) onStatus(msg statusMsg) tea.Cmd {
	if msg.err == nil {
		m.heard = msg.at
		m.live.applyStatus(msg.doc)
	}
	return m.w.status(m.pace.status.next(msg.took, 3*time.Second))
}

// onPeer takes the peer of the detail pane, and asks again as long as it is the
// one shown.
func (m *model) onPeer(msg peerMsg) tea.Cmd {
	first := m.full.Name == ""
	if msg.err == nil && (m.frozen == nil || first) && msg.name == m.sight.peer {
		for _, p := range msg.doc.Peers {
			if p.Name == msg.name {
				m.full = p
			}
		}
	}
	if msg.chain != m.chain {
		return nil
	}
	return m.ask(m.pace.sight.next(msg.took, 10*time.Second))
}

func (m *model) onChannels(msg channelsMsg) tea.Cmd {
	if msg.err == nil {
		m.heard = msg.at
		m.live.applyChannels(msg.doc, msg.at)
	}
	if msg.chain != m.chain {
		return nil
	}
	return m.ask(m.pace.sight.next(msg.took, 10*time.Second))
}

// sight is what the screen shows beside the rows and has to be asked for: the
// peer of the detail pane, or the channels.
type sight struct {
	peer     string
	channels bool
}

// look asks for what has come into sight. Calls for what was there before end.
func (m *model) look() tea.Cmd {
	var s sight
	if r := m.selected(); r != nil && m.detail && m.view == viewPeers {
		s.peer = r.p.Name
	}
	s.channels = m.view == viewChannels && m.o.Attached == ""
	if s == m.sight {
		return nil
	}
	if s.peer != m.sight.peer {
		m.full, m.detailTop = control.Peer{}, 0
	}
	m.sight, m.pace.sight = s, pacer{}
	m.chain++
	return m.ask(0)
}

// ask asks for what is in sight.
func (m *model) ask(after time.Duration) tea.Cmd {
	switch {
	case m.sight.channels:
		return m.w.channels(after, m.chain)
	case m.sight.peer != "":
		return m.w.peer(m.sight.peer, after, m.chain)
	}
	return nil
}
