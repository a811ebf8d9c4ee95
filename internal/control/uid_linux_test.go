package control

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// dialAs connects as another user. Linux has credentials by thread, so a thread
// takes them, dials and is thrown away.
func dialAs(uid int, path string) (net.Conn, error) {
	type result struct {
		nc  net.Conn
		err error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with us
		id := uintptr(uid)
		if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, id, id, id); e != 0 {
			done <- result{nil, e}
			return
		}
		nc, err := net.Dial("unix", path)
		done <- result{nc, err}
	}()
	r := <-done
	return r.nc, r.err
}

// S13: another user is closed at once, and counted.
func TestOtherUserIsClosedAndCounted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: only root can act as another user")
	}
	s, c := serve(t, newFakeNode())
	dir := filepath.Dir(c.Socket)
	if nc, err := dialAs(65534, c.Socket); err == nil {
		nc.Close()
		t.Error("the mode of directory and socket let another user in")
	}
	// Whatever opens the files to others, the kernel's word still counts.
	os.Chmod(dir, 0o755)
	os.Chmod(c.Socket, 0o666)
	nc, err := dialAs(65534, c.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.Write([]byte("GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"))
	if n, err := nc.Read(make([]byte, 1)); err == nil {
		t.Errorf("another user got %d bytes", n)
	}
	if got := counter(s, "control_refused_uid"); got != 1 {
		t.Errorf("control_refused_uid %d, want 1", got)
	}
	if _, err := c.Status(ctxFor(t)); err != nil {
		t.Errorf("our own call: %v", err)
	}
}
