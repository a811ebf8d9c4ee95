package cli

import (
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// TestMain makes the test binary the command liminal as well, so that scripts
// and the terminal test run the real command line in a process of its own.
func TestMain(m *testing.M) {
	// Under the race detector every process sleeps a second before it exits.
	if os.Getenv("GORACE") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0")
	}
	testscript.Main(leakChecked{m}, map[string]func(){
		"liminal": func() { os.Exit(Process()) },
		breaks:    func() { os.Exit(breakingProcess()) },
	})
}

type leakChecked struct{ m *testing.M }

func (l leakChecked) Run() int {
	code := l.m.Run()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
