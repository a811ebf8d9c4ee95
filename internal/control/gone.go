package control

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

type connKey struct{}

// withConn is http.Server.ConnContext.
func withConn(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, nc)
}

// watchGone calls stop when the client of the request with ctx has been gone for
// the grace, until the returned function is called or ctx ends. net/http ends a
// request's context by itself only once the body has been read to its end, and a
// publisher may wait for subscribers, or for room on a link, with more in its
// body than fits the socket.
func watchGone(ctx context.Context, grace time.Duration, stop func()) (unwatch func()) {
	nc, ok := ctx.Value(connKey{}).(syscall.Conn)
	if !ok {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() { goneLoop(ctx, nc, grace, stop) })
	return func() { cancel(); group.Wait() }
}

func goneLoop(ctx context.Context, nc syscall.Conn, grace time.Duration, stop func()) {
	t := time.NewTicker(gonePeriod)
	defer t.Stop()
	var gone time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			switch {
			case !hungUp(nc):
				continue
			case gone.IsZero():
				gone = now
			}
			if now.Sub(gone) >= grace {
				stop()
				return
			}
		}
	}
}

// hungUp says whether the other end of nc is closed, bytes still to be read or
// not.
func hungUp(nc syscall.Conn) bool {
	rc, err := nc.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	err = rc.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLHUP}}
		n, err := unix.Poll(p, 0)
		gone = err == nil && n > 0 && p[0].Revents&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0
	})
	return err != nil || gone // an error: the connection was closed here
}
