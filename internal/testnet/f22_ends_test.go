package testnet_test

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/testnet"
)

// F22: SIGTERM lets a node say goodbye, flush and remove its socket, and exits
// with 0; kill -9 leaves the socket behind, which the next start clears.
func TestOurOwnEnd(t *testing.T) {
	t.Parallel()
	w := testnet.NewWorld(t)
	a := w.Node("a")
	sub := w.Start("sub", "chat", "--node", "a")
	testnet.Until(t, "it listens", func() bool { return subscribed(t, a, "chat") == 1 })
	term := testnet.Figures{What: "SIGTERM to the end"}
	kill := testnet.Figures{What: "kill -9 to the next life's socket"}
	for range testnet.Runs(4, 200) {
		endsInOrder(t, w, a, &term)
		killedAndStarted(t, w, a, &kill)
	}
	a.CheckLaws(t)
	term.Check(t, 0, 2*time.Second)
	kill.Check(t, 0, 2*time.Second)
	sub.Kill()
}

func endsInOrder(t *testing.T, w *testnet.World, a *testnet.Node, took *testnet.Figures) {
	t.Helper()
	mark := a.Mark()
	b := w.Node("b", "--seed", a.Addr)
	a.Await(t, mark, b.Name, testnet.Joined...)
	b.AwaitUp(t, a.Name)
	testnet.Until(t, "the member is known", func() bool { return subscribed(t, b, "chat") == 1 })
	if r := b.Publish(t, "chat", "last words"); r.Members != 1 || r.Dropped != 0 {
		t.Errorf("receipt %+v", r)
	}
	mark = a.Mark()
	begin := time.Now()
	b.Signal(t, syscall.SIGTERM)
	if code := b.Wait(t, testnet.Patience); code != 0 {
		t.Errorf("exit status %d", code)
	}
	took.Add(time.Since(begin))
	e := a.Await(t, mark, b.Name, testnet.Gone...)
	if want(t, e, "goodbye"); e.Type != "peer.leave" {
		t.Errorf("it left by %+v", e)
	}
	if _, err := os.Lstat(w.Socket("b")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its socket: %v", err)
	}
}

func killedAndStarted(t *testing.T, w *testnet.World, a *testnet.Node, took *testnet.Figures) {
	t.Helper()
	mark := a.Mark()
	b := w.Node("b", "--seed", a.Addr)
	a.Await(t, mark, b.Name, testnet.Joined...)
	b.Kill()
	if _, err := os.Lstat(w.Socket("b")); err != nil {
		t.Errorf("the socket of a killed node: %v", err)
	}
	begin := time.Now()
	next := w.Node("b", "--seed", a.Addr)
	took.Add(time.Since(begin))
	next.Kill()
	a.Await(t, a.Mark()-1, b.Name, testnet.Gone...)
}
