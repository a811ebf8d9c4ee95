package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
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
	group   sync.WaitGroup          // runs
	leaders sync.WaitGroup          // programs; what they leave running apart
	over    chan struct{}           // closed once all programs have ended and no more comes
	stop    context.CancelCauseFunc // ends the stream; nil for never
	groups  groups

	mu     sync.Mutex // never held while something is written
	tally  execTally
	last   string    // how the last one failed
	untold int       // failures since the last complaint
	told   time.Time // of the last complaint
}

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
		show:  "liminal " + execShown(c) + " --json",
		slots: make(chan struct{}, options.jobs), over: make(chan struct{}),
		groups: groups{running: map[int]struct{}{}},
	}
	c.app.hurry.add(r.groups.killAll)
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
	r.leaders.Add(1)
	led := sync.OnceFunc(r.leaders.Done)
	r.group.Go(func() {
		defer func() { <-r.slots }()
		defer led()
		began := r.now()
		r.ended(r.execute(doc, vars, led), recordText(vars), r.now().Sub(began))
	})
	return nil
}

// How a run ended that was stopped.
var (
	errExecLate    = errors.New("timed out")
	errExecStopped = errors.New("stopped")
	errExecRest    = errors.New("it left something running") // beside one of them
)

// execute runs the program to its end, and to that of what it leaves in its
// group; led is called in between.
func (r *runner) execute(doc []byte, vars []string, led func()) error {
	cmd := exec.Command(r.argv[0], r.argv[1:]...)
	cmd.Env = childEnviron(r.environ, vars)
	cmd.Stdin = bytes.NewReader(doc)
	cmd.Stdout, cmd.Stderr = r.pass(r.out.stdout), r.pass(r.out.stderr)
	cmd.SysProcAttr = ownGroup()
	cmd.WaitDelay = execGrace // a program may leave others behind that hold its pipes
	if err := r.groups.start(cmd); err != nil {
		return err
	}
	defer r.groups.gone(cmd.Process.Pid)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	late, end := after(r.timeout)
	defer end()
	select {
	case err := <-done:
		if errors.Is(err, exec.ErrWaitDelay) {
			err = nil // the program itself has ended well
		}
		led()
		if rest := r.rest(cmd.Process.Pid, late); err == nil {
			err = rest
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

// rest waits for what a program has left in its group, and ends it when the time
// of the run is over or the command ends, however it ends.
func (r *runner) rest(group int, late <-chan time.Time) error {
	why := r.awaitRest(group, late)
	if why == nil {
		return nil
	}
	ended := make(chan error)
	close(ended)
	return errors.Join(why, errExecRest, endGroup(group, ended))
}

func (r *runner) awaitRest(group int, late <-chan time.Time) error {
	for step := groupStep; groupLives(group); step = min(2*step, groupStepMax) {
		select {
		case <-time.After(step):
		case <-late:
			return errExecLate
		case <-r.over:
			return errExecStopped
		case <-r.life.Done():
			return errExecStopped
		}
	}
	return nil
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
