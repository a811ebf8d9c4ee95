package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestReadyBlock is what a new user sees first.
func TestReadyBlock(t *testing.T) {
	env := testEnv(t, "LIMINAL_COOKIE=a-cookie-of-some-length")
	a := startIn(t, terminal(env), "node", "start", "--name", "a@127.0.0.1", "--listen", "127.0.0.1:0", "--color", "never")
	for _, want := range []string{
		`^liminal: a@127\.0\.0\.1 is ready \(cookie from LIMINAL_COOKIE\)$`,
		`^  listening  127\.0\.0\.1:\d+, this machine only \(--listen :9100 opens it\)$`,
		`^  next       liminal node start --name b@127\.0\.0\.1 --seed a@127\.0\.0\.1$`,
		`^             liminal watch --node a$`,
	} {
		if got := a.line(a.stdout, ""); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%q, want %s", got, want)
		}
	}
	b := startIn(t, env, "node", "start", "--name", "b@127.0.0.1", "--listen", "127.0.0.1:0", "--seed", "a", "--json")
	b.line(b.stdout, `"type":"node.ready"`)
	if got := a.line(a.stdout, "b@127.0.0.1"); !regexp.MustCompile(`^\d\d:\d\d:\d\d join b@127\.0\.0\.1 \(`).MatchString(got) {
		t.Errorf("event line %q", got)
	}
	b.line(b.stdout, `"name":"a@127.0.0.1"`)
	b.signals <- syscall.SIGTERM
	b.exits(0)
	a.line(a.stdout, " leave b@127.0.0.1 (")
	a.signals <- os.Interrupt
	a.exits(0)
	if files, _ := os.ReadDir(env.Getenv("LIMINAL_RUNTIME_DIR")); len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
}

// TestNoSocketNoNode: a node that cannot be asked does not start, and lets go
// of its name.
func TestNoSocketNoNode(t *testing.T) {
	env := testEnv(t, "LIMINAL_COOKIE=a-cookie-of-some-length")
	socket := filepath.Join(env.Getenv("LIMINAL_RUNTIME_DIR"), "x.sock")
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := runIn(t, env, "node", "start", "--name", "a@127.0.0.1", "--listen", "127.0.0.1:0", "--socket", socket, "--log-level", "error")
	if r.code != 73 || !strings.HasPrefix(r.stderr, "liminal: "+socket+" is not a socket\n") || r.stdout != "" {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(filepath.Join(env.Getenv("LIMINAL_RUNTIME_DIR"), "a.lock")); err == nil {
		t.Error("the lock is still there")
	}
}

// S10: TestCookieNeverShows: wherever a cookie could slip out, it does not.
func TestCookieNeverShows(t *testing.T) {
	const canary = "canary-cookie-7c0ffee"
	env := testEnv(t, "LIMINAL_COOKIE="+canary)
	r := startIn(t, env, "node", "start", "--name", "a@127.0.0.1", "--listen", "127.0.0.1:0", "--log-level", "debug", "--verbose")
	first := r.line(r.stdout, "ready")
	said := []string{first}
	for _, args := range [][]string{
		{"status"}, {"status", "--json"}, {"status", "-v"}, {"config", "show"}, {"config", "show", "--json"}, {"config", "check"},
		{"join", "x@127.0.0.1:1", "--json"}, {"peers", "--json"}, {"help", "environment"},
	} {
		got := runIn(t, env, args...)
		said = append(said, got.stdout, got.stderr)
	}
	r.signals <- syscall.SIGTERM
	r.exits(0)
	for r.stderr.Scan() {
		said = append(said, r.stderr.Text())
	}
	if all := strings.Join(said, "\n"); strings.Contains(all, canary) || !strings.Contains(all, "21 characters from LIMINAL_COOKIE") {
		t.Errorf("it shows, or its origin does not:\n%s", all)
	}
}
