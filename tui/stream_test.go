package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// What control gives for a stream that broke, and for a node that is gone.
var (
	errCut    = fmt.Errorf("control: watch: the stream was cut: %w", io.ErrUnexpectedEOF)
	errNobody = &control.DialError{Socket: "a.sock", Err: control.ErrRefused}
)

// top is the upper lines of the frame.
func (s *screen) top(n int) string {
	return strings.Join(strings.Split(s.settle().m.frame, "\n")[:n], "\n")
}

// lineOf is the first line of the frame that has text.
func (s *screen) lineOf(text string) string {
	for l := range strings.SplitSeq(s.settle().m.frame, "\n") {
		if strings.Contains(l, text) {
			return l
		}
	}
	return ""
}

// newest is the newest line of the log.
func (s *screen) newest() string {
	if s.m.live.log.len() == 0 {
		return ""
	}
	verb, name, rest := s.m.live.log.entry(0).words()
	return join(verb, name, rest)
}

// TestCutIsNotStopped: only the node's word, or that nobody answers on its
// socket, says that it is gone.
func TestCutIsNotStopped(t *testing.T) {
	for _, c := range []struct {
		end     error
		goodbye bool
		stopped bool
		says    string
	}{
		{end: errCut, says: "(it was cut off)"},
		{end: control.ErrStreamEnd, says: "(it ended the stream)"},
		{end: context.DeadlineExceeded, says: "(no answer within 10 s)"},
		{end: &control.Error{Message: "64 requests are under way"}, says: "(it refused: 64 requests are under way)"},
		{end: fmt.Errorf("control: watch: event: %w", errors.New("unexpected end of JSON input")), says: "(it broke off: unexpected end"},
		{end: errNobody, stopped: true, says: "(nobody answers on the socket)"},
		{end: control.ErrStreamEnd, goodbye: true, stopped: true, says: "(said goodbye)"},
	} {
		s := sixes(Options{}, 100, 24)
		if c.goodbye {
			s.events(control.Event{Type: control.EventStopping, Time: s.now, Boot: "7f3a"})
		}
		s.end(c.end)
		s.wait(time.Second)
		top := s.top(4)
		if got := strings.Contains(top, "STOPPED"); got != c.stopped || !strings.Contains(top, c.says) {
			t.Errorf("%v: want stopped %t and %q:\n%s", c.end, c.stopped, c.says, top)
		}
		if strings.Contains(top, "control:") || strings.Contains(top, "EOF") || strings.Contains(top, "context") {
			t.Errorf("raw text of a library:\n%s", top)
		}
		s.events(control.Event{Type: control.EventBookmark, Time: s.now, Boot: "7f3a"})
		if top := s.top(4); !strings.Contains(top, "answers again") || !strings.Contains(top, "LIVE") {
			t.Errorf("%v: it came back:\n%s", c.end, top)
		}
	}
}

// TestListTimesOut says so in words.
func TestListTimesOut(t *testing.T) {
	s := sixes(Options{}, 100, 24)
	s.send(peersMsg{answer: answer[control.Peers]{at: s.now, err: fmt.Errorf("control: /v1/peers: %w", context.DeadlineExceeded)}})
	s.wait(time.Second)
	if top := s.top(4); !strings.Contains(top, "The list of peers is old: no answer within 10 s") {
		t.Errorf("\n%s", top)
	}
}

// TestStopIsLogged once, and not again where the node has said it.
func TestStopIsLogged(t *testing.T) {
	s := sixes(Options{}, 100, 24)
	s.end(errCut)
	before := s.m.live.log.total()
	s.end(errNobody)
	s.end(errNobody)
	if got := s.newest(); got != "stop, a@dev, gone without a goodbye: nobody answers on the socket" || s.m.live.log.total() != before+1 {
		t.Errorf("%d more lines, the newest %q", s.m.live.log.total()-before, got)
	}
	s = stopped(Options{}, 100, 24)
	if got := s.newest(); got != "stop, this node is stopping" {
		t.Errorf("after a goodbye: %q", got)
	}
}

// TestRestartIsNoGap: the events that another life of the node numbers were not
// missed by a reader of the one before.
func TestRestartIsNoGap(t *testing.T) {
	s := sixes(Options{}, 100, 24)
	s.end(errNobody)
	gap := control.Event{Type: control.EventGap, Boot: "new", Seq: 3, Missed: 3, Time: s.now}
	s.events(gap)
	s.end(errCut) // within the snapshot: it comes again
	s.events(gap, control.Event{Type: control.EventSnapshotEnd, Boot: "new", Seq: 3, Time: s.now})
	if got := s.newest(); got != "restart, a@dev, what it saw before is lost" {
		t.Errorf("%q", got)
	}
	gap.Missed = 9
	s.events(gap)
	if got := s.newest(); got != "gap, 9 events missed" {
		t.Errorf("a gap in the same life: %q", got)
	}
}

// TestNoResumeWithinASnapshot: the rest of it would be lost.
func TestNoResumeWithinASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeNode{}
		f.watch = func(ctx context.Context, n int, emit func(control.Event) error) error {
			switch n {
			case 1, 3:
				_ = emit(control.Event{Type: control.EventSnapshotPeer, Seq: 4, Boot: fmt.Sprint(n), Time: time.Now(), Name: "b@dev", State: "up"})
				return errCut // c@dev was still to come
			case 2:
				_ = emit(control.Event{Type: control.EventSnapshotEnd, Seq: 7, Boot: "1", Time: time.Now()})
				return errCut
			}
			<-ctx.Done()
			return context.Cause(ctx)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		drive(ctx, newModel(Options{Node: "a@dev"}, newWire(ctx, f, time.Now)))
		for i, want := range []control.WatchRequest{{}, {}, {Resume: true, Since: 7, Boot: "1"}, {Resume: true, Since: 7, Boot: "1"}} {
			if f.watches[i] != want {
				t.Errorf("stream %d begins with %+v, want %+v", i+1, f.watches[i], want)
			}
		}
	})
}

// TestStopLeavesAGap: while the node was away nothing was connected.
func TestStopLeavesAGap(t *testing.T) {
	s := sixes(Options{}, 80, 24)
	for range 12 {
		s.wait(5 * time.Second)
		s.peers(sixPeers()...)
	}
	s.end(control.ErrStreamEnd)
	s.end(errNobody)
	s.wait(25 * time.Second)
	s.peers(sixPeers()...)
	cells := s.m.live.rows["b@dev"].rtt.cells(historyBuckets)
	for i, v := range cells[54:59] {
		if v != histGap {
			t.Errorf("bucket %d is %v, want a gap", i, v)
		}
	}
	if cells[59] < 0 {
		t.Error("nothing since it is back")
	}
}

// TestSuspectHasNoTime: what a silent peer took before is not what it takes now.
func TestSuspectHasNoTime(t *testing.T) {
	s := sixes(Options{}, 80, 24)
	list := sixPeers()
	list[1].State = stateSuspect
	for range 4 {
		s.wait(5 * time.Second)
		s.peers(list...)
	}
	if l := s.lineOf("b@dev"); strings.Contains(l, "ms") {
		t.Errorf("a time beside %q", l)
	}
	for i, v := range s.m.live.rows["b@dev"].rtt.cells(historyBuckets)[57:] {
		if v != histUnknown {
			t.Errorf("bucket %d is %v, want unknown", i, v)
		}
	}
	s.press("s", "s", "s", "s") // by rtt: after those that have one
	if got := s.names(); !strings.HasSuffix(got, "obs b [c]") {
		t.Errorf("by rtt: %s", got)
	}
	s.press("0", "/", "text:name:b@", "enter", "enter")
	if l := s.lineOf("none now, before"); s.m.selected().p.Name != "b@dev" || l == "" {
		t.Errorf("the detail of %s:\n%s", s.m.selected().p.Name, s.m.frame)
	}
}

// TestPauseWhileStopped changes nothing in the rows.
func TestPauseWhileStopped(t *testing.T) {
	s := sixes(Options{}, 80, 24)
	s.end(errNobody)
	s.wait(3 * time.Hour)
	before := s.lineOf("b@dev")
	s.press("p")
	if got := s.lineOf("b@dev"); got != before {
		t.Errorf("pausing changed the picture:\n%s\n%s", before, got)
	}
}
