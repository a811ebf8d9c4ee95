package soak

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

var built struct {
	once sync.Once
	dir  string
	err  error
}

// binary is the path of the command, built on first use.
func binary(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "limsoak"); built.err != nil {
			return
		}
		args := []string{"build", "-buildvcs=false", "-o", filepath.Join(built.dir, "liminal")}
		if raceEnabled { // the processes look for races too, and end with 66 where they find one
			args = append(args, "-race")
		}
		out, err := exec.Command("go", append(args, "github.com/liminal-bus/liminal/cli/liminal")...).CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("build the command: %w: %s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "liminal")
}

// rig is one machine as liminal sees it: a runtime directory, and a cookie in
// files, which all nodes share.
type rig struct {
	t   testing.TB
	bin string
	dir string
	env []string
}

func newRig(t testing.TB) *rig {
	t.Helper()
	dir, err := os.MkdirTemp("", "lim") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &rig{t: t, bin: binary(t), dir: dir}
	r.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8", "LIMINAL_RUNTIME_DIR=" + filepath.Join(dir, "run"),
		"LIMINAL_COOKIE_FILE=" + r.file("cookie"), "LIMINAL_COOKIE_ACCEPT_FILE=" + r.file("accept"),
		"LIMINAL_EPMD=off", "LIMINAL_RETRY_JOIN=true", "LIMINAL_FORGET_AFTER=30s", "LIMINAL_QUEUE=2000",
		"GORACE=atexit_sleep_ms=0",
	}
	if err := r.cookies(firstCookie, ""); err != nil {
		t.Fatal(err)
	}
	return r
}

// The cookies that the nodes have by turns; those of OTP keep the first.
const (
	firstCookie  = "the-first-cookie-of-the-soak"
	secondCookie = "another-cookie-of-the-soak"
)

func (r *rig) file(name string) string { return filepath.Join(r.dir, name) }

// cookies writes the cookie that nodes have for their own, and what they accept.
func (r *rig) cookies(own, accept string) error {
	for name, text := range map[string]string{"cookie": own, "accept": accept} {
		if err := os.WriteFile(r.file(name), []byte(text+"\n"), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// proc is one node: a process of `liminal node start`.
type proc struct {
	name string // before the @
	r    *rig
	cmd  *exec.Cmd
	addr string // where it listens
	http string
	log  lines
	done chan struct{}
	err  error // what Wait said; read it after done
}

// patience bounds the waits of the rig, a loaded machine being slow; calm those
// for laws to hold, of which there are several in one judgement.
const (
	patience = 40 * time.Second
	calm     = 20 * time.Second
)

const host = "@127.0.0.1"

// start starts a node, and returns when it answers.
func (r *rig) start(name string, flags ...string) (*proc, error) {
	p := &proc{name: name, r: r, done: make(chan struct{})}
	args := []string{"node", "start", "--quiet", "--name", name + host, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"}
	p.cmd = exec.Command(r.bin, append(args, flags...)...)
	p.cmd.Env, p.cmd.Stderr, p.cmd.WaitDelay, p.cmd.SysProcAttr = r.env, &p.log, 5*time.Second, dieWithUs()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	r.t.Cleanup(p.kill)
	return p, p.ready()
}

// ready waits until the node answers, and learns its addresses.
func (p *proc) ready() error {
	var s status
	err := until(func() (err error) {
		select {
		case <-p.done:
			return nil
		default:
		}
		s, err = p.status()
		return err
	})
	if err == nil && (len(s.Listen) == 0 || len(s.HTTP) == 0) {
		err = fmt.Errorf("it has ended or does not say where it listens: %+v", s)
	}
	if err != nil {
		p.kill()
		return fmt.Errorf("start %s: %w\n%s", p.name, err, p.log.String())
	}
	p.addr, p.http = s.Listen[0], s.HTTP[0]
	return nil
}

// until asks again and again until there is no error, or gives the last one.
func until(f func() error) error { return within(patience, f) }

func within(limit time.Duration, f func() error) (err error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); ; <-tick.C {
		if err = f(); err == nil || time.Since(begin) > limit {
			return err
		}
	}
}

// pause waits, and says whether ctx has not ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// kill is kill -9; twice does no harm.
func (p *proc) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

func (p *proc) signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// end is SIGTERM; it says how the process ended.
func (p *proc) end() error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-p.done:
		return p.err
	case <-late.C:
		return fmt.Errorf("%s has not ended within %v of SIGTERM", p.name, patience)
	}
}

// lines keeps the last of a log, and all errors in it.
type lines struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	errors []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf.Len() > mib {
		l.buf.Next(mib / 2)
	}
	for line := range bytes.Lines(p) {
		if bytes.Contains(line, []byte("level=ERROR")) && len(l.errors) < 100 {
			l.errors = append(l.errors, string(bytes.TrimSpace(line)))
		}
	}
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
