package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/liminal-bus/liminal/internal/control"
)

func TestSentence(t *testing.T) {
	for _, tc := range []struct {
		e    control.Event
		want string
	}{
		{control.Event{Type: "peer.join", Kind: "otp", RTTMicros: ptr(int64(912)), ToldBy: "a@dev"}, "join|n|otp, 0.9 ms, told by a@dev"},
		{control.Event{Type: "peer.join"}, "join|n|"},
		{control.Event{Type: "peer.rejoin", AwayMillis: ptr(int64(4100)), Flaps: ptr(9)}, "rejoin|n|after 4.1 s away, flaps 9"},
		{control.Event{Type: "peer.rejoin", Kind: "otp"}, "rejoin|n|otp"},
		{control.Event{Type: "peer.leave", Reason: "goodbye"}, "leave|n|goodbye"},
		{control.Event{Type: "peer.leave"}, "leave|n|said goodbye"},
		{control.Event{Type: "peer.down", Reason: "tick_timeout", Detail: "no tick for 60 s", Flaps: ptr(3)}, "down|n|no tick for 60 s (3rd time)"},
		{control.Event{Type: "peer.down", Reason: "closed", Flaps: ptr(1)}, "down|n|closed"},
		{control.Event{Type: "peer.forget"}, "forget|n|not listed any more"},
		{control.Event{Type: "peer.state", State: "suspect"}, "suspect|n|no answer to probes"},
		{control.Event{Type: "peer.state", State: "up"}, "up|n|answers again"},
		{control.Event{Type: "peer.state", State: "dialling", Address: "b:9100"}, "dial|n|b:9100"},
		{control.Event{Type: "peer.state", State: "odd"}, "|n|"},
		{control.Event{Type: "sub.add", Channel: "orders"}, "sub|n|+ orders"},
		{control.Event{Type: "sub.add", Count: 12}, "sub|n|+ 12 channels"},
		{control.Event{Type: "sub.remove", Count: 1}, "sub|n|- 1 channel"},
		{control.Event{Type: "node.stopping"}, "stop|n|this node is stopping"},
		{control.Event{Type: "gap", Missed: 12}, "gap|n|12 events missed"},
		{control.Event{Type: "bookmark"}, "||"},
		{control.Event{Type: "snapshot.peer"}, "||"},
		{control.Event{Type: "of.tomorrow"}, "||"},
	} {
		tc.e.Name = "n"
		verb, name, rest := sentence(tc.e)
		if got := verb + "|" + name + "|" + rest; got != tc.want {
			t.Errorf("%s: %q, want %q", tc.e.Type, got, tc.want)
		}
	}
}

// Each event type that a reader may ask for has a sentence, so that a new one is
// not forgotten here.
func TestEveryTypeHasASentence(t *testing.T) {
	for _, typ := range control.EventTypes {
		if _, ok := sentences[typ]; !ok {
			t.Errorf("%s has none", typ)
		}
	}
}

func TestOrdinal(t *testing.T) {
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 112: "112th"} {
		if got := ordinal(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

func event(typ, name string, after time.Duration) control.Event {
	return control.Event{Type: typ, Name: name, Time: at(0).Add(after)}
}

// lines are the entries as words, the newest first.
func (l *log) lines() []string {
	var all []string
	for i := range l.len() {
		all = append(all, strings.TrimSpace(strings.Join(fields(l.entry(i)), " ")))
	}
	return all
}

func fields(e entry) []string {
	verb, name, rest := e.words()
	return slices.DeleteFunc([]string{verb, name, rest}, func(s string) bool { return s == "" })
}

func TestFold(t *testing.T) {
	const ms = time.Millisecond
	down := func(name string, after time.Duration) control.Event { return event("peer.down", name, after) }
	join := func(name string, after time.Duration) control.Event { return event("peer.join", name, after) }
	for _, tc := range []struct {
		name   string
		events []control.Event
		want   []string
	}{
		{"three stand alone", []control.Event{down("a", 0), down("b", ms), down("c", 2*ms)}, []string{"down c lost", "down b lost", "down a lost"}},
		{"four fold", []control.Event{down("a", 0), down("b", ms), down("c", 2*ms), down("d", 1500*ms)}, []string{"down x4 in 2 s, first a"}},
		{"slow ones do not", []control.Event{down("a", 0), down("b", 700*ms), down("c", 1400*ms), down("d", 2100*ms)},
			[]string{"down d lost", "down c lost", "down b lost", "down a lost"}},
		{"types apart", []control.Event{down("a", 0), join("x", ms), down("b", 2*ms), down("c", 3*ms), join("y", 4*ms), down("d", 5*ms)},
			[]string{"join y", "join x", "down x4 in 1 s, first a"}},
		{"a burst does not last for ever", []control.Event{down("a", 0), down("b", 0), down("c", 0), down("d", 0), down("e", 2001*ms)},
			[]string{"down e lost", "down x4 in 1 s, first a"}},
		{"nothing to say", []control.Event{event("bookmark", "", 0), event("snapshot.end", "", 0)}, nil},
	} {
		var l log
		for _, e := range tc.events {
			l.add(e)
		}
		if got := l.lines(); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestFoldKeepsNames(t *testing.T) {
	var l log
	for i := range 214 {
		l.add(event("peer.down", fmt.Sprintf("n%d@dev", i), time.Duration(i)*9*time.Millisecond))
	}
	e := l.entry(0)
	if got := strings.Join(fields(e), " "); got != "down x214 in 2 s, first n0@dev" || l.len() != 1 || l.total() != 214 {
		t.Errorf("%q, %d entries, %d events", got, l.len(), l.total())
	}
	if len(e.names) != foldNames || e.names[0] != "n0@dev" || e.names[99] != "n99@dev" {
		t.Errorf("names %v", e.names)
	}
}

func TestLogIsBounded(t *testing.T) {
	var l log
	long := strings.Repeat("x", 10_000)
	for i := range 3 * logSize {
		l.add(control.Event{Type: "peer.down", Name: fmt.Sprint(i), Detail: long, Time: at(10 * i)})
	}
	if l.len() != logSize || l.total() != 3*logSize || len(l.list) > 2*logSize {
		t.Errorf("%d entries, %d events, %d kept", l.len(), l.total(), len(l.list))
	}
	if newest, oldest := l.entry(0).name, l.entry(logSize-1).name; newest != "12287" || oldest != "8192" {
		t.Errorf("from %s to %s", oldest, newest)
	}
	if n := len(l.entry(0).text); n > maxText {
		t.Errorf("a text of %d bytes", n)
	}
}

// TestCloneStands: a paused picture does not change under what comes.
func TestCloneStands(t *testing.T) {
	var l log
	for i := range 5 {
		l.add(event("peer.down", fmt.Sprint(i), 0))
	}
	c := l.clone()
	before := c.lines()
	for i := range 50 {
		l.add(event("peer.down", fmt.Sprint("late", i), time.Millisecond))
	}
	if !slices.Equal(c.lines(), before) || slices.Contains(c.list[0].names, "late0") {
		t.Errorf("%q, before %q", c.lines(), before)
	}
}

// TestLogModel: whatever comes, every event is counted in exactly one entry, in
// the order of time, and no entry covers more than its span.
func TestLogModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l log
		types := append([]string{"bookmark"}, control.EventTypes[:4]...)
		now, want := time.Duration(0), 0
		for range rapid.IntRange(0, 200).Draw(t, "events") {
			now += time.Duration(rapid.IntRange(0, 900).Draw(t, "ms")) * time.Millisecond
			if l.add(event(rapid.SampledFrom(types).Draw(t, "type"), "n", now)) {
				want++
			}
		}
		sum := 0
		for i := range l.len() {
			e := l.entry(i)
			sum += e.count
			switch {
			case e.count > 1 && e.count <= foldAfter, e.last.Sub(e.at) > foldSpan, e.folded() && len(e.names) != min(e.count, foldNames):
				t.Errorf("entry %+v", e)
			case i > 0 && e.at.After(l.entry(i-1).at):
				t.Errorf("entry %d is newer than the one before it", i)
			}
		}
		if sum != want || l.total() != uint64(want) {
			t.Errorf("%d events in entries, total %d, want %d", sum, l.total(), want)
		}
	})
}
