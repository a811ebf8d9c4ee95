package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync/atomic"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
)

// app is one run of the command line.
type app struct {
	env     Env
	args    []string // as typed
	cli     *cli.App
	grammar *grammar
	hup     chan struct{} // SIGHUPs for the command that takes them
	takeHup atomic.Bool   // a command does
	hurry   hurry         // what a second signal leaves no time for
}

// Main runs the command line args (without the program's name) in env and
// gives the exit status. It never exits the process. A second SIGINT or SIGTERM
// makes it return at once, whatever the command is doing.
func Main(ctx context.Context, env Env, args []string) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a := newApp(env)
	done := make(chan int, 1)
	go func() { done <- a.run(ctx, args) }()
	stopping := false
	for {
		select {
		case code := <-done:
			return code
		case sig := <-env.Signals:
			number, _ := sig.(syscall.Signal)
			if number == syscall.SIGHUP && a.takeHup.Load() {
				a.reload()
				continue
			}
			if stopping {
				a.hurry.now()
				return 128 + int(number)
			}
			stopping = true
			cancel(&signalError{int(number)})
		}
	}
}

// reload passes a SIGHUP on; one that is waiting already will do for both.
func (a *app) reload() {
	select {
	case a.hup <- struct{}{}:
	default:
	}
}

func newApp(env Env) *app {
	a := &app{env: env, hup: make(chan struct{}, 1)}
	a.cli = &cli.App{
		Name:            "liminal",
		HelpName:        "liminal",
		Usage:           "a node in an Erlang cluster, and the commands that show it",
		Writer:          io.Discard, // urfave/cli itself says nothing
		ErrWriter:       io.Discard,
		Reader:          env.Stdin,
		HideHelp:        true, // --help and help are ours: help.go
		HideVersion:     true, // -v is --verbose
		Commands:        a.commands(),
		ExitErrHandler:  func(*cli.Context, error) {}, // else it exits the process
		CommandNotFound: func(*cli.Context, string) {},
		Action:          func(*cli.Context) error { return a.shortHelp() },

		DisableSliceFlagSeparator: true, // config splits lists, by one rule for all levels
	}
	nameAll("", a.cli.Commands)
	a.grammar = newGrammar(a.cli.Commands)
	return a
}

// nameAll sets what urfave/cli would set only when a command runs (its own
// setup adds "liminal " in front), and what would let it print or exit by itself.
func nameAll(prefix string, commands []*cli.Command) {
	for _, c := range commands {
		c.HelpName = prefix + c.Name
		c.HideHelp = true
		c.OnUsageError = func(ctx *cli.Context, err error, _ bool) error { return parseUsage(err, c) }
		nameAll(c.HelpName+" ", c.Subcommands)
	}
}

// run gives the exit status of args.
func (a *app) run(ctx context.Context, args []string) (code int) {
	a.args = args
	out := a.earlyOutput(args)
	defer func() {
		if p := recover(); p != nil {
			code = out.reportBug(p, debug.Stack())
		}
	}()
	return a.exitStatus(ctx, out, a.dispatch(ctx, args))
}

// exitStatus reports err, if there is anything left to say, and gives its
// status.
func (a *app) exitStatus(ctx context.Context, out *output, err error) int {
	var status exitError
	var sig *signalError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.As(context.Cause(ctx), &sig) && isCancel(err):
		return 128 + sig.number
	}
	e := asError(err)
	out.report(err)
	return e.Exit
}

func isCancel(err error) bool {
	var sig *signalError
	return errors.Is(err, context.Canceled) || errors.As(err, &sig)
}

// dispatch runs the command that args name.
func (a *app) dispatch(ctx context.Context, args []string) error {
	if len(args) == 1 && args[0] == "--version" {
		args = []string{"version"}
	}
	l, err := a.grammar.arrange(args)
	if err != nil {
		return err
	}
	if l.help {
		return a.help(a.earlyOutput(args), l.path)
	}
	return a.cli.RunContext(ctx, l.words())
}

// action wraps what a command does: its output form, its settings and the
// number of its arguments are settled before run is called.
func (a *app) action(c command, run func(ctx context.Context, c *call) error) cli.ActionFunc {
	return func(cc *cli.Context) error {
		args := cc.Args().Slice()
		if err := c.checkArgs(args, cc.Command); err != nil {
			return err
		}
		call, err := a.newCall(cc, c)
		if err != nil {
			return err
		}
		if err := run(cc.Context, call); err != nil {
			return err
		}
		return call.out.failed()
	}
}

// command is what action has to know beyond what urfave/cli is told.
type command struct {
	min, max int  // number of arguments; max -1 is any
	settings bool // reads the file and the environment
}

func (c command) checkArgs(args []string, cmd *cli.Command) error {
	switch {
	case len(args) < c.min:
		return usage("liminal "+fullName(cmd)+" needs an argument", "usage: "+usageLine(cmd), cmd)
	case c.max >= 0 && len(args) > c.max:
		return usage(fmt.Sprintf("liminal %s does not take %q", fullName(cmd), args[c.max]), "usage: "+usageLine(cmd), cmd)
	}
	return nil
}

// call is one command being run.
type call struct {
	app  *app
	env  Env
	cli  *cli.Context
	args []string
	out  *output
	set  *settings // nil for commands that read none
}

func (a *app) newCall(cc *cli.Context, c command) (*call, error) {
	if cc.Bool("json") && cc.Bool("plain") {
		return nil, usage("--json and --plain exclude each other", "each asks for another form", cc.Command)
	}
	call := &call{app: a, env: a.env, cli: cc, args: cc.Args().Slice()}
	if c.settings {
		set, err := loadSettings(a.env, cc)
		if err != nil {
			return nil, err
		}
		call.set = set
	}
	call.out = newOutput(a.env, outputFlags(cc), call.set)
	return call, nil
}

// errorf is for what should not happen with a file or the system.
func ioError(what string, err error, try string) *control.Error {
	code := "io"
	if errors.Is(err, os.ErrPermission) {
		code = "refused"
	}
	return fail(code, what, err.Error(), try)
}
