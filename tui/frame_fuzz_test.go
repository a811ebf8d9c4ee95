package tui

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/liminal-bus/liminal/internal/control"
)

// lookSGR matches what a theme may write to the terminal.
var lookSGR = regexp.MustCompile("\x1b\\[[0-9;]*m")

// checkTame holds a frame to what a terminal can bear: no wider and no higher
// than the window, no byte that moves it, no escape sequence but the looks of
// the roles, and none at all without colour.
func checkTame(t interface{ Fatalf(string, ...any) }, m *model) {
	frame := m.View()
	lines := strings.Split(frame, "\n")
	if len(lines) > m.height && frame != "" {
		t.Fatalf("%d lines in a window of %dx%d:\n%s", len(lines), m.width, m.height, frame)
	}
	if !utf8.ValidString(frame) {
		t.Fatalf("not UTF-8: %q", frame)
	}
	text := frame
	if m.theme.colour {
		text = lookSGR.ReplaceAllStringFunc(frame, func(seq string) string {
			if seq == "\x1b[m" || slices.Contains(looks[:], seq) {
				return ""
			}
			return seq
		})
	}
	for i, line := range strings.Split(text, "\n") {
		if bad := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsGraphic(r) }); bad >= 0 {
			t.Fatalf("line %d has %q: %q", i, line[bad:bad+1], line)
		}
		if n := width(line); n > m.width {
			t.Fatalf("line %d has %d columns of %d: %q", i, n, m.width, line)
		}
		if m.theme.ascii && !printableASCII(line) {
			t.Fatalf("line %d is not ASCII: %q", i, line)
		}
	}
}

var (
	fuzzSizes = [][2]int{{80, 24}, {120, 40}, {40, 10}, {60, 16}, {200, 50}, {39, 7}}
	fuzzKeys  = []string{"", "<enter>", "2", "3", "3<enter>", "?", "w", "/", "p", "<enter><tab>jj<tab>k", "ssssS"}
)

// S12: FuzzFrame: whatever a peer, a node or an error calls itself, in every view and
// at every size it takes no column that is not its own and says nothing to the
// terminal.
func FuzzFrame(f *testing.F) {
	for i, s := range []string{
		"c@dev", "\x1b[2J\x1b[31mred", "日本語日本語日本語日本語日本語日本語日本語", "a\nb\tc\r\u202e\u2066\u200b", "\xff\xfe\x80",
		string(awkward), strings.Repeat("x", 3000), "\u009b31m", "e\u0301\u0302\u0303\u0304", "", "\x00", "👩‍👩‍👧‍👦🇩🇪️", "%s%d%!",
	} {
		f.Add(s, s, uint8(i), uint8(i), i%2 == 0, i%3 == 0)
		f.Add("n@dev", s, uint8(i+1), uint8(i+3), i%2 == 1, false)
	}
	f.Fuzz(func(t *testing.T, name, text string, size, keys uint8, colour, ascii bool) {
		wh := fuzzSizes[int(size)%len(fuzzSizes)]
		s := newStage(t, 3, wh[0], wh[1], Options{Colour: colour, ASCII: ascii, Attached: orNothing(keys >= 128, text)})
		checkTame(t, &s.m)
		s.m.o.Node = text
		s.foreign(name, text)
		s.keys(fuzzKeys[int(keys)%len(fuzzKeys)])
		checkTame(t, &s.m)
		s.foreignAnswers(name, text)
		s.sleep(time.Second)
		checkTame(t, &s.m)
		s.keys("<esc><esc>/")
		s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text), Paste: true})
		checkTame(t, &s.m)
		s.keys("<enter>")
		checkTame(t, &s.m)
		s.foreignErrors(text)
		checkTame(t, &s.m)
		s.keys("?")
		checkTame(t, &s.m)
	})
}

func orNothing(b bool, s string) string {
	if b {
		return s
	}
	return ""
}

// foreign brings events of each type with that text wherever one can stand.
func (s *stage) foreign(name, text string) {
	var batch []control.Event
	for i, typ := range append([]string{control.EventGap, control.EventBookmark, text}, control.EventTypes...) {
		for _, state := range []string{"", stateUp, stateSuspect, text} {
			batch = append(batch, control.Event{
				Type: typ, Seq: uint64(i), Boot: s.sim.boot, Time: s.now, Name: name, State: state, Kind: text, Address: text,
				Reason: text, Detail: text, ToldBy: text, Channel: text, Flaps: ptr(i - 1), Subs: ptr(-1), RTTMicros: ptr(int64(-1)),
				AwayMillis: ptr(int64(-1)), Missed: 1 << 63, Count: 1 << 63,
			})
		}
	}
	batch = slices.DeleteFunc(batch, func(e control.Event) bool { return e.Type == control.EventForget })
	s.sleep(frameEvery)
	s.send(eventsMsg{at: s.now, events: batch})
}

// foreignAnswers brings lists in which everything is that text.
func (s *stage) foreignAnswers(name, text string) {
	odd := control.Peer{
		Name: name, State: text, Kind: text, Address: &text, Since: &time.Time{}, RTTMicros: ptr(int64(-1) << 62), Flaps: -1,
		Subscriptions: []string{text, text, text}, Version: &text, Reason: &text, Hidden: true, Flapping: true, Direction: &text,
		Creation: 1, Changed: &time.Time{}, ToldBy: &text, Note: &text, Subs: 1 << 40, In: 1 << 63, Out: 1 << 63, Drops: 1 << 63,
	}
	up := odd
	up.State, up.Name = stateUp, name+"2"
	s.sleep(frameEvery)
	doc := control.Peers{Node: text, Time: s.now, Peers: []control.Peer{odd, up, {Name: "n00000@dev"}}}
	s.send(peersMsg{answer[control.Peers]{at: s.now, doc: doc}, false})
	s.send(peerMsg{answer[control.Peers]{at: s.now, doc: doc}, name, s.m.chain})
	s.send(statusMsg{answer[control.Status]{at: s.now, doc: control.Status{
		Node: text, State: text, Health: text, Version: text, Listen: []string{text}, Warnings: []string{text}, Boot: text,
		Channels: control.ChannelCounts{InRate: 1e300, OutRate: -1},
	}}})
	s.send(channelsMsg{answer[control.Channels]{at: s.now, doc: control.Channels{Time: s.now, Incomplete: []string{text}, Channels: []control.Channel{
		{Name: text, Spelling: text, InRate: 1e300, OutRate: -1e300, In: 1 << 63, Last: &time.Time{}, Members: []control.ChannelMember{{Node: text, Kind: text, Subscribers: -1}}},
		{Name: name},
	}}}, s.m.chain})
}

// foreignErrors has all calls fail with that text, the stream too.
func (s *stage) foreignErrors(text string) {
	s.sleep(frameEvery)
	err := errors.New(text)
	s.send(peersMsg{answer[control.Peers]{at: s.now, err: err}, false})
	s.send(statusMsg{answer[control.Status]{at: s.now, err: err}})
	s.send(channelsMsg{answer[control.Channels]{at: s.now, err: err}, s.m.chain})
	s.send(eventsMsg{at: s.now, end: &control.Error{Message: text, Why: text}})
	s.sleep(time.Second)
	s.send(eventsMsg{at: s.now, end: &control.DialError{Socket: text, Err: err}})
	s.sleep(time.Second)
	s.send(tickMsg{s.now})
}

// FuzzKeys: no key, size or moment breaks the screen. Each byte is a step.
func FuzzKeys(f *testing.F) {
	for _, s := range []string{
		"", "jjjkk\rGg", "2j3j\r1", "/n0\rssS0", "?q", "pjjjp", "\r\t\tjj\x1b", "/kind:otp state:\x1b", "\xf0\xf1\xf2\xf3\xf4\xf5jG\xf0\xff",
		"\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89", "ewew\r\xf0w\xf1", "/\x03", "3j\r\t\x04\x15jjj", "/abc\x7f\x7f\x7f\x7f\x17",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, steps []byte, colour bool) {
		s := newStage(t, 25, 80, 24, Options{Colour: colour})
		for _, b := range steps[:min(len(steps), 200)] {
			s.step(b)
			checkTame(t, &s.m)
		}
	})
}

// step is one byte of FuzzKeys: below 0x80 a key, then events and answers, from
// 0xc0 on sizes.
func (s *stage) step(b byte) {
	switch {
	case b >= 0xc0:
		n := int(b) - 0xc0
		s.send(tea.WindowSizeMsg{Width: n * n % 201, Height: n * 7 % 61})
	case b >= 0x80:
		fuzzMoments[int(b)%len(fuzzMoments)](s)
	case b == '\r':
		s.send(tea.KeyMsg{Type: tea.KeyEnter})
	case b == '\t', b == 0x1b, b == 0x7f, b < ' ':
		s.send(tea.KeyMsg{Type: tea.KeyType(b)})
	default:
		s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{rune(b)}})
	}
}

var fuzzMoments = []func(*stage){
	func(s *stage) { s.sleep(frameEvery) },
	func(s *stage) { s.sleep(time.Hour); s.send(tickMsg{s.now}) },
	func(s *stage) { s.happen(1) },
	func(s *stage) { s.happen(30) },
	func(s *stage) { s.poll() },
	func(s *stage) { s.status() },
	func(s *stage) { s.send(eventsMsg{at: s.now, end: control.ErrStreamEnd}) },
	func(s *stage) {
		s.send(peersMsg{answer[control.Peers]{at: s.now, doc: control.Peers{Time: s.now}}, false}) // all gone
	},
	func(s *stage) { s.send(eventsMsg{at: s.now, events: s.sim.snapshot()}) },
	func(s *stage) { s.send(tea.KeyMsg{Type: tea.KeyShiftTab}) },
	func(s *stage) { s.send(tea.KeyMsg{Type: tea.KeyPgDown}) },
	func(s *stage) { s.send(tea.KeyMsg{Type: tea.KeyEnd}) },
	func(s *stage) {
		s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("日e\u0301\x00\u202e"), Paste: true})
	},
}
