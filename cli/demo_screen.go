package cli

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/tui"
)

// demoScreenPace is the pause between steps under the screen, where each of them
// has to be found first.
const demoScreenPace = 3 * time.Second

// Why a demo's screen ended by itself, or its story did not.
var (
	errLeftEarly = errors.New("the screen was left before the story was over")
	errStory     = errors.New("the story failed")
)

// demoPlot says what to look for: under the screen nobody tells it.
const demoPlot = "Next is the screen of a, with b and c as its peers; q ends it, at any time. Watch the events at its foot: " +
	"a and b subscribe to a channel and c publishes (key 2 shows the channels, key 1 the peers); b stops and says goodbye, " +
	"so it is left, not down; c publishes again; b starts anew and is back. What happened is told once more after the screen.\n\n"

// playOnScreen plays the story under the screen of node a. What it tells is kept
// and printed once the screen is left: there is one terminal for both.
func (d *demo) playOnScreen(ctx context.Context) error {
	d.pace = demoScreenPace
	d.tell("Three nodes on this machine, in one process. Look at them from another terminal as well:\n"+
		"  LIMINAL_RUNTIME_DIR=%s liminal peers --node a\n\n", d.dir)
	for _, step := range []func(context.Context) error{d.startSeed, d.joinOthers} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	d.tell(demoPlot)
	if err := d.pause(ctx); err != nil {
		return err
	}
	var told bytes.Buffer // written and read under the lock of d.out, or alone
	before := d.out.redirect(&told)
	err := d.underScreen(ctx)
	d.out.redirect(before)
	if ctx.Err() != nil {
		return err // by a signal: nobody waits for the story
	}
	d.out.write("\n" + told.String())
	return err
}

// underScreen shows the screen while the story plays, and ends both.
func (d *demo) underScreen(ctx context.Context) error {
	a := d.views["a"].service // before the story, which owns views while it plays
	shown, endScreen := context.WithCancelCause(ctx)
	defer endScreen(nil)
	playing, endStory := context.WithCancel(ctx)
	story := make(chan error, 1)
	go func() {
		err := d.pause(playing) // three nodes are the first picture
		if err == nil {
			err = d.steps(playing, d.onceJoined())
		}
		story <- err
		if err != nil {
			endScreen(errStory)
		}
	}()
	err := d.screen(shown, tui.Options{Source: &control.Client{Socket: a.socket}, Node: a.Name()})
	told, over := error(nil), true
	select {
	case told = <-story:
	default:
		endStory()
		over = <-story == nil // what else it says is that we ended it
	}
	endStory()
	for _, v := range d.views {
		v.end() // what they say of each other's end is no part of the story
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case told != nil:
		return told
	case err != nil:
		return err
	case !over:
		return errLeftEarly
	}
	return nil
}

// outputWriter writes to stdout between the lines of the answer.
type outputWriter struct{ out *output }

func (w outputWriter) Write(p []byte) (int, error) {
	w.out.write(string(p))
	return len(p), nil
}

func (d *demo) sumUpEarly() {
	d.tell("You left before the end; liminal demo --no-screen tells the whole story. Nothing is left behind.\n\n")
}
