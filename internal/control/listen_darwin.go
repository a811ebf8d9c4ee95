package control

import (
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// bind opens the socket inside a directory that only we can enter and then
// takes others' bits away: macOS has no fchmod for sockets.
func bind(path string) (*net.UnixListener, error) {
	if err := privateDir(path); err != nil {
		return nil, err
	}
	ln, err := bindWith(path, net.ListenConfig{})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		ln.Close()
		return nil, err
	}
	return ln, nil
}

// peerUID asks the kernel which user dialled.
func peerUID(nc *net.UnixConn) (uint32, error) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Xucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	})
	if err != nil {
		return 0, err
	}
	if credErr != nil {
		return 0, credErr
	}
	return cred.Uid, nil
}

// privateDir refuses a directory in which others could reach a socket between
// its birth and its chmod.
func privateDir(path string) error {
	dir := filepath.Dir(path)
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if int64(st.Uid) != int64(os.Geteuid()) || st.Mode&0o077 != 0 {
		return fmt.Errorf("%s: must be ours and of mode 0700 to hold a control socket", dir)
	}
	return nil
}
