package tui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/liminal-bus/liminal/internal/control"
)

// fakeNode is a Source that a test scripts.
type fakeNode struct {
	mu       sync.Mutex
	watches  []control.WatchRequest
	asked    []time.Time // calls of Peers
	slow     time.Duration
	watch    func(ctx context.Context, n int, emit func(control.Event) error) error
	peerList []control.Peer
	history  []control.Event // what Watch gives of the last hour
}

func (f *fakeNode) Status(context.Context) (control.Status, error) {
	return control.Status{Node: "a@dev", State: "up", Health: "healthy", Boot: "1"}, nil
}

func (f *fakeNode) Peers(ctx context.Context, _ control.Filter) (control.Peers, error) {
	f.mu.Lock()
	f.asked = append(f.asked, time.Now())
	f.mu.Unlock()
	select {
	case <-time.After(f.slow):
		return control.Peers{Node: "a@dev", Time: time.Now(), Peers: f.peerList}, nil
	case <-ctx.Done():
		return control.Peers{}, ctx.Err()
	}
}

func (f *fakeNode) Channels(context.Context, []string) (control.Channels, error) {
	return control.Channels{}, nil
}

func (f *fakeNode) Watch(ctx context.Context, r control.WatchRequest, emit func(control.Event) error) error {
	f.mu.Lock()
	if r.Last > 0 {
		history := f.history
		f.mu.Unlock()
		for _, e := range history {
			if err := emit(e); err != nil {
				return err
			}
		}
		<-ctx.Done()
		return context.Cause(ctx)
	}
	f.watches = append(f.watches, r)
	n := len(f.watches)
	f.mu.Unlock()
	if f.watch != nil {
		return f.watch(ctx, n, emit)
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// drive runs a model with its commands, as the program would, until ctx ends.
func drive(ctx context.Context, m model) model {
	msgs := make(chan tea.Msg)
	var running sync.WaitGroup
	var run func(cmd tea.Cmd)
	run = func(cmd tea.Cmd) {
		if cmd == nil {
			return
		}
		running.Go(func() {
			switch msg := cmd().(type) {
			case nil:
			case tea.BatchMsg:
				for _, c := range msg {
					run(c)
				}
			default:
				select {
				case msgs <- msg:
				case <-ctx.Done():
				}
			}
		})
	}
	run(m.Init())
	for {
		select {
		case msg := <-msgs:
			next, cmd := m.Update(msg)
			m = next.(model)
			run(cmd)
		case <-ctx.Done():
			m.w.close()
			running.Wait()
			return m
		}
	}
}

// TestReconnect: the stream is asked for again after a second, after the last
// event and its boot; what happened meanwhile is on the screen.
func TestReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeNode{}
		f.watch = func(ctx context.Context, n int, emit func(control.Event) error) error {
			now := time.Now()
			if n == 1 {
				_ = emit(control.Event{Type: control.EventSnapshotPeer, Seq: 4, Boot: "1", Time: now, Name: "b@dev", State: "up", Kind: "otp"})
				_ = emit(control.Event{Type: control.EventSnapshotEnd, Seq: 4, Boot: "1", Time: now})
				_ = emit(control.Event{Type: control.EventDown, Seq: 5, Boot: "1", Time: now, Name: "b@dev", State: "down"})
				return control.ErrStreamEnd
			}
			if n < 4 {
				return &control.DialError{Socket: "a.sock", Err: control.ErrNoSocket}
			}
			_ = emit(control.Event{Type: control.EventRejoin, Seq: 6, Boot: "1", Time: now, Name: "b@dev", State: "up"})
			<-ctx.Done()
			return context.Cause(ctx)
		}
		f.peerList = []control.Peer{{Name: "b@dev", State: "up"}}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		m := drive(ctx, newModel(Options{Node: "a@dev"}, newWire(ctx, f, time.Now)))
		if len(f.watches) != 4 {
			t.Fatalf("%d streams, want 4", len(f.watches))
		}
		if want := (control.WatchRequest{Resume: true, Since: 5, Boot: "1"}); f.watches[3] != want {
			t.Errorf("resumed with %+v, want %+v", f.watches[3], want)
		}
		if m.link != linkLive || !strings.Contains(m.View(), "a@dev answers again. No event was lost.") {
			t.Errorf("link %v:\n%s", m.link, m.View())
		}
	})
}

// TestPauseGrowsWithTheCall: lists cost a bounded share of the time.
func TestPauseGrowsWithTheCall(t *testing.T) {
	for slow, want := range map[time.Duration]time.Duration{
		time.Millisecond:      time.Second,
		30 * time.Millisecond: 9 * time.Second,
		time.Second:           20 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeNode{slow: slow}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			drive(ctx, newModel(Options{}, newWire(ctx, f, time.Now)))
			if got := f.asked[1].Sub(f.asked[0]); got > 3*time.Second+slow {
				t.Errorf("one call of %v makes a pause of %v", slow, got)
			}
			n := len(f.asked)
			if got := f.asked[n-1].Sub(f.asked[n-2]); got != want+slow {
				t.Errorf("calls of %v come every %v, want %v", slow, got, want+slow)
			}
		})
	}
}

// TestBurst: however many events come, all are taken, in order, and drawn at
// most four times a second.
func TestBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeNode{}
		f.watch = func(ctx context.Context, _ int, emit func(control.Event) error) error {
			for i := range 20_000 {
				state, typ := "up", control.EventRejoin
				if i%2 == 1 {
					state, typ = "down", control.EventDown
				}
				if err := emit(control.Event{Type: typ, Seq: uint64(i + 1), Boot: "1", Time: time.Now(), Name: fmt.Sprintf("n%d@dev", i%100), State: state}); err != nil {
					return err
				}
			}
			<-ctx.Done()
			return context.Cause(ctx)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		w := newWire(ctx, f, time.Now)
		m := drive(ctx, newModel(Options{Node: "a@dev"}, w))
		if m.live.resume.Since != 20_000 || m.live.log.total() != 20_000 {
			t.Errorf("seq %d, logged %d", m.live.resume.Since, m.live.log.total())
		}
	})
}

// TestFramesArePutOff: news within 250 ms of a frame make one more, later.
func TestFramesArePutOff(t *testing.T) {
	s := newScreen(Options{})
	s.status(sixStatus())
	s.send(eventsMsg{at: s.now, events: []control.Event{{Type: control.EventSnapshotEnd, Boot: "1"}}})
	before := s.m.View()
	at := s.now.Add(10 * time.Millisecond)
	s.send(eventsMsg{at: at, events: []control.Event{{Type: control.EventJoin, Name: "b@dev", State: "up", Boot: "1"}}})
	if s.m.View() != before || !s.m.due {
		t.Error("drawn at once, or not put off")
	}
	s.press("j")
	if !strings.Contains(s.m.View(), "b@dev") {
		t.Error("a key does not draw at once")
	}
	s.send(frameMsg{s.now.Add(frameEvery)})
	if s.m.due || !strings.Contains(s.m.View(), "b@dev") {
		t.Error("what was put off is not drawn")
	}
}

// TestRun plays the whole program without a terminal.
func TestRun(t *testing.T) {
	t.Run("q", func(t *testing.T) {
		var out syncBuffer
		err := Run(t.Context(), Options{Source: &fakeNode{}, Node: "a@dev", In: strings.NewReader("q"), Out: &out})
		if err != nil {
			t.Error(err)
		}
		if got := out.String(); !strings.Contains(got, "\x1b[?1049h") || !strings.Contains(got, "\x1b[?1049l") || !strings.Contains(got, "\x1b[?25h") {
			t.Errorf("the screen was not taken and given back: %q", got)
		}
	})
	t.Run("context", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		r, w := io.Pipe()
		defer w.Close()
		stopped := errors.New("stopped by a signal")
		var out syncBuffer
		out.first = func() { cancel(stopped) }
		err := Run(ctx, Options{Source: &fakeNode{}, Node: "a@dev", In: r, Out: &out})
		if !errors.Is(err, stopped) {
			t.Errorf("%v, want %v", err, stopped)
		}
		if !strings.Contains(out.String(), "\x1b[?1049l") {
			t.Errorf("the screen was not given back: %q", out.String())
		}
	})
}

// syncBuffer keeps what the program writes; first is called at the first byte.
type syncBuffer struct {
	mu    sync.Mutex
	b     bytes.Buffer
	first func()
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first != nil {
		s.first()
		s.first = nil
	}
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
