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

// TestWatchOnTerminal: where lines are asked for, or the terminal can do no
// more, there is no escape code at all, and Ctrl-C ends it.
func TestWatchOnTerminal(t *testing.T) {
	for _, test := range []struct {
		name string
		env  []string
		args []string
	}{
		{"--plain", nil, []string{"--plain"}},
		{"--plain, NO_COLOR", []string{"NO_COLOR=1"}, []string{"--plain"}},
		{"a flag of the stream, NO_COLOR", []string{"NO_COLOR=1"}, []string{"--events", "snapshot,peer"}},
		{"a dumb terminal", []string{"TERM=dumb"}, nil},
		{"--json", nil, []string{"--json"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := busEnv(t, newFakeFeed(happens(append(aSnapshot(1), happened(2, "peer.down", "b\x1b[2J@dev"))...)))
			cmd := exec.Command("liminal", append([]string{"watch"}, test.args...)...)
			cmd.Env = append(append(os.Environ(), "TERM=xterm-256color", "NO_COLOR=", "LIMINAL_COLOR="), append(env.Environ(), test.env...)...)
			out := untilKey(t, cmd, "b\\x1b[2J@dev", "b\\u001b[2J@dev", "\x03")
			if bytes.ContainsRune(out, 0x1b) || !bytes.Contains(out, []byte("no tick for 60 s")) {
				t.Errorf("%q", out)
			}
			if code := cmd.ProcessState.ExitCode(); code != 130 {
				t.Errorf("exit status %d", code)
			}
		})
	}
}

// untilKey runs cmd on a terminal, types key once it has said one of two things,
// and gives all that it said.
func untilKey(t *testing.T, cmd *exec.Cmd, this, orThis, key string) []byte {
	t.Helper()
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	late := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	var out bytes.Buffer
	part, typed := make([]byte, 4096), false
	for err == nil {
		var n int
		n, err = tty.Read(part) // ends with EIO once the program is gone (Linux)
		out.Write(part[:n])
		if text := out.String(); !typed && (strings.Contains(text, this) || strings.Contains(text, orThis)) {
			typed = true
			if _, err := io.WriteString(tty, key); err != nil {
				t.Error(err)
			}
		}
	}
	_ = cmd.Wait() // its status is the caller's affair
	return out.Bytes()
}
