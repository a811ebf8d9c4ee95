package node

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// Some tests and benchmarks need a node in a process of its own: a copy of the test
// binary, started with what it has to do in envRole.
const envRole = "LIMINAL_NODE_TEST_ROLE"

// roles are what such a copy does, by name; it ends when its standard input does.
var roles = map[string]func(seed string, arg int) error{}

// play runs a role, if this process has one.
func play() (played bool) {
	role, rest, _ := strings.Cut(os.Getenv(envRole), " ")
	if role == "" {
		return false
	}
	seed, arg, _ := strings.Cut(rest, " ")
	number, _ := strconv.Atoi(arg)
	if err := roles[role](seed, number); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	return true
}

// untilEOF ends with the standard input, which ends with the parent.
func untilEOF() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return ctx, cancel
}

// startCopy starts a copy of the test binary in a role. Who started it has to wait
// for it.
func startCopy(t testing.TB, role string, args ...any) (cmd *exec.Cmd, in io.WriteCloser, out io.ReadCloser) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envRole+"="+role+" "+strings.TrimSpace(fmt.Sprintln(args...)))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err == nil {
		out, err = cmd.StdoutPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("%s: %v", role, err)
	}
	return cmd, in, out
}
