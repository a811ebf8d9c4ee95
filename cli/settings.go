package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/config"
	"github.com/liminal-bus/liminal/internal/control"
)

// settings are what flags, environment and file give to one command.
type settings struct {
	*config.Values
	env  Env
	node string   // --node
	dirs []string // where to look for nodes
}

// loadSettings reads all levels and, for commands that look for nodes, where
// those live.
func loadSettings(env Env, c *cli.Context) (*settings, error) {
	v, err := config.Load(config.Options{
		Path: c.String("config"), Getenv: env.Getenv, Environ: env.Environ(), Home: env.Home, Flags: givenSettings(c),
	})
	if err != nil {
		return nil, checkSame(explainConfig(err, c.Command), c.String("config"))
	}
	s := &settings{Values: v, env: env, node: c.String("node")}
	if !flagNames(c.Command)["node"] {
		return s, nil
	}
	s.dirs, err = clientDirs(env)
	if err != nil {
		return nil, explainConfig(err, c.Command)
	}
	return s, nil
}

// clientDirs are the directories in which a command looks for nodes.
func clientDirs(env Env) ([]string, error) {
	dirs, err := config.ClientRuntimeDirs(env.Getenv)
	if err == nil && env.Getenv("LIMINAL_RUNTIME_DIR") != "" {
		dirs = dirs[:1] // who names a directory means that one
	}
	return dirs, err
}

// checkSame makes the advice to run config check one about the same file.
func checkSame(err error, path string) error {
	var e *control.Error
	if path != "" && errors.As(err, &e) && e.Try == "liminal config check" {
		e.Try += " --config " + path
	}
	return err
}

// givenSettings are the flags on the command line that are settings, by key.
func givenSettings(c *cli.Context) map[string]string {
	given := map[string]string{}
	for _, s := range config.Settings() {
		if !c.IsSet(s.Flag) {
			continue
		}
		switch s.Kind() {
		case config.KindBool:
			given[s.Key] = strconv.FormatBool(c.Bool(s.Flag))
		case config.KindList:
			given[s.Key] = strings.Join(c.StringSlice(s.Flag), ",")
		default:
			given[s.Key] = c.String(s.Flag)
		}
	}
	return given
}

// wanted is the node that the settings name: at most one field is set.
type wanted struct{ socket, name string }

// want takes the flags before everything else: --node beats a socket from the
// environment or the file.
func (s *settings) want() wanted {
	socket, _ := s.Get("node.socket")
	switch {
	case socket.Origin.Source == config.SourceFlag:
		return wanted{socket: s.Socket()}
	case s.node != "":
		return wanted{name: s.node}
	case s.Socket() != "":
		return wanted{socket: s.Socket()}
	}
	return wanted{name: s.NodeFlag()}
}

func (s *settings) runtimeDirs() []string { return s.dirs }

// timeout is 0 for no limit.
func (s *settings) timeout() time.Duration { return s.UI().Timeout }

// explainConfig tells what is wrong with the settings or with this machine.
func explainConfig(err error, c *cli.Command) error { return because(tellConfig(err, c), err) }

func tellConfig(err error, c *cli.Command) error {
	var refusal *config.Refusal
	if errors.As(err, &refusal) {
		return &control.Error{
			Code: refusal.Code, Message: refusal.Message, Why: refusal.Why, Try: refusal.Try, Exit: refusal.Exit,
		}
	}
	var bad *config.Error
	if !errors.As(err, &bad) || len(bad.Problems) == 0 {
		return fail("config_file", "cannot read the settings", err.Error(), "liminal config check")
	}
	if bad.ExitCode() == exitUsage {
		return usage(bad.Problems[0].String(), "see the flags of the command", c)
	}
	return configProblem(bad)
}

// configProblem tells the first problem; config check tells all.
func configProblem(bad *config.Error) *control.Error {
	first := bad.Problems[0]
	if first.Missing {
		return fail("input_missing", "there is no file "+bad.Path, "--config or LIMINAL_CONFIG names it",
			"liminal config init (prints one), or leave it out")
	}
	what, code := first.Text, "config_file"
	if first.Line > 0 {
		what, code = bad.Path+" line "+strconv.Itoa(first.Line)+": "+first.Text, "config_key"
	} else if first.Source == config.SourceFile && bad.Path != "" {
		what = bad.Path + " " + first.Text
	}
	why := bad.Summary()
	if first.Nearest != "" {
		why = "did you mean " + first.Nearest + "?"
	}
	return fail(code, what, why, "liminal config check")
}

// outputWords are the flags and variables that decide about output, before any
// settings are read.
type outputWords struct {
	json, plain, quiet, verbose bool
	header                      *bool
	color                       string
	ascii                       bool
}

func outputFlags(c *cli.Context) outputWords {
	w := outputWords{
		json: c.Bool("json"), plain: c.Bool("plain"), quiet: c.Bool("quiet"), verbose: c.Bool("verbose"),
		color: c.String("color"), ascii: c.Bool("ascii"),
	}
	if c.IsSet("header") {
		header := c.Bool("header")
		w.header = &header
	}
	return w
}

// earlyOutput is for errors in a command line that could not be read: it takes
// what is plain to see in it.
func (a *app) earlyOutput(args []string) *output {
	var w outputWords
	for i, arg := range args {
		switch {
		case arg == "--":
			return newOutput(a.env, w, nil)
		case arg == "--json":
			w.json = true
		case arg == "--verbose", arg == "-v", arg == "-qv", arg == "-vq":
			w.verbose = true
		case strings.HasPrefix(arg, "--color="):
			w.color = strings.TrimPrefix(arg, "--color=")
		case arg == "--color" && i+1 < len(args):
			w.color = args[i+1]
		}
	}
	return newOutput(a.env, w, nil)
}

// newOutput settles form, colour and width. set is nil where no file is read.
func newOutput(env Env, w outputWords, set *settings) *output {
	o := &output{
		stdout: env.Stdout, stderr: env.Stderr, quiet: w.quiet,
		verbose: w.verbose || env.Getenv("LIMINAL_VERBOSE") != "",
		ascii:   w.ascii || env.Getenv("LIMINAL_ASCII") == "true" || asciiLocale(env.Getenv),
	}
	switch {
	case w.json:
		o.form = formJSON
	case w.plain || !env.StdoutTTY:
		o.form = formPlain
	default:
		o.form, o.header = formTerminal, true
		if env.Width != nil {
			o.width = env.Width()
		}
	}
	if w.header != nil {
		o.header = *w.header
	}
	mode := colourMode{
		flag: w.color, env: env.Getenv("LIMINAL_COLOR"), noColor: env.Getenv("NO_COLOR") != "",
		dumb: env.Getenv("TERM") == "dumb",
	}
	if set != nil { // all levels are in it already
		mode = colourMode{flag: set.UI().Color, dumb: mode.dumb}
		o.ascii = o.ascii || set.UI().ASCII
	}
	o.paint = mode.on(env.StdoutTTY)
	o.errPaint = mode.on(env.StderrTTY)
	return o
}
