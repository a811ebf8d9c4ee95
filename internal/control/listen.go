package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// MaxSocketPath is the longest path of a Unix socket here, in bytes: what fits
// sockaddr_un beside its terminating zero (107 on Linux, 103 on macOS).
const MaxSocketPath = len(unix.RawSockaddrUnix{}.Path) - 1

// The reasons why Listen leaves a path alone. They come wrapped.
var (
	ErrPathTaken = errors.New("something that is not a socket is there")
	ErrAnswering = errors.New("another process answers there")
	ErrPathLong  = errors.New("path too long for a socket")
)

// Listener accepts connections of our own user and of root.
type Listener struct {
	*net.UnixListener
	refused atomic.Uint64
}

// Listen opens the control socket at path, readable and writable by its owner
// alone from the first instant. The caller holds the node's lock. A socket that
// stands at path is removed if nobody answers on it; anything else is left as
// it is and refused. Close removes the socket.
func Listen(path string) (*Listener, error) {
	if len(path) > MaxSocketPath {
		return nil, fmt.Errorf("control socket: %w: %d bytes, this system allows %d", ErrPathLong, len(path), MaxSocketPath)
	}
	if err := clearStale(path); err != nil {
		return nil, fmt.Errorf("control socket %s: %w", path, err)
	}
	ln, err := bind(path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return &Listener{UnixListener: ln}, nil
}

// clearStale removes a socket that nobody answers on.
func clearStale(path string) error {
	fi, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if fi.Mode().Type() != os.ModeSocket {
		return ErrPathTaken
	}
	// The lock speaks for RUNTIME/NAME.sock. With a socket elsewhere two
	// nodes of different locks can meet on one path, so ask it as well.
	nc, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		nc.Close()
		return ErrAnswering
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return fmt.Errorf("%w: %w", ErrAnswering, err)
	}
	return os.Remove(path)
}

// Accept waits for the next connection of a user who may talk to the node.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		nc, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if uid, err := peerUID(nc); err == nil && allowed(uid, os.Geteuid()) {
			return nc, nil
		}
		l.refused.Add(1)
		nc.Close()
	}
}

// Refused counts connections closed because of their user.
func (l *Listener) Refused() uint64 { return l.refused.Load() }

// allowed says whether a process of uid may talk to a node of user own.
func allowed(uid uint32, own int) bool { return uid == 0 || int64(uid) == int64(own) }

// bindWith binds with control run on the descriptor before bind.
func bindWith(path string, lc net.ListenConfig) (*net.UnixListener, error) {
	ln, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	return ln.(*net.UnixListener), nil
}
