package main

import (
	"os"

	"github.com/liminal-bus/liminal/cli"
)

func main() { os.Exit(cli.Process()) }
