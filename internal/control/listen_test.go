package control

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// leaveSocket makes what a node that died leaves behind.
func leaveSocket(t testing.TB, path string) {
	t.Helper()
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	ln.Close()
}

// S13: The mode is watched by a reader that never stops looking, under the loosest
// umask there is.
func TestSocketIsPrivateFromBirth(t *testing.T) {
	dir := socketDir(t)
	path := filepath.Join(dir, "a.sock")
	old := unix.Umask(0)
	defer unix.Umask(old)
	stop := make(chan struct{})
	var group sync.WaitGroup
	seen := 0
	group.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			fi, err := os.Lstat(path)
			if err != nil {
				continue
			}
			seen++
			// On macOS the directory alone protects the first instant.
			if fi.Mode().Perm() != 0o600 && runtime.GOOS == "linux" {
				t.Errorf("mode %v", fi.Mode())
				return
			}
		}
	})
	for range 1000 {
		ln, err := Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		if fi, err := os.Lstat(path); err != nil || fi.Mode().Perm() != 0o600 {
			t.Fatalf("mode %v, %v", fi.Mode(), err)
		}
		ln.Close()
	}
	close(stop)
	group.Wait()
	if seen < 20 {
		t.Errorf("the reader saw the socket only %d times", seen)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Close left the socket: %v", err)
	}
}

// S13: a socket is taken over only if nobody answers on it.
func TestListenTakesOverStale(t *testing.T) {
	path := filepath.Join(socketDir(t), "a.sock")
	leaveSocket(t, path)
	ln, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	// A second node with another lock and the same --socket goes away, and
	// the first one still answers.
	if _, err := Listen(path); !errors.Is(err, ErrAnswering) {
		t.Errorf("second: %v, want ErrAnswering", err)
	}
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the first one is harmed: %v", err)
	}
	nc.Close()
}

// S13: what is no socket, or leads elsewhere, is refused and left as it is.
func TestListenRefuses(t *testing.T) {
	dir := socketDir(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	leaveSocket(t, at("real.sock"))
	steps := []error{
		os.WriteFile(at("file"), []byte("keep"), 0o600),
		os.Symlink(at("file"), at("link")),
		os.Symlink(at("real.sock"), at("socklink")),
		os.Mkdir(at("dir"), 0o700),
		unix.Mkfifo(at("fifo"), 0o600),
	}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file", "link", "socklink", "dir", "fifo"} {
		before, _ := os.Lstat(at(name))
		if ln, err := Listen(at(name)); !errors.Is(err, ErrPathTaken) {
			t.Errorf("%s: %v, want ErrPathTaken", name, err)
			if err == nil {
				ln.Close()
			}
		}
		if after, err := os.Lstat(at(name)); err != nil || !os.SameFile(before, after) {
			t.Errorf("%s was touched: %v", name, err)
		}
	}
	if _, err := Listen(at("missing/a.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing directory: %v", err)
	}
}

func TestListenPathLength(t *testing.T) {
	dir := socketDir(t)
	fits := filepath.Join(dir, strings.Repeat("x", MaxSocketPath-len(dir)-1))
	ln, err := Listen(fits)
	if err != nil {
		t.Fatalf("%d bytes: %v", len(fits), err)
	}
	ln.Close()
	if _, err := Listen(fits + "y"); !errors.Is(err, ErrPathLong) {
		t.Errorf("%d bytes: %v, want ErrPathLong", len(fits)+1, err)
	}
}

// S13: our own user and root may talk to the node, and nobody else.
func TestAllowed(t *testing.T) {
	for _, c := range []struct {
		uid  uint32
		own  int
		want bool
	}{{0, 0, true}, {0, 1000, true}, {1000, 1000, true}, {1001, 1000, false}, {1000, 0, false}, {1<<32 - 1, -1, false}} {
		if got := allowed(c.uid, c.own); got != c.want {
			t.Errorf("allowed(%d, %d) = %t", c.uid, c.own, got)
		}
	}
}

func TestPeerUID(t *testing.T) {
	path := filepath.Join(socketDir(t), "a.sock")
	ln, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	theirs, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	ours, err := ln.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if uid, err := peerUID(ours); err != nil || int(uid) != os.Geteuid() {
		t.Errorf("uid %d, %v; want %d", uid, err, os.Geteuid())
	}
}
