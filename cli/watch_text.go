package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// eventWriter writes the events of a stream in one form, each at once.
type eventWriter interface {
	// begin is told before each stream: whose it is, what was asked for, and
	// whether snapshots are shown.
	begin(node string, r control.WatchRequest, snapshots bool)
	// event writes one; first says that it is the first of its stream.
	event(e control.Event, first bool) error
}

func (c *call) eventWriter() eventWriter {
	if c.out.form == formJSON {
		return jsonEvents{c.out}
	}
	t := &textEvents{out: c.out, local: c.env.StdoutTTY}
	if c.out.form == formTerminal {
		t.paint = c.out.paint
	}
	return t
}

// eventLines writes the lines of one event; that it cannot is a *writeError.
func (o *output) eventLines(lines []byte) error {
	if err := o.stream(lines); err != nil {
		return &writeError{err}
	}
	return nil
}

// jsonEvents is NDJSON. Types that this program does not know pass as well.
type jsonEvents struct{ out *output }

func (jsonEvents) begin(string, control.WatchRequest, bool) {}

func (j jsonEvents) event(e control.Event, _ bool) error {
	doc, err := encodeJSON(e)
	if err != nil {
		return err
	}
	return j.out.eventLines(doc)
}

// textEvents is one full sentence an event, for logs, screen readers and people.
type textEvents struct {
	out   *output
	paint palette
	local bool // times of day, for people; else whole stamps

	node      string
	asked     control.WatchRequest
	snapshots bool
	peers     []control.Event // of the snapshot that is coming
}

func (t *textEvents) begin(node string, r control.WatchRequest, snapshots bool) {
	t.node, t.asked, t.snapshots, t.peers = node, r, snapshots, nil
}

// event holds the peers of a snapshot back until its end: how many there are in
// which state is said first.
func (t *textEvents) event(e control.Event, first bool) error {
	var b strings.Builder
	switch e.Type {
	case control.EventSnapshotPeer:
		t.peers = append(t.peers, e)
		return nil
	case control.EventSnapshotEnd:
		t.line(&b, e.Time, sentence{rest: snapshotText(t.peers)})
		for _, p := range t.peers {
			t.line(&b, p.Time, peerSentence(p))
		}
		t.peers = nil
	case control.EventGap:
		t.peers = nil // of a snapshot that was cut
		t.line(&b, e.Time, sentence{rest: t.gapText(e, first), style: yellow})
	default:
		t.line(&b, e.Time, sentenceOf(e, t.node))
	}
	return t.out.eventLines([]byte(b.String()))
}

func (t *textEvents) line(b *strings.Builder, at time.Time, s sentence) {
	stamp := stampText(at)
	if t.local {
		stamp = at.Local().Format(time.TimeOnly)
	}
	words := joinWords(" ", clean(s.who), string(t.paint.paint(s.style, s.verb)), clean(s.rest))
	if s.verb == "" {
		words = string(t.paint.paint(s.style, s.rest))
	}
	b.WriteString(say("%s %s\n", t.paint.paint(dim, stamp), styled(words)))
}

// gapText: a gap that begins a stream answers what was asked for, and then events
// of the past may not be kept any more; elsewhere a snapshot makes up for it.
func (t *textEvents) gapText(e control.Event, first bool) string {
	missed := countWide(e.Missed, "event", "events") + were(e.Missed) + " missed"
	switch {
	case first && t.asked.Last > 0:
		return countWide(e.Missed, "earlier event", "earlier events") + are(e.Missed) + " not kept any more"
	case first && t.asked.Boot != "" && e.Boot != t.asked.Boot:
		missed = t.node + " was restarted: what it saw before is lost"
	case e.Missed == 0:
		missed = "an unknown number of events were missed"
	}
	if !t.snapshots {
		return missed
	}
	return missed + "; what follows is a fresh snapshot"
}

func were(n uint64) string {
	if n == 1 {
		return " was"
	}
	return " were"
}

func are(n uint64) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

// snapshotText: "6 peers: 4 up, 1 suspect, 1 down".
func snapshotText(peers []control.Event) string {
	if len(peers) == 0 {
		return "no peers"
	}
	in := map[string]int{}
	for _, p := range peers {
		in[p.State]++
	}
	var states []string
	for _, state := range []string{"up", "suspect", "dialling", "left", "down"} {
		if in[state] > 0 {
			states = append(states, fmt.Sprintf("%d %s", in[state], state))
		}
	}
	return count(len(peers), "peer") + ": " + strings.Join(states, ", ")
}
