package soak

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// reader is a subscription over the control socket, read to its end.
type reader struct {
	pace      time.Duration // a slow one rests so long after each 100 lines
	hurry     atomic.Bool   // a slow one rests no more
	got, lost atomic.Uint64
	cancel    context.CancelFunc
	done      chan struct{}
	err       error // read it after done

	last map[string]uint64 // seq of each long-lived publisher's last message
}

// record is a line of a subscription.
type record struct {
	Type  string
	From  string
	Seq   uint64
	Count uint64
}

// subscribe opens a stream; the subscription is there when it returns.
func (p *proc) subscribe(pace time.Duration, channels ...string) (*reader, error) {
	ctx, cancel := context.WithCancel(context.Background())
	body, err := p.open(ctx, http.MethodGet, "/v1/subscribe?channel="+strings.Join(channels, "&channel="), "")
	if err != nil {
		cancel()
		return nil, err
	}
	r := &reader{pace: pace, cancel: cancel, done: make(chan struct{}), last: map[string]uint64{}}
	p.r.t.Cleanup(r.hangUp)
	go func() {
		defer close(r.done)
		defer body.Close()
		in := bufio.NewScanner(body)
		in.Buffer(nil, mib)
		for n := 1; in.Scan() && r.err == nil; n++ {
			r.err = r.take(in.Bytes())
			if n%100 == 0 && r.pace > 0 && !r.hurry.Load() {
				pause(ctx, r.pace)
			}
		}
		if r.err == nil && ctx.Err() == nil {
			r.err = fmt.Errorf("the stream of %s ended: %w", p.name, in.Err())
		}
	}()
	return r, nil
}

func (r *reader) take(line []byte) error {
	var m record
	if err := json.Unmarshal(line, &m); err != nil {
		return fmt.Errorf("line %q: %w", line, err)
	}
	switch m.Type {
	case "drop":
		r.lost.Add(m.Count)
	case "message":
		r.got.Add(1)
		return r.inOrder(m)
	default:
		return fmt.Errorf("line %q", line)
	}
	return nil
}

// inOrder holds what comes from one long-lived publisher against its numbers.
func (r *reader) inOrder(m record) error {
	if m.Seq == 0 || !slices.Contains(steadyNames, strings.TrimSuffix(m.From, host)) {
		return nil // from OTP, or of one that starts anew in each life
	}
	if m.Seq <= r.last[m.From] {
		return fmt.Errorf("message %d of %s after %d", m.Seq, m.From, r.last[m.From])
	}
	r.last[m.From] = m.Seq
	return nil
}

// hangUp cuts the stream without a word.
func (r *reader) hangUp() {
	r.cancel()
	<-r.done
}

// watcher keeps the events of one node.
type watcher struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	events []event
	err    error
}

// event is a line of /v1/watch.
type event struct {
	Type       string    `json:"type"`
	Seq        uint64    `json:"seq"`
	Time       time.Time `json:"time"`
	Name       string    `json:"name"`
	State      string    `json:"state"`
	Reason     string    `json:"reason"`
	Generation uint64    `json:"generation"`
	Coalesced  uint64    `json:"coalesced"`
}

func (p *proc) watch() (*watcher, error) {
	ctx, cancel := context.WithCancel(context.Background())
	body, err := p.open(ctx, http.MethodGet, "/v1/watch", "")
	if err != nil {
		cancel()
		return nil, err
	}
	w := &watcher{cancel: cancel, done: make(chan struct{})}
	p.r.t.Cleanup(w.hangUp)
	go func() {
		defer close(w.done)
		defer body.Close()
		for in := bufio.NewScanner(body); in.Scan(); {
			w.take(in.Bytes())
		}
		if ctx.Err() == nil {
			w.fail(fmt.Errorf("the event stream of %s ended", p.name))
		}
	}()
	return w, nil
}

func (w *watcher) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
}

func (w *watcher) take(line []byte) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		w.fail(fmt.Errorf("line %q: %w", line, err))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

// all gives what came so far, and what was wrong with it.
func (w *watcher) all() ([]event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events), w.err
}

func (w *watcher) hangUp() {
	w.cancel()
	<-w.done
}
