package otptest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// recorder is a testing.TB that notes how it was ended instead of ending the test.
type recorder struct {
	testing.TB
	how, text string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) { r.end("fail", format, args) }
func (r *recorder) Skipf(format string, args ...any)  { r.end("skip", format, args) }

// Errorf goes on, as that of a test does.
func (r *recorder) Errorf(format string, args ...any) {
	r.how, r.text = "error", fmt.Sprintf(format, args...)
}

func (r *recorder) end(how, format string, args []any) {
	r.how, r.text = how, fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// fakeTB runs f on a goroutine of its own, as Fatalf and Skipf end it.
func fakeTB(t *testing.T, f func(testing.TB)) *recorder {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	return r
}

func TestNeed(t *testing.T) {
	found := func() error { return nil }
	missing := func() error { return errors.New("erl: not found") }
	for _, tc := range []struct {
		mode      string
		look      func() error
		how, text string
	}{
		{"", found, "", ""},
		{"require", found, "", ""},
		{"require", missing, "fail", "erl: not found"},
		{"", missing, "skip", "SKIP: no Erlang on this machine: erl: not found"},
		{"off", found, "skip", EnvMode + "=off"},
		{"requires", found, "fail", `"requires"`},
	} {
		said := false
		r := fakeTB(t, func(tb testing.TB) { need(tb, tc.mode, func(error) { said = true }, tc.look) })
		if said != (tc.how == "skip") {
			t.Errorf("mode %q: announced %t, but only skips are announced", tc.mode, said)
		}
		if r.how != tc.how || !strings.Contains(r.text, tc.text) {
			t.Errorf("mode %q: %q %q, want %q %q", tc.mode, r.how, r.text, tc.how, tc.text)
		}
	}
}

// envGuarded is set for the copy of this test binary that TestGuard runs.
const envGuarded = "OTPTEST_GUARDED"

// TestGuard has a copy of itself start an epmd and a node, stop the node, and die
// without cleanup.
func TestGuard(t *testing.T) {
	Need(t)
	if os.Getenv(envGuarded) != "" {
		dieWithChildren(t)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestGuard$")
	// What the copy cannot clean up any more lies in a directory of ours.
	cmd.Env = append(os.Environ(), envGuarded+"=1", "TMPDIR="+t.TempDir())
	cmd.WaitDelay = 10 * time.Second // a node left alive must not hold the test for ever
	out, err := cmd.Output()
	_, line, ok := strings.Cut(string(out), "\npids ")
	if !ok || err == nil {
		t.Fatalf("copy: %v\n%s", err, out)
	}
	for _, f := range strings.Fields(line) {
		pid, err := strconv.Atoi(f)
		if err != nil {
			t.Fatalf("copy said %q", line)
		}
		if !goneWithin(pid, 10*time.Second) {
			t.Errorf("process %d outlived its test", pid)
		}
	}
}

func dieWithChildren(t *testing.T) {
	n := Start(t, Options{})
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\npids %d %d\n", n.Pid(), n.EPMD.proc.cmd.Process.Pid)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

func goneWithin(pid int, within time.Duration) bool {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); <-tick.C {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || zombie(pid) {
			return true
		}
	}
	return false
}

// zombie tells a process that has ended, in a container whose first process does
// not collect orphans.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z")
}
