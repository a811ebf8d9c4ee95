package cli

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"golang.org/x/sys/unix"

	"github.com/liminal-bus/liminal/tui"
)

// Env is the world of a command. Everything that a command reads from outside
// its arguments comes through it, so that a test can give it another world.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	StdinTTY       bool       // Stdin is a terminal
	StdoutTTY      bool       // Stdout is a terminal
	StderrTTY      bool       // Stderr is a terminal
	Width          func() int // columns of the terminal at Stdout, 0 while unknown
	// Unread reports that whoever read Stdout is gone. nil never does.
	Unread func() bool
	// Screen is tui.Run. nil: there is none, and watch and demo write lines.
	Screen func(ctx context.Context, o tui.Options) error

	Getenv  func(string) string
	Environ func() []string // KEY=VALUE
	Home    string          // the user's home directory, "" if there is none
	TempDir string          // where demo keeps its runtime directory
	PID     int

	Now func() time.Time
	// Pause lets time pass for people to read, or ends with ctx's cause.
	Pause func(ctx context.Context, d time.Duration) error
	// Signals carries SIGINT, SIGTERM and SIGHUP. A nil channel never does.
	Signals <-chan os.Signal
}

// OSEnv is the Env of the running process.
func OSEnv(signals <-chan os.Signal) Env {
	home, _ := os.UserHomeDir() // "" says that there is none
	return Env{
		Stdin:     os.Stdin,
		Stdout:    os.Stdout,
		Stderr:    os.Stderr,
		StdinTTY:  isatty.IsTerminal(os.Stdin.Fd()),
		StdoutTTY: isatty.IsTerminal(os.Stdout.Fd()),
		StderrTTY: isatty.IsTerminal(os.Stderr.Fd()),
		Width:     stdoutWidth,
		Unread:    stdoutUnread,
		Screen:    tui.Run,
		Getenv:    os.Getenv,
		Environ:   os.Environ,
		Home:      home,
		TempDir:   os.TempDir(),
		PID:       os.Getpid(),
		Now:       time.Now,
		Pause:     pause,
		Signals:   signals,
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// stdoutWidth asks the kernel, never the terminal itself: a query would have
// to wait for an answer that some terminals do not give.
func stdoutWidth() int {
	size, err := unix.IoctlGetWinsize(int(os.Stdout.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}

// stdoutUnread asks the kernel: a pipe whose reader has closed it has an error
// before anything is written.
func stdoutUnread() bool {
	p := []unix.PollFd{{Fd: int32(os.Stdout.Fd())}}
	n, err := unix.Poll(p, 0)
	return err == nil && n > 0 && p[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
}
