package cli

import (
	"context"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/tui"
)

// watchCommand is `liminal watch`.
func (a *app) watchCommand() *cli.Command {
	return &cli.Command{
		Name:  "watch",
		Usage: "the cluster, live: a screen on a terminal, else a line an event",
		Description: "On a terminal: the live screen, ? shows its keys. With --json, --plain or a flag\n" +
			"of the stream (--events, --since, --count, --bookmarks, --timeout), into a pipe,\n" +
			"or where TERM is dumb: a snapshot, then one line an event, each as it happens.\n" +
			"--plain and pipes get sentences, --json one object a line.\n" +
			"\n" +
			"TYPES of --events: " + strings.Join(eventGroups(), ", ") + ",\n" +
			"or one of them alone, such as peer.down. Without snapshot among them there is\n" +
			"none. A gap always tells how many events were missed.\n" +
			"WHERE of --since: 10m begins with what is kept of the last ten minutes, a time\n" +
			"such as 2026-01-15T12:04:31Z (as --plain prints it) with that; 212, or 7f3a:212\n" +
			"with the boot, goes on after that event, both as --json shows them.\n" +
			"\n" +
			"The stream ends with --count (exit 0), --timeout (124 if --count was not\n" +
			"reached, else 0), Ctrl-C (130), a closed pipe (0), or the end of the node (69);\n" +
			"with --reconnect it waits for the node instead, and goes on where it was. The\n" +
			"screen, once open, always waits for a node that goes; one that is not there at\n" +
			"the start is an error (69) there too, unless with --reconnect. Without --timeout\n" +
			"given here there is no time limit.\n" +
			"\n" + watchExecDescription,
		Flags: clientFlags(append(append([]cli.Flag{
			&cli.StringSliceFlag{Name: "events", Usage: "only events of these `TYPES`; snapshot is one", DefaultText: "all"},
			&cli.StringFlag{Name: "since", Usage: "begin at `WHERE`: DUR, TIME, SEQ or BOOT:SEQ", DefaultText: "a snapshot of now"},
			&cli.IntFlag{Name: "count", Usage: "end after `N` events; the snapshot does not count", DefaultText: "no limit"},
			&cli.BoolFlag{Name: "reconnect", Usage: "wait for the node, at the start and when it goes"},
			&cli.BoolFlag{Name: "bookmarks", Usage: "a line every 10 s in which nothing happens"},
		}, attachFlags()...), execFlags()...)...),
		Action: a.action(command{settings: true}, runWatch),
	}
}

// streamFlags ask for lines, on a terminal too: the screen has no use for them.
var streamFlags = []string{"events", "since", "count", "bookmarks", "timeout", "exec"}

func runWatch(ctx context.Context, c *call) error {
	flags, err := c.watchFlags()
	if err != nil {
		return err
	}
	if c.wantsScreen() && !c.anySet(streamFlags) {
		return c.watchScreen(ctx, flags)
	}
	return c.watchLines(ctx, flags)
}

func (c *call) anySet(flags []string) bool {
	for _, name := range flags {
		if c.cli.IsSet(name) {
			return true
		}
	}
	return false
}

// watched is what there is to look at; its methods are those of the source.
type watched struct {
	tui.Source
	at   *target // nil for what is looked at from outside
	node string  // its name
	done func()  // lets go of the source; nil: there is nothing to let go of
}

func (w *watched) close() {
	if w != nil && w.done != nil {
		w.done()
	}
}

// watched chooses the node, once it answers.
func (c *call) watched(ctx context.Context) (*watched, error) {
	if c.attached() {
		return c.watchedOutside(ctx)
	}
	t, err := c.pick()
	if err != nil {
		return nil, err
	}
	w := &watched{Source: &t.Client, at: t}
	if err := w.ask(ctx, c.set.timeout()); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// watchedOutside looks from outside. The first look around may take as long as
// any call.
func (c *call) watchedOutside(ctx context.Context) (*watched, error) {
	if limit := c.set.timeout(); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	src, name, done, err := c.attach(ctx)
	if err != nil {
		return nil, err
	}
	return &watched{Source: src, node: name, done: done}, nil
}

// ask asks the node for its name within limit, 0 for none.
func (w *watched) ask(ctx context.Context, limit time.Duration) error {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	status, err := w.Status(ctx)
	if err != nil {
		return w.explain(err, limit)
	}
	w.node = status.Node
	if status.State == "stopping" {
		return &control.Error{Code: control.CodeStopping, Message: status.Node + " is stopping", Why: "it was told to",
			Try: startAgain(status.Node), Exit: exitNoHost}
	}
	return nil
}

func (w *watched) explain(err error, limit time.Duration) error {
	if w.at == nil {
		return err
	}
	return w.at.explainCall(err, "watch", limit)
}

// startAgain is the command that brings a local node back under its name.
func startAgain(name string) string {
	return "liminal node start --name " + sibling(name, nameOf(name))
}

// await is watched, but waits for a node that does not answer yet where
// --reconnect was given. again is what was watched before, if anything.
func (c *call) await(ctx context.Context, reconnect bool, again *watched) (*watched, error) {
	var last error
	for told := again != nil; ; told = true {
		w, err := again, error(nil)
		if again == nil {
			w, err = c.watched(ctx)
		} else {
			err = again.ask(ctx, c.set.timeout())
		}
		switch {
		case err == nil:
			return w, nil
		case ctx.Err() != nil:
			return nil, &lastError{context.Cause(ctx), last} // what was cut short says nothing
		case !reconnect || !mends(err) && !mendsOutside(err):
			return nil, err
		}
		if !told {
			c.out.note("liminal: waiting: %s\n", asError(err).Message)
		}
		last = err
		_ = pause(ctx, watchRetry) // its end is that of ctx, which the next look tells
	}
}

// lastError is the end of a wait, with why the node could not be asked; nil if it
// was not asked to the end.
type lastError struct{ end, last error }

func (e *lastError) Error() string { return e.end.Error() }
func (e *lastError) Unwrap() error { return e.end }
