package cli

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScript runs testdata/script. Each script has its own home and runtime
// directory, and an epmd port on which nothing answers.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Deadline:            time.Now().Add(2 * time.Minute), // a script that hangs shows where
		Setup:               setupScript,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits0to255,
			"hold":  holdPort,
			"field": field,
			"http":  httpRequest,
		},
	})
}

func setupScript(env *testscript.Env) error {
	// A socket path must be short, and a script's own directory is not.
	run, err := os.MkdirTemp("", "lim")
	if err != nil {
		return err
	}
	env.Defer(func() { os.RemoveAll(run) })
	home := filepath.Join(env.WorkDir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return err
	}
	port, err := silentPort()
	if err != nil {
		return err
	}
	env.Vars = append(env.Vars, "HOME="+home, "LIMINAL_RUNTIME_DIR="+run, "LIMINAL_TIMEOUT=20s",
		"ERL_EPMD_PORT="+port, "XDG_CONFIG_HOME=", "NO_COLOR=", "LIMINAL_EPMD=off", "GORACE="+os.Getenv("GORACE"))
	return nil
}

// silentPort is a port that was free a moment ago: dialling it is refused.
func silentPort() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port), nil
}

// exits0to255 is `exits CODE COMMAND...`: the command must end with that status.
func exits0to255(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Logf("%s%s", ts.ReadFile("stdout"), ts.ReadFile("stderr"))
		ts.Fatalf("exit status %d, want %s", code, args[0])
	}
}

// holdPort is `hold VAR`: VAR becomes a loopback port that is taken until the
// script ends. What connects there hears nothing.
func holdPort(ts *testscript.TestScript, _ bool, args []string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { ln.Close() })
	ts.Setenv(args[0], fmt.Sprint(ln.Addr().(*net.TCPAddr).Port))
}

// field is `field VAR NAME`: VAR becomes the value of NAME in the tab-separated
// output of the last command.
func field(ts *testscript.TestScript, _ bool, args []string) {
	for line := range splitLines(ts.ReadFile("stdout")) {
		if name, value, ok := cutTab(line); ok && name == args[1] {
			ts.Setenv(args[0], value)
			return
		}
	}
	ts.Fatalf("no field %s", args[1])
}

func splitLines(s string) func(yield func(string) bool) { return strings.Lines(s) }

func cutTab(line string) (name, value string, ok bool) {
	return strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
}
