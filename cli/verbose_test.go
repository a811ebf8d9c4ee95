package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

func TestCausesOf(t *testing.T) {
	told := fail("io", "what", "why", "try")
	deep := fmt.Errorf("open: %w", errors.Join(fs.ErrNotExist, fmt.Errorf("and: %w", io.EOF)))
	for _, test := range []struct {
		err  error
		want []string
	}{
		{told, nil},
		{errors.New("x"), nil},
		{because(told, nil), nil},
		{because(told, told), nil},
		{because(told, fmt.Errorf("told: %w", told)), nil}, // it explains itself
		{because(exitError(1), io.EOF), nil},
		{because(told, io.EOF), []string{"EOF"}},
		{fmt.Errorf("x: %w", because(told, deep)), []string{"open: file does not exist\nand: EOF", "file does not exist\nand: EOF", "file does not exist", "and: EOF", "EOF"}},
		{because(told, &control.DialError{Socket: "s", Err: control.ErrNoSocket}), []string{"cannot open s: no socket is there", "no socket is there"}},
	} {
		if got := causesOf(test.err); !slices.Equal(got, test.want) {
			t.Errorf("%v: %q, want %q", test.err, got, test.want)
		}
	}
	if e := asError(because(told, io.EOF)); e != told {
		t.Errorf("%v", e)
	}
	deepest := io.EOF
	for i := range 100 {
		deepest = fmt.Errorf("%d: %w", i, deepest)
	}
	if got := causesOf(because(told, deepest)); len(got) != maxCauses {
		t.Errorf("%d causes", len(got))
	}
}

// TestVerbose: causes and calls on stderr, the answer as ever.
func TestVerbose(t *testing.T) {
	env := busEnv(t, newFakeBus())
	plain := runIn(t, env, "status")
	for _, args := range [][]string{{"status", "-v"}, {"-v", "status"}} {
		r := runIn(t, env, args...)
		if r.code != 0 || !regexp.MustCompile(`^liminal: call status: done in [<\d.]+ m?s\n$`).MatchString(r.stderr) || !strings.HasPrefix(r.stdout, plain.stdout[:10]) {
			t.Errorf("%q: %+v", args, r)
		}
	}
	if r := runIn(t, testEnvWith(env, "LIMINAL_VERBOSE=1"), "status"); !strings.Contains(r.stderr, "call status") {
		t.Errorf("LIMINAL_VERBOSE: %+v", r)
	}
	if r := runIn(t, env, "status", "-v", "--json"); r.stderr != "" {
		t.Errorf("with --json stderr is for errors: %+v", r)
	}

	gone := filepath.Join(t.TempDir(), "x\x1b[2J.sock")
	r := runIn(t, env, "peers", "--socket", gone, "-v")
	if r.code != 69 || strings.Contains(r.stderr, "\x1b") || !strings.Contains(r.stderr, "\nliminal: no node answers on ") ||
		!strings.HasSuffix(r.stderr, "\n  cause: no socket is there\n") || strings.Count(r.stderr, "  cause: ") != 2 {
		t.Errorf("%+v", r)
	}
	if r := runIn(t, env, "peers", "--socket", gone); strings.Contains(r.stderr, "cause:") || strings.Contains(r.stderr, "call") {
		t.Errorf("%+v", r)
	}
	r = runIn(t, env, "peers", "--socket", gone, "--json", "-qv")
	var doc verboseFailure
	if err := json.Unmarshal([]byte(r.stderr), &doc); err != nil || doc.Error.Code != "node_not_running" || len(doc.Error.Causes) != 2 {
		t.Errorf("%v: %+v", err, r)
	}
	r = runIn(t, testEnv(t), "peers", "-v", "--config", "/no/such/file") // before there are settings
	if r.code != 66 || !strings.Contains(r.stderr, "  cause: ") {
		t.Errorf("%+v", r)
	}
}

// TestVerboseWait: a call that is made again and again is told once a second.
func TestVerboseWait(t *testing.T) {
	r := runIn(t, busEnv(t, newFakeBus()), "peers", "--wait", "9", "--timeout", "500ms", "-v")
	if n := strings.Count(r.stderr, "liminal: call peers: done"); r.code != 124 || n != 1 {
		t.Errorf("told %d times: %+v", n, r)
	}
}

// TestQuiet: no notes, and every error.
func TestQuiet(t *testing.T) {
	b := newFakeBus()
	if r := runIn(t, busEnv(t, b), "pub", "chat", "x"); !strings.HasPrefix(r.stderr, "published ") {
		t.Errorf("%+v", r)
	}
	if r := runIn(t, busEnv(t, b), "-q", "pub", "chat", "x"); r.code != 0 || r.stdout+r.stderr != "" {
		t.Errorf("%+v", r)
	}
	b.receipt.Dropped = 1
	if r := runIn(t, busEnv(t, b), "pub", "chat", "x", "--quiet"); r.code != 1 || !strings.HasPrefix(r.stderr, "liminal: 1 copy dropped") {
		t.Errorf("%+v", r)
	}
}

// TestQuietAndVerbose exist on every command, and nothing but their words.
func TestQuietAndVerbose(t *testing.T) {
	a := testApp(t)
	var lack func(prefix string, l line)
	n := 0
	lack = func(prefix string, l line) {
		next := a.grammar.root
		if leaf := l.leaf(); leaf != nil {
			next = leaf.Subcommands
			if len(next) == 0 {
				n++
				for _, flag := range []string{"quiet", "q", "verbose", "v", "json", "plain", "color"} {
					if !flagNames(leaf)[flag] {
						t.Errorf("%s lacks --%s", fullName(leaf), flag)
					}
				}
			}
		}
		for _, c := range next {
			lack(prefix+" "+c.Name, line{path: append(slices.Clone(l.path), c)})
		}
	}
	lack("", line{})
	if n < 12 {
		t.Errorf("only %d commands", n)
	}
}

// TestLogLines: whatever is logged is one line that cannot steer a terminal, in
// both formats, with its time.
func TestLogLines(t *testing.T) {
	evil := "a\nb\r\x1b[2J\x7f\u009b\u202e\xff\x00\"}"
	for _, format := range []string{"text", "json"} {
		var out strings.Builder
		l := &logger{}
		l.asJSON.Store(format == "json")
		log := l.on(&out)
		log.Info(evil, "peer", evil, "err", errors.New(evil), evil, 1)
		log.With("group", evil).WithGroup(evil).Warn("x", "list", []string{evil})
		text := out.String()
		lines := strings.SplitAfter(text, "\n")
		if len(lines) != 3 || lines[2] != "" {
			t.Errorf("%s: %d lines:\n%q", format, len(lines), text)
		}
		if i := strings.IndexFunc(text, harmfulInJSON); i >= 0 {
			t.Errorf("%s: %q at %d of %q", format, text[i], i, text)
		}
		for _, one := range lines[:2] {
			stamp := ""
			if format == "json" {
				var doc struct{ Time, Level, Msg string }
				if err := json.Unmarshal([]byte(one), &doc); err != nil || doc.Level == "" || doc.Msg == "" {
					t.Errorf("%v: %q", err, one)
				}
				stamp = doc.Time
			} else if m := regexp.MustCompile(`^time=(\S+) level=(INFO|WARN) msg=`).FindStringSubmatch(one); m != nil {
				stamp = m[1]
			}
			if _, err := time.Parse(time.RFC3339, stamp); err != nil {
				t.Errorf("%s: no time in %q: %v", format, one, err)
			}
		}
	}
}

// TestLogLevels: a level is taken, and a terminal that shows the events is not
// told them twice.
func TestLogLevels(t *testing.T) {
	for _, test := range []struct {
		args []string
		tty  bool
		info bool
	}{
		{nil, false, true},
		{nil, true, false},
		{[]string{"--log-level", "info"}, true, true},
		{[]string{"--log-level", "warn"}, false, false},
		{[]string{"--log-level", "debug", "--log-format", "json"}, false, true},
	} {
		env := testEnv(t, "LIMINAL_COOKIE=a-cookie-of-some-length", "LIMINAL_DRANI=1")
		env.StderrTTY, env.StdoutTTY = test.tty, test.tty
		r := startIn(t, env, append([]string{"node", "start", "--name", "a@127.0.0.1", "--listen", here, "--color", "always"}, test.args...)...)
		r.line(r.stdout, "ready")
		r.signals <- syscall.SIGTERM
		r.exits(0)
		var lines []string
		for r.stderr.Scan() {
			lines = append(lines, r.stderr.Text())
		}
		all := strings.Join(lines, "\n")
		if got := strings.Contains(all, "node stopped"); got != test.info || !strings.Contains(all, "LIMINAL_DRANI") || strings.Contains(all, "\x1b") {
			t.Errorf("%q on a terminal %v:\n%s", test.args, test.tty, all)
		}
	}
}
