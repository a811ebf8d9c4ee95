package cli

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// systemd is its end of the notify socket.
type systemd struct {
	t      *testing.T
	conn   *net.UnixConn
	socket string // as NOTIFY_SOCKET has it
}

func listenSystemd(t *testing.T, socket string) *systemd {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &systemd{t, conn, socket}
}

// next is the next message, its assignments by name.
func (s *systemd) next() map[string]string {
	s.t.Helper()
	buf := make([]byte, 4096)
	if err := s.conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	n, err := s.conn.Read(buf)
	if err != nil {
		s.t.Fatal(err)
	}
	message := map[string]string{}
	for line := range strings.SplitSeq(string(buf[:n]), "\n") {
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			s.t.Errorf("no assignment: %q", line)
		}
		message[name] = value
	}
	return message
}

// until reads on until a message has want as one of its assignments.
func (s *systemd) until(want string) map[string]string {
	s.t.Helper()
	name, value, _ := strings.Cut(want, "=")
	for range 1000 {
		if m := s.next(); regexp.MustCompile("^"+value+"$").MatchString(m[name]) && m[name] != "" {
			return m
		}
	}
	s.t.Fatalf("systemd was never told %s", want)
	return nil
}

// listenNotify is a systemd that is told in this order, statuses apart.
func listenNotify(t *testing.T) (told func(want string), socket string) {
	t.Helper()
	s := listenSystemd(t, filepath.Join(shortDir(t), "n"))
	return func(want string) {
		t.Helper()
		name, value, _ := strings.Cut(want, "=")
		for {
			m := s.next()
			if _, only := m["STATUS"]; only && len(m) == 1 {
				continue
			}
			if m[name] != value {
				t.Errorf("systemd was told %q, want %s", m, want)
			}
			return
		}
	}, s.socket
}

func TestNotifySaysNothingWithoutSocket(t *testing.T) {
	notifier("").ready("x")
	notifier(filepath.Join(t.TempDir(), "nobody")).ready("x") // no error to handle
	if newReporter(testEnv(t), nil) != nil {
		t.Error("a reporter for nobody")
	}
	var none *reporter // says nothing either
	none.listening(nil)
	none.reloading()
	none.ready("")
	none.stopping(0)
	none.end()
}

// TestNotifyAbstract: "@" stands for the zero byte.
func TestNotifyAbstract(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("abstract sockets are Linux's")
	}
	s := listenSystemd(t, fmt.Sprintf("@liminal-test-%d", os.Getpid()))
	notifier(s.socket).ready("a\nb\x1b[2J")
	if m := s.next(); m["READY"] != "1" || m["STATUS"] != `a\nb\x1b[2J` {
		t.Errorf("%q", m)
	}
}

func TestWatchdogPeriod(t *testing.T) {
	for _, test := range []struct {
		usec, pid string
		want      time.Duration
		bad       bool
	}{
		{"", "", 0, false},
		{"30000000", "", 15 * time.Second, false},
		{"30000000", "77", 15 * time.Second, false},
		{"30000000", "78", 0, false},
		{"", "77", 0, false},
		{"0", "", 0, true},
		{"-5", "", 0, true},
		{"5s", "", 0, true},
		{"99999999999999999999", "", 0, true},
		{"9223372036854775807", "", 0, true},
	} {
		vars := map[string]string{"WATCHDOG_USEC": test.usec, "WATCHDOG_PID": test.pid}
		got, err := watchdogPeriod(func(name string) string { return vars[name] }, 77)
		if got != test.want || (err != nil) != test.bad {
			t.Errorf("%+v: %v, %v", test, got, err)
		}
	}
}

// TestNotifyLife: what systemd hears of a node from its start to its end.
func TestNotifyLife(t *testing.T) {
	s := listenSystemd(t, filepath.Join(shortDir(t), "n"))
	env := testEnv(t, "LIMINAL_COOKIE=a-cookie-of-some-length")
	notified := testEnvWith(env, "NOTIFY_SOCKET="+s.socket, "WATCHDOG_USEC=200000", "WATCHDOG_PID="+strconv.Itoa(env.PID))
	a := startIn(t, notified, "node", "start", "--name", "a@127.0.0.1", "--listen", "127.0.0.1:0",
		"--retry-join", "--seed", "b@127.0.0.1:1", "--drain", "3s")
	if m := s.next(); m["READY"] != "1" || m["STATUS"] != "a@127.0.0.1 is joining" {
		t.Errorf("first it says %q", m) // a service does not depend on its peers
	}
	s.until("WATCHDOG=1") // also while it joins
	s.until(`STATUS=a@127\.0\.0\.1 is joining: none of 1 seed has answered \(.*tr.*\)`)

	b := startIn(t, env, "node", "start", "--name", "b@127.0.0.1", "--listen", "127.0.0.1:0", "--seed", "a")
	b.line(b.stdout, "ready")
	s.until(`STATUS=a@127\.0\.0\.1: 1 peer up`)
	b.signals <- syscall.SIGTERM
	b.exits(0)
	s.until(`STATUS=a@127\.0\.0\.1: 0 peers up.*`)

	before := monotonicMicros()
	a.signals <- syscall.SIGHUP
	at, err := strconv.ParseInt(s.until("RELOADING=1")["MONOTONIC_USEC"], 10, 64)
	if err != nil || at < before || at > monotonicMicros() {
		t.Errorf("MONOTONIC_USEC %d is not between %d and now: %v", at, before, err)
	}
	s.until("READY=1")
	s.until("WATCHDOG=1")
	a.signals <- syscall.SIGTERM
	if m := s.until("STOPPING=1"); m["EXTEND_TIMEOUT_USEC"] != "8000000" {
		t.Errorf("%q", m)
	}
	a.exits(0)
}

// TestNotifyStopWhileJoining: systemd hears of an end before the join as well.
func TestNotifyStopWhileJoining(t *testing.T) {
	s := listenSystemd(t, filepath.Join(shortDir(t), "n"))
	env := testEnv(t, "LIMINAL_COOKIE=a-cookie-of-some-length", "NOTIFY_SOCKET="+s.socket)
	a := startIn(t, env, "node", "start", "--name", "a@127.0.0.1", "--listen", "127.0.0.1:0", "--retry-join", "--seed", "b@127.0.0.1:1")
	s.until("READY=1")
	a.signals <- syscall.SIGTERM
	s.until("STOPPING=1")
	a.exits(0)
}

// TestNotifyBadReload stands in the status until a good one.
func TestNotifyBadReload(t *testing.T) {
	s := listenSystemd(t, filepath.Join(shortDir(t), "n"))
	file := filepath.Join(t.TempDir(), "config.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("[node]\nname = \"a@127.0.0.1\"\nlisten = \"127.0.0.1:0\"\n")
	env := testEnv(t, "LIMINAL_COOKIE=a-cookie-of-some-length", "NOTIFY_SOCKET="+s.socket)
	a := startIn(t, env, "node", "start", "--config", file)
	s.until("READY=1")
	a.line(a.stdout, "ready")
	write("[cluster]\nseed = [\"b\"]\n")
	a.signals <- syscall.SIGHUP
	s.until("RELOADING=1")
	if m := s.until("READY=1"); !strings.Contains(m["STATUS"], "; reload refused: line 2: cluster.seed is not a setting") {
		t.Errorf("%q", m)
	}
	write("[node]\nname = \"a@127.0.0.1\"\nlisten = \"127.0.0.1:0\"\n")
	a.signals <- syscall.SIGHUP
	if m := s.until("READY=1"); m["STATUS"] != "a@127.0.0.1: 0 peers up" {
		t.Errorf("%q", m)
	}
	a.signals <- syscall.SIGTERM
	a.exits(0)
}

// testEnvWith is the same world with more variables.
func testEnvWith(env Env, more ...string) Env {
	getenv, environ := env.Getenv, env.Environ
	env.Getenv = func(name string) string {
		for _, kv := range more {
			if value, ok := strings.CutPrefix(kv, name+"="); ok {
				return value
			}
		}
		return getenv(name)
	}
	env.Environ = func() []string { return append(environ(), more...) }
	return env
}
