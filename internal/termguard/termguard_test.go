package termguard

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The test binary itself is guarded: TERM is what its parent set only after
// Restore.
func TestMain(m *testing.M) {
	if os.Getenv("TERMGUARD_CHILD") == "" {
		os.Exit(m.Run())
	}
	before, _ := os.LookupEnv("TERM")
	Restore()
	after, there := os.LookupEnv("TERM")
	if !there {
		after = "(none)"
	}
	_, _ = os.Stdout.WriteString(before + " " + after)
}

func TestRestore(t *testing.T) {
	for _, tc := range []struct {
		name string
		env  []string
		want string
	}{
		{"set", []string{"TERM=xterm-256color"}, "dumb xterm-256color"},
		{"dumb", []string{"TERM=dumb"}, "dumb dumb"},
		{"empty", []string{"TERM="}, "dumb "},
		{"not there", nil, "dumb (none)"},
	} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(without(os.Environ(), "TERM="), append(tc.env, "TERMGUARD_CHILD=1")...)
		out, err := cmd.Output()
		if err != nil || string(out) != tc.want {
			t.Errorf("%s: %q, %v, want %q", tc.name, out, err, tc.want)
		}
	}
}

func without(env []string, prefix string) []string {
	var kept []string
	for _, e := range env {
		if !strings.HasPrefix(e, prefix) {
			kept = append(kept, e)
		}
	}
	return kept
}
