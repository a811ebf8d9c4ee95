package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/links"
)

func TestSeldom(t *testing.T) {
	var s seldom
	now := time.Unix(1000, 0)
	written, left := 0, uint64(0)
	try := func(times int) {
		for range times {
			if more, ok := s.allow(now); ok {
				written++
				left += more
			}
		}
	}
	for _, c := range []struct {
		wait    time.Duration
		tries   int
		written int
		left    uint64
	}{
		{0, 5, 5, 0},
		{0, 100, 10, 0},                // the burst is over
		{refusalPause - 1, 1, 10, 0},   // not yet
		{1, 1, 11, 96},                 // one more, and how many were not written
		{3 * refusalPause, 10, 14, 96}, // three at once
		{time.Hour, 1, 15, 103},
		{0, 100, 24, 103}, // never more than a burst
	} {
		now = now.Add(c.wait)
		try(c.tries)
		if written != c.written || left != c.left {
			t.Errorf("%+v: written %d, left out %d", c, written, left)
		}
	}
}

// warnings counts the lines of level warning.
type warnings struct {
	mu    sync.Mutex
	lines []string
}

func (w *warnings) Enabled(context.Context, slog.Level) bool { return true }
func (w *warnings) WithAttrs([]slog.Attr) slog.Handler       { return w }
func (w *warnings) WithGroup(string) slog.Handler            { return w }
func (w *warnings) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		line := r.Message
		r.Attrs(func(a slog.Attr) bool { line += fmt.Sprintf(" %s=%v", a.Key, a.Value); return true })
		w.mu.Lock()
		w.lines = append(w.lines, line)
		w.mu.Unlock()
	}
	return nil
}

// S7: those who claim names and have no cookie cannot fill the log.
func TestStrangersCannotFillTheLog(t *testing.T) {
	n := stillNode(t)
	w := &warnings{}
	n.log = slog.New(w)
	for k := range 10_000 {
		err := &dist.HandshakeError{Stage: dist.StageReply, Err: []error{dist.ErrCookie, dist.ErrSameName, dist.ErrReflection, dist.ErrTimeout}[k%4]}
		n.logRefusal(links.Refusal{Peer: fmt.Sprintf("p%d@h", k), Err: err})
	}
	if len(w.lines) != refusalBurst || !strings.Contains(w.lines[0], "peer=p0@h") {
		t.Errorf("%d warnings, the first %q", len(w.lines), w.lines[0])
	}
	if warns(errors.New("anything else")) {
		t.Error("anything warns")
	}
}
