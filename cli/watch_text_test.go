package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

const stamp = "2026-01-15T12:04:31Z "

// TestWatchSentences: every type in words.
func TestWatchSentences(t *testing.T) {
	with := func(typ string, change func(e *control.Event)) control.Event {
		e := happened(212, typ, "c@dev")
		change(&e)
		return e
	}
	for _, test := range []struct {
		event control.Event
		want  string
	}{
		{with("peer.join", func(e *control.Event) { e.Kind, e.RTTMicros = "liminal", ptr(int64(300)) }), "c@dev joined (liminal, 0.3 ms)"},
		{with("peer.join", func(e *control.Event) { e.Kind, e.ToldBy, e.RTTMicros = "otp", "a@dev", ptr(int64(0)) }), "c@dev joined (otp, told by a@dev)"},
		{with("peer.rejoin", func(e *control.Event) { e.AwayMillis = ptr(int64(42656)) }), "c@dev is back after 42 s"},
		{with("peer.rejoin", func(e *control.Event) { e.Kind, e.Coalesced = "otp", 213 }), "c@dev is back (otp, 213 links in between)"},
		{with("peer.leave", func(e *control.Event) { e.Reason, e.Detail = "goodbye", "said goodbye" }), "c@dev left (said goodbye)"},
		{with("peer.down", func(e *control.Event) { e.Detail, e.Flaps = "no tick for 60 s", ptr(3) }), "c@dev is down: no tick for 60 s (3 losses)"},
		{with("peer.down", func(e *control.Event) { e.Reason, e.Flaps = "eof", ptr(1) }), "c@dev is down: eof (1 loss)"},
		{with("peer.down", func(*control.Event) {}), "c@dev is down"},
		{with("peer.state", func(e *control.Event) { e.State, e.ToldBy = "dialling", "b@dev" }), "c@dev is being dialled (told by b@dev)"},
		{with("peer.state", func(e *control.Event) { e.State, e.Detail = "suspect", "no tick for 15 s" }), "c@dev is suspect: no tick for 15 s"},
		{with("peer.state", func(e *control.Event) { e.State = "up" }), "c@dev is up again"},
		{with("peer.state", func(e *control.Event) { e.State = "odd" }), "c@dev is odd"},
		{with("peer.forget", func(*control.Event) {}), "c@dev is not listed any more"},
		{with("sub.add", func(e *control.Event) { e.Channel = "orders" }), "c@dev subscribed to orders"},
		{with("sub.add", func(e *control.Event) { e.Count = 10000 }), "c@dev subscribed to 10 000 channels"},
		{with("sub.remove", func(e *control.Event) { e.Count = 1 }), "c@dev unsubscribed from 1 channel"},
		{happened(1, "node.stopping", ""), "a@dev is stopping"},
		{happened(212, "bookmark", ""), "nothing new since 7f3a:212"},
		{with("peer.moved", func(e *control.Event) { e.Detail = "to another house" }), "c@dev peer.moved to another house"},
		{with("gap", func(e *control.Event) { e.Missed = 12 }), "12 events were missed; what follows is a fresh snapshot"},
		{with("gap", func(e *control.Event) { e.Missed = 1 }), "1 event was missed; what follows is a fresh snapshot"},
		{with("gap", func(*control.Event) {}), "an unknown number of events were missed; what follows is a fresh snapshot"},
		{with("sub.add", func(e *control.Event) { e.Name, e.Channel = "x\x1b[2J", "a\nb\u202e" }), `x\x1b[2J subscribed to a\nb\u202e`},
		{with("x\x1b]0;", func(e *control.Event) { e.Name, e.Detail = "", "\x07" }), `x\x1b]0; \x07`},
		{with("peer.down", func(e *control.Event) { e.Detail = "\x1b[31m" }), `c@dev is down: \x1b[31m`},
	} {
		var b strings.Builder
		w := &textEvents{out: &output{stdout: &b}}
		w.begin("a@dev", control.WatchRequest{}, true)
		if err := w.event(test.event, true); err != nil || b.String() != stamp+test.want+"\n" {
			t.Errorf("%s: %v, %q, want %q", test.event.Type, err, b.String(), test.want)
		}
	}
}

// TestWatchGaps: what is said of a gap depends on what was asked for.
func TestWatchGaps(t *testing.T) {
	gap := happened(9, control.EventGap, "")
	gap.Missed = 3
	for _, test := range []struct {
		asked     control.WatchRequest
		snapshots bool
		later     bool
		want      string
	}{
		{control.WatchRequest{Resume: true, Since: 6, Boot: "7f3a"}, true, false, "3 events were missed; what follows is a fresh snapshot"},
		{control.WatchRequest{Resume: true, Since: 6}, false, false, "3 events were missed"},
		{control.WatchRequest{Resume: true, Since: 6, Boot: "11"}, true, false, "a@dev was restarted: what it saw before is lost; what follows is a fresh snapshot"},
		{control.WatchRequest{Last: time.Hour}, true, false, "3 earlier events are not kept any more"},
		{control.WatchRequest{Last: time.Hour}, true, true, "3 events were missed; what follows is a fresh snapshot"},
		{control.WatchRequest{Resume: true, Since: 6, Boot: "11"}, false, true, "3 events were missed"},
	} {
		w := &textEvents{}
		w.begin("a@dev", test.asked, test.snapshots)
		if got := w.gapText(gap, !test.later); got != test.want {
			t.Errorf("%+v: %q, want %q", test.asked, got, test.want)
		}
	}
}

// TestWatchSnapshotCut: what came of a snapshot that was not finished is not
// counted with the next one.
func TestWatchSnapshotCut(t *testing.T) {
	for _, between := range []func(w *textEvents){
		func(w *textEvents) { w.begin("a@dev", control.WatchRequest{}, true) },
		func(w *textEvents) { _ = w.event(happened(9, control.EventGap, ""), false) },
	} {
		var b strings.Builder
		w := &textEvents{out: &output{stdout: &b}}
		_ = w.event(aSnapshot(1)[0], true)
		between(w)
		for _, e := range aSnapshot(9) {
			_ = w.event(e, false)
		}
		if got := b.String(); strings.Count(got, "b@dev is up") != 1 || !strings.Contains(got, stamp+"2 peers: 1 up, 1 down\n") {
			t.Errorf("%s", got)
		}
	}
}

// TestWatchSaysNoPeers: an empty cluster is told as well.
func TestWatchSaysNoPeers(t *testing.T) {
	var b strings.Builder
	w := &textEvents{out: &output{stdout: &b}}
	if err := w.event(happened(1, control.EventSnapshotEnd, ""), true); err != nil || b.String() != stamp+"no peers\n" {
		t.Errorf("%v, %q", err, b.String())
	}
}
