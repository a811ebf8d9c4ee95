package tui

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// logged is the names of the event list, the oldest first.
func logged(l *log) string {
	var names []string
	for i := l.len() - 1; i >= 0; i-- {
		names = append(names, or(l.entry(i).name, l.entry(i).typ))
	}
	return strings.Join(names, " ")
}

// TestPastEvents: what happened before the screen began is in the list of events,
// once, and changes no row; after the stream is begun again it is not asked for
// once more.
func TestPastEvents(t *testing.T) {
	ev := func(seq uint64, name string) control.Event {
		return control.Event{Type: control.EventDown, Seq: seq, Boot: "1", Time: noon.Add(time.Duration(seq) * time.Hour), Name: name, State: stateDown}
	}
	gap := control.Event{Type: control.EventGap, Seq: 1, Boot: "1", Missed: 1}
	for _, c := range []struct {
		name    string
		history []control.Event
		want    string
	}{
		{"as far as the snapshot", []control.Event{ev(2, "m"), ev(3, "n"), ev(4, "o")}, "m n o p q"},
		{"and beyond", []control.Event{ev(2, "m"), ev(4, "o"), ev(5, "p"), ev(6, "q")}, "m o p q"},
		{"the last one is not kept", []control.Event{ev(2, "m"), ev(5, "p")}, "m p q"},
		{"older ones not kept", []control.Event{gap, ev(2, "m"), ev(4, "o")}, "m o p q"},
		{"none", []control.Event{{Type: control.EventBookmark, Seq: 4, Boot: "1"}}, "p q"},
		{"it does not get to its end", []control.Event{ev(2, "m")}, "m gap p q"},
		{"nothing comes", nil, "p q"},
		{"the node began anew", []control.Event{ev(2, "m"), {Type: control.EventDown, Seq: 1, Boot: "2", Name: "z"}}, "m gap p q"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeNode{history: c.history, peerList: []control.Peer{{Name: "p", State: "up"}, {Name: "q", State: "up"}}}
				f.watch = func(ctx context.Context, n int, emit func(control.Event) error) error {
					if n == 1 {
						_ = emit(control.Event{Type: control.EventSnapshotEnd, Seq: 4, Boot: "1", Time: time.Now()})
						_ = emit(ev(5, "p"))
						return errCut
					}
					_ = emit(control.Event{Type: control.EventSnapshotEnd, Seq: 5, Boot: "1", Time: time.Now()})
					_ = emit(ev(6, "q"))
					<-ctx.Done()
					return context.Cause(ctx)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
				defer cancel()
				m := drive(ctx, newModel(Options{Node: "a@dev"}, newWire(ctx, f, time.Now)))
				if got := logged(&m.live.log); got != c.want {
					t.Errorf("logged %q, want %q", got, c.want)
				}
				if m.live.rows["m"] != nil || m.live.rows["z"] != nil {
					t.Error("the history has made rows")
				}
			})
		})
	}
}

// TestPastEventsWhilePaused: it is not news that waits.
func TestPastEventsWhilePaused(t *testing.T) {
	s := sixes(Options{}, 80, 24)
	s.press("p")
	s.send(historyMsg{s.now, story()})
	s.wait(time.Second)
	if !strings.Contains(s.top(1), "0 events waiting") {
		t.Errorf("%s", s.top(1))
	}
}

// TestPastEventsAreBounded as the list is.
func TestPastEventsAreBounded(t *testing.T) {
	var l log
	l.add(down("b@dev", noon))
	var old []control.Event
	for i := range 2 * logSize {
		old = append(old, down(fmt.Sprint("n", i), noon.Add(time.Duration(i-2*logSize)*time.Hour)))
	}
	l.precede(old)
	if l.len() != logSize || l.entry(0).name != "b@dev" || l.total() != 2*logSize+1 {
		t.Errorf("%d of %d, the newest %s", l.len(), l.total(), l.entry(0).name)
	}
}
