package tui

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"

	"github.com/liminal-bus/liminal/internal/control"
)

// names are the peers shown, in order; the selected one in brackets.
func (s *screen) names() string {
	var names []string
	for i, r := range s.m.lists.peers {
		n, _, _ := strings.Cut(r.p.Name, "@")
		if i == s.m.cursors[viewPeers].at {
			n = "[" + n + "]"
		}
		names = append(names, n)
	}
	return strings.Join(names, " ")
}

func TestKeysInTheListOfPeers(t *testing.T) {
	const trouble = "[c] jobs app b bridge-01 obs"
	for _, c := range []struct {
		keys []string
		want string
	}{
		{nil, trouble},
		{[]string{"j"}, "c [jobs] app b bridge-01 obs"},
		{[]string{"down", "down", "up"}, "c [jobs] app b bridge-01 obs"},
		{[]string{"k"}, trouble},
		{[]string{"G"}, "c jobs app b bridge-01 [obs]"},
		{[]string{"end", "j"}, "c jobs app b bridge-01 [obs]"},
		{[]string{"G", "g"}, trouble},
		{[]string{"G", "home"}, trouble},
		{[]string{"pgdown"}, "c jobs app b bridge-01 [obs]"},
		{[]string{"pgdown", "pgup"}, trouble},
		{[]string{"ctrl+d"}, "c jobs app b bridge-01 [obs]"},
		{[]string{"G", "ctrl+u"}, trouble},
		{[]string{"s"}, "app b bridge-01 [c] jobs obs"},
		{[]string{"s", "S"}, "obs jobs [c] bridge-01 b app"},
		{[]string{"s", "S", "0"}, trouble},
		{[]string{"s", "s", "s", "s"}, "jobs bridge-01 app obs b [c]"}, // rtt
		{[]string{"s", "s", "s", "s", "s"}, "jobs [c] bridge-01 app b obs"},
		{[]string{"/", "text:kind:otp"}, "[jobs] app obs"},
		{[]string{"/", "text:jobs", "enter", "esc"}, "c [jobs] app b bridge-01 obs"},
		{[]string{"/", "text:b", "down", "enter"}, "jobs [b] bridge-01 obs"},
		{[]string{"/", "text:jobs", "esc"}, "c [jobs] app b bridge-01 obs"},
		{[]string{"/", "text:nobody"}, ""},
		{[]string{"/", "text:nobody", "backspace", "esc"}, trouble},
	} {
		t.Run(strings.Join(c.keys, " "), func(t *testing.T) {
			s := sixes(Options{}, 80, 24)
			s.press(c.keys...)
			if got := s.names(); got != c.want {
				t.Errorf("after %v\n got %s\nwant %s", c.keys, got, c.want)
			}
		})
	}
}

// TestKeysThatOpen presses keys and looks at what is open.
func TestKeysThatOpen(t *testing.T) {
	type open struct {
		view                view
		focus               focus
		detail, help, panel bool
		wide, editing       bool
	}
	for _, c := range []struct {
		keys string
		want open
	}{
		{"", open{panel: true}},
		{"2", open{view: viewChannels, panel: true}},
		{"3", open{view: viewEvents, panel: true}},
		{"3 1", open{panel: true}},
		{"3 esc", open{panel: true}},
		{"esc", open{panel: true}},
		{"enter", open{detail: true, panel: true}},
		{"enter enter", open{panel: true}},
		{"enter esc", open{panel: true}},
		{"enter tab", open{detail: true, focus: focusDetail, panel: true}},
		{"enter tab esc", open{panel: true}},
		{"enter tab tab", open{detail: true, panel: true}},
		{"tab", open{focus: focusEvents, panel: true}},
		{"shift+tab", open{focus: focusEvents, panel: true}},
		{"tab tab", open{panel: true}},
		{"tab esc", open{panel: true}},
		{"tab enter", open{view: viewEvents, detail: true, panel: true}},
		{"e", open{}},
		{"tab e", open{}},
		{"e e", open{panel: true}},
		{"w", open{wide: true, panel: true}},
		{"?", open{help: true, panel: true}},
		{"? j ctrl+d k", open{help: true, panel: true}},
		{"? x", open{panel: true}},
		{"? esc", open{panel: true}},
		{"? ?", open{panel: true}},
		{"/", open{editing: true, panel: true}},
		{"/ q", open{editing: true, panel: true}},
		{"/ enter", open{panel: true}},
		{"2 enter", open{view: viewChannels, panel: true}},
	} {
		t.Run(c.keys, func(t *testing.T) {
			s := sixes(Options{}, 80, 24)
			s.press(strings.Fields(c.keys)...)
			m := s.m
			if got := (open{m.view, m.focus, m.detail, m.help, m.panel, m.wide, m.editing}); got != c.want {
				t.Errorf("after %q\n got %+v\nwant %+v", c.keys, got, c.want)
			}
		})
	}
}

func TestOnlyTheKeysOfLeavingLeave(t *testing.T) {
	quits := func(cmd tea.Cmd) bool {
		if cmd == nil {
			return false
		}
		_, ok := cmd().(tea.QuitMsg)
		return ok
	}
	for _, open := range []string{"", "2", "3", "enter", "?", "/"} {
		for _, k := range []string{"q", "ctrl+c", "esc"} {
			s := sixes(Options{}, 80, 24)
			s.press(strings.Fields(open)...)
			want := k == "ctrl+c" || k == "q" && open != "/"
			s.m.sight.channels = s.m.view == viewChannels
			if got := quits(s.press(k)); got != want {
				t.Errorf("after %q, %s quits: %v, want %v", open, k, got, want)
			}
		}
	}
	s := sixes(Options{}, 80, 24)
	if _, ok := s.press("ctrl+z")().(tea.SuspendMsg); !ok {
		t.Error("ctrl+z does not suspend")
	}
}

// TestNoShellToSuspendTo: a screen that nobody would wake says so, wherever the
// key is typed, until the next key.
func TestNoShellToSuspendTo(t *testing.T) {
	for _, open := range []string{"", "2", "?", "/", "/ j"} {
		s := sixes(Options{}, 80, 24)
		s.m.orphaned = func() bool { return true }
		s.press(strings.Fields(open)...)
		if cmd := s.press("ctrl+z"); cmd != nil {
			if _, ok := cmd().(tea.SuspendMsg); ok {
				t.Errorf("after %q, it suspends", open)
			}
		}
		if !strings.Contains(s.m.frame, noShell) {
			t.Errorf("after %q, nothing is said:\n%s", open, s.m.frame)
		}
		s.press("j")
		if strings.Contains(s.m.frame, noShell) {
			t.Errorf("after %q, it is still said", open)
		}
	}
}

// TestLettersReadAtOnceAreKeys: a fast typist's keys come in one message.
func TestLettersReadAtOnceAreKeys(t *testing.T) {
	s := sixes(Options{}, 80, 24)
	s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("jjk/jobs")})
	if got := s.names(); got != "[jobs]" {
		t.Errorf("shown: %s", got)
	}
	s = sixes(Options{}, 80, 24)
	s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("jjq"), Paste: true})
	if got := s.names(); !strings.HasPrefix(got, "[c]") {
		t.Errorf("pasted text worked as keys: %s", got)
	}
	s.press("/")
	s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("jo\x1b\nbs"), Paste: true})
	if got := s.m.input.value(); got != "jo bs" {
		t.Errorf("pasted filter: %q", got)
	}
}

func TestInput(t *testing.T) {
	for _, c := range []struct{ keys, want string }{
		{"text:abc", "abc|"},
		{"text:abc left text:x", "abx|c"},
		{"text:abc home text:x", "x|abc"},
		{"text:abc home delete", "|bc"},
		{"text:abc backspace", "ab|"},
		{"backspace delete left right", "|"},
		{"text:ab space text:cd ctrl+w", "ab |"},
		{"text:ab ctrl+u", "|"},
		{"text:abc left left ctrl+k", "a|"},
	} {
		s := sixes(Options{}, 80, 24)
		s.press("/")
		for k := range strings.FieldsSeq(c.keys) {
			switch k {
			case "space":
				s.send(tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}})
			case "left", "right", "delete", "ctrl+w", "ctrl+k":
				s.send(tea.KeyMsg{Type: map[string]tea.KeyType{"left": tea.KeyLeft, "right": tea.KeyRight,
					"delete": tea.KeyDelete, "ctrl+w": tea.KeyCtrlW, "ctrl+k": tea.KeyCtrlK}[k]})
			default:
				s.press(k)
			}
		}
		in := s.m.input
		if got := string(in.text[:in.at]) + "|" + string(in.text[in.at:]); got != c.want {
			t.Errorf("%s: %q, want %q", c.keys, got, c.want)
		}
	}
}

// TestSelectionFollowsTheName whatever sorting, news and polls do to the rows.
func TestSelectionFollowsTheName(t *testing.T) {
	s := sixes(Options{}, 80, 24)
	s.press("j", "j", "j") // b@dev
	is := func(want string) {
		t.Helper()
		if got := s.m.selected().p.Name; got != want {
			t.Errorf("selected %s, want %s", got, want)
		}
	}
	is("b@dev")
	s.events(control.Event{Type: control.EventDown, Name: "b@dev", Time: s.now, Boot: "7f3a"})
	is("b@dev")
	s.press("s", "S")
	is("b@dev")
	s.press("0")
	s.events(control.Event{Type: control.EventForget, Name: "b@dev", Time: s.now, Boot: "7f3a"})
	is("c@dev") // b was first, and c stands there now
}

func TestPauseFreezesThePicture(t *testing.T) {
	s := sixes(Options{}, 80, 24)
	s.press("p")
	before := strings.Split(s.m.View(), "\n")[1:]
	for i := range 34 {
		s.events(control.Event{Type: control.EventDown, Name: "b@dev", Time: s.now.Add(time.Duration(i)), Boot: "7f3a"})
	}
	s.peers()
	s.wait(9 * time.Second)
	frame := strings.Split(s.m.View(), "\n")
	if !slices.Equal(frame[1:], before) {
		t.Errorf("the picture moved:\n%s", s.m.View())
	}
	if !strings.Contains(frame[0], "34 events waiting") {
		t.Errorf("header %q", frame[0])
	}
	s.press("p")
	if got := s.names(); got != "[c]" && got != "" {
		t.Errorf("after the pause: %s", got)
	}
}

// A filter that asks for names of channels is answered in a picture that was frozen
// before anybody asked for them, and nothing else in it moves.
func TestNamesInAFrozenPicture(t *testing.T) {
	s := newScreen(Options{}).size(80, 24)
	peer := func(name string, generation uint64, names ...string) control.Peer {
		return control.Peer{Name: name, State: stateUp, Kind: "liminal", Generation: generation, Subs: 1, Subscriptions: names}
	}
	s.peers(peer("b@dev", 1), peer("c@dev", 1), peer("d@dev", 1))
	s.press("p", "/", "text:sub:orders")
	if got := s.names(); got != "" {
		t.Fatalf("before the names have come: %s", got)
	}
	later := peer("c@dev", 1, "orders")
	later.Flaps = 7
	s.now = s.now.Add(frameEvery)
	s.peers(peer("b@dev", 1, "chat"), later, peer("d@dev", 2, "orders"), peer("e@dev", 1, "orders"))
	if got := s.settle().names(); got != "[c]" {
		t.Errorf("of b that has chat, c, a later life of d, and e that came later: %s", got)
	}
	if r := s.m.frozen.rows["c@dev"]; r.p.Flaps != 0 {
		t.Errorf("c moved: %+v", r.p)
	}
}

// The key that asks again repaints the screen, also while an answer is awaited.
func TestAskRepaints(t *testing.T) {
	s := sixes(Options{}, 80, 24)
	for range 2 {
		if !clears(s.press("r")) {
			t.Error("r does not clear the screen")
		}
	}
	if clears(s.press("j")) {
		t.Error("j does")
	}
}

// clears looks for tea.ClearScreen in a command without running what else is there.
func clears(cmd tea.Cmd) bool {
	if cmd == nil {
		return false
	}
	if reflect.ValueOf(cmd).Pointer() == reflect.ValueOf(tea.ClearScreen).Pointer() {
		return true
	}
	if !strings.Contains(runtime.FuncForPC(reflect.ValueOf(cmd).Pointer()).Name(), "Batch") {
		return false
	}
	batch, _ := cmd().(tea.BatchMsg)
	return slices.ContainsFunc(batch, clears)
}

// TestEveryKeyIsInTheHelp and does something.
func TestEveryKeyIsInTheHelp(t *testing.T) {
	words := map[string]string{"up": "↑", "down": "↓", "pgdown": "pgdn"}
	page := strings.Fields(strings.Join(helpLines, " "))
	v := reflect.ValueOf(keys)
	for i := range v.NumField() {
		b := v.Field(i).Interface().(key.Binding)
		if !slices.ContainsFunc(keyRows, func(r keyRow) bool { return slices.Equal(r.key.Keys(), b.Keys()) }) {
			t.Errorf("%s does nothing", v.Type().Field(i).Name)
		}
		for _, k := range b.Keys() {
			if w, ok := words[k]; ok {
				k = w
			}
			if !slices.Contains(page, k) {
				t.Errorf("the help page does not have %s", k)
			}
		}
	}
}

// TestEverySize draws each scene at each size from nothing up.
func TestEverySize(t *testing.T) {
	for name, scene := range scenes {
		for _, o := range []Options{{}, {Colour: true}, {ASCII: true}} {
			s := scene(o, 80, 24)
			for w := 0; w <= 130; w += 1 + w/16 {
				for h := 0; h <= 44; h += 1 + h/12 {
					s.size(w, h)
					checkFrame(t, s.m.View(), w, h, o)
					if t.Failed() {
						t.Fatalf("%s at %dx%d, %+v", name, w, h, o)
					}
				}
			}
		}
	}
}

// TestColumnsThatGo below 80: first KIND, then SUBS, then the sparkline.
func TestColumnsThatGo(t *testing.T) {
	for w, want := range map[int]string{
		120: "STATE NAME ADDRESS KIND UP RTT LAST 5 min FLAPS SUBS IN/s OUT/s",
		80:  "STATE NAME KIND UP RTT LAST 5 min FLAPS SUBS",
		79:  "STATE NAME UP RTT LAST 5 min FLAPS SUBS",
		70:  "STATE NAME UP RTT LAST 5 min FLAPS",
		60:  "STATE NAME UP RTT FLAPS",
		40:  "STATE NAME UP RTT",
	} {
		s := sixes(Options{}, w, 24)
		title := strings.Split(s.m.View(), "\n")[2]
		if got := strings.Join(strings.Fields(title), " "); got != want {
			t.Errorf("%d columns: %s, want %s", w, got, want)
		}
	}
}

func TestTinyWindow(t *testing.T) {
	s := sixes(Options{}, 39, 24)
	if got, want := s.m.View(), "4 up 1 flap 1 down (make the window la…"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	s.size(60, 5)
	if got, want := s.m.View(), "4 up 1 flap 1 down (make the window larger)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestManyPeers: only rows that can be seen are made, and the header groups
// digits.
func TestManyPeers(t *testing.T) {
	s := newScreen(Options{}).size(120, 24)
	list := make([]control.Peer, 5000)
	for i := range list {
		list[i] = control.Peer{Name: fmt.Sprintf("n%04d@dev", i), State: "up", Kind: "liminal"}
	}
	s.peers(list...)
	s.press("/", "text:n00", "enter")
	if got := s.m.View(); !strings.Contains(got, "100 of 5 000 shown: 100 up") {
		t.Errorf("%s", got)
	}
	s.press("esc", "G")
	if got := s.m.selected().p.Name; got != "n4999@dev" {
		t.Errorf("last is %s", got)
	}
	if got := s.m.View(); !strings.Contains(got, "> * up       n4999@dev") {
		t.Errorf("the selected row is not seen:\n%s", got)
	}
}
