package cli

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// listenNotify is systemd's end: told waits for the next datagram and wants its
// first line.
func listenNotify(t *testing.T) (told func(want string), socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "lim")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "n")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return func(want string) {
		t.Helper()
		buf := make([]byte, 4096)
		if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("waiting for %s: %v", want, err)
		}
		if first, _, _ := strings.Cut(string(buf[:n]), "\n"); first != want {
			t.Errorf("systemd was told %q, want %s", first, want)
		}
	}, socket
}

func TestNotifySaysNothingWithoutSocket(t *testing.T) {
	notifier("").ready("x")
	notifier(filepath.Join(t.TempDir(), "nobody")).ready("x") // no error to handle
}
