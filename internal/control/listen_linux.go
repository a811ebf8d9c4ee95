package control

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// bind opens the socket as 0600 from birth: on Linux the mode of the file that
// bind makes is the mode of the socket's own inode, cut by the umask. So it is
// set on the descriptor first, and there is no instant in which it is looser.
func bind(path string) (*net.UnixListener, error) {
	return bindWith(path, net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var chErr error
		err := c.Control(func(fd uintptr) { chErr = unix.Fchmod(int(fd), 0o600) })
		if err != nil {
			return err
		}
		return chErr
	}})
}

// peerUID asks the kernel which user dialled.
func peerUID(nc *net.UnixConn) (uint32, error) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err != nil {
		return 0, err
	}
	if credErr != nil {
		return 0, credErr
	}
	return cred.Uid, nil
}
