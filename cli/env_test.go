package cli

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// testEnv is a world of its own: home, runtime directory, no epmd, no terminal.
func testEnv(t testing.TB, more ...string) Env {
	t.Helper()
	run, err := os.MkdirTemp("", "lim") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	vars := map[string]string{"LIMINAL_RUNTIME_DIR": run, "LIMINAL_EPMD": "off", "LANG": "C.UTF-8"}
	for _, kv := range more {
		name, value, _ := strings.Cut(kv, "=")
		vars[name] = value
	}
	return Env{
		Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard,
		Getenv: func(name string) string { return vars[name] },
		Environ: func() []string {
			var list []string
			for name, value := range vars {
				list = append(list, name+"="+value)
			}
			return list
		},
		Home: t.TempDir(), TempDir: t.TempDir(), PID: os.Getpid(), Now: time.Now,
		Width: func() int { return 0 },
		Pause: func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) },
	}
}

// result is what a command left.
type result struct {
	code           int
	stdout, stderr string
}

func runIn(t *testing.T, env Env, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	env.Stdout, env.Stderr = &stdout, &stderr
	code := Main(t.Context(), env, args)
	return result{code, stdout.String(), stderr.String()}
}

// running is a command in the background whose output is read line by line.
type running struct {
	t              *testing.T
	signals        chan os.Signal
	stdout, stderr *bufio.Scanner
	code           chan int
	hangUp         func()
}

func startIn(t *testing.T, env Env, args ...string) *running {
	t.Helper()
	r := &running{t: t, signals: make(chan os.Signal, 4), code: make(chan int, 1)}
	stdout, stderr := newPipe(), newPipe()
	r.stdout, r.stderr = bufio.NewScanner(stdout), bufio.NewScanner(stderr)
	env.Stdout, env.Stderr, env.Signals = stdout, stderr, r.signals
	ctx, cancel := context.WithCancel(context.Background())
	r.hangUp = func() {
		stdout.PipeReader.Close()
		stderr.PipeReader.Close()
	}
	t.Cleanup(func() {
		cancel()
		r.hangUp() // what nobody read any more
	})
	go func() {
		code := Main(ctx, env, args)
		stdout.Close()
		stderr.Close()
		r.code <- code
	}()
	return r
}

// line reads on until a line holds want, and gives it.
func (r *running) line(from *bufio.Scanner, want string) string {
	r.t.Helper()
	var seen []string
	late := time.AfterFunc(20*time.Second, r.hangUp) // ends Scan
	defer late.Stop()
	for from.Scan() {
		if strings.Contains(from.Text(), want) {
			return from.Text()
		}
		seen = append(seen, from.Text())
	}
	r.t.Fatalf("no line with %q; it said:\n%s", want, strings.Join(seen, "\n"))
	return ""
}

// rest is all that is still to come from one of its outputs.
func (r *running) rest(from *bufio.Scanner) string {
	late := time.AfterFunc(20*time.Second, r.hangUp) // ends Scan
	defer late.Stop()
	var seen strings.Builder
	for from.Scan() {
		seen.WriteString(from.Text() + "\n")
	}
	return seen.String()
}

func (r *running) exits(want int) {
	r.t.Helper()
	select {
	case code := <-r.code:
		if code != want {
			r.t.Errorf("exit status %d, want %d", code, want)
		}
	case <-time.After(20 * time.Second):
		r.t.Fatal("it does not end")
	}
}

// pipe never makes its writer wait, as a terminal or a file would not.
type pipe struct {
	*io.PipeReader
	lines chan []byte
}

func newPipe() *pipe {
	r, w := io.Pipe()
	p := &pipe{r, make(chan []byte, 4096)}
	go func() {
		defer w.Close()
		for b := range p.lines {
			if _, err := w.Write(b); err != nil {
				return
			}
		}
	}()
	return p
}

func (p *pipe) Write(b []byte) (int, error) {
	p.lines <- bytes.Clone(b)
	return len(b), nil
}

func (p *pipe) Close() error { close(p.lines); return nil }

func TestSignals(t *testing.T) {
	t.Run("a client command ends with 128+n", func(t *testing.T) {
		r := startIn(t, testEnv(t), "peers", "--wait", "1", "--timeout", "0")
		r.signals <- os.Interrupt
		r.exits(130)
		r = startIn(t, testEnv(t), "peers", "--wait", "1", "--timeout", "0")
		r.signals <- syscall.SIGTERM
		r.exits(143)
	})
	t.Run("SIGHUP ends what does not take it", func(t *testing.T) {
		r := startIn(t, testEnv(t), "peers", "--wait", "1", "--timeout", "0")
		r.signals <- syscall.SIGHUP
		r.exits(129)
	})
	t.Run("a second signal ends at once", func(t *testing.T) {
		env := testEnv(t)
		signals := make(chan os.Signal, 2)
		env.Signals = signals
		block := make(blocked)
		env.Stdout = block
		signals <- syscall.SIGTERM
		signals <- syscall.SIGTERM
		if code := Main(t.Context(), env, []string{"version"}); code != 143 {
			t.Errorf("exit status %d, want 143", code)
		}
		close(block) // let its goroutine go
	})
}

// blocked is a writer that waits until it is closed.
type blocked chan struct{}

func (b blocked) Write(p []byte) (int, error) { <-b; return len(p), nil }

func TestReload(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.toml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("[node]\nname = \"a@127.0.0.1\"\nlisten = \"127.0.0.1:0\"\n")
	told, socket := listenNotify(t)
	env := testEnv(t, "NOTIFY_SOCKET="+socket)
	r := startIn(t, env, "node", "start", "--config", file)
	r.line(r.stdout, "ready a@127.0.0.1")
	told("READY=1")

	write("[cluster]\nseed = [\"b\"]\n")
	r.signals <- syscall.SIGHUP
	bad := r.line(r.stderr, "reload: nothing changed")
	if !strings.Contains(bad, "line 2: cluster.seed is not a setting; did you mean cluster.seeds?") {
		t.Errorf("log of a bad file: %s", bad)
	}
	told("RELOADING=1")
	told("READY=1")

	write("[node]\nname = \"z@127.0.0.1\"\nlisten = \"127.0.0.1:0\"\ndrain = \"2s\"\n[log]\nformat = \"json\"\n")
	r.signals <- syscall.SIGHUP
	r.line(r.stderr, `"msg":"reloaded"`)
	if restart := r.line(r.stderr, "need a restart"); !strings.Contains(restart, "node.name") || strings.Contains(restart, "node.drain") {
		t.Errorf("log of what needs a restart: %s", restart)
	}
	if s := runIn(t, env, "status", "--json"); !strings.Contains(s.stdout, `"node":"a@127.0.0.1"`) {
		t.Errorf("status after reload: %+v", s)
	}
	r.signals <- syscall.SIGTERM
	told("RELOADING=1")
	told("READY=1")
	told("STOPPING=1")
	r.exits(0)
}
