package testnet_test

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/testnet"
)

// F13: the log takes nothing: its disk is full, or nobody reads its pipe. The
// node runs on and ends in order, and where the log comes back it says how much
// is missing.
func TestLogTakesNothing(t *testing.T) {
	t.Parallel()
	t.Run("disk full", func(t *testing.T) {
		t.Parallel()
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skipf("SKIP: no /dev/full: %v", err)
		}
		defer full.Close()
		worksWithLog(t, full, func() bool { return true })
	})
	t.Run("pipe full", func(t *testing.T) {
		t.Parallel()
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		told := make(chan bool, 1)
		worksWithLog(t, w, func() bool {
			go func() { told <- lossIsTold(r) }()
			select {
			case ok := <-told:
				return ok
			case <-time.After(testnet.Patience):
				return false
			}
		})
	})
}

// lossIsTold reads a log until it says that lines are missing.
func lossIsTold(r *os.File) bool {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if strings.Contains(lines.Text(), "lines_dropped=") {
			return true
		}
	}
	return false
}

// worksWithLog makes a node log more than any pipe and queue hold.
func worksWithLog(t *testing.T, stderr *os.File, told func() bool) {
	t.Helper()
	w := testnet.NewWorld(t)
	flags := []string{"--log-level", "debug", "--retry-max", "10ms", "--poll", "10ms"}
	for port := 1; port <= 16; port++ { // where nobody listens: no listener of a test is given such a port
		flags = append(flags, "--seed", fmt.Sprint("127.0.0.1:", port))
	}
	a := w.Launch("a", stderr, flags...)
	a.AwaitSocket(t)
	testnet.Until(t, "it has more to say than fits", func() bool { // each dial that is refused is a line
		tries := 0
		for _, s := range a.Status(t).Seeds {
			tries += s.Tries
		}
		return tries > 3000
	})
	b := w.Node("b", "--seed", a.Addr)
	testnet.Until(t, "it has a peer", func() bool { // its events wait for a seed
		return slices.ContainsFunc(a.Peers(t), func(p testnet.Peer) bool { return p.Name == b.Name && p.State == "up" })
	})
	if !told() {
		t.Error("the log does not tell what is missing")
	}
	begin := time.Now()
	a.Signal(t, syscall.SIGTERM)
	if code := a.Wait(t, testnet.Patience); code != 0 {
		t.Errorf("exit status %d", code)
	}
	t.Logf("stopped after %v", time.Since(begin))
	if took := time.Since(begin); took > 2*time.Second+testnet.Slack {
		t.Errorf("it took %v to stop", took)
	}
}
