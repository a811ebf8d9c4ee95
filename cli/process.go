package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/liminal-bus/liminal/internal/termguard"
)

// Process runs the command line of this process, its signals included, and
// gives the exit status.
func Process() int {
	termguard.Restore() // before anything reads TERM
	// A closed pipe is an error of the write to it, not the end of the process:
	// the demo has a directory to remove, and a node goes on without a reader.
	// It is taken and not ignored, since a program that we run would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signals := make(chan os.Signal, 4) // room for an impatient user
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return Main(context.Background(), OSEnv(signals), os.Args[1:])
}
