package testnet

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Cookie is that of every node of the rig.
const Cookie = "a-cookie-of-the-rig"

// World is one machine as liminal sees it: a home, a runtime directory, a
// cookie, no epmd unless one is given.
type World struct {
	t    testing.TB
	dir  string // runtime directory
	env  []string
	host *Host // nil is this machine's own network
}

// NewWorld makes one with more variables in its environment.
func NewWorld(t testing.TB, vars ...string) *World {
	t.Helper()
	dir, err := os.MkdirTemp("", "lim") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8", "LIMINAL_RUNTIME_DIR=" + filepath.Join(dir, "run"),
		"LIMINAL_COOKIE=" + Cookie, "LIMINAL_EPMD=off", "LIMINAL_TIMEOUT=60s", "LIMINAL_RETRY_JOIN=true",
		"GORACE=atexit_sleep_ms=0",
	}
	return &World{t: t, dir: dir, env: append(env, vars...)}
}

// On is the same machine with its network in h.
func (w *World) On(h *Host) *World {
	other := *w
	other.host = h
	return &other
}

// RuntimeDir holds the sockets of the world's nodes.
func (w *World) RuntimeDir() string { return filepath.Join(w.dir, "run") }

// Socket is the control socket of the node called name, without host.
func (w *World) Socket(name string) string { return filepath.Join(w.RuntimeDir(), name+".sock") }

// Command is a command of liminal that has not started.
func (w *World) Command(args ...string) *exec.Cmd {
	w.t.Helper()
	cmd := exec.Command(Binary(w.t), args...)
	cmd.Env = w.env
	return cmd
}

// Start runs a command beside the test.
func (w *World) Start(args ...string) *Proc {
	w.t.Helper()
	return launch(w.t, w.host, w.Command(args...))
}

// Try runs a command to its end.
func (w *World) Try(args ...string) (stdout, stderr string, err error) {
	w.t.Helper()
	var out, errs bytes.Buffer
	cmd := w.Command(args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err = w.host.start(cmd); err == nil {
		late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		err = cmd.Wait()
		late.Stop()
	}
	return out.String(), errs.String(), err
}

// Run is Try of what has to succeed.
func (w *World) Run(args ...string) string {
	w.t.Helper()
	out, errs, err := w.Try(args...)
	if err != nil {
		w.t.Fatalf("liminal %s: %v: %s", strings.Join(args, " "), err, errs)
	}
	return out
}

// JSON runs a command with --json and reads its answer.
func (w *World) JSON(doc any, args ...string) {
	w.t.Helper()
	text := w.Run(append(args, "--json")...)
	if err := json.Unmarshal([]byte(text), doc); err != nil {
		w.t.Fatalf("liminal %s: %v: %s", strings.Join(args, " "), err, text)
	}
}

// Begin starts a command made by Command, whose pipes the caller has.
func (w *World) Begin(t testing.TB, cmd *exec.Cmd) *Proc {
	t.Helper()
	return launch(t, w.host, cmd)
}
