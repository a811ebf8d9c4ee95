package otptest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// reapWait is how long the children of a killed process may hold its output.
const reapWait = 10 * time.Second

// proc is one process of the harness, its guard and its output.
type proc struct {
	cmd  *exec.Cmd
	log  *output
	done chan struct{} // closed once the process and its children are gone
	err  error         // what Wait said; read it after done

	guard *guard
}

// spawn starts cmd in a process group of its own, so that an interrupt typed at
// the terminal reaches the test and not the nodes it is about to stop.
func spawn(cmd *exec.Cmd) (*proc, error) { return spawnBy(cmd, nil) }

// spawnBy is spawn with another way to start the process; nil is cmd.Start.
func spawnBy(cmd *exec.Cmd, start func(*exec.Cmd) error) (*proc, error) {
	if start == nil {
		start = (*exec.Cmd).Start
	}
	p := &proc{cmd: cmd, log: &output{changed: make(chan struct{})}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = reapWait
	if err := start(cmd); err != nil {
		return nil, err
	}
	g, err := newGuard(cmd.Process.Pid)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, fmt.Errorf("start guard: %w", err)
	}
	p.guard = g
	go p.wait()
	return p, nil
}

func (p *proc) wait() {
	// Wait returns when the output is at its end, that is when the children that
	// inherited it have gone too; ErrWaitDelay says that one of them has not.
	p.err = p.cmd.Wait()
	p.guard.release()
	close(p.done)
}

func (p *proc) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// kill sends SIGKILL and waits for the end. Killing twice does no harm.
func (p *proc) kill() error {
	_ = p.cmd.Process.Kill() // already finished: the wait below says how
	<-p.done
	if errors.Is(p.err, exec.ErrWaitDelay) {
		return fmt.Errorf("a child of process %d outlived it by %v", p.cmd.Process.Pid, reapWait)
	}
	return nil
}

// guard kills a process when this one ends without having done so.
type guard struct {
	cmd  *exec.Cmd
	hold io.Closer // the pipe whose end the guard waits for
	once sync.Once
}

func newGuard(pid int) (*guard, error) {
	cmd := exec.Command("/bin/sh", "-c", `trap '' INT TERM HUP; read -r _; kill -9 "$0"`, strconv.Itoa(pid))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &guard{cmd: cmd, hold: hold}, cmd.Start()
}

// release ends the guard before its pipe closes, so that it never signals an id
// which by then belongs to someone else.
func (g *guard) release() {
	g.once.Do(func() {
		_ = g.cmd.Process.Kill()
		_ = g.cmd.Wait()
		_ = g.hold.Close()
	})
}

// maxOutput bounds what is kept of a process's output.
const maxOutput = 1 << 20

// output keeps what a process prints, up to maxOutput bytes.
type output struct {
	mu      sync.Mutex
	buf     []byte
	lost    int
	changed chan struct{} // closed and replaced at each write
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	keep := min(len(p), maxOutput-len(o.buf))
	o.buf = append(o.buf, p[:keep]...)
	o.lost += len(p) - keep
	close(o.changed)
	o.changed = make(chan struct{})
	return len(p), nil
}

func (o *output) String() string {
	s, _ := o.snapshot()
	return s
}

// snapshot returns the text so far and a channel closed by the next write.
func (o *output) snapshot() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := string(o.buf)
	if o.lost > 0 {
		s += fmt.Sprintf("\n(%d more bytes not kept)\n", o.lost)
	}
	return s, o.changed
}

// baseEnv is the environment of every process: no flags of the developer's own.
func baseEnv(home string, epmdPort int) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + home,
		"LANG=C.UTF-8",
		"ERL_EPMD_PORT=" + strconv.Itoa(epmdPort),
		"ERL_CRASH_DUMP_SECONDS=0",
	}
}
