package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/liminal-bus/liminal/cli"
)

func main() {
	// A closed pipe is an error of the write to it, not the end of the process:
	// the demo has a directory to remove, and a node goes on without a reader.
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 4) // room for an impatient user
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	os.Exit(cli.Main(context.Background(), cli.OSEnv(signals), os.Args[1:]))
}
