package cli

import (
	"errors"
	"syscall"
	"time"
)

// execGrace is how long a program has from SIGTERM to SIGKILL.
const execGrace = 2 * time.Second

// groupStep is how often a process group is looked at while it ends.
const groupStep = 10 * time.Millisecond

// errUnkillable is a program that runs as somebody else.
var errUnkillable = errors.New("it cannot be stopped")

// ownGroup makes a program the head of a process group, so that it can be ended
// with all that it has started. Ctrl-C at the terminal then reaches us alone.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// endGroup ends a group: SIGTERM, then SIGKILL for whoever is left, also where
// the program itself has gone before its children. done gives its end.
func endGroup(group int, done <-chan error) error {
	_ = syscall.Kill(-group, syscall.SIGTERM)
	_ = syscall.Kill(-group, syscall.SIGCONT) // a stopped one could not hear it
	deadline := time.Now().Add(execGrace)
	for groupLives(group) && time.Now().Before(deadline) {
		time.Sleep(groupStep)
	}
	killGroup(group)
	select {
	case <-done:
		return nil
	case <-time.After(2 * execGrace): // it and Wait have execGrace each
		return errUnkillable
	}
}

// groupLives: a group lives as long as one of its processes, and its number is
// not given away before. One that is dead counts until it has been waited for,
// which in a container may be never; then the whole grace passes.
func groupLives(group int) bool { return !errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) }

// killGroup says nothing of a group that is gone, or not ours to kill.
func killGroup(group int) {
	if groupLives(group) {
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
}
