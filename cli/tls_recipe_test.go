package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/liminal-bus/liminal/internal/otptest"
)

// recipe is the world of somebody who types what tls init prints.
type recipe struct {
	*testing.T
	env []string
	dir string
}

// typed is a command as it is typed into a shell.
func (r *recipe) typed(line string) *exec.Cmd {
	cmd := exec.Command("bash", "-c", "exec "+line)
	cmd.Env, cmd.Dir = r.env, r.dir
	return cmd
}

func (r *recipe) run(line string) string {
	r.Helper()
	var out bytes.Buffer
	cmd := r.typed(line)
	cmd.Stderr = &out
	text, err := cmd.Output()
	if err != nil {
		r.Fatalf("%s: %v\n%s%s", line, err, text, &out)
	}
	return string(text) + out.String()
}

// background leaves a command running until the test ends.
func (r *recipe) background(line string) {
	r.Helper()
	out, err := os.Create(filepath.Join(r.TempDir(), "out"))
	if err != nil {
		r.Fatal(err)
	}
	cmd := r.typed(line)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // erl has helpers
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		out.Close()
		if text, err := os.ReadFile(out.Name()); err == nil && r.Failed() {
			r.Logf("%s\n%s", line, text)
		}
	})
}

// TestTLSRecipe types the lines that tls init prints as they are: two nodes of
// liminal and one of Erlang are one cluster, and nobody is in it without TLS.
func TestTLSRecipe(t *testing.T) {
	needTools(t, "bash")
	otptest.NeedSSL(t)
	epmd := otptest.NewEPMD(t)
	r := &recipe{t, append(readerEnv(t), epmd.Env()...), t.TempDir()}
	printed := r.run("liminal tls init a b c")
	start, erl := printedLines(t, printed)
	r.background(start[0])
	r.run("liminal status --node a --wait 0")
	r.background(start[1])
	r.background(erl[2] + " -noinput")
	r.run("liminal peers --node a --wait 1")
	// No wait of ours knows when an Erlang node has registered.
	r.background("bash -c 'until liminal join c --node a; do sleep 0.2; done'")
	host := shortHost()
	for _, node := range []struct{ name, liminal, other string }{{"a", "b", "c"}, {"b", "a", "c"}} {
		got := r.run("liminal peers --node " + node.name + " --wait 2 --plain --columns name,state,kind")
		want := node.liminal + "@" + host + "\tup\tliminal\n" + node.other + "@" + host + "\tup\totp\n"
		if got != want {
			t.Errorf("%s sees\n%swant\n%s", node.name, got, want)
		}
		if s := r.run("liminal status --json --node " + node.name); !strings.Contains(s, `"issuer":"liminal CA `) || strings.Contains(s, `"warnings":["`) {
			t.Errorf("status of %s: %s", node.name, s)
		}
	}
	plain := r.typed("liminal probe c")
	if out, err := plain.CombinedOutput(); err == nil || plain.ProcessState.ExitCode() != exitProbeTLS {
		t.Errorf("in the clear: %v\n%s", err, out)
	}
	r.run("liminal node stop --node b")
	r.run("liminal node stop --node a")
}

// printedLines are the commands among what tls init has printed, in its order.
func printedLines(t *testing.T, printed string) (start, erl []string) {
	t.Helper()
	for line := range strings.Lines(printed) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "liminal node start "):
			start = append(start, line)
		case strings.HasPrefix(line, "erl "):
			erl = append(erl, line)
		}
	}
	if len(start) != 3 || len(erl) != 3 {
		t.Fatalf("%d and %d lines in\n%s", len(start), len(erl), printed)
	}
	return start, erl
}
