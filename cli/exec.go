package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/liminal-bus/liminal/internal/display"
)

// errExecStop ends a stream at the first program that failed.
var errExecStop = errors.New("a program failed, and --exec-fail-stop was given")

// runner runs a program for each record of a stream. While as many run as may,
// run waits: so its caller does not read on, and what comes too fast is counted
// by the node's own bounded queue. Safe for use by several goroutines.
type runner struct {
	execOptions
	environ []string
	out     *output
	now     func() time.Time
	show    string // the command that shows what a program gets
	life    context.Context
	slots   chan struct{}
	group   sync.WaitGroup
	stop    context.CancelCauseFunc // ends the stream; nil for never

	mu      sync.Mutex
	tally   execTally
	running map[int]struct{} // process groups
	hurried bool             // no more may start
	last    string           // how the last one failed
	untold  int              // failures since the last complaint
	told    time.Time        // of the last complaint
}

// execTally counts how runs ended. A run that our own end stopped has not
// failed.
type execTally struct{ runs, failed, late, stopped int }

// newRunner gives nil without --exec. The program is looked for at once. Its
// runs end with the command, whatever ends the stream: a program that has begun
// when --idle or --count end that may finish.
func newRunner(c *call) (*runner, error) {
	options, asked, err := c.execOptions()
	if err != nil || !asked {
		return nil, err
	}
	r := &runner{
		execOptions: options, environ: c.env.Environ(), out: c.out, now: c.env.Now, life: c.cli.Context,
		show:  "liminal " + execUsage(c.cli.Command) + " --json",
		slots: make(chan struct{}, options.jobs), running: map[int]struct{}{},
	}
	c.app.hurry.add(r.killAll)
	return r, nil
}

// endWith has the first failure end the stream if --exec-fail-stop was given.
// Call it before run.
func (r *runner) endWith(stop context.CancelCauseFunc) {
	if r.failStop {
		r.stop = stop
	}
}

// run starts the program for one record: doc, a JSON document of one line, is
// its stdin, and vars are added to its environment. It waits for room, and only
// the end of ctx or of the command is an error; how the program fares is told by
// finish. doc may be used again when it returns.
func (r *runner) run(ctx context.Context, doc []byte, vars []string) error {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-r.life.Done():
		return context.Cause(r.life)
	}
	if err := errors.Join(context.Cause(ctx), context.Cause(r.life)); err != nil {
		<-r.slots // both were ready
		return err
	}
	doc = bytes.Clone(doc)
	r.group.Go(func() {
		defer func() { <-r.slots }()
		began := r.now()
		r.ended(r.execute(doc, vars), recordText(vars), r.now().Sub(began))
	})
	return nil
}

// How a run ended that was stopped.
var (
	errExecLate    = errors.New("timed out")
	errExecStopped = errors.New("stopped")
)

// execute runs the program to its end.
func (r *runner) execute(doc []byte, vars []string) error {
	cmd := exec.Command(r.argv[0], r.argv[1:]...)
	cmd.Env = childEnviron(r.environ, vars)
	cmd.Stdin = bytes.NewReader(doc)
	cmd.Stdout, cmd.Stderr = r.pass(r.out.stdout), r.pass(r.out.stderr)
	cmd.SysProcAttr = ownGroup()
	cmd.WaitDelay = execGrace // a program may leave others behind that hold its pipes
	if err := r.start(cmd); err != nil {
		return err
	}
	defer r.gone(cmd.Process.Pid)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	late, end := after(r.timeout)
	defer end()
	select {
	case err := <-done:
		if errors.Is(err, exec.ErrWaitDelay) {
			err = nil // the program itself has ended well
		}
		return err
	case <-late:
		return errors.Join(errExecLate, endGroup(cmd.Process.Pid, done))
	case <-r.life.Done():
		return errors.Join(errExecStopped, endGroup(cmd.Process.Pid, done))
	}
}

// after is a channel that speaks after d, never for 0.
func after(d time.Duration) (<-chan time.Time, func() bool) {
	if d == 0 {
		return nil, func() bool { return false }
	}
	t := time.NewTimer(d)
	return t.C, t.Stop
}

// start files the group of a started program, so that killAll misses none.
func (r *runner) start(cmd *exec.Cmd) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hurried {
		return errExecStopped
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot start: %w", err)
	}
	r.running[cmd.Process.Pid] = struct{}{}
	return nil
}

func (r *runner) gone(group int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, group)
}

// killAll is for an end that waits for nobody.
func (r *runner) killAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hurried = true
	for group := range r.running {
		killGroup(group)
	}
}

// pass hands our own stream to the program where it is a file; else what
// programs write goes there one piece at a time.
func (r *runner) pass(w io.Writer) io.Writer {
	if _, ok := w.(*os.File); ok {
		return w
	}
	return lockedWriter{&r.out.mu, w}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// ended counts a run and complains of one that failed.
func (r *runner) ended(err error, record string, took time.Duration) {
	r.mu.Lock()
	r.tally.runs++
	how := r.how(err)
	switch {
	case errors.Is(err, errExecStopped):
		r.tally.stopped++
	case errors.Is(err, errExecLate):
		r.tally.late++
	case err != nil:
		r.tally.failed++
	}
	failed := err != nil && !errors.Is(err, errExecStopped)
	if failed {
		r.last = how + " (" + record + ")"
		r.untold++
		if now := r.now(); r.told.IsZero() || now.Sub(r.told) >= lossEvery {
			r.told = now
			r.complain()
		}
	}
	r.mu.Unlock()
	if r.out.verbose && !failed {
		r.out.note("liminal: exec: %s in %s (%s)\n", how, display.Span(took), record)
	}
	if failed && r.stop != nil {
		r.stop(errExecStop)
	}
}

// how says it in words: "exit status 3", "timed out after 30s".
func (r *runner) how(err error) string {
	switch {
	case err == nil:
		return "exit status 0"
	case errors.Is(err, errExecLate):
		text := "timed out after " + durationText(r.timeout)
		if errors.Is(err, errUnkillable) {
			text += ", and cannot be stopped"
		}
		return text
	}
	return strings.ReplaceAll(err.Error(), "\n", ", ")
}

// complain tells of failures: the first at once, more of them in sums, as often
// as losses. The caller holds r.mu. Errors are told with --quiet too.
func (r *runner) complain() {
	switch {
	case r.untold == 1:
		r.out.complain(say("liminal: exec: %s\n", r.last))
	case r.untold > 1:
		r.out.complain(say("liminal: exec: %s more, the last: %s\n", count(r.untold, "failure"), r.last))
	}
	r.untold = 0
}

// finish waits for the programs that run, tells what is left to tell, and is an
// error if one failed.
func (r *runner) finish() error {
	r.group.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.complain()
	text := "exec: " + r.tally.String()
	switch {
	case r.tally.failed+r.tally.late > 0:
		return fail("exec_failed", text, "the last: "+r.last, r.show+" (shows what the program gets)")
	case r.tally.runs > 0:
		r.out.note("liminal: %s\n", text)
	}
	return nil
}

// String is "41 runs, 2 failed, 1 timed out".
func (t execTally) String() string {
	text := count(t.runs, "run")
	for _, part := range []struct {
		n    int
		what string
	}{{t.failed, "failed"}, {t.late, "timed out"}, {t.stopped, "stopped"}} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	return text
}

// after is finish for a stream that ended with err, which goes before the
// failures of programs: those are then told beside it. A nil runner has none.
func (r *runner) after(err error) error {
	if r == nil {
		return err
	}
	bad := r.finish()
	if err == nil {
		return bad
	}
	if bad != nil {
		r.out.complain(say("liminal: %s\n", bad))
	}
	return err
}
