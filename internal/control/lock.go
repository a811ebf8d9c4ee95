package control

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// LockedError says that a live node holds the lock.
type LockedError struct {
	Name string
	PID  int // 0 while its holder has not written it yet
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("node %q is already running, pid %d", e.Name, e.PID)
}

// Lock is held by a node for as long as it lives. The kernel lets go of it
// when the process ends in whatever way.
type Lock struct {
	path string
	once sync.Once
	err  error
	f    *os.File
}

// AcquireLock takes NAME.lock in dir, which must exist, and writes our pid into
// it. A lock that a live process holds gives *LockedError.
func AcquireLock(dir, name string) (*Lock, error) {
	if name == "" || name != filepath.Base(name) || name == "." || name == ".." {
		return nil, fmt.Errorf("lock: %q cannot name a file", name)
	}
	path := filepath.Join(dir, name+".lock")
	for {
		f, err := openLocked(path, name)
		if err != nil {
			return nil, err
		}
		// A node that ended between our open and our flock has removed the
		// file we hold: then another may hold the new one of that name.
		same, err := sameFile(f, path)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock: %w", err)
		}
		if !same {
			f.Close()
			continue
		}
		l := &Lock{path: path, f: f}
		if err := l.write(""); err != nil {
			l.Release()
			return nil, err
		}
		return l, nil
	}
}

// SetSocket notes in the lock file where the node's socket is, for clients that
// look for it. Without it they take NAME.sock beside the lock.
func (l *Lock) SetSocket(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	return l.write(abs)
}

// write replaces the text: the pid, and on the second line the socket.
func (l *Lock) write(socket string) error {
	text := strconv.Itoa(os.Getpid()) + "\n"
	if socket != "" {
		text += socket + "\n"
	}
	if _, err := l.f.WriteAt([]byte(text), 0); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if err := l.f.Truncate(int64(len(text))); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	return nil
}

// Release removes the file and lets go of the lock. It is idempotent.
func (l *Lock) Release() error {
	l.once.Do(func() {
		// Removed while still held: whoever waits for this file finds, once
		// it has it, that the name leads elsewhere.
		rmErr := os.Remove(l.path)
		l.err = errors.Join(rmErr, l.f.Close())
	})
	return l.err
}

// openLocked opens path, creates it if need be, and locks it without waiting.
func openLocked(path, name string) (*os.File, error) {
	flags := os.O_RDWR | os.O_CREATE | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := ownRegular(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock: %s: %w", path, err)
	}
	if err := lockPatiently(f); err != nil {
		defer f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			pid, _ := readLock(f)
			return nil, &LockedError{Name: name, PID: pid}
		}
		return nil, fmt.Errorf("lock: flock %s: %w", path, err)
	}
	return f, nil
}

// lockPatiently tries for a tenth of a second. Clients that look whether a node
// lives hold a shared lock for microseconds, and many may look while it starts.
func lockPatiently(f *os.File) error {
	for end := time.Now().Add(100 * time.Millisecond); ; time.Sleep(2 * time.Millisecond) {
		err := flock(f, unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) || time.Now().After(end) {
			return err
		}
	}
}

func flock(f *os.File, how int) error {
	for {
		if err := unix.Flock(int(f.Fd()), how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// ownRegular refuses what is no plain file of ours: a lock that others can open
// they can also hold.
func ownRegular(f *os.File) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errors.New("is not a regular file")
	}
	if uid := uint32(os.Geteuid()); st.Uid != uid && uid != 0 {
		return fmt.Errorf("belongs to uid %d", st.Uid)
	}
	return nil
}

// sameFile says whether path still leads to the open file f.
func sameFile(f *os.File, path string) (bool, error) {
	held, err := f.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return os.SameFile(held, named), nil
}

// readLock gives the pid and the socket noted in a lock file; zero values where
// its text is not ours.
func readLock(f *os.File) (pid int, socket string) {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 4096))
	if err != nil {
		return 0, ""
	}
	first, rest, _ := strings.Cut(string(text), "\n")
	second, _, _ := strings.Cut(rest, "\n")
	if pid, err = strconv.Atoi(first); err != nil || pid < 0 {
		return 0, ""
	}
	return pid, second
}
