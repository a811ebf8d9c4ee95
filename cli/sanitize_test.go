package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/display"
)

func TestClean(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"b@dev", "b@dev"},
		{"grün 日本 ✓", "grün 日本 ✓"},
		{"a\x1b[31mb", `a\x1b[31mb`},
		{"a\tb\nc\rd\x00", `a\tb\nc\rd\x00`},
		{"\x7f", `\x7f`},
		{"\u0085\u009b31m", `\u0085\u009b31m`},
		{"a\u202eb\u2066", `a\u202eb\u2066`},
		{"a\u200bb\ufeff\u00ad", `a\u200bb\ufeff\u00ad`},
		{"\u2028", `\u2028`},
		{"\U000e0041", `\U000e0041`},
		{"\ufe0f", `\ufe0f`},
		{"\xff\xc3", `\xff\xc3`},
		{"\ufffd", "\ufffd"},
	} {
		if got := clean(test.in); got != test.want {
			t.Errorf("clean(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestSayCleansArguments(t *testing.T) {
	got := say("%s %v %s %d", "a\x1b", errors.New("b\x07"), styled("\x1b[1mc\x1b[0m"), 4)
	if want := "a\\x1b b\\x07 \x1b[1mc\x1b[0m 4"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"a", "\x1b]0;x\x07", "\u202e", "\xc2", "\U000e0001", "\u009b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if !utf8.ValidString(got) || strings.IndexFunc(got, display.Harmful) >= 0 {
			t.Errorf("clean(%q) = %q", s, got)
		}
		if clean(got) != got {
			t.Errorf("clean is not stable for %q", s)
		}
		doc, err := encodeJSON(map[string]string{"k": s})
		if err != nil {
			t.Fatal(err)
		}
		if strings.IndexFunc(strings.TrimSuffix(string(doc), "\n"), display.Harmful) >= 0 {
			t.Errorf("JSON of %q: %q", s, doc)
		}
		var back map[string]string
		if err := json.Unmarshal(doc, &back); err != nil || back["k"] != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Errorf("JSON of %q came back as %q, %v", s, back["k"], err)
		}
	})
}

// S12: FuzzRender: whatever a peer says of itself, nothing that reaches a terminal
// but our own colours can steer it.
func FuzzRender(f *testing.F) {
	f.Add("b@dev\x1b[2J", "no tick\x9b", "127.0.0.1:1\u202e", uint8(40))
	f.Add("日本\u200b", "", "", uint8(3))
	f.Fuzz(func(t *testing.T, name, reason, address string, width uint8) {
		now := time.Unix(1e9, 0)
		p := control.Peer{Name: name, State: reason, Kind: name, Address: &address, Reason: &reason, Note: &name, ToldBy: &name, Changed: &now}
		e := control.Event{Type: "peer.join", Name: name, Kind: reason, ToldBy: address, Reason: reason}
		s := control.Status{Node: name, State: reason, Health: reason, Version: name, Names: address, Listen: []string{address},
			Down: []string{name}, Warnings: []string{reason}, Seeds: []control.Seed{{Address: address, State: name, Error: &reason}}}
		p.Subscriptions = []string{address, name}
		ch := control.Channel{Name: name, Last: &now}
		m := control.Message{Channel: name, From: address, Payload: []byte(reason), Time: now}
		d := control.Published{Channel: name, Dropped: 1, Refused: 1, FirstRefused: &reason, Hint: &control.ChannelHint{Channel: name},
			Peers: []control.PeerOutcome{{Node: address, Outcome: reason, Dropped: 1}}}
		for _, form := range []form{formTerminal, formPlain} {
			var b bytes.Buffer
			o := &output{stdout: &b, stderr: &b, form: form, header: true, width: int(width), paint: true, errPaint: true, verbose: true}
			o.peersTable([]control.Peer{p}, wholeView(peerColumns), now)
			plainList(o, []control.Peer{p}, wholeView(peerColumns))
			o.channelsTable([]control.Channel{ch}, wholeView(channelColumns), now)
			plainList(o, []control.Channel{ch}, wholeView(channelColumns))
			o.write(string(shownMessage{o: o}.line(nil, &m)))
			o.note("%s\n", publishedText(d))
			_ = o.event(e, name)
			e.Type = "peer.down"
			_ = o.event(e, name)
			o.statusText(s, now)
			o.report(fail("cookie", name, reason, address))
			o.note("%s %s\n", name, reason)
			checkSteerless(t, b.String(), true)
		}
	})
}
