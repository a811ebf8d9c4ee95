//go:build !linux

package cli

import "golang.org/x/sys/unix"

// The requests for the state of a terminal; the second one does not wait for
// its output.
const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
)
