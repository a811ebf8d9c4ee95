package cli

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

func TestChoose(t *testing.T) {
	a := control.Local{Name: "a", Alive: true, Socket: "/r/a.sock", HasSocket: true}
	b := control.Local{Name: "b", Alive: true, Socket: "/r/b.sock", HasSocket: true}
	dead := control.Local{Name: "d", Socket: "/r/d.sock", HasSocket: true}
	bare := control.Local{Name: "e", Socket: "/r/e.sock"}
	for _, test := range []struct {
		name  string
		found []control.Local
		want  string
		get   string // socket, or the code of the error
	}{
		{"none", nil, "", "node_not_running"},
		{"the only one", []control.Local{a}, "", "/r/a.sock"},
		{"the only live one", []control.Local{dead, b}, "", "/r/b.sock"},
		{"two", []control.Local{a, b}, "", "which_node"},
		{"left over", []control.Local{dead}, "", "stale_socket"},
		{"a lock alone says nothing", []control.Local{bare}, "", "node_not_running"},
		{"by name", []control.Local{a, b}, "b", "/r/b.sock"},
		{"by full name", []control.Local{a, b}, "b@dev", "/r/b.sock"},
		{"a dead one by name", []control.Local{a, dead}, "d", "stale_socket"},
		{"nobody of that name", []control.Local{a, b}, "c", "node_not_running"},
	} {
		got := ""
		if target, err := choose(test.found, test.want, "peers", []string{"/r"}); err != nil {
			got = asError(err).Code
		} else {
			got = target.Socket
		}
		if got != test.get {
			t.Errorf("%s: %s, want %s", test.name, got, test.get)
		}
	}
}

// TestWant: a flag beats everything, a socket beats a name at the same level.
func TestWant(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "none.sock")
	for _, test := range []struct {
		name string
		env  []string
		args []string
		what string // what the failure names
	}{
		{"flags", nil, []string{"--socket", socket, "--node", "a"}, "no node answers on " + socket},
		{"--node over the variable", []string{"LIMINAL_SOCKET=" + socket}, []string{"--node", "a"}, `node "a" is not running`},
		{"the variables", []string{"LIMINAL_SOCKET=" + socket, "LIMINAL_NODE=a"}, nil, "no node answers on " + socket},
		{"LIMINAL_NODE", []string{"LIMINAL_NODE=b"}, nil, `node "b" is not running`},
		{"--node over LIMINAL_NODE", []string{"LIMINAL_NODE=b"}, []string{"-n", "a"}, `node "a" is not running`},
	} {
		r := runIn(t, testEnv(t, test.env...), append([]string{"status", "--json"}, test.args...)...)
		var f control.Failure
		decodeFailure(t, r.stderr, &f)
		if r.code != 69 || f.Error.Message != test.what || r.stdout != "" {
			t.Errorf("%s: exit %d, %q, want %q", test.name, r.code, f.Error.Message, test.what)
		}
	}
}

// TestWrongAnswer: what answers on a socket may be anything.
func TestWrongAnswer(t *testing.T) {
	dir, err := os.MkdirTemp("", "lim")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ln, err := net.Listen("unix", filepath.Join(dir, "x.sock"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			c.Write([]byte("SSH-2.0-x\r\n"))
			c.Close()
		}
	}()
	defer func() { ln.Close(); <-done }()
	r := runIn(t, testEnv(t), "status", "--socket", filepath.Join(dir, "x.sock"))
	if r.code != 69 || r.stdout != "" {
		t.Errorf("%+v", r)
	}
}

func TestPickListener(t *testing.T) {
	for _, test := range []struct {
		listen []string
		want   string
	}{
		{nil, ""},
		{[]string{"nonsense"}, ""},
		{[]string{"10.0.0.5:1", "127.0.0.1:2"}, "127.0.0.1:2"},
		{[]string{"[::]:9100"}, "[::1]:9100"},
		{[]string{"0.0.0.0:9100"}, "127.0.0.1:9100"},
		{[]string{"10.0.0.5:1"}, "10.0.0.5:1"},
	} {
		if got, ok := pickListener(test.listen); got != test.want || ok != (test.want != "") {
			t.Errorf("%v: %q %v, want %q", test.listen, got, ok, test.want)
		}
	}
}

func TestColourMode(t *testing.T) {
	for _, test := range []struct {
		mode colourMode
		tty  bool
		want palette
	}{
		{colourMode{}, true, true},
		{colourMode{}, false, false},
		{colourMode{dumb: true}, true, false},
		{colourMode{noColor: true}, true, false},
		{colourMode{noColor: true, env: "always"}, false, true},
		{colourMode{noColor: true, flag: "auto"}, true, true},
		{colourMode{flag: "always"}, false, true},
		{colourMode{flag: "never", env: "always"}, true, false},
	} {
		if got := test.mode.on(test.tty); got != test.want {
			t.Errorf("%+v on %v: %v", test.mode, test.tty, got)
		}
	}
}

func TestColourOfErrorsIsTheirOwn(t *testing.T) {
	env := testEnv(t)
	env.StderrTTY = true
	if r := runIn(t, env, "peers", "--quite"); r.stderr[:5] != "\x1b[1;3" {
		t.Errorf("%q", r.stderr)
	}
	if r := runIn(t, env, "peers", "--quite", "--color", "never"); r.stderr[:8] != "liminal:" {
		t.Errorf("%q", r.stderr)
	}
	if r := runIn(t, env, "version"); r.stdout[:8] != "liminal " {
		t.Errorf("%q", r.stdout)
	}
}

// A node that holds its lock and has no socket yet is no left-over.
func TestNodeWithoutSocketYet(t *testing.T) {
	for _, cause := range []error{control.ErrNoSocket, control.ErrRefused} {
		named := &target{Client: control.Client{Socket: "/run/a.sock"}, name: "a"}
		e := asError(named.explainCall(&control.DialError{Socket: "/run/a.sock", Err: cause}, "peers", time.Second))
		if e.Code != "node_not_running" || e.Exit != 69 || strings.Contains(e.Why, "died") || !mends(e) {
			t.Errorf("%v: %+v", cause, e)
		}
	}
}
