package cli

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// stuff leaves the socket without room for one more message.
func stuff(t *testing.T, socket string) {
	t.Helper()
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for err == nil {
		if err = conn.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err == nil {
			_, err = conn.Write(make([]byte, 1024))
		}
	}
}

// TestNotifyUnread: a socket that nobody reads does not keep a node from its end.
func TestNotifyUnread(t *testing.T) {
	s := listenSystemd(t, filepath.Join(shortDir(t), "n"))
	env := testEnv(t, "LIMINAL_COOKIE=a-cookie-of-some-length", "NOTIFY_SOCKET="+s.socket, "WATCHDOG_USEC=100000")
	a := startIn(t, env, "node", "start", "--name", "a@127.0.0.1", "--listen", "127.0.0.1:0")
	s.until("READY=1")
	a.line(a.stdout, "ready")
	stuff(t, s.socket)
	began := time.Now()
	a.signals <- syscall.SIGTERM
	a.exits(0)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestStopDuringStatus: a status that is still being told when the end begins
// neither holds the end up nor has the last word.
func TestStopDuringStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		told := &toldTimes{start: time.Now()}
		r := &reporter{text: func() string { return "well" }}
		r.life, r.cancel = context.WithCancel(t.Context())
		r.group.Go(func() { r.statusLoopTo(r.life, func(text string) { <-stuck; told.add(text) }) })
		synctest.Wait()
		r.stopping(0) // would deadlock
		close(stuck)
		r.end()
		r.say(told.add)
		if want := []string{"0s well"}; !slices.Equal(told.lines, want) {
			t.Errorf("%q, want %q", told.lines, want)
		}
	})
}

// TestReadyIsTold: READY is not lost to a status of the same words that is told
// at the same time.
func TestReadyIsTold(t *testing.T) {
	s := listenSystemd(t, filepath.Join(shortDir(t), "n"))
	r := &reporter{tell: notifier(s.socket), text: func() string { return "well" }}
	var others sync.WaitGroup
	for i := range 20 {
		others.Go(func() { r.say(r.tell.status) })
		r.ready(fmt.Sprint(i))
		others.Wait()
		s.until("READY=1")
	}
}
