package tui

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain makes the test binary the screen as well, so that what it costs can be
// measured in a process of its own.
func TestMain(m *testing.M) {
	if socket := os.Getenv(screenSocket); socket != "" {
		if err := runScreen(socket); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}
