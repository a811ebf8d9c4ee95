package tui

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/liminal-bus/liminal/internal/control"
)

var update = flag.Bool("update", false, "write the golden frames anew")

// noon is the moment of the frames.
var noon = time.Date(2026, 1, 15, 12, 4, 31, 0, time.UTC)

func init() { time.Local = time.UTC } // the frames have times of day

// screen drives a model as the program would, without its commands.
type screen struct {
	m   model
	now time.Time
}

func newScreen(o Options) *screen {
	s := &screen{now: noon}
	if o.Node == "" {
		o.Node = "a@dev"
	}
	s.m = newModel(o, newWire(context.Background(), nil, func() time.Time { return noon }))
	return s
}

// send gives one message; the command is given back, not run.
func (s *screen) send(msg tea.Msg) tea.Cmd {
	next, cmd := s.m.Update(msg)
	s.m = next.(model)
	return cmd
}

func (s *screen) size(w, h int) *screen {
	s.send(tea.WindowSizeMsg{Width: w, Height: h})
	return s
}

// press types keys: "j", "enter", "ctrl+d", "text:b@dev".
func (s *screen) press(names ...string) tea.Cmd {
	var cmd tea.Cmd
	for _, n := range names {
		if text, ok := strings.CutPrefix(n, "text:"); ok {
			for _, r := range text {
				cmd = s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
			}
			continue
		}
		cmd = s.send(keyNamed(n))
	}
	return cmd
}

var keyTypes = map[string]tea.KeyType{
	"enter": tea.KeyEnter, "esc": tea.KeyEsc, "tab": tea.KeyTab, "shift+tab": tea.KeyShiftTab, "up": tea.KeyUp,
	"down": tea.KeyDown, "home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
	"ctrl+d": tea.KeyCtrlD, "ctrl+u": tea.KeyCtrlU, "ctrl+c": tea.KeyCtrlC, "ctrl+z": tea.KeyCtrlZ,
	"backspace": tea.KeyBackspace,
}

func keyNamed(n string) tea.KeyMsg {
	if t, ok := keyTypes[n]; ok {
		return tea.KeyMsg{Type: t}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(n)}
}

// wait lets time pass, with the clock's message.
func (s *screen) wait(d time.Duration) *screen {
	s.now = s.now.Add(d)
	s.m.heard = s.now
	s.send(tickMsg{s.now})
	return s.settle()
}

func (s *screen) events(events ...control.Event) *screen {
	s.now = s.now.Add(frameEvery)
	s.send(eventsMsg{at: s.now, events: events})
	return s.settle()
}

// settle draws what was put off.
func (s *screen) settle() *screen {
	if s.m.due {
		s.m.drawn = time.Time{}
		s.send(frameMsg{s.now})
	}
	return s
}

func (s *screen) end(err error) *screen {
	s.send(eventsMsg{at: s.now, end: err})
	return s
}

func (s *screen) peers(peers ...control.Peer) *screen {
	s.send(peersMsg{answer: answer[control.Peers]{at: s.now, doc: control.Peers{Node: "a@dev", Time: s.now, Peers: peers}}})
	return s
}

func (s *screen) status(st control.Status) *screen {
	s.send(statusMsg{answer[control.Status]{at: s.now, doc: st}})
	return s
}

func of[T any](v T) *T { return &v }

func before(d string) *time.Time {
	span, err := time.ParseDuration(d)
	if err != nil {
		panic(err)
	}
	return of(noon.Add(-span))
}

// sixPeers are those of a cluster with something of everything.
func sixPeers() []control.Peer {
	return []control.Peer{
		{Name: "app@dev", State: "up", Kind: "otp", Address: of("10.0.0.9:40022"), Since: before("2h13m"), RTTMicros: of(int64(900)), In: 2000, Out: 5000, Generation: 1},
		{Name: "b@dev", State: "up", Kind: "liminal", Address: of("127.0.0.1:40122"), Since: before("2h14m"), RTTMicros: of(int64(310)), Subs: 4, In: 3000, Out: 1900, Generation: 2, Version: of("0.1.0")},
		{Name: "bridge-01@dev", State: "up", Kind: "liminal", Address: of("10.0.0.5:9100"), Since: before("2h10m"), RTTMicros: of(int64(1200)), Flaps: 1, Subs: 1, Generation: 3},
		{Name: "c@dev", State: "down", Kind: "liminal", Address: of("10.0.0.7:9100"), Flaps: 3, Subs: 2, Reason: of("no tick for 60 s"), Changed: before("41s"), Note: of("connection refused, 4 tries, next in 8 s"), In: 12481, Out: 9020, Generation: 7, Creation: 0x7f3a},
		{Name: "jobs@dev", State: "up", Kind: "otp", Address: of("10.0.0.9:43121"), Since: before("2m20s"), RTTMicros: of(int64(48000)), Flaps: 9, Flapping: true, Generation: 8},
		{Name: "obs@dev", State: "up", Kind: "otp", Hidden: true, Address: of("127.0.0.1:40130"), Since: before("6m29s"), RTTMicros: of(int64(400)), Generation: 9},
	}
}

func sixStatus() control.Status {
	return control.Status{
		Node: "a@dev", State: "up", Health: "healthy", Started: *before("2h14m"), Boot: "7f3a",
		Listen: []string{"127.0.0.1:40121"}, Loopback: true,
		Channels: control.ChannelCounts{Channels: 5, InRate: 31, OutRate: 44},
	}
}

// story is what has happened before the frames.
func story() []control.Event {
	ev := func(ago, typ, name string, more func(*control.Event)) control.Event {
		e := control.Event{Type: typ, Name: name, Time: *before(ago), Boot: "7f3a"}
		if more != nil {
			more(&e)
		}
		return e
	}
	return []control.Event{
		ev("14m2s", control.EventRejoin, "jobs@dev", func(e *control.Event) { e.AwayMillis, e.Flaps = of(int64(2000)), of(8) }),
		ev("14m", control.EventLeave, "d@dev", func(e *control.Event) { e.Detail = "said goodbye (liminal leave)" }),
		ev("14m", control.EventForget, "d@dev", nil),
		ev("6m29s", control.EventJoin, "obs@dev", func(e *control.Event) { e.Kind, e.State, e.Generation = "hidden", "up", 9 }),
		ev("2m51s", control.EventSubAdd, "b@dev", func(e *control.Event) { e.Channel = "orders" }),
		ev("2m24s", control.EventDown, "jobs@dev", func(e *control.Event) { e.Detail = "connection reset by peer" }),
		ev("2m20s", control.EventRejoin, "jobs@dev", func(e *control.Event) { e.AwayMillis, e.Flaps, e.Generation = of(int64(4100)), of(9), 8 }),
		ev("41s", control.EventDown, "c@dev", func(e *control.Event) { e.Detail, e.Flaps = "no tick for 60 s", of(3) }),
	}
}

// sixes is the screen of the six peers, with five minutes behind it.
func sixes(o Options, w, h int) *screen {
	s := newScreen(o)
	wave := []float64{1, 1.1, 1.4, 1, 2, 1.2, 1, 5, 1, 1.3}
	for i := range 60 {
		s.now = noon.Add(time.Duration(i-60) * 5 * time.Second)
		list := sixPeers()
		for j := range list {
			p := &list[j]
			if p.Name == "c@dev" && i < 52 {
				p.State, p.RTTMicros, p.Since = "up", of(int64(600+i*200)), before("1h52m33s")
			}
			if p.Name == "jobs@dev" && i%7 == 3 {
				p.State = "down"
			}
			p.In, p.Out = p.In+uint64(i)*60, p.Out+uint64(i)*150
			if p.RTTMicros != nil {
				p.RTTMicros = of(int64(float64(*p.RTTMicros) * wave[(i/5+j)%len(wave)]))
			}
		}
		s.peers(list...)
	}
	s.now = noon.Add(-frameEvery)
	s.m.now, s.m.live.log = noon.Add(-time.Minute), log{}
	s.status(sixStatus())
	s.events(story()...)
	list := sixPeers()
	for j := range list {
		list[j].In, list[j].Out = list[j].In+60*60, list[j].Out+60*150
	}
	s.peers(list...)
	s.size(w, h)
	s.press("g")
	return s
}

// scenes are the frames that are kept. Each is drawn at every size.
var scenes = map[string]func(o Options, w, h int) *screen{
	"peers": sixes,
	"detail": func(o Options, w, h int) *screen {
		s := sixes(o, w, h)
		s.press("enter")
		full := sixPeers()[3]
		full.Subscriptions, full.Version, full.Changed = []string{"chat", "orders"}, of("0.1.0"), before("41s")
		s.send(peerMsg{answer: answer[control.Peers]{at: s.now, doc: control.Peers{Peers: []control.Peer{full}}}, name: "c@dev"})
		return s.settle()
	},
	"channels": func(o Options, w, h int) *screen {
		s := sixes(o, w, h)
		s.press("2")
		for i := range 60 {
			s.send(channelsMsg{answer: answer[control.Channels]{at: noon.Add(time.Duration(i-59) * 5 * time.Second), doc: control.Channels{Channels: []control.Channel{
				{Name: "metrics", InRate: 1, Last: before("1s"), In: 300},
				{Name: "orders", Subscribers: 3, Local: 1, Nodes: 2, InRate: 18, OutRate: float64(i), Last: before("100ms"), In: 12481, Out: 3240,
					Members: []control.ChannelMember{{Node: "b@dev", Subscribers: 2, Kind: "liminal"}, {Node: "a@dev", Subscribers: 1, Kind: "liminal"}}},
			}}}})
		}
		return s.settle()
	},
	"events": func(o Options, w, h int) *screen {
		s := sixes(o, w, h)
		for i := range 214 {
			s.send(eventsMsg{at: noon, events: []control.Event{{
				Type: control.EventDown, Name: fmt.Sprintf("n%03d@dev", i), Time: *before("10s"), Boot: "7f3a", Detail: "connection reset by peer",
			}}})
		}
		s.press("3", "enter")
		return s
	},
	"help": func(o Options, w, h int) *screen {
		s := sixes(o, w, h)
		s.press("?")
		return s
	},
	"empty": func(o Options, w, h int) *screen {
		s := newScreen(o)
		s.status(sixStatus())
		s.events(control.Event{Type: control.EventSnapshotEnd, Boot: "7f3a"})
		s.wait(time.Second)
		return s.size(w, h)
	},
	"stopped": stopped,
	"back": func(o Options, w, h int) *screen {
		s := stopped(o, w, h)
		s.wait(3 * time.Second)
		again := sixStatus()
		again.Boot, again.Started = "9000", s.now.Add(-3*time.Second)
		s.events(control.Event{Type: control.EventGap, Missed: 3, Boot: "9000", Time: s.now},
			control.Event{Type: control.EventSnapshotPeer, Name: "b@dev", State: "up", Kind: "liminal", Boot: "9000", Time: s.now},
			control.Event{Type: control.EventSnapshotEnd, Boot: "9000", Time: s.now})
		s.status(again)
		return s.wait(time.Second)
	},
	"paused": func(o Options, w, h int) *screen {
		s := sixes(o, w, h)
		s.press("p")
		s.events(control.Event{Type: control.EventDown, Name: "b@dev", Time: s.now, Boot: "7f3a"})
		return s.wait(12 * time.Second)
	},
	"filter": func(o Options, w, h int) *screen {
		s := sixes(o, w, h)
		s.press("/", "text:kind:otp !state:flap")
		return s
	},
	"wide": func(o Options, w, h int) *screen {
		s := sixes(o, w, h)
		s.press("w")
		return s
	},
	"attached": func(o Options, w, h int) *screen {
		o.Attached = "app@dev"
		s := sixes(o, w, h)
		s.press("2")
		return s
	},
}

func stopped(o Options, w, h int) *screen {
	s := sixes(o, w, h)
	s.events(control.Event{Type: control.EventStopping, Time: s.now, Boot: "7f3a"})
	s.end(control.ErrStreamEnd)
	return s.wait(12 * time.Second)
}

func TestFrames(t *testing.T) {
	for name, scene := range scenes {
		for _, size := range [][2]int{{80, 24}, {120, 40}, {40, 10}} {
			for form, o := range map[string]Options{"plain": {}, "colour": {Colour: true}, "ascii": {ASCII: true}} {
				if form == "ascii" && size[0] != 80 {
					continue
				}
				file := fmt.Sprintf("%s-%dx%d-%s.txt", name, size[0], size[1], form)
				t.Run(file, func(t *testing.T) {
					s := scene(o, size[0], size[1])
					checkFrame(t, s.m.View(), size[0], size[1], o)
					golden(t, file, s.m.View())
				})
			}
		}
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", "frames", file)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got+"\n" != string(want) {
		t.Errorf("frame differs (-update writes it anew)\n--- got\n%s\n--- want\n%s", got, want)
	}
}

// checkFrame holds a frame against the size and the theme.
func checkFrame(t *testing.T, frame string, w, h int, o Options) {
	t.Helper()
	lines := strings.Split(frame, "\n")
	if len(lines) > max(h, 1) {
		t.Errorf("%d lines in a window of %d", len(lines), h)
	}
	for i, l := range lines {
		if n := width(l); n > w {
			t.Errorf("line %d has %d columns of %d: %q", i, n, w, l)
		}
		if !o.Colour && strings.ContainsRune(l, 0x1b) {
			t.Errorf("line %d has an escape sequence without colour: %q", i, l)
		}
		if o.ASCII && strings.IndexFunc(l, func(r rune) bool { return r > 0x7e }) >= 0 {
			t.Errorf("line %d is not ASCII: %q", i, l)
		}
	}
}
