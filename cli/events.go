package cli

import (
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/display"
)

// eventWords are the verbs of event lines. Types without one say nothing.
var eventWords = map[string]string{
	"snapshot.peer": "join", // it was up before we looked
	"peer.join":     "join",
	"peer.rejoin":   "rejoin",
	"peer.leave":    "leave",
	"peer.down":     "down",
	"gap":           "gap",
}

// eventStyles follow the states that the events lead to.
var eventStyles = map[string]style{"rejoin": yellow, "leave": dim, "down": redBold, "gap": yellow}

// event writes one event of a stream: "12:00:09 join b@dev (liminal, 0.3 ms)".
// prefix, if any, names who saw it.
func (o *output) event(e control.Event, prefix string) error {
	if o.form == formJSON {
		return o.json(e)
	}
	verb, ok := eventWords[e.Type]
	if !ok || e.Type == "snapshot.peer" && e.State != "up" && e.State != "suspect" {
		return nil
	}
	if prefix != "" {
		prefix += " "
	}
	o.printf("%s %s%s %s\n", o.stamp(e.Time), prefix, o.paint.paint(eventStyles[verb], verb), eventText(e))
	return nil
}

// stamp is the time of day at a terminal, the whole of it elsewhere.
func (o *output) stamp(t time.Time) styled {
	if o.form == formTerminal {
		return o.paint.paint(dim, t.Local().Format(time.TimeOnly))
	}
	return styled(stampText(t))
}

// eventText is what happened to whom: "b@dev (liminal, 0.3 ms, told by a@dev)".
func eventText(e control.Event) string {
	switch e.Type {
	case "gap":
		return count(int(e.Missed), "event") + " missed"
	case "peer.leave", "peer.down":
		return e.Name + bracketed("", orElse(e.Detail, e.Reason))
	}
	var parts []string
	parts = append(parts, e.Kind)
	if e.RTTMicros != nil {
		parts = append(parts, display.RTT(time.Duration(*e.RTTMicros)*time.Microsecond))
	}
	if e.AwayMillis != nil {
		parts = append(parts, "after "+display.Span(time.Duration(*e.AwayMillis)*time.Millisecond)+" away")
	}
	if e.ToldBy != "" {
		parts = append(parts, "told by "+e.ToldBy)
	}
	return strings.TrimSpace(e.Name + bracketed(", ", parts...))
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
