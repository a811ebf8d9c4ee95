package links

import (
	"errors"
	"net"
	"syscall"
)

// reserved is how many descriptors are kept from those who dial in, so that a
// node that is flooded can still be asked how it is, and still dial.
const reserved = 32

// errScarce is what becomes of a connection that would use a reserved one.
var errScarce = errors.New("too few descriptors are left")

// accept takes a connection from l, unless descriptors are scarce.
func accept(l net.Listener) (net.Conn, error) {
	conn, err := l.Accept()
	if err == nil && scarce(conn) {
		conn.Close()
		return nil, errScarce
	}
	return conn, err
}

// scarce says whether conn has one of the last descriptors of this process. The
// kernel gives out the lowest number that is free, so a high one says that all
// below it are taken.
func scarce(conn net.Conn) bool {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return false
	}
	last := false
	err = raw.Control(func(fd uintptr) { last = isReserved(uint64(fd), uint64(limit.Cur)) })
	return err == nil && last
}

// isReserved says whether a descriptor is among those kept back: the last ones,
// of a low limit a quarter.
func isReserved(fd, limit uint64) bool { return fd >= limit-min(reserved, limit/4) }
