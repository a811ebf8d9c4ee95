package cli

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// onTerminal runs the command line on a terminal on which nothing answers.
func onTerminal(t *testing.T, env []string, args ...string) (out []byte, took time.Duration) {
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
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, b.Bytes())
	}
	return b.Bytes(), time.Since(began)
}

// TestTerminalIsNotAsked: a command that queries the terminal hangs where
// nothing answers.
func TestTerminalIsNotAsked(t *testing.T) {
	best := time.Hour
	for range 3 { // the machine may be busy with something else
		out, took := onTerminal(t, nil, "version")
		if bytes.ContainsRune(out, 0x1b) {
			t.Fatalf("an escape sequence: %q", out)
		}
		if !strings.HasPrefix(string(out), "liminal ") {
			t.Fatalf("%q", out)
		}
		best = min(best, took)
	}
	if limit := 200 * time.Millisecond * slack; best > limit {
		t.Errorf("the fastest of three took %v, want at most %v", best, limit)
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
