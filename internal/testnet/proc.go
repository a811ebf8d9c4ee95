package testnet

import (
	"bytes"
	"errors"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Proc is one process, which ends with the test.
type Proc struct {
	Cmd  *exec.Cmd
	done chan struct{}
	err  error // what Wait said; read it after done

	Stderr Output
}

// maxOutput bounds what is kept of an output.
const maxOutput = 1 << 20

// Output keeps the first mebibyte of what is written to it.
type Output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Write(p[:min(len(p), maxOutput-o.buf.Len())])
	return len(p), nil
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// launch starts cmd in the namespace of h, or here where h is nil.
func launch(t testing.TB, h *Host, cmd *exec.Cmd) *Proc {
	t.Helper()
	read := make(chan struct{})
	close(read)
	return launchReading(t, h, cmd, read)
}

// launchReading is launch where somebody reads a pipe of cmd until it closes
// read: the end of the process comes after that.
func launchReading(t testing.TB, h *Host, cmd *exec.Cmd, read <-chan struct{}) *Proc {
	t.Helper()
	p := &Proc{Cmd: cmd, done: make(chan struct{})}
	if cmd.Stderr == nil {
		cmd.Stderr = &p.Stderr
	}
	cmd.WaitDelay = 5 * time.Second
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = dieWithUs()
	}
	if err := h.start(cmd); err != nil {
		t.Fatalf("testnet: start %q: %v", cmd.Args, err)
	}
	go func() {
		<-read
		p.err = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.Kill)
	return p
}

// Pid is the process id.
func (p *Proc) Pid() int { return p.Cmd.Process.Pid }

// Kill is kill -9; it returns when the process is gone. Twice does no harm.
func (p *Proc) Kill() {
	_ = p.Cmd.Process.Kill()
	<-p.done
}

// Signal sends one.
func (p *Proc) Signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.Cmd.Process.Signal(s); err != nil {
		t.Fatalf("testnet: signal %v: %v", s, err)
	}
}

// Wait gives the exit status, -1 for an end by a signal. It fails the test if
// the process does not end within the time given.
func (p *Proc) Wait(t testing.TB, within time.Duration) int {
	t.Helper()
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-p.done:
	case <-late.C:
		t.Fatalf("testnet: %q has not ended within %v", p.Cmd.Args, within)
	}
	var exit *exec.ExitError
	switch {
	case p.err == nil:
		return 0
	case errors.As(p.err, &exit):
		return exit.ExitCode()
	}
	t.Fatalf("testnet: %q: %v", p.Cmd.Args, p.err)
	return 0
}

// Alive reports whether the process has not ended.
func (p *Proc) Alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}
