package tui

import (
	"os"

	tea "github.com/charmbracelet/bubbletea"
	"golang.org/x/sys/unix"
)

// noShell is said where ctrl+z cannot work, until the next key.
const noShell = "no shell to suspend to"

// suspend stops the program until its shell goes on with it. Where no shell
// would, the system ignores the request, and the screen would wait for ever.
func (m *model) suspend() tea.Cmd {
	if m.orphaned == nil || !m.orphaned() {
		return tea.Suspend
	}
	m.help, m.helpTop, m.editing = false, 0, false // the word is below them
	m.ignored = noShell
	return nil
}

// orphaned reports whether no shell does job control for our process group: it
// is the group of a session's leader (a terminal's or container's own command),
// or whoever started it is gone or in another session.
func orphaned() bool {
	session, err := unix.Getsid(0)
	if err != nil || session == unix.Getpgrp() {
		return true
	}
	parent := os.Getppid()
	if parent == 0 { // outside of this container; 0 would be ourselves
		return true
	}
	theirs, err := unix.Getsid(parent)
	return err != nil || theirs != session
}
