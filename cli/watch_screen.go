package cli

import (
	"context"

	"github.com/liminal-bus/liminal/tui"
)

// wantsScreen reports whether this is a place for a screen: people at a terminal
// that can move its cursor, and no other form asked for.
func (c *call) wantsScreen() bool {
	return c.env.Screen != nil && c.env.StdinTTY && c.env.StdoutTTY &&
		c.out.form == formTerminal && c.env.Getenv("TERM") != "dumb"
}

// watchScreen shows the screen. A node that goes later does not end it; one that
// is not there yet does, unless --reconnect waits for it.
func (c *call) watchScreen(ctx context.Context, flags watchFlags) error {
	w, err := c.await(ctx, flags.reconnect, nil)
	if err != nil {
		return err
	}
	defer w.close()
	o := tui.Options{Source: w.Source, Node: w.node}
	if c.attached() {
		o.Attached = w.node
	}
	return c.screen(ctx, o)
}

// screen runs the screen on this terminal; o says what is looked at.
func (c *call) screen(ctx context.Context, o tui.Options) error {
	o.In, o.Out = c.env.Stdin, c.env.Stdout
	o.Colour, o.ASCII, o.Now = bool(c.out.paint), c.out.ascii, c.env.Now
	return c.guarded(ctx, o)
}
