package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/display"
	"github.com/liminal-bus/liminal/node"
)

// ourLooks are all sequences that a command may write to a terminal.
var ourLooks = func() []string {
	looks := []string{"\x1b[0m"}
	for _, s := range []style{cyan, yellow, yellowBold, redBold, dim, bold} {
		looks = append(looks, "\x1b["+string(s)+"m")
	}
	return looks
}()

// checkSteerless reads text as a terminal does: it must be UTF-8, and nothing in it
// may be a command but newlines, tabs and, where colour is on, our own looks.
func checkSteerless(t *testing.T, text string, colour bool) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Fatalf("not UTF-8: %q", text)
	}
	var state byte
	for rest := text; rest != ""; {
		seq, _, n, next := ansi.DecodeSequence(rest, state, nil)
		rest, state = rest[n:], next
		switch {
		case seq == "\n", seq == "\t", colour && slices.Contains(ourLooks, seq):
		case strings.IndexFunc(seq, display.Harmful) >= 0:
			t.Fatalf("%q steers the terminal, in %q", seq, text)
		}
	}
	if state != ansi.NormalState {
		t.Fatalf("a sequence is open at the end of %q", text)
	}
}

// rendered gives what show writes at a terminal, in one form.
func rendered(f form, colour bool, width int, show func(o *output)) string {
	var b bytes.Buffer
	show(&output{stdout: &b, stderr: &b, form: f, header: true, width: width, paint: palette(colour), errPaint: palette(colour), verbose: true})
	return b.String()
}

// S12: FuzzTexts: the sentences of watch, the answers of join, leave and forget, the
// stages of probe, causes, notes and JSON, with a peer's text wherever one can
// stand, read as a terminal reads them.
func FuzzTexts(f *testing.F) {
	for i, s := range []string{"b@dev", "\x1b[2J", "\x1b[31mred", "\x9b31m", "\u009b", "\u202e", "a\nb\tc\r", "\xff", "\x1b]0;title\x07", "\U000e0041", "%s%d%!", "\x1bP"} {
		f.Add(s, s, uint8(i), i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, name, words string, width uint8, colour bool) {
		for _, form := range []form{formTerminal, formPlain, formJSON} {
			checkSteerless(t, rendered(form, colour, int(width), func(o *output) { showEvents(o, name, words) }), colour)
			checkSteerless(t, rendered(form, colour, int(width), func(o *output) { showAnswers(o, name, words) }), colour)
		}
	})
}

// showEvents tells events of every type and of none.
func showEvents(o *output, name, words string) {
	writers := []eventWriter{jsonEvents{o}, &textEvents{out: o, paint: o.paint, local: true}, &textEvents{out: o}}
	n, us := 3, int64(-5)
	for _, w := range writers {
		w.begin(words, control.WatchRequest{Last: time.Second, Boot: words}, true)
		for i, typ := range append([]string{words, control.EventGap, control.EventBookmark}, control.EventTypes...) {
			e := control.Event{
				Type: typ, Seq: uint64(i), Boot: name, Time: time.Unix(1e9, 0), Name: name, State: words, Kind: words, Address: words,
				Reason: words, Detail: words, ToldBy: words, Channel: words, Flaps: &n, Subs: &n, RTTMicros: &us, AwayMillis: &us, Count: 2, Missed: 3,
			}
			_ = w.event(e, i == 1)
		}
	}
	loss := lossNotes{out: o, now: time.Now}
	loss.add(3)
}

// showAnswers writes the answers of the commands that make one.
func showAnswers(o *output, name, words string) {
	us := int64(5)
	failed := fail("cookie", name, words, words)
	o.printf("%s\n", styled(joinedText(control.JoinResult{Address: name, Name: &words, Endpoint: &words, RTTMicros: &us})))
	o.printf("%s\n", styled(leftText(control.Leave{Node: name, Stopped: name == words})))
	o.printf("%s\n", forgotText(control.ForgetResult{Asked: name, Name: &words, Address: &words, State: &name}))
	r := node.CheckReport{Address: name, As: words, Failed: node.CheckCookie, Err: errors.New(words), Peer: node.CheckPeer{Name: name, Endpoint: words}}
	for _, stage := range node.CheckStages {
		r.Steps = append(r.Steps, node.CheckStep{Stage: stage, Result: node.CheckFailed, Detail: words})
	}
	o.probeTable(r)
	o.printf("%s\n", styled(clean(probeSummary(r))))
	o.report(because(failed, fmt.Errorf("%s: %w", words, errors.New(name))))
	o.report(errors.New(words))
	o.note("%s %v\n", name, errors.New(words))
	_ = o.json(control.Join{Node: name, Results: []control.JoinResult{{Address: words, Error: failed}}})
	_ = o.json(control.Status{Node: name, Warnings: []string{words}})
	m := control.Message{Channel: name, From: words, ID: words, Payload: []byte(words), Lost: 1, LostOf: name}
	for _, p := range []printer{safeMessage("\n"), jsonMessage{"\n", true}, shownMessage{o: o, delimiter: "\n"}} {
		o.write(string(p.line(nil, &m)))
	}
	o.note("%s\n", recordText(messageVars(&m)))
}

// S12: FuzzRaw: where nothing reads but a program a payload passes bit for bit, in
// plain form and with --raw, and JSON carries what it was.
func FuzzRaw(f *testing.F) {
	f.Add([]byte("hello"), true)
	f.Add([]byte("\x1b[2J\x00\xff\u202e\n"), false)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, payload []byte, null bool) {
		delimiter := "\n"
		if null {
			delimiter = "\x00"
		}
		m := control.Message{Channel: "c", From: "b@dev", Payload: payload, Time: time.Unix(1e9, 0)}
		if got := bareMessage(delimiter).line(nil, &m); string(got) != string(payload)+delimiter {
			t.Fatalf("%q is written %q", payload, got)
		}
		raw := shownMessage{o: &output{}, delimiter: delimiter, raw: true}.line(nil, &m)
		if !bytes.HasSuffix(raw, append(bytes.Clone(payload), delimiter...)) {
			t.Fatalf("%q is written raw as %q", payload, raw)
		}
		doc := bytes.TrimSuffix(jsonMessage{delimiter, false}.line(nil, &m), []byte(delimiter))
		var got struct {
			Payload       *string
			PayloadBase64 *string `json:"payload_base64"`
		}
		if err := json.Unmarshal(doc, &got); err != nil {
			t.Fatalf("%q: %q: %v", payload, doc, err)
		}
		switch {
		case got.Payload != nil && utf8.Valid(payload):
			if *got.Payload != string(payload) {
				t.Fatalf("%q came back as %q", payload, *got.Payload)
			}
		case got.PayloadBase64 != nil && !utf8.Valid(payload):
			if back, err := base64.StdEncoding.DecodeString(*got.PayloadBase64); err != nil || !bytes.Equal(back, payload) {
				t.Fatalf("%q came back as %q, %v", payload, back, err)
			}
		default:
			t.Fatalf("%q is written as %q", payload, doc)
		}
	})
}
