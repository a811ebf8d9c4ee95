package tui

import (
	"context"
	"errors"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/liminal-bus/liminal/internal/control"
)

// What happened before the screen began: the node keeps its last events, and the
// list of events starts with those. They change no row, since the snapshot has
// what came of them.
const (
	historySpan  = time.Hour
	historyLimit = 5 * time.Second // for a node that does not get to its end
)

var errHistoryRead = errors.New("what was before the snapshot is read")

// askHistory asks once, when a snapshot has told where the screen's own log
// begins.
func (m *model) askHistory(events []control.Event) tea.Cmd {
	for _, e := range events {
		if e.Type == control.EventSnapshotEnd && !m.history {
			m.history = true
			return m.w.past(e.Seq, e.Boot)
		}
	}
	return nil
}

// past reads the events up to that one. Later ones come by the stream, so none
// is there twice.
func (w *wire) past(seq uint64, boot string) tea.Cmd {
	return w.cmd(func() tea.Msg {
		if seq == 0 {
			return nil
		}
		ctx, cancel := context.WithTimeout(w.ctx, historyLimit)
		defer cancel()
		p := past{seq: seq, boot: boot}
		_ = w.src.Watch(ctx, control.WatchRequest{Last: historySpan}, p.take) // the list of events is shorter then
		if w.ctx.Err() != nil {
			return nil
		}
		return historyMsg{w.now(), p.all()}
	})
}

// past is what is read of the history.
type past struct {
	seq    uint64
	boot   string
	at     uint64 // the place reached
	events []control.Event
}

func (p *past) take(e control.Event) error {
	switch {
	case e.Boot != p.boot:
		return errHistoryRead // the node has begun anew meanwhile
	case e.Seq > p.seq:
		p.at = p.seq
		return errHistoryRead
	case e.Type != control.EventGap: // of what is older than the node keeps
		p.events = append(p.events, e)
	}
	if p.at = e.Seq; p.at >= p.seq {
		return errHistoryRead
	}
	return nil
}

// all is the history; where its end did not come, it says how much lacks.
func (p *past) all() []control.Event {
	n := len(p.events)
	if n > 0 && p.at < p.seq {
		last := p.events[n-1]
		return append(p.events, control.Event{Type: control.EventGap, Seq: p.seq, Boot: p.boot, Time: last.Time, Missed: p.seq - p.at})
	}
	return p.events
}
