package node

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestAlive: only a loop that goes round answers, however long its interval is.
func TestAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		n := &Node{rounds: make(chan struct{})}
		n.ctx, n.stop = context.WithCancel(t.Context())
		if err := n.Alive(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a loop that takes nothing: %v", err)
		}
		n.stop()
		if err := n.Alive(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
	c := testConfig(t, "a")
	c.Poll, c.Tick = time.Hour, 10*time.Hour
	n := start(t, c)
	if err := n.Alive(t.Context()); err != nil {
		t.Error(err)
	}
	n.Close()
	if err := n.Alive(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
