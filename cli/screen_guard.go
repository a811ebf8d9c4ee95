package cli

import (
	"context"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/liminal-bus/liminal/tui"
)

// screenGrace is what a second signal leaves the screen to end by itself, and a
// terminal to take what puts it right: the first signal has ended the screen
// already, which takes some 20 ms.
const screenGrace = 250 * time.Millisecond

// screenOff leaves the alternate screen, shows the cursor, and ends the marking
// of pasted text.
const screenOff = "\x1b[?2004l\x1b[?1049l\x1b[?25h"

// guarded runs the screen. It ends with the terminal as it was; where a second
// signal ends the process before, that is made up for in a hurry.
func (c *call) guarded(ctx context.Context, o tui.Options) error {
	ended := make(chan struct{})
	defer close(ended)
	c.app.hurry.add(putRight(c.env.Stdin, c.env.Stdout, ended))
	return c.env.Screen(ctx, o)
}

// putRight gives what restores the terminal as it is now, if the screen on it
// has not ended. Neither a screen nor a terminal that hangs holds it up.
func putRight(in io.Reader, out io.Writer, ended <-chan struct{}) func() {
	tty, _ := in.(*os.File)
	if tty == nil {
		return func() {}
	}
	fd := int(tty.Fd())
	before, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return func() {} // no terminal
	}
	return func() {
		if comesWithin(screenGrace, ended) {
			return
		}
		_ = unix.IoctlSetTermios(fd, setTermios, before) // there is nobody left to tell
		written := make(chan struct{})
		go func() {
			_, _ = io.WriteString(out, screenOff)
			close(written)
		}()
		comesWithin(screenGrace, written)
	}
}

// comesWithin reports whether done is closed before d is over.
func comesWithin(d time.Duration, done <-chan struct{}) bool {
	late := time.NewTimer(d)
	defer late.Stop()
	select {
	case <-done:
		return true
	case <-late.C:
		return false
	}
}
