package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// What the README shows is run here. Its blocks of sh are scripts: each must end
// with 0, in a pipe and on a terminal. Its blocks of console are what people see:
// a line "$ COMMAND" is typed, and the lines after it must appear. Blocks of other
// languages are only to be read.

// readmeBlock is one fenced block.
type readmeBlock struct {
	section, lang, info string // info is what stands after the language
	line                int
	lines               []string
}

func readmeBlocks(t *testing.T, lang string) (blocks []readmeBlock) {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var open *readmeBlock
	section := ""
	for i, line := range strings.Split(string(text), "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && open == nil:
			name, info, _ := strings.Cut(fence, " ")
			open = &readmeBlock{section: section, lang: name, info: info, line: i + 1}
		case isFence:
			if open.lang == lang {
				blocks = append(blocks, *open)
			}
			open = nil
		case open != nil:
			open.lines = append(open.lines, line)
		case strings.HasPrefix(line, "## "):
			section = strings.TrimPrefix(line, "## ")
		}
	}
	if len(blocks) == 0 {
		t.Fatalf("the README has no block of %s", lang)
	}
	return blocks
}

// needTools skips where a fresh machine lacks what the README's reader has.
// Where nothing may be skipped a missing one is a failure.
func needTools(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err == nil {
			continue
		}
		if os.Getenv("LIMINAL_TEST_OTP") == "require" {
			t.Fatalf("%s is not installed", tool)
		}
		t.Skipf("SKIP: no %s", tool)
	}
}

// readerEnv is the world of somebody who has just installed liminal.
func readerEnv(t *testing.T) []string {
	t.Helper()
	run, err := os.MkdirTemp("", "lim")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	port, err := silentPort()
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(run, "home") // short, since it is printed in tables
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	run = filepath.Join(run, "run")
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "HOME="+home, "LIMINAL_RUNTIME_DIR="+run, "ERL_EPMD_PORT="+port, "XDG_CONFIG_HOME=",
		"LIMINAL_COOKIE=", "LIMINAL_NODE=", "TERM=xterm", "LC_ALL=C.UTF-8", "PS1=", "LIMINAL_TIMEOUT=20s", "NO_COLOR=1")
}

// TestReadmeFrames: what the README shows of the screen is what the screen's own
// tests hold it to.
func TestReadmeFrames(t *testing.T) {
	for _, b := range readmeBlocks(t, "text") {
		frame, err := os.ReadFile(filepath.Join("..", b.info))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(b.lines, "\n"); got != strings.TrimRight(string(frame), "\n") {
			t.Errorf("line %d: not as in %s", b.line, b.info)
		}
	}
}

// readmeDeadline is how long one block may take on a busy machine.
const readmeDeadline = 60 * time.Second

func TestReadmeScripts(t *testing.T) {
	needTools(t, "bash", "jq", "curl")
	for _, b := range readmeBlocks(t, "sh") {
		for _, where := range []string{"pipe", "terminal"} {
			t.Run(fmt.Sprintf("line %d in a %s", b.line, where), func(t *testing.T) {
				t.Parallel()
				runScript(t, strings.Join(b.lines, "\n"), where == "terminal")
			})
		}
	}
}

// runScript runs a script to its end, and ends what it left running.
func runScript(t *testing.T, script string, terminal bool) {
	cmd := exec.Command("bash", "-eu", "-o", "pipefail", "-c", script)
	cmd.Env, cmd.Dir = readerEnv(t), t.TempDir()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if terminal {
		ptmx, tty, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer ptmx.Close()
		defer tty.Close()
		cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
		go func() { _, _ = out.ReadFrom(ptmx) }()
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(readmeDeadline, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err = cmd.Wait()
	late.Stop()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // ESRCH if it stopped what it started, as it should
	if err != nil {
		text, _ := os.ReadFile(out.Name())
		t.Fatalf("%v\n%s\nprinted:\n%s", err, script, text)
	}
}

// readmeWords are what differs from machine to machine and from run to run.
var readmeWords = []struct {
	is  *regexp.Regexp
	say string
}{
	{regexp.MustCompile(`\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r`), ""},
	{regexp.MustCompile(`\d\d:\d\d:\d\d(\.\d+)?`), "TIME"},
	{regexp.MustCompile(`127\.0\.\d+\.\d+:\d+(, 127\.0\.\d+\.\d+:\d+)*`), "ADDR"},
	{regexp.MustCompile(`<?\d+(\.\d+)? ms`), "SPAN"},
	{regexp.MustCompile(`<1 s|\d+(\.\d+)? s\b|\b\d+s\b`), "SPAN"},
	{regexp.MustCompile(`pid \d+`), "pid N"},
	{regexp.MustCompile(`creation [0-9a-f]+`), "creation N"},
	{regexp.MustCompile(`20\d\d-\d\d-\d\d`), "DATE"},
	{regexp.MustCompile(`in \d+ (years|months|days)`), "in SPAN"},
	{regexp.MustCompile(`liminal CA [0-9a-f]{8}`), "liminal CA N"},
	{regexp.MustCompile(`^(cookie\tok\t)\d+`), "${1}N"},
	{regexp.MustCompile(`[ \t]+`), " "},
}

func readmeLine(line, host string) string {
	line = strings.ReplaceAll(line, "@"+host, "@dev")
	if short, is := strings.CutPrefix(line, "resolve"); is {
		line = "resolve" + strings.ReplaceAll(short, " "+host+" ", " dev ")
	}
	if strings.Contains(line, " made ") || strings.Contains(line, " certificate for ") {
		line = strings.NewReplacer(" "+host+" ", " dev ", " "+host+",", " dev,").Replace(line)
	}
	for _, w := range readmeWords {
		line = w.is.ReplaceAllString(line, w.say)
	}
	return strings.TrimSpace(line)
}
