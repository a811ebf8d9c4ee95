package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
)

const (
	execTimeout = 30 * time.Second // of --exec-timeout
	maxExecJobs = 256              // of --exec-jobs
)

// execFlags are those of commands that can run a program for each record of
// their stream.
func execFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "exec", Usage: "run `CMD` for each record, with its JSON on stdin, instead of printing it; no shell"},
		&cli.BoolFlag{Name: "exec-shell", Usage: "have /bin/sh -c run it"},
		&cli.IntFlag{Name: "exec-jobs", Usage: "run up to `N` at once", DefaultText: "1, in order"},
		&cli.StringFlag{Name: "exec-timeout", Usage: "stop a program after `DUR`; 0: never", DefaultText: durationText(execTimeout)},
		&cli.BoolFlag{Name: "exec-fail-stop", Usage: "end at the first program that fails"},
	}
}

// execOptions are the flags of --exec, read.
type execOptions struct {
	argv     []string // the program, found, and its arguments
	jobs     int
	timeout  time.Duration // 0 is no limit
	failStop bool
}

// execOptions: asked is false without --exec.
func (c *call) execOptions() (o execOptions, asked bool, err error) {
	if !c.cli.IsSet("exec") {
		for _, name := range []string{"exec-shell", "exec-jobs", "exec-timeout", "exec-fail-stop"} {
			if c.cli.IsSet(name) {
				return o, false, usage("--"+name+" needs --exec", "there is no program to run", c.cli.Command)
			}
		}
		return o, false, nil
	}
	o = execOptions{jobs: 1, timeout: execTimeout, failStop: c.cli.Bool("exec-fail-stop")}
	if c.cli.IsSet("exec-jobs") {
		if o.jobs = c.cli.Int("exec-jobs"); o.jobs < 1 || o.jobs > maxExecJobs {
			return o, true, usage(fmt.Sprintf("--exec-jobs takes a number from 1 to %d", maxExecJobs), "it counts programs that run at once", c.cli.Command)
		}
	}
	if text := c.cli.String("exec-timeout"); text != "" {
		if o.timeout, err = time.ParseDuration(text); err != nil || o.timeout < 0 {
			return o, true, usage(fmt.Sprintf(`--exec-timeout must be a duration such as "5s", not %q`, text), "durations need a unit; 0 is no limit", c.cli.Command)
		}
	}
	o.argv, err = c.execArgv(c.cli.String("exec"), c.cli.Bool("exec-shell"))
	return o, true, err
}

// execArgv finds the program before anything is subscribed to.
func (c *call) execArgv(text string, shell bool) ([]string, error) {
	if strings.TrimSpace(text) == "" {
		return nil, usage("--exec names no program", "it takes a program and its arguments", c.cli.Command)
	}
	if shell {
		return []string{"/bin/sh", "-c", text}, nil
	}
	argv, err := splitWords(text)
	if err != nil {
		return nil, usage("--exec "+err.Error(), `words are split at blanks; '...', "..." and \ keep them together`, c.cli.Command)
	}
	if argv[0] == "" {
		return nil, usage("--exec names no program", "its first word is empty", c.cli.Command)
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, execMissing(argv[0], err, c.cli.Command)
	}
	argv[0] = path
	return argv, nil
}

// execMissing tells why a program cannot be run.
func execMissing(name string, err error, c *cli.Command) *control.Error {
	shell := "liminal " + execUsage(c) + " --exec-shell --exec '...' (for what only a shell knows)"
	switch {
	case errors.Is(err, exec.ErrDot):
		return fail("exec_missing", "the program "+name+" is not in PATH", "only this directory has it", "liminal "+execUsage(c)+" --exec ./"+name)
	case errors.Is(err, fs.ErrPermission):
		return fail("exec_refused", "cannot run "+name+": permission denied", "it is no program, or not one of yours", "chmod +x "+name)
	case strings.Contains(name, "/"):
		return fail("exec_missing", "there is no program "+name, "--exec names it", shell)
	}
	return fail("exec_missing", "there is no program "+name, "no directory of PATH has it", shell)
}

// execUsage is the command as one would type it: "sub CHANNEL".
func execUsage(c *cli.Command) string {
	first, _, _ := strings.Cut(c.ArgsUsage, " ")
	return strings.TrimSpace(fullName(c) + " " + strings.Trim(first, ".[]"))
}

// execShown is the command with what was typed: "sub orders".
func execShown(c *call) string {
	if len(c.args) == 0 {
		return execUsage(c.cli.Command)
	}
	return fullName(c.cli.Command) + " " + typedWords(c.args)
}
