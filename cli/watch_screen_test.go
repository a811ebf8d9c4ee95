package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/tui"
)

// onScreen is a world with a terminal and a screen.
func onScreen(env Env, screen func(context.Context, tui.Options) error) Env {
	env.StdinTTY, env.StdoutTTY = true, true
	env.Screen = screen
	if screen == nil {
		env.Screen = func(context.Context, tui.Options) error { return errors.New("no screen is wanted here") }
	}
	return env
}

// TestWatchScreen: what the screen is given, and how it ends.
func TestWatchScreen(t *testing.T) {
	feed := newFakeFeed(happens(aSnapshot(1)...))
	var got tui.Options
	env := onScreen(busEnv(t, feed), func(ctx context.Context, o tui.Options) error {
		got = o
		if _, err := o.Source.Peers(ctx, control.Filter{}); err != nil {
			t.Error(err)
		}
		return nil
	})
	if r := runIn(t, env, "watch", "--ascii", "--color=always"); r.code != 0 || r.stdout+r.stderr != "" {
		t.Fatalf("%+v", r)
	}
	if got.Node != "a@dev" || !got.Colour || !got.ASCII || got.In == nil || got.Out == nil || got.Now == nil || got.Attached != "" {
		t.Errorf("%+v", got)
	}
	if r := runIn(t, env, "watch", "--color=never"); r.code != 0 || got.Colour || got.ASCII {
		t.Errorf("%+v, %+v", r, got)
	}
	env.Screen = func(context.Context, tui.Options) error { return errors.New("no terminal") }
	if r := runIn(t, env, "watch"); r.code != 70 || !strings.Contains(r.stderr, "no terminal") {
		t.Errorf("%+v", r)
	}
	env.Screen = func(ctx context.Context, _ tui.Options) error { <-ctx.Done(); return context.Cause(ctx) }
	r := startIn(t, env, "watch")
	r.signals <- syscall.SIGTERM
	r.exits(143)
	for _, off := range []func(*Env){
		func(e *Env) { e.StdinTTY = false }, func(e *Env) { e.StdoutTTY = false }, func(e *Env) { e.Getenv = with(e.Getenv, "TERM", "dumb") },
	} {
		e := onScreen(env, nil)
		off(&e)
		r := startIn(t, e, "watch")
		r.line(r.stdout, "2 peers: ")
		r.signals <- os.Interrupt
		r.exits(130)
	}
}

// TestWatchScreenWaits: with --reconnect the screen opens once a node is there.
func TestWatchScreenWaits(t *testing.T) {
	env := testEnv(t)
	path := filepath.Join(env.Getenv("LIMINAL_RUNTIME_DIR"), "y.sock")
	env = onScreen(env, func(_ context.Context, o tui.Options) error {
		if o.Node != "a@dev" {
			t.Errorf("%+v", o)
		}
		return nil
	})
	r := startIn(t, env, "watch", "--reconnect", "--socket", path)
	r.line(r.stderr, "liminal: waiting: no node answers")
	serve(t, newFakeFeed(), path)
	r.exits(0)
}
