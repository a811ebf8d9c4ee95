package cli

import (
	"bytes"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/liminal-bus/liminal/internal/control"
)

// printer appends one message in the form asked for.
type printer interface {
	line(dst []byte, m *control.Message) []byte
}

// printer: what goes to a terminal is made safe to show unless --raw, in every
// form; what goes elsewhere is as it came.
func (c *call) printer(f subFlags) printer {
	safe := c.env.StdoutTTY && !f.raw
	switch c.out.form {
	case formJSON:
		return jsonMessage{f.delimiter, c.env.StdoutTTY}
	case formPlain:
		if !safe {
			return bareMessage(f.delimiter)
		}
		return safeMessage(f.delimiter)
	}
	return shownMessage{o: c.out, delimiter: f.delimiter, raw: f.raw, channel: widest(c.args)}
}

func widest(names []string) int {
	width := 0
	for _, name := range names {
		width = max(width, textWidth(clean(name)))
	}
	return width
}

// bareMessage is a payload and the delimiter, nothing else.
type bareMessage string

func (delimiter bareMessage) line(dst []byte, m *control.Message) []byte {
	dst = append(dst, m.Payload...)
	return append(dst, delimiter...)
}

// safeMessage is the same for --plain on a terminal.
type safeMessage string

func (delimiter safeMessage) line(dst []byte, m *control.Message) []byte {
	dst = append(dst, clean(string(m.Payload))...)
	return append(dst, delimiter...)
}

// jsonMessage is NDJSON; another delimiter takes the place of the newlines,
// which JSON itself never holds.
type jsonMessage struct {
	delimiter string
	terminal  bool
}

func (j jsonMessage) line(dst []byte, m *control.Message) []byte {
	if !j.terminal && j.delimiter == "\n" {
		return control.AppendMessageJSON(dst, m)
	}
	text := control.AppendMessageJSON(nil, m)
	if j.terminal {
		text = cleanJSON(text)
	}
	return append(dst, bytes.ReplaceAll(text, newline, []byte(j.delimiter))...)
}

// shownMessage is a line for people: time, channel, sender, payload.
type shownMessage struct {
	o         *output
	delimiter string
	raw       bool
	channel   int // columns for the channel
}

func (s shownMessage) line(dst []byte, m *control.Message) []byte {
	at := "-"
	if !m.Time.IsZero() {
		at = m.Time.Local().Format("15:04:05.000")
	}
	head := s.o.paint.paint(dim, fmt.Sprintf("%-12s", at))
	dst = append(dst, say("%s  %-*s  %s  ", head, s.channel, m.Channel, dash(m.From))...)
	if s.raw {
		dst = append(dst, m.Payload...)
	} else {
		dst = append(dst, s.payload(m)...)
	}
	return append(dst, s.delimiter...)
}

// shownBytes is how much is shown of a payload that is no text.
const shownBytes = 48

func (s shownMessage) payload(m *control.Message) styled {
	switch {
	case len(m.Payload) == 0:
		return s.o.paint.paint(dim, "(empty)")
	case utf8.Valid(m.Payload):
		return styled(clean(string(m.Payload)))
	}
	head, more := m.Payload, ""
	if len(head) > shownBytes {
		head, more = head[:shownBytes], "..."
	}
	return styled(clean(string(head))) + styled(more) +
		s.o.paint.paint(dim, " ("+amountText(len(m.Payload))+", not UTF-8)")
}

// lossEvery is how often losses are told. A reader that is too slow loses some
// with every batch; its stderr need not be as full as its stdout.
const lossEvery = time.Second

// lossNotes tells of messages that this reader has lost: the first at once,
// more of them in sums.
type lossNotes struct {
	out   *output
	now   func() time.Time
	count uint64 // not told yet
	last  time.Time
}

func (l *lossNotes) add(n uint64) {
	l.count += n
	if now := l.now(); l.last.IsZero() || now.Sub(l.last) >= lossEvery {
		l.last = now
		l.tell()
	}
}

func (l *lossNotes) tell() {
	if l.count > 0 {
		l.out.note("liminal: %s lost here (this reader was too slow)\n", countWide(l.count, "message", "messages"))
	}
	l.count = 0
}
