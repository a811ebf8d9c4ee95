package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// await reads what a program has written to a file of its own, once it has.
func await(t *testing.T, path string) string {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		if text, err := os.ReadFile(path); err == nil && strings.HasSuffix(string(text), "\n") {
			return strings.TrimSpace(string(text))
		}
		select {
		case <-late:
			t.Fatal("it was never written")
		case <-time.After(time.Millisecond):
		}
	}
}

// TestSubExecBlockedStderr: a stderr that nobody reads keeps neither the second
// signal from ending the command nor programs from being killed.
func TestSubExecBlockedStderr(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	env := execEnv(t, numbered(2)...)
	nobody, stderr := io.Pipe()
	t.Cleanup(func() { nobody.Close() })
	signals, code := make(chan os.Signal, 2), make(chan int, 1)
	env.Stderr, env.Signals = stderr, signals
	shell := fmt.Sprintf(`[ "$LIMINAL_SEQ" = 2 ] || exit 3; trap "" TERM; echo $$ >'%s'; i=0; while [ $i -lt 400 ]; do i=$((i+1)); sleep 0.05; done`, file)
	go func() {
		code <- Main(t.Context(), env, []string{"sub", "chat", "--exec-jobs", "2", "--exec-shell", "--exec", shell})
	}()
	pid := await(t, file)
	if _, err := nobody.Read(make([]byte, 1)); err != nil { // the complaint is on its way, and stays there
		t.Fatal(err)
	}
	signals <- os.Interrupt
	signals <- os.Interrupt
	select {
	case got := <-code:
		if got != 130 {
			t.Errorf("exit %d", got)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
	awaitDeath(t, pid)
}

// TestSubExecStoppedAfterItsStream: a signal that ends programs is the end of the
// command also where --count had ended the stream.
func TestSubExecStoppedAfterItsStream(t *testing.T) {
	for signal, want := range map[os.Signal]int{os.Interrupt: 130, syscall.SIGTERM: 143} {
		r := startIn(t, execEnv(t, numbered(1)...), "sub", "chat", "--count", "1", "--exec-shell", "--exec", "echo on; exec sleep 1000")
		r.line(r.stdout, "on")
		r.signals <- signal
		r.line(r.stderr, "liminal: exec: 1 run, 1 stopped")
		r.exits(want)
	}
}

// TestSubExecRest: what a program leaves running is a job, has the program's
// time, and ends with the command.
func TestSubExecRest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	leaving := fmt.Sprintf(`sleep 20 >/dev/null 2>&1 & echo $! >'%s'`, file)
	for _, test := range []struct {
		name   string
		args   []string
		signal os.Signal
		code   int
		stderr string
	}{
		{"count", []string{"--count", "1"}, nil, 0, "liminal: exec: 1 run, 1 stopped"},
		{"time", []string{"--count", "2", "--exec-timeout", "50ms"}, nil, 1, "liminal: exec: what it left running timed out after 50ms (message chat 1 from b@dev)"},
		{"signal", nil, syscall.SIGTERM, 143, "liminal: exec: 1 run, 1 stopped"},
	} {
		t.Run(test.name, func(t *testing.T) {
			os.Remove(file)
			r := startIn(t, execEnv(t, numbered(2)...), append([]string{"sub", "chat", "--exec-shell", "--exec", leaving}, test.args...)...)
			pid := await(t, file)
			if test.signal != nil {
				r.signals <- test.signal
			}
			r.line(r.stderr, test.stderr)
			for r.stderr.Scan() {
			}
			r.exits(test.code)
			if test.name != "time" { // there it is another's
				awaitDeath(t, pid)
			}
		})
	}
}

// TestSubExecRestIsAJob: one that leaves something running holds the next up.
func TestSubExecRestIsAJob(t *testing.T) {
	dir := t.TempDir()
	shell := fmt.Sprintf(`cd '%s'; if [ "$LIMINAL_SEQ" = 1 ]; then (sleep 0.3; touch over) >/dev/null 2>&1 & else ls; fi`, dir)
	if r := runIn(t, execEnv(t, numbered(2)...), "sub", "chat", "--count", "2", "--exec-shell", "--exec", shell); r.stdout != "over\n" || r.code != 0 {
		t.Errorf("%+v", r)
	}
}

// TestSubExecDeadRest: a dead process that nobody waits for holds nothing up.
func TestSubExecDeadRest(t *testing.T) {
	if _, known := groupInProc(syscall.Getpgrp()); !known {
		t.Skip("no /proc here: whoever inherits the dead waits for them")
	}
	cmd := exec.Command("sleep", "20")
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	group := cmd.Process.Pid
	if !groupLives(group) {
		t.Error("it does not live")
	}
	killGroup(group)
	awaitDeath(t, strconv.Itoa(group))
	if err := syscall.Kill(-group, 0); err != nil || groupLives(group) {
		t.Errorf("a dead one lives, or is gone: %v", err)
	}
	_ = cmd.Wait() // killed
	if groupLives(group) {
		t.Error("a group that is gone lives")
	}
}

// TestSubExecJSON: stderr is one object or nothing.
func TestSubExecJSON(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		code int
		want control.Error
	}{
		{"well", []string{"--exec", "true", "--count", "3"}, 0, control.Error{}},
		{"failures", []string{"--exec", "false", "--count", "3"}, 1, control.Error{
			Code: "exec_failed", Message: "exec: 3 runs, 3 failed", Why: "the last: exit status 1 (message chat 3 from b@dev)",
			Try: "liminal sub chat --json (shows what the program gets)", Exit: 1,
		}},
		{"and the stream's end", []string{"--exec", "false", "--count", "5", "--timeout", "1s"}, 124, control.Error{
			Code: "timeout", Message: "timed out after 1s: 4 of 5 messages came",
			Why: "no more came on chat; exec: 4 runs, 4 failed, the last: exit status 1 (message chat 4 from b@dev)",
			Try: "raise --timeout", Exit: 124,
		}},
	} {
		r := runIn(t, execEnv(t, numbered(4)...), append([]string{"sub", "chat", "--json"}, test.args...)...)
		var got control.Failure
		if r.stderr != "" {
			if err := json.Unmarshal([]byte(r.stderr), &got); err != nil {
				t.Errorf("%s: %v: %s", test.name, err, r.stderr)
				continue
			}
		}
		if got.Error == nil {
			got.Error = &control.Error{}
		}
		if r.code != test.code || *got.Error != test.want {
			t.Errorf("%s: exit %d, %s", test.name, r.code, r.stderr)
		}
	}
	env := execEnv(t, numbered(2)...)
	r := startIn(t, env, "sub", "chat", "--json", "--exec-shell", "--exec", `[ "$LIMINAL_SEQ" = 2 ] || exit 3; echo on; exec sleep 1000`)
	r.line(r.stdout, "on")
	r.signals <- os.Interrupt
	r.line(r.stderr, `{"error":{"code":"exec_failed","message":"exec: 2 runs, 1 failed, 1 stopped"`)
	r.exits(130)
}
