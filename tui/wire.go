package tui

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/liminal-bus/liminal/internal/control"
)

const (
	feedSize    = 1024             // events between the stream and Update
	callTimeout = 10 * time.Second // of one list or status
	pauseLeast  = time.Second      // between two calls of one kind
	pauseRatio  = 300              // of the pause to what a call costs
	retryEvery  = time.Second      // after the stream has ended
)

// wire is what commands use to reach the node. It is the only part of the
// package that waits or asks for the time.
type wire struct {
	ctx  context.Context
	stop context.CancelFunc
	src  Source
	now  func() time.Time
	feed chan fed    // from the one Watch under way to next
	full atomic.Bool // lists shall name channels; Update sets it

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup // commands that run
}

// fed is one event of the stream, or its end.
type fed struct {
	event control.Event
	end   error
}

func newWire(ctx context.Context, src Source, now func() time.Time) *wire {
	if now == nil {
		now = time.Now
	}
	ctx, stop := context.WithCancel(ctx)
	return &wire{ctx: ctx, stop: stop, src: src, now: now, feed: make(chan fed, feedSize)}
}

// close ends what runs and waits for it.
func (w *wire) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.stop()
	w.calls.Wait()
}

// cmd makes a command that close waits for, and that does nothing after it.
func (w *wire) cmd(f func() tea.Msg) tea.Cmd {
	return func() tea.Msg {
		w.mu.Lock()
		if w.closed {
			w.mu.Unlock()
			return nil
		}
		w.calls.Add(1)
		w.mu.Unlock()
		defer w.calls.Done()
		return f()
	}
}

// sleep is false if the screen ended meanwhile.
func (w *wire) sleep(d time.Duration) bool {
	if d <= 0 {
		return w.ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-w.ctx.Done():
		return false
	}
}

// watch reads the stream into the feed until it ends; the end is the last thing
// it puts there. Only one may be under way.
func (w *wire) watch(r control.WatchRequest, after time.Duration) tea.Cmd {
	return w.cmd(func() tea.Msg {
		if !w.sleep(after) {
			return nil
		}
		err := w.src.Watch(w.ctx, r, func(e control.Event) error { return w.put(fed{event: e}) })
		if err == nil {
			err = control.ErrStreamEnd
		}
		_ = w.put(fed{end: err}) // fails only when the screen is over
		return nil
	})
}

func (w *wire) put(f fed) error {
	select {
	case w.feed <- f:
		return nil
	case <-w.ctx.Done():
		return context.Cause(w.ctx)
	}
}

// next waits for one event and takes what else is there.
func (w *wire) next() tea.Cmd {
	return w.cmd(func() tea.Msg {
		select {
		case f := <-w.feed:
			return w.batch(f)
		case <-w.ctx.Done():
			return nil
		}
	})
}

func (w *wire) batch(f fed) tea.Msg {
	var m eventsMsg
	for {
		if f.end != nil {
			m.end = f.end
			break
		}
		m.events = append(m.events, f.event)
		if len(m.events) == feedSize {
			break
		}
		select {
		case f = <-w.feed:
			continue
		default:
		}
		break
	}
	m.at = w.now()
	return m
}

// after gives a message once d has passed.
func (w *wire) after(d time.Duration, msg func(at time.Time) tea.Msg) tea.Cmd {
	return w.cmd(func() tea.Msg {
		if !w.sleep(d) {
			return nil
		}
		return msg(w.now())
	})
}

// answer is what became of a call.
type answer[T any] struct {
	at   time.Time
	took time.Duration
	doc  T
	err  error
}

// pacer says how long to pause between calls of one kind, by what they cost: the
// time that they took, which is ours and the node's. Calls that had to wait for
// a busy machine take longer than they cost; so the cost at most doubles with
// each call.
type pacer struct{ cost time.Duration }

// firstCost is what no call is taken to cost more than twice of at once.
const firstCost = 5 * time.Millisecond

// next is the pause after a call that took so long, at most most.
func (p *pacer) next(took, most time.Duration) time.Duration {
	if p.cost == 0 {
		p.cost = firstCost
	}
	p.cost = max(min(took, 2*p.cost), time.Microsecond)
	return min(max(pauseLeast, pauseRatio*p.cost), most)
}

// ask calls the node after a pause.
func ask[T any](w *wire, after time.Duration, f func(context.Context) (T, error), msg func(answer[T]) tea.Msg) tea.Cmd {
	return w.cmd(func() tea.Msg {
		if !w.sleep(after) {
			return nil
		}
		ctx, cancel := context.WithTimeout(w.ctx, callTimeout)
		defer cancel()
		start := w.now()
		doc, err := f(ctx)
		if w.ctx.Err() != nil {
			return nil
		}
		at := w.now()
		return msg(answer[T]{at: at, took: at.Sub(start), doc: doc, err: err})
	})
}

func (w *wire) status(after time.Duration) tea.Cmd {
	return ask(w, after, func(ctx context.Context) (control.Status, error) { return w.src.Status(ctx) }, func(a answer[control.Status]) tea.Msg { return statusMsg{a} })
}

// peers asks for the list, with the names of channels if they are wanted when it
// asks. once: it is not followed by another.
func (w *wire) peers(after time.Duration, once bool) tea.Cmd {
	return ask(w, after, func(ctx context.Context) (control.Peers, error) {
		return w.src.Peers(ctx, control.Filter{Brief: !w.full.Load()})
	}, func(a answer[control.Peers]) tea.Msg { return peersMsg{a, once} })
}

// peer asks for all of one peer.
func (w *wire) peer(name string, after time.Duration, chain int) tea.Cmd {
	return ask(w, after, func(ctx context.Context) (control.Peers, error) {
		return w.src.Peers(ctx, control.Filter{Names: []string{name}})
	}, func(a answer[control.Peers]) tea.Msg { return peerMsg{a, name, chain} })
}

func (w *wire) channels(after time.Duration, chain int) tea.Cmd {
	return ask(w, after, func(ctx context.Context) (control.Channels, error) {
		return w.src.Channels(ctx, nil)
	}, func(a answer[control.Channels]) tea.Msg { return channelsMsg{a, chain} })
}

// What Update gets, besides keys and sizes.
type (
	eventsMsg struct {
		at     time.Time
		events []control.Event
		end    error // of the stream, after the events
	}
	statusMsg   struct{ answer[control.Status] }
	channelsMsg struct {
		answer[control.Channels]
		chain int // calls of an older one are not followed up
	}
	peersMsg struct {
		answer[control.Peers]
		once bool
	}
	peerMsg struct {
		answer[control.Peers]
		name  string
		chain int
	}
	historyMsg struct {
		at     time.Time
		events []control.Event
	}
	tickMsg  struct{ at time.Time } // once a second
	frameMsg struct{ at time.Time } // a frame put off is due
)
