package tui

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/display"
)

const (
	logSize   = 4096            // entries kept
	foldSpan  = 2 * time.Second // what one folded entry may cover
	foldAfter = 3               // that many of a burst stand alone
	foldReach = 16              // how far back a burst is looked for among other events
	foldNames = 100             // names kept of a burst
	maxText   = 512             // bytes kept of one text
)

// The verbs of event lines. "sub" is for both directions, which its text tells.
const (
	verbJoin    = "join"
	verbRejoin  = "rejoin"
	verbLeave   = "leave"
	verbDown    = "down"
	verbForget  = "forget"
	verbSub     = "sub"
	verbStop    = "stop"
	verbRestart = "restart"
	verbGap     = "gap"
	verbDial    = "dial" // dialling is too long for its column
	verbSuspect = "suspect"
	verbUp      = "up"
)

// entry is one line of the event list: one event, or a burst of one kind.
type entry struct {
	at    time.Time // of the first event
	last  time.Time // of the last one
	typ   string    // the verb: down, join, ...
	name  string    // of the peer; of a burst the first one's
	text  string
	count int      // events in it, at least 1
	names []string // of a burst, in order, at most foldNames
}

// folded reports whether e stands for a burst.
func (e entry) folded() bool { return e.count > 1 }

// words are e's columns. A burst has no name of its own: "down x214 in 2 s,
// first c@dev".
func (e entry) words() (verb, name, rest string) {
	if !e.folded() {
		return e.typ, e.name, e.text
	}
	secs := max(1, math.Ceil(e.last.Sub(e.at).Seconds()))
	return e.typ, "", fmt.Sprintf("x%d in %.0f s, first %s", e.count, secs, e.name)
}

// log is the newest events, folded. The zero value is empty. Copies share what
// they hold: use clone for one that is kept.
type log struct {
	list   []entry // the oldest first; cut down when it is a quarter too long
	count  uint64  // events that came while the screen looked
	before uint64  // events of before that
}

// add takes one event. Those without a line of their own (snapshots, bookmarks,
// types not known) are passed over and give false.
func (l *log) add(e control.Event) bool {
	verb, name, rest := sentence(e)
	if verb == "" {
		return false
	}
	l.tell(e.Time, verb, name, rest)
	return true
}

// tell takes a line in words of its own.
func (l *log) tell(at time.Time, verb, name, rest string) {
	l.count++
	l.put(entry{at: at, last: at, typ: verb, name: clip(name), text: clip(rest), count: 1})
}

// precede puts the events of before the first one in front of all.
func (l *log) precede(history []control.Event) {
	var old log
	for _, e := range history {
		old.add(e)
	}
	l.before += old.count
	l.list = append(old.list, l.list...)
	l.trim()
}

func (l *log) put(e entry) {
	same := l.burst(e)
	switch {
	case len(same) > 0 && l.list[same[0]].folded():
		l.list[same[0]].take(e)
	case len(same) >= foldAfter:
		l.fold(same, e)
	default:
		l.list = append(l.list, e)
	}
	l.trim()
}

func (l *log) trim() {
	if len(l.list) > logSize+logSize/4 {
		l.list = slices.Clone(l.list[len(l.list)-logSize:])
	}
}

// burst gives the places of the entries that e may be folded with, the oldest
// first: a folded one alone, or single ones.
func (l *log) burst(e entry) []int {
	var same []int
	for i := len(l.list) - 1; i >= max(0, len(l.list)-foldReach); i-- {
		old := l.list[i]
		if old.typ != e.typ || e.at.Sub(old.at).Abs() > foldSpan {
			continue
		}
		if old.folded() {
			return []int{i}
		}
		same = append(same, i)
	}
	slices.Reverse(same)
	return same
}

// fold makes one entry of those at the places same and of e, where the first of
// them stood.
func (l *log) fold(same []int, e entry) {
	into := &l.list[same[0]]
	into.names = []string{into.name}
	for _, i := range same[1:] {
		into.take(l.list[i])
	}
	into.take(e)
	for _, i := range slices.Backward(same[1:]) {
		l.list = slices.Delete(l.list, i, i+1)
	}
}

func (e *entry) take(next entry) {
	e.count += next.count
	if next.at.After(e.last) {
		e.last = next.at
	}
	if len(e.names) < foldNames {
		e.names = append(e.names, next.name)
	}
}

// len is how many entries there are, total how many events there were, those of
// before included.
func (l *log) len() int      { return min(len(l.list), logSize) }
func (l *log) total() uint64 { return l.before + l.count }

// entry gives one by its age: 0 is the newest.
func (l *log) entry(i int) entry { return l.list[len(l.list)-1-i] }

// clone gives a copy that later events do not change.
func (l *log) clone() log {
	c := log{list: slices.Clone(l.list), count: l.count, before: l.before}
	for i := range c.list {
		c.list[i].names = slices.Clone(c.list[i].names)
	}
	return c
}

// sentence says what an event tells, in the columns of the event list: "down",
// "c@dev", "no tick for 60 s". No verb means that there is nothing to say. The
// words are not clean.
func sentence(e control.Event) (verb, name, rest string) {
	say, ok := sentences[e.Type]
	if !ok {
		return "", "", ""
	}
	verb, rest = say(e)
	return verb, e.Name, rest
}

// sentences has the events that get a line.
var sentences = map[string]func(control.Event) (verb, rest string){
	control.EventJoin:   func(e control.Event) (string, string) { return verbJoin, join(e.Kind, rttOf(e), toldBy(e)) },
	control.EventRejoin: func(e control.Event) (string, string) { return verbRejoin, join(awayOf(e), flapsOf(e)) },
	control.EventLeave:  func(e control.Event) (string, string) { return verbLeave, or(e.Detail, e.Reason, "said goodbye") },
	control.EventDown:   func(e control.Event) (string, string) { return verbDown, or(e.Detail, e.Reason, "lost") + lossOf(e) },
	control.EventForget: func(e control.Event) (string, string) { return verbForget, or(e.Detail, "not listed any more") },
	control.EventState:  stateSentence,
	control.EventSubAdd: func(e control.Event) (string, string) { return verbSub, "+ " + channelsOf(e) },
	control.EventSubRemove: func(e control.Event) (string, string) {
		return verbSub, "- " + channelsOf(e)
	},
	control.EventStopping: func(e control.Event) (string, string) { return verbStop, or(e.Detail, "this node is stopping") },
	control.EventGap:      func(e control.Event) (string, string) { return verbGap, plural(e.Missed, "event") + " missed" },
}

func stateSentence(e control.Event) (verb, rest string) {
	switch e.State {
	case "dialling":
		return verbDial, or(join(e.Address, or(e.Detail, e.Reason)), "trying")
	case "suspect":
		return verbSuspect, or(e.Detail, e.Reason, "no answer to probes")
	case "up":
		return verbUp, or(e.Detail, e.Reason, "answers again")
	}
	return "", ""
}

func rttOf(e control.Event) string {
	if e.RTTMicros == nil || *e.RTTMicros <= 0 {
		return ""
	}
	return foldMillis(float64(*e.RTTMicros) / 1000)
}

func awayOf(e control.Event) string {
	if e.AwayMillis == nil {
		return or(e.Kind, "back")
	}
	return "after " + foldMillis(float64(max(*e.AwayMillis, 0))) + " away"
}

// foldMillis is a span in a sentence: "0.3 ms", "72 ms", "4.1 s", "2m20s".
func foldMillis(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	if d < 999500*time.Microsecond {
		return display.RTT(max(d, 1))
	}
	return display.Span(d)
}

func toldBy(e control.Event) string {
	if e.ToldBy == "" {
		return ""
	}
	return "told by " + e.ToldBy
}

func flapsOf(e control.Event) string {
	if e.Flaps == nil || *e.Flaps == 0 {
		return ""
	}
	return "flaps " + strconv.Itoa(*e.Flaps)
}

// lossOf counts from the second loss on: " (3rd time)".
func lossOf(e control.Event) string {
	if e.Flaps == nil || *e.Flaps < 2 {
		return ""
	}
	return " (" + ordinal(*e.Flaps) + " time)"
}

func ordinal(n int) string {
	end := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			end = "st"
		case 2:
			end = "nd"
		case 3:
			end = "rd"
		}
	}
	return strconv.Itoa(n) + end
}

func channelsOf(e control.Event) string {
	if e.Channel != "" {
		return e.Channel
	}
	return plural(e.Count, "channel")
}

func plural(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.FormatUint(n, 10) + " " + noun + "s"
}

// or gives the first text that is not empty, join all of those.
func or(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func join(texts ...string) string {
	all := ""
	for _, t := range texts {
		switch {
		case t == "":
		case all == "":
			all = t
		default:
			all += ", " + t
		}
	}
	return all
}

// clip bounds what is kept of a text.
func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	return s[:maxText]
}
