package control

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Local is a node of this machine, found by its files in a runtime directory.
type Local struct {
	Name      string // the part of the node name before the @
	Alive     bool   // its lock is held; else its files are left-overs
	PID       int    // of a live node; 0 if unknown
	Socket    string // where its socket is or was
	HasSocket bool   // a socket stands there
}

// Inspect lists the nodes with a lock or a socket in dir, sorted by name. A
// directory that does not exist has none. It changes nothing.
func Inspect(dir string) ([]Local, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("runtime directory: %w", err)
	}
	var names []string
	for _, e := range entries {
		for _, suffix := range []string{".lock", ".sock"} {
			if n, ok := strings.CutSuffix(e.Name(), suffix); ok && n != "" {
				names = append(names, n)
			}
		}
	}
	slices.Sort(names)
	var found []Local
	for _, n := range slices.Compact(names) {
		l, err := inspectOne(dir, n)
		if err != nil {
			return nil, err
		}
		found = append(found, l)
	}
	return found, nil
}

func inspectOne(dir, name string) (Local, error) {
	l := Local{Name: name, Socket: filepath.Join(dir, name+".sock")}
	socket, err := l.readLock(filepath.Join(dir, name+".lock"))
	if err != nil {
		return l, err
	}
	if socket != "" {
		l.Socket = socket
	}
	fi, err := os.Lstat(l.Socket)
	l.HasSocket = err == nil && fi.Mode().Type() == os.ModeSocket
	return l, nil
}

// readLock fills Alive and PID. A shared lock is tried, so that two clients
// asking at once do not take each other for the node.
func (l *Local) readLock(path string) (socket string, err error) {
	flags := os.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	f, err := os.OpenFile(path, flags, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ELOOP) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("lock: %w", err)
	}
	defer f.Close() // lets go of the shared lock as well
	pid, socket := readLock(f)
	err = flock(f, unix.LOCK_SH|unix.LOCK_NB)
	switch {
	case err == nil:
		return socket, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		l.Alive, l.PID = true, pid
		return socket, nil
	}
	return "", fmt.Errorf("lock: flock %s: %w", path, err)
}
