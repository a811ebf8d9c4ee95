package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/node"
)

// demoStep is how long each thing that the demo waits for may take. They take
// milliseconds; the rest is for a machine that is busy elsewhere.
const demoStep = 15 * time.Second

// demoPace is the pause between steps at a terminal, so that people can read.
const demoPace = 1500 * time.Millisecond

// demoCommand is `liminal demo`.
func (a *app) demoCommand() *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "three nodes join through one seed and talk; one leaves and returns",
		Description: "Runs three real nodes in this process, on loopback, with a cookie and a runtime\n" +
			"directory of their own, and leaves nothing behind. It fails if anything it shows\n" +
			"does not happen. On a terminal the live screen shows it as one of them sees it,\n" +
			"until q; what happened is told after it.",
		Flags:  append([]cli.Flag{&cli.BoolFlag{Name: "no-screen", Usage: "tell the story line by line"}}, commonFlags()...),
		Action: a.action(command{}, runDemo),
	}
}

// demo is the state of one run.
type demo struct {
	*call
	dir    string
	cookie node.Cookie
	log    *slog.Logger
	views  map[string]*view // by short name: the nodes that run
	subs   map[string]*node.Subscription
	seen   *sightings
	pace   time.Duration // between steps at a terminal
}

func runDemo(ctx context.Context, c *call) error {
	dir, err := os.MkdirTemp(c.env.TempDir, "liminal-demo-")
	if err != nil {
		return ioError("cannot make a directory for the demo", err, "set TMPDIR to a directory of yours")
	}
	defer removeAll(dir, c.out)
	c.app.hurry.add(func() { _ = os.RemoveAll(dir) })
	d := &demo{
		call: c, dir: dir, log: slog.New(slog.DiscardHandler), views: map[string]*view{}, seen: newSightings(),
		subs: map[string]*node.Subscription{}, cookie: node.NewCookie(rand.Text() + rand.Text()), pace: demoPace,
	}
	play, logTo := d.play, io.Writer(cleanWriter{c.env.Stderr})
	if c.wantsScreen() && !c.cli.Bool("no-screen") {
		play, logTo = d.playOnScreen, cleanWriter{outputWriter{c.out}} // else the log would tear the screen
	}
	if c.out.verbose {
		d.log = slog.New(slog.NewTextHandler(logTo, nil))
	}
	err = play(ctx)
	sumUp := d.sumUp
	if errors.Is(err, errLeftEarly) {
		err, sumUp = nil, d.sumUpEarly
	}
	if err = errors.Join(err, d.closeAll()); err == nil {
		sumUp()
		d.tellNext()
	}
	return err
}

// play is the story, told line by line.
func (d *demo) play(ctx context.Context) error {
	d.tell("Three nodes on this machine, in one process. Look at them from another terminal:\n"+
		"  LIMINAL_RUNTIME_DIR=%s liminal peers --node a\n\n", d.dir)
	if err := d.steps(ctx, append([]func(context.Context) error{d.startSeed, d.joinOthers}, d.onceJoined()...)); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// onceJoined is the story from where all three know each other.
func (d *demo) onceJoined() []func(context.Context) error {
	return []func(context.Context) error{
		d.talk, d.stopOne, d.talkWithout, d.startAgain, d.talkAgain,
	}
}

// steps plays parts of the story; each waits until what it tells has been seen.
func (d *demo) steps(ctx context.Context, steps []func(context.Context) error) error {
	for i, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
		if err := d.pause(ctx); err != nil && i+1 < len(steps) {
			return err // in the last pause all is told
		}
	}
	return nil
}

func (d *demo) startSeed(ctx context.Context) error { return d.start(ctx, "a") }

func (d *demo) joinOthers(ctx context.Context) error {
	d.tell("b and c know one address, that of a:\n")
	for _, name := range []string{"b", "c"} {
		if err := d.start(ctx, name); err != nil {
			return err
		}
	}
	return d.await(ctx, "join", pair{"a", "b"}, pair{"a", "c"}, pair{"b", "a"}, pair{"b", "c"}, pair{"c", "a"}, pair{"c", "b"})
}

func (d *demo) stopOne(ctx context.Context) error {
	d.tell("b stops. It says goodbye, so the others see leave, not down:\n")
	if err := d.stop("b"); err != nil {
		return err
	}
	return d.await(ctx, "leave", pair{"a", "b"}, pair{"c", "b"})
}

func (d *demo) startAgain(ctx context.Context) error {
	d.tell("b starts again, a new life under the same name:\n")
	if err := d.start(ctx, "b"); err != nil {
		return err
	}
	return d.await(ctx, "join", pair{"a", "b"}, pair{"c", "b"}, pair{"b", "a"}, pair{"b", "c"})
}

func (d *demo) sumUp() {
	d.tell("Three nodes, one seed, every one saw the others; b left and came back, and who subscribed got\n" +
		"every message. Nothing is left behind.\n\n")
}

// tellNext says how to go on.
func (d *demo) tellNext() {
	d.tell("Now your own:\n" +
		"  liminal node start --name a              in this terminal\n" +
		"  liminal node start --name b --seed a     in a second one\n" +
		"  liminal watch --node a                   in a third one\n" +
		"  liminal sub chat --node a                in a fourth one\n" +
		"  liminal pub chat hello --node b          in a fifth one\n")
}

// tell is the story between the events. Scripts get the events alone.
func (d *demo) tell(format string, args ...any) {
	if d.out.form == formTerminal {
		text := say(format, args...)
		body := strings.TrimRight(text, "\n")
		end := text[len(body):]
		if body != "" {
			body = strings.TrimRight(fill(parseText(body), d.out.columns()), "\n")
		}
		d.out.write(body + end)
	}
}

func (d *demo) pause(ctx context.Context) error {
	if d.out.form != formTerminal {
		return nil
	}
	return d.env.Pause(ctx, d.pace)
}

// await waits until each pair's observer has told of the other what verb says:
// join (or rejoin), leave.
func (d *demo) await(ctx context.Context, verb string, pairs ...pair) error {
	limit := time.NewTimer(demoStep)
	defer limit.Stop()
	for {
		missing, changed := d.seen.missing(verb, pairs)
		if len(missing) == 0 {
			d.tell("\n")
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-limit.C:
			p := missing[0]
			return fail("demo", fmt.Sprintf("%s did not see %s %s within %s", p.observer, p.other, verb, durationText(demoStep)),
				fmt.Sprintf("%d of %d sightings are missing", len(missing), len(pairs)), "liminal demo --verbose (shows the nodes' logs)")
		case <-changed:
		}
	}
}

// start runs the node of that name; all but a have a as their seed.
func (d *demo) start(ctx context.Context, name string) error {
	c := node.Config{
		Name: name + "@127.0.0.1", Listen: "127.0.0.1:0", Cookie: d.cookie, EPMD: node.EPMDOff,
		Logger: d.log.With("node", name),
	}
	if a := d.views["a"]; a != nil {
		c.Seeds = []string{a.service.ListenAddr()[0].String()}
	}
	s, err := startService(ctx, serviceSpec{
		config: c, dir: d.dir, cookie: "52 characters made for this demo", pid: d.env.PID, now: d.env.Now, log: d.log,
	})
	if err != nil {
		return err
	}
	d.tell("%s listens on %s\n", s.Name(), s.ListenAddr()[0])
	d.views[name] = d.watch(name, s)
	return nil
}

// stop ends the node of that name; its own last events are not told.
func (d *demo) stop(name string) error {
	v := d.views[name]
	delete(d.views, name)
	v.end()
	d.seen.forget(name)
	defer d.unsubscribe(name) // after: what it subscribed to goes with the node
	return v.service.Close()
}

func (d *demo) closeAll() error {
	var errs []error
	for _, v := range d.views {
		v.end() // all first: what they say of each other's end is no part of the story
	}
	for name := range d.views {
		errs = append(errs, d.stop(name))
	}
	return errors.Join(errs...)
}
