package tui

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/liminal-bus/liminal/internal/control"
)

// onEvents takes a batch of the stream and asks for the next; at the stream's
// end it has the stream begun again.
func (m *model) onEvents(msg eventsMsg) tea.Cmd {
	if len(msg.events) > 0 {
		m.alive(msg)
	}
	for _, e := range msg.events {
		if e.Type == control.EventGap {
			m.back.missed += e.Missed
		}
		m.live.applyEvent(e, msg.at)
	}
	old := m.askHistory(msg.events)
	if msg.end == nil {
		return tea.Batch(old, m.w.next())
	}
	m.ended(msg.end, msg.at)
	return tea.Batch(old, m.w.watch(m.live.resume, retryEvery), m.w.next())
}

// alive notes that the stream has events.
func (m *model) alive(msg eventsMsg) {
	m.heard = msg.at
	d := m.live
	if (m.link == linkStopped || m.link == linkCut) && d.resume.Resume {
		m.back = recovery{at: msg.at, from: m.lost, restart: msg.events[0].Boot != d.resume.Boot}
	}
	m.link = linkLive
}

// ended takes the end of a stream, or that none could be had. The node is gone
// when it said so, or when nobody answers on its socket; any other end may be
// that of the stream alone.
func (m *model) ended(err error, at time.Time) {
	if m.link == linkFirst || m.link == linkLive {
		m.lost = at
	}
	m.why = reason(err, m.live.goodbye)
	var dial *control.DialError
	switch {
	case m.link == linkStopped:
	case m.o.Attached == "" && !m.live.goodbye && !errors.As(err, &dial):
		m.link = linkCut
	default:
		m.link = linkStopped
		m.stopped()
	}
}

// stopped notes that the node is gone, and with it its links.
func (m *model) stopped() {
	d := m.live
	for _, r := range d.rows {
		r.rtt.gap(m.lost)
	}
	d.changes++
	if d.known && !d.goodbye && m.o.Attached == "" { // else it has told so itself
		d.log.tell(m.lost, verbStop, d.node, "gone without a goodbye: "+m.why)
	}
}

// reason says in a few words why the stream ended, or why a call failed.
func reason(err error, goodbye bool) string {
	var dial *control.DialError
	var told *control.Error
	switch {
	case goodbye:
		return "said goodbye"
	case errors.As(err, &dial):
		return clean(dial.Err.Error())
	case errors.As(err, &told):
		return "it refused: " + clean(told.Message)
	case errors.Is(err, control.ErrStreamEnd):
		return "it ended the stream"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer within " + secondsText(callTimeout)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "it was cut off"
	case errors.Is(err, control.ErrNotControl):
		return clean(control.ErrNotControl.Error())
	}
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) { // what the layers below put before it is no news
		err = next
	}
	return "it broke off: " + clean(strings.TrimPrefix(err.Error(), "control: "))
}
