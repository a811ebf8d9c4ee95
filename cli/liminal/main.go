package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/liminal-bus/liminal/cli"
)

func main() {
	signals := make(chan os.Signal, 4) // room for an impatient user
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	os.Exit(cli.Main(context.Background(), cli.OSEnv(signals), os.Args[1:]))
}
