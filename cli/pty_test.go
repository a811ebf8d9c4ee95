package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	_ "github.com/liminal-bus/liminal/tui" // whose libraries ask, whichever command runs
)

// onTerminal runs a command line that succeeds on a terminal on which nothing
// answers.
func onTerminal(t *testing.T, env []string, args ...string) (out []byte, took time.Duration) {
	t.Helper()
	out, took, code := ranOnTerminal(t, env, args...)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	return out, took
}

func ranOnTerminal(t *testing.T, env []string, args ...string) (out []byte, took time.Duration, code int) {
	t.Helper()
	cmd := exec.Command("liminal", args...)
	cmd.Env = append(os.Environ(), append([]string{"TERM=xterm-256color", "NO_COLOR=", "LIMINAL_COLOR="}, env...)...)
	began := time.Now()
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	var b bytes.Buffer
	_, _ = io.Copy(&b, tty) // ends with EIO once the program is gone (Linux)
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %s", err, b.Bytes())
	}
	return b.Bytes(), time.Since(began), cmd.ProcessState.ExitCode()
}

// TestTerminalIsNotAsked: a command that queries the terminal hangs where
// nothing answers. Those that draw no screen print no escape sequence at all.
func TestTerminalIsNotAsked(t *testing.T) {
	env := append(testEnv(t).Environ(), "NO_COLOR=1") // colour is the one sequence that is wanted
	for _, tc := range []struct {
		args   []string
		exit   int
		prefix string
	}{
		{[]string{"version"}, 0, "liminal "},
		{[]string{"help"}, 0, "liminal runs"},
		{[]string{"peers", "--node", "nobody"}, 69, "liminal: "},
		{[]string{"status", "--json", "--node", "nobody"}, 69, "{"},
	} {
		best := time.Hour
		for range 3 { // the machine may be busy with something else
			out, took, code := ranOnTerminal(t, env, tc.args...)
			if bytes.ContainsRune(out, 0x1b) {
				t.Fatalf("%v: an escape sequence: %q", tc.args, out)
			}
			if code != tc.exit || !strings.HasPrefix(string(out), tc.prefix) {
				t.Fatalf("%v: exit %d, %q", tc.args, code, out)
			}
			best = min(best, took)
		}
		if limit := 200 * time.Millisecond * slack; best > limit {
			t.Errorf("%v: the fastest of three took %v, want at most %v", tc.args, best, limit)
		}
	}
}

// TestGuardComesFirst reads the order of the inits off the running program: what
// asks the terminal is initialised after what keeps it from asking.
func TestGuardComesFirst(t *testing.T) {
	cmd := exec.Command("liminal", "version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var trace strings.Builder
	cmd.Stderr = &trace
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, &trace)
	}
	var order []string
	for line := range strings.Lines(trace.String()) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "init" {
			order = append(order, words[1])
		}
	}
	guard := slices.Index(order, "github.com/liminal-bus/liminal/internal/termguard")
	for _, asks := range []string{
		"github.com/charmbracelet/bubbletea", "github.com/charmbracelet/lipgloss", "github.com/muesli/termenv",
	} {
		if at := slices.Index(order, asks); guard < 0 || at < 0 || at < guard {
			t.Errorf("%s is initialised as number %d, the guard as %d: %v", asks, at, guard, order)
		}
	}
}

// TestTerminalForm: a terminal gets heads, widths and no tabs.
func TestTerminalForm(t *testing.T) {
	env := testEnv(t)
	out, _ := onTerminal(t, env.Environ(), "config", "show")
	if !bytes.Contains(out, []byte("[cluster]\r\n")) || bytes.ContainsRune(out, '\t') {
		t.Errorf("%q", out)
	}
}
