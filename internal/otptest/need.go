package otptest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// EnvMode names the variable that says what a missing Erlang means: "" skips,
// "require" fails, "off" skips even where Erlang is installed.
const EnvMode = "LIMINAL_TEST_OTP"

// tools are the absolute paths of the Erlang programs the harness runs.
type tools struct {
	erl, epmd string
	root      string // code:root_dir(), "" if it was not needed to find epmd
}

// findTools looks once per test binary; the answer does not change while it runs.
var findTools = sync.OnceValues(lookTools)

// Need skips the test when Erlang is missing, or fails it under
// LIMINAL_TEST_OTP=require. NewEPMD, Start and ErlCall call it themselves.
func Need(t testing.TB) {
	t.Helper()
	need(t, os.Getenv(EnvMode), announceSkip, func() error { _, err := findTools(); return err })
}

// need is Need with its world passed in, so that its own test can vary it.
func need(t testing.TB, mode string, say func(error), look func() error) {
	t.Helper()
	var err error
	switch mode {
	case "", "require":
		err = look()
	case "off":
		err = errors.New("turned off by " + EnvMode + "=off")
	default:
		t.Fatalf("%s=%q: want \"require\", \"off\" or nothing", EnvMode, mode)
	}
	switch {
	case err == nil:
	case mode == "require":
		t.Fatalf("no Erlang on this machine, and %s=require: %v", EnvMode, err)
	default:
		say(err)
		t.Skipf("SKIP: no Erlang on this machine: %v", err)
	}
}

// ErlCall returns the path of erl_call, the command-line client that comes with
// Erlang. A missing erl_call is treated as a missing Erlang.
func ErlCall(t testing.TB) string {
	t.Helper()
	Need(t)
	path := ""
	need(t, os.Getenv(EnvMode), announceSkip, func() (err error) { path, err = lookErlCall(); return err })
	return path
}

// NeedSSL is Need for Erlang's application ssl, which a system may have in a
// package of its own (erlang-ssl).
func NeedSSL(t testing.TB) {
	t.Helper()
	Need(t)
	need(t, os.Getenv(EnvMode), announceSkip, lookSSL)
}

// lookSSL looks once per test binary.
var lookSSL = sync.OnceValue(func() error {
	tl, err := findTools()
	if err != nil {
		return err
	}
	root, err := rootDir(tl.erl)
	if err != nil {
		return err
	}
	_, err = firstMatch(root, "lib/ssl-*/ebin/ssl.app")
	return err
})

func lookTools() (tools, error) {
	erl, err := exec.LookPath("erl")
	if err != nil {
		return tools{}, err
	}
	if epmd, err := exec.LookPath("epmd"); err == nil {
		return tools{erl: erl, epmd: epmd}, nil
	}
	root, err := rootDir(erl)
	if err != nil {
		return tools{}, err
	}
	// Some packages leave epmd beside the emulator and off the PATH.
	epmd, err := firstMatch(root, "erts-*/bin/epmd")
	return tools{erl: erl, epmd: epmd, root: root}, err
}

func lookErlCall() (string, error) {
	if path, err := exec.LookPath("erl_call"); err == nil {
		return path, nil
	}
	tl, err := findTools()
	if err != nil {
		return "", err
	}
	root, err := rootDir(tl.erl)
	if err != nil {
		return "", err
	}
	return firstMatch(root, "lib/erl_interface-*/bin/erl_call")
}

func rootDir(erl string) (string, error) {
	out, err := exec.Command(erl, "-noinput", "-eval", "io:put_chars(code:root_dir()), halt().").Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its root: %w", erl, err)
	}
	return strings.TrimSpace(string(out)), nil
}

func firstMatch(root, pattern string) (string, error) {
	found, err := filepath.Glob(filepath.Join(root, pattern))
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("no %s below %s", filepath.Base(pattern), root)
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}

var announceOnce sync.Once

// announceSkip writes one line per test binary where a person sees it. `go test`
// with several packages swallows stdout and stderr of a package that passes, so
// the line also goes to the terminal itself, if there is one.
func announceSkip(cause error) {
	announceOnce.Do(func() {
		line := fmt.Sprintf("SKIP: %s: no Erlang on this machine: %v\n", filepath.Base(os.Args[0]), cause)
		fmt.Fprint(os.Stderr, line)
		if isCharDevice(os.Stderr) {
			return
		}
		if tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
			fmt.Fprint(tty, line)
			tty.Close()
		}
	})
}

func isCharDevice(f *os.File) bool {
	fi, err := f.Stat()
	return err == nil && fi.Mode()&os.ModeCharDevice != 0
}
