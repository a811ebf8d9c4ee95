package cli

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The cookies of the test. The lengths differ, so that a node says which it has.
const (
	canaryOwn   = "CANARYown0123456789abcdef"
	canaryNew   = "CANARYnew0123456789abcdefghijklmn"
	canaryWrong = "CANARYwrong0123456789"
)

// canary is a cluster whose secrets are known, and all that comes out of it.
type canary struct {
	*processes
	dir   string               // home, temporary files and output of every process
	holds []string             // the files that may hold a secret
	words map[string][]byte    // what is searched for, by what it is
	nodes map[string]*exec.Cmd // that run
	turn  int                  // see forms

	mu   sync.Mutex
	said bytes.Buffer // what commands and pages have said
}

func newCanary(t *testing.T) *canary {
	c := &canary{processes: newProcesses(t), dir: t.TempDir(), words: map[string][]byte{}, nodes: map[string]*exec.Cmd{}}
	for _, sub := range []string{"home", "tmp", "out", "secret"} {
		if err := os.Mkdir(filepath.Join(c.dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c.env = append(c.env, "HOME="+c.path("home"), "TMPDIR="+c.path("tmp"), "LIMINAL_LOG_LEVEL=debug", "LIMINAL_VERBOSE=1",
		"GOTRACEBACK=system", "LIMINAL_TIMEOUT=20s", "LIMINAL_COOKIE=")
	for _, cookie := range []string{canaryOwn, canaryNew, canaryWrong} {
		c.searchFor(cookie, []byte(cookie))
	}
	c.words["part of a cookie"] = []byte("CANARY")
	return c
}

func (c *canary) path(parts ...string) string {
	return filepath.Join(append([]string{c.dir}, parts...)...)
}

// with is the same cluster, seen from another environment.
func (c *canary) with(vars ...string) *processes {
	return &processes{c.t, append(slices.Clone(c.env), vars...)}
}

// searchFor adds a secret, as it is and in the ways in which bytes are printed.
func (c *canary) searchFor(what string, secret []byte) {
	c.words[what] = secret
	c.words[what+" in hex"] = []byte(hex.EncodeToString(secret))
	c.words[what+" as numbers"] = []byte(strings.Trim(fmt.Sprint(secret), "[]"))
	for shift := range 3 { // base64 of what it is part of depends on its place in threes
		text := base64Of(string(make([]byte, shift)) + string(secret))
		whole := (shift + len(secret)) / 3 * 4
		c.words[fmt.Sprint(what, " in base64 ", shift)] = []byte(text[min(shift, 1)*4 : whole])
	}
}

// secret writes a file that may hold one.
func (c *canary) secret(name, text string, mode os.FileMode) string {
	c.t.Helper()
	path := c.path("secret", name)
	_ = os.Remove(path)
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
		c.t.Fatal(err)
	}
	if !slices.Contains(c.holds, path) {
		c.holds = append(c.holds, path)
	}
	return path
}

// secretNow is what such a file holds.
func (c *canary) secretNow(name string) string {
	c.t.Helper()
	text, err := os.ReadFile(c.path("secret", name))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// searchKey adds what a key file holds: its lines, its bytes, and its number.
func (c *canary) searchKey(path string) {
	c.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	c.holds = append(c.holds, path)
	block, _ := pem.Decode(text)
	if block == nil {
		c.t.Fatalf("%s holds no PEM", path)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if !strings.HasPrefix(line, "-----") {
			c.words[fmt.Sprint(path, " line ", i)] = []byte(line)
		}
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		c.t.Fatal(err)
	}
	number, err := key.(*ecdsa.PrivateKey).Bytes()
	if err != nil {
		c.t.Fatal(err)
	}
	c.searchFor(path, number)
	c.words[path+" in decimal"] = []byte(key.(*ecdsa.PrivateKey).D.String()) //nolint:staticcheck // how the field prints
}

// forms are those of an answer. The race detector makes processes so slow that they
// take turns there.
func (c *canary) forms() []string {
	both := []string{"--plain", "--json"}
	if c.turn++; slack > 1 {
		return both[c.turn%2:][:1]
	}
	return both
}

func (c *canary) keep(text []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said.Write(text)
}

const anyStatus = -2

// say runs a command to its end, which must have that status, and keeps what it
// said.
func (c *canary) say(code int, p *processes, args ...string) string {
	c.t.Helper()
	cmd := p.command(args...)
	var all bytes.Buffer
	cmd.Stdout, cmd.Stderr = &all, &all
	err := cmd.Start()
	if err == nil {
		late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		err = cmd.Wait()
		late.Stop()
	}
	out := all.Bytes()
	c.keep(out)
	if got := cmd.ProcessState.ExitCode(); got != code && code != anyStatus {
		c.t.Errorf("liminal %s: %v, want status %d: %s", strings.Join(args, " "), err, code, out)
	}
	return string(out)
}

// node starts one whose output goes into files, and waits until it answers.
func (c *canary) node(p *processes, name string, args ...string) {
	c.t.Helper()
	cmd := p.command(append([]string{"node", "start", "--name", name + "@127.0.0.1", "--listen", "127.0.0.1:0", "-v"}, args...)...)
	out, err := os.OpenFile(c.path("out", name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	c.nodes[name] = cmd
	c.say(anyStatus, c.processes, "status", "--wait", "0", "--node", name) // 1 where it is refused already
}

// out is what a node has printed.
func (c *canary) out(name string) string {
	c.t.Helper()
	text, err := os.ReadFile(c.path("out", name))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

// signal sends one to a node, which must say so once more than before.
func (c *canary) signal(name string, s syscall.Signal, says string) {
	c.t.Helper()
	before := strings.Count(c.out(name), says)
	if err := c.nodes[name].Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
	c.await(name, says, before+1)
}

// await waits until a node has said something so many times.
func (c *canary) await(name, says string, times int) {
	c.t.Helper()
	tick, late := time.NewTicker(10*time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for strings.Count(c.out(name), says) < times {
		select {
		case <-tick.C:
		case <-late:
			c.t.Fatalf("%s has not said %q %d times:\n%s", name, says, times, c.out(name))
		}
	}
}

// quit has every node print the stacks of its goroutines and end.
func (c *canary) quit() {
	c.t.Helper()
	for name, cmd := range c.nodes {
		c.signal(name, syscall.SIGQUIT, "goroutine 1 ")
		_ = cmd.Wait()
	}
}

// procs keeps what the system shows of the nodes to others: their command lines,
// and the environment of those that have no cookie in it.
func (c *canary) procs(inEnv ...string) {
	c.t.Helper()
	for name, cmd := range c.nodes {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid))
		if errors.Is(err, fs.ErrNotExist) {
			c.t.Log("this system has no /proc: command lines are not looked at")
			return
		}
		if err != nil || !bytes.Contains(line, []byte(name+"@127.0.0.1")) {
			c.t.Errorf("command line of %s: %v: %q", name, err, line)
		}
		c.keep(line)
		if slices.Contains(inEnv, name) {
			continue
		}
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", cmd.Process.Pid))
		if err != nil {
			c.t.Error(err)
		}
		c.keep(env)
	}
}

// found names the secrets that a text holds.
func (c *canary) found(text []byte) (what []string) {
	for name, word := range c.words {
		if at := bytes.Index(text, word); at >= 0 {
			what = append(what, fmt.Sprintf("%s, in ...%q", name, text[max(0, at-60):min(len(text), at+len(word)+20)]))
		}
	}
	return what
}

// nothingShows searches all that was said, and every file that was made.
func (c *canary) nothingShows() {
	c.t.Helper()
	for _, what := range c.found(c.said.Bytes()) {
		c.t.Errorf("a command or a page shows %s", what)
	}
	var run string
	for _, kv := range c.env {
		if dir, ok := strings.CutPrefix(kv, "LIMINAL_RUNTIME_DIR="); ok {
			run = dir
		}
	}
	files := 0
	for _, root := range []string{c.dir, run} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || slices.Contains(c.holds, path) {
				return err
			}
			files++
			text, err := os.ReadFile(path)
			for _, what := range c.found(append(text, path...)) {
				c.t.Errorf("%s shows %s", path, what)
			}
			return err
		})
		if err != nil {
			c.t.Error(err)
		}
	}
	c.t.Logf("%d words searched for in %d bytes that were said and %d files", len(c.words), c.said.Len(), files)
}
