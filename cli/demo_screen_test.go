package cli

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/tui"
)

// demoSteps is how often the demo pauses: after each part of its story, and once
// the screen is open.
const demoSteps = 7

// demoEnv is a world with a screen, and a channel that is closed when the demo's
// story is over.
func demoEnv(t *testing.T, screen func(ctx context.Context, o tui.Options, over <-chan struct{}) error) Env {
	over := make(chan struct{})
	var pauses atomic.Int64
	env := onScreen(testEnv(t), func(ctx context.Context, o tui.Options) error { return screen(ctx, o, over) })
	env.Pause = func(ctx context.Context, d time.Duration) error {
		if d != demoScreenPace {
			t.Errorf("a pause of %v", d)
		}
		if pauses.Add(1) == demoSteps {
			close(over)
		}
		return context.Cause(ctx)
	}
	return env
}

// storyEnds waits for the end of a story that may fail instead, which ends ctx.
func storyEnds(ctx context.Context, over <-chan struct{}) error {
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// TestDemoScreen: the screen looks at a real node, the story goes on under it,
// and is told when it is left.
func TestDemoScreen(t *testing.T) {
	looked := make(chan struct{})
	env := demoEnv(t, func(ctx context.Context, o tui.Options, over <-chan struct{}) error {
		if o.Node != "a@127.0.0.1" || o.In == nil {
			t.Errorf("%+v", o)
		}
		if first, err := o.Source.Peers(ctx, control.Filter{States: []string{"up"}}); err != nil || len(first.Peers) != 2 {
			t.Errorf("the first picture: %+v, %v", first, err) // a alone would say what to do about that
		}
		close(looked)
		if err := storyEnds(ctx, over); err != nil {
			return err
		}
		if peers, err := o.Source.Peers(ctx, control.Filter{}); err != nil || len(peers.Peers) != 2 {
			t.Errorf("%+v, %v", peers, err)
		}
		return nil
	})
	var pauses atomic.Int64
	pause := env.Pause
	env.Pause = func(ctx context.Context, d time.Duration) error {
		if pauses.Add(1) > 1 { // the screen is open: b stops next
			select {
			case <-looked:
			case <-ctx.Done():
			}
		}
		return pause(ctx, d)
	}
	r := startIn(t, env, "demo", "--color=never")
	for _, want := range []string{
		"a@127.0.0.1 listens on 127.0.0.1:", "b and c know one address", "q ends it", " b message chat c@127.0.0.1: hello from c",
		"leave b@127.0.0.1 (", "rejoin b@127.0.0.1 (liminal", " a message chat b@127.0.0.1: back again", "every one saw the others",
		"liminal watch --node a ",
	} {
		r.line(r.stdout, want)
	}
	r.exits(0)
	leftBehind(t, env)
}

// TestDemoScreenEnds: however it ends, nothing is left.
func TestDemoScreenEnds(t *testing.T) {
	for _, test := range []struct {
		name         string
		screen       func(ctx context.Context, o tui.Options, over <-chan struct{}) error
		pause        func(ctx context.Context, d time.Duration) error
		signal       os.Signal
		code         int
		says, saysNo string
	}{
		{name: "q at once", code: 0, says: "You left before the end", saysNo: "every one saw",
			screen: func(context.Context, tui.Options, <-chan struct{}) error { return nil }},
		{name: "q in a pause", code: 0, says: "hello from c", saysNo: "every one saw",
			pause: func() func(ctx context.Context, d time.Duration) error {
				n := 0
				return func(ctx context.Context, _ time.Duration) error {
					if n++; n == 4 {
						<-ctx.Done()
					}
					return context.Cause(ctx)
				}
			}(),
			screen: func(ctx context.Context, o tui.Options, _ <-chan struct{}) error {
				// b's leave comes right before that pause, and maybe before this look: the story waits for nobody.
				return ignore(errEnoughSeen, o.Source.Watch(ctx, control.WatchRequest{Last: time.Hour}, func(e control.Event) error {
					if e.Type == control.EventLeave {
						return errEnoughSeen
					}
					return nil
				}))
			}},
		{name: "SIGTERM", code: 143, signal: syscall.SIGTERM, saysNo: "a and b subscribe to chat",
			screen: func(ctx context.Context, _ tui.Options, _ <-chan struct{}) error {
				<-ctx.Done()
				return context.Cause(ctx)
			}},
		{name: "the screen fails", code: 70, saysNo: "every one saw",
			screen: func(ctx context.Context, _ tui.Options, over <-chan struct{}) error {
				if err := storyEnds(ctx, over); err != nil {
					return err
				}
				return errors.New("no terminal")
			}},
		{name: "the story fails", code: 70, says: "a and b subscribe to chat", saysNo: "every one saw",
			pause: func() func(ctx context.Context, d time.Duration) error {
				n := 0
				return func(context.Context, time.Duration) error {
					if n++; n == 4 {
						return errors.New("no time")
					}
					return nil
				}
			}(),
			screen: func(ctx context.Context, _ tui.Options, _ <-chan struct{}) error {
				<-ctx.Done()
				return context.Cause(ctx)
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := demoEnv(t, test.screen)
			if test.pause != nil {
				env.Pause = test.pause
			}
			r := startIn(t, env, "demo", "--color=never")
			if test.signal != nil {
				r.line(r.stdout, "a@127.0.0.1 listens on")
				r.signals <- test.signal
			}
			told := r.rest(r.stdout)
			r.exits(test.code)
			if !strings.Contains(told, test.says) || strings.Contains(told, test.saysNo) {
				t.Errorf("it told:\n%s", told)
			}
			leftBehind(t, env)
		})
	}
}

var errEnoughSeen = errors.New("enough seen")

func ignore(wanted, err error) error {
	if errors.Is(err, wanted) {
		return nil
	}
	return err
}

// TestDemoWithoutScreen: lines where they are asked for, or there is no terminal
// for keys.
func TestDemoWithoutScreen(t *testing.T) {
	for _, args := range [][]string{{"demo", "--no-screen"}, {"demo", "--plain"}} {
		env := onScreen(testEnv(t), nil)
		r := startIn(t, env, args...)
		r.line(r.stdout, "a message chat b@127.0.0.1: back again")
		r.exits(0)
		leftBehind(t, env)
	}
}
