package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/liminal-bus/liminal/internal/control"
)

// stage drives a model without a terminal and without a program: messages in,
// frames out. Commands are not run, so nothing comes by itself.
type stage struct {
	t   testing.TB
	sim *sim
	m   model
	now time.Time
}

// newStage is a screen that has had its first snapshot and lists.
func newStage(t testing.TB, peers, cols, lines int, o Options) *stage {
	s := &stage{t: t, now: at(0)}
	s.sim = newSim(peers, func() time.Time { return s.now })
	o.Source, o.Node = s.sim, "a@dev"
	o.Now = func() time.Time { return s.now }
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	s.m = newModel(o, newWire(ctx, o.Source, o.Now))
	s.send(tea.WindowSizeMsg{Width: cols, Height: lines})
	s.send(eventsMsg{at: s.now, events: s.sim.snapshot()})
	s.sleep(frameEvery)
	s.status()
	s.poll()
	s.sleep(frameEvery)
	doc, _ := s.sim.Channels(ctx, nil)
	s.send(channelsMsg{answer[control.Channels]{at: s.now, doc: doc}, 0})
	return s
}

func (s *stage) send(msg tea.Msg) {
	next, _ := s.m.Update(msg)
	s.m = next.(model)
}

// sleep moves the clock on; a frame that was put off comes when it is due.
func (s *stage) sleep(d time.Duration) {
	s.now = s.now.Add(d)
	if s.m.due && d >= frameEvery {
		s.send(frameMsg{s.now})
		s.now = s.now.Add(frameEvery)
	}
}

func (s *stage) status() {
	doc, _ := s.sim.Status(context.Background())
	s.send(statusMsg{answer[control.Status]{at: s.now, doc: doc}})
}

// poll brings a list of peers.
func (s *stage) poll() {
	doc, _ := s.sim.Peers(context.Background(), control.Filter{Brief: true})
	s.send(peersMsg{answer[control.Peers]{at: s.now, doc: doc}, false})
}

// happen brings that many events in one batch.
func (s *stage) happen(n int) {
	var batch []control.Event
	for range n {
		batch = append(batch, s.sim.happen())
	}
	s.send(eventsMsg{at: s.now, events: batch})
}

// keys types: a name in angle brackets is that key, all else are runes.
func (s *stage) keys(text string) {
	for text != "" {
		if name, rest, ok := strings.Cut(text[1:], ">"); ok && text[0] == '<' {
			s.send(tea.KeyMsg{Type: stageKeys[name]})
			text = rest
			continue
		}
		r := []rune(text)[0]
		s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
		text = text[len(string(r)):]
	}
}

var stageKeys = map[string]tea.KeyType{
	"enter": tea.KeyEnter, "esc": tea.KeyEsc, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown, "end": tea.KeyEnd,
	"ctrl+d": tea.KeyCtrlD, "ctrl+u": tea.KeyCtrlU, "pgdown": tea.KeyPgDown, "pgup": tea.KeyPgUp, "home": tea.KeyHome,
	"shift+tab": tea.KeyShiftTab, "backspace": tea.KeyBackspace, "left": tea.KeyLeft, "right": tea.KeyRight,
}

// BenchmarkFrame is the time from a batch of ten events to the frame that shows
// them, with 5,000 peers, every tenth frame with a list of all of them. The goal
// is a p95 below 10 ms.
func BenchmarkFrame(b *testing.B) {
	type scene struct{ name, keys string }
	scenes := []scene{
		{"peers", ""}, {"peers-detail", "<enter>"}, {"peers-end", "G"}, {"channels", "2"}, {"events", "3"}, {"events-selected", "3jjj"},
		{"filter-text", "/n00<enter>"}, {"filter-terms", "/kind:otp !state:down 9100<enter>"}, {"paused", "p"}, {"help", "?"},
	}
	for i, o := range peerOrders[1:] {
		scenes = append(scenes, scene{"sort-" + strings.ReplaceAll(o.name, "/", "-per-"), strings.Repeat("s", i+1)})
	}
	for _, sc := range scenes {
		b.Run(sc.name, func(b *testing.B) { benchFrame(b, sc.keys) })
	}
}

func benchFrame(b *testing.B, keys string) {
	s := newStage(b, 5000, 120, 40, Options{Colour: true})
	for range 50 { // a log that has something in it
		s.sleep(frameEvery)
		s.happen(20)
	}
	s.keys(keys)
	b.ReportAllocs()
	var took []time.Duration
	n := 0
	for b.Loop() {
		s.sleep(frameEvery)
		drawn := s.m.drawn
		batch := []control.Event{}
		for range 10 {
			batch = append(batch, s.sim.happen())
		}
		start := time.Now()
		s.send(eventsMsg{at: s.now, events: batch})
		_ = s.m.View()
		took = append(took, time.Since(start))
		if s.m.drawn == drawn {
			b.Fatal("no frame was drawn")
		}
		if n++; n%10 == 0 {
			s.poll()
		}
	}
	reportQuantiles(b, took)
}

func reportQuantiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	for _, q := range []int{50, 95, 99} {
		b.ReportMetric(float64(took[len(took)*q/100].Microseconds()), fmt.Sprintf("p%d-µs", q))
	}
}

// BenchmarkPoll is what a list of 5,000 peers costs the screen, once it is read.
func BenchmarkPoll(b *testing.B) {
	s := newStage(b, 5000, 120, 40, Options{Colour: true})
	var took []time.Duration
	for b.Loop() {
		s.sleep(frameEvery)
		doc, _ := s.sim.Peers(b.Context(), control.Filter{Brief: true})
		start := time.Now()
		s.send(peersMsg{answer[control.Peers]{at: s.now, doc: doc}, false})
		took = append(took, time.Since(start))
	}
	reportQuantiles(b, took)
}

// BenchmarkKey is the time from a key to its frame.
func BenchmarkKey(b *testing.B) {
	s := newStage(b, 5000, 120, 40, Options{Colour: true})
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		s.keys([]string{"j", "k", "<pgdown>", "G", "g"}[i%5])
		took = append(took, time.Since(start))
	}
	reportQuantiles(b, took)
}

// TestOnlyVisibleRowsAreBuilt counts instead of taking time: five times the peers
// must not cost more pieces of memory a frame, whatever caused the frame.
func TestOnlyVisibleRowsAreBuilt(t *testing.T) {
	for _, tc := range []struct {
		name, keys string
		frame      func(s *stage)
	}{
		{"clock", "", func(s *stage) { s.sleep(time.Second); s.send(tickMsg{s.now}) }},
		{"event", "", func(s *stage) { s.sleep(time.Second); s.happen(1) }},
		{"event, sorted", "ssss", func(s *stage) { s.sleep(time.Second); s.happen(1) }},
		{"event, details", "<enter>", func(s *stage) { s.sleep(time.Second); s.happen(1) }},
		{"key", "", func(s *stage) { s.keys("jk") }},
		{"key at the end", "G", func(s *stage) { s.keys("kj") }},
	} {
		built := map[int]float64{}
		for _, n := range []int{1000, 5000} {
			s := newStage(t, n, 80, 24, Options{Colour: true})
			s.keys(tc.keys)
			s.happen(20)
			before := s.m.View()
			built[n] = testing.AllocsPerRun(20, func() { tc.frame(s) })
			if tc.name != "key" && tc.name != "key at the end" && s.m.View() == before {
				t.Errorf("%s: no new frame:\n%s", tc.name, before)
			}
		}
		if built[5000] > built[1000]*1.1+20 {
			t.Errorf("%s: %.0f allocations a frame with 5,000 peers, %.0f with 1,000", tc.name, built[5000], built[1000])
		}
	}
}
