package cli

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// liveWithin bounds every wait; nothing sleeps for it.
const liveWithin = 20 * time.Second

// startLive runs a node on loopback until the test ends.
func startLive(t *testing.T, name string, seeds ...string) *node.Node {
	t.Helper()
	n, err := node.Start(t.Context(), node.Config{
		Name: name + "@127.0.0.1", Cookie: node.NewCookie("a cookie for these tests"), EPMD: node.EPMDOff,
		Listen: "127.0.0.1:0", Seeds: seeds, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// lines reads a watch until done says so, and gives what came.
func lines(t *testing.T, c *control.Client, r control.WatchRequest, done func(control.Event) bool) (all []control.Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), liveWithin)
	defer cancel()
	enough := errors.New("enough")
	err := c.Watch(ctx, r, func(e control.Event) error {
		if all = append(all, e); done(e) {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatalf("%+v: %v after %+v", r, err, all)
	}
	return all
}

func ofType(types ...string) func(control.Event) bool {
	return func(e control.Event) bool {
		for _, want := range types {
			if e.Type == want {
				return true
			}
		}
		return false
	}
}

// A node behind its socket: watching from where a reader left, forgetting, and
// the short list.
func TestLiveNodeOverItsSocket(t *testing.T) {
	n := startLive(t, "a")
	path := filepath.Join(shortDir(t), "a.sock")
	back := testBackend(nil)
	back.node = embedded{n}
	serve(t, back, path)
	c := &control.Client{Socket: path}

	last := control.WatchRequest{Last: time.Minute}
	if e := lines(t, c, last, func(control.Event) bool { return true })[0]; e.Type != control.EventBookmark || e.Seq != 0 || e.Boot == "" {
		t.Errorf("nothing has happened, and the stream begins with %+v", e)
	}
	b := startLive(t, "b", n.ListenAddr()[0].String())
	sub, err := b.Subscribe(t.Context(), node.SubscribeOptions{}, "chat")
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	lines(t, c, control.WatchRequest{Resume: true}, ofType(control.EventJoin)) // from the first event on
	seen := lines(t, c, last, ofType(control.EventSubAdd))
	if e := seen[len(seen)-1]; seen[0].Type != control.EventJoin || e.Channel != "chat" || e.Name != b.Name() || *e.Subs != 1 {
		t.Errorf("the last minute: %+v", seen)
	}
	brief, err := c.Peers(t.Context(), control.Filter{Brief: true})
	if err != nil || len(brief.Peers) != 1 || brief.Peers[0].Subscriptions != nil || brief.Peers[0].Subs != 1 {
		t.Errorf("the short list: %+v, %v", brief.Peers, err)
	}

	at := seen[len(seen)-1]
	for _, boot := range []string{"beef", "no boot"} {
		got := lines(t, c, control.WatchRequest{Resume: true, Since: at.Seq, Boot: boot}, ofType(control.EventSnapshotEnd))
		if len(got) != 3 || got[0].Type != control.EventGap || got[1].Name != b.Name() {
			t.Errorf("resumed after boot %s: %+v", boot, got)
		}
	}

	forget := func(names ...string) []control.ForgetResult {
		doc, err := c.Forget(t.Context(), control.ForgetRequest{Names: names})
		if err != nil {
			t.Fatal(err)
		}
		return doc.Results
	}
	if r := forget("b"); r[0].Error == nil || r[0].Error.Code != "peer_up" || r[0].Error.Exit != 1 {
		t.Errorf("what is up: %+v", r)
	}
	b.Close()
	resume := control.WatchRequest{Resume: true, Since: at.Seq, Boot: at.Boot}
	lines(t, c, resume, ofType(control.EventLeave))
	if r := forget("b", "b"); r[0].Error != nil || *r[0].Name != b.Name() || *r[0].State != "left" || r[1].Error.Code != "unknown_peer" {
		t.Errorf("what is gone, twice: %+v", r)
	}
	got := lines(t, c, resume, ofType(control.EventForget))
	if e := got[len(got)-1]; e.Name != b.Name() || e.State != "left" || got[0].Type == control.EventGap {
		t.Errorf("resumed: %+v", got)
	}
}

// A wait polls the short list, and shows the long one.
func TestWaitAsksBriefly(t *testing.T) {
	b := &briefly{backend: testBackend(&fakeNode{
		status: node.Status{Name: "a@dev"}, peers: []node.Peer{{Name: "b@dev", State: node.StateUp, Subs: 1}},
	})}
	path := filepath.Join(shortDir(t), "a.sock")
	serve(t, b, path)
	at := &target{Client: control.Client{Socket: path}}
	for _, c := range []struct{ want, asked, names int }{{2, 1, 0}, {1, 2, 1}} {
		b.asked = nil
		got, err := peersView{}.waitLook(t.Context(), at, c.want)
		if err != nil || len(got.Peers) != 1 || len(got.Peers[0].Subscriptions) != c.names {
			t.Fatalf("waiting for %d: %+v, %v", c.want, got, err)
		}
		if len(b.asked) != c.asked || !b.asked[0].Brief || c.asked == 2 && b.asked[1].Brief {
			t.Errorf("waiting for %d asked %+v", c.want, b.asked)
		}
	}
}

// briefly remembers how it was asked for peers.
type briefly struct {
	*backend
	asked []control.Filter
}

func (b *briefly) Peers(ctx context.Context, f control.Filter) (control.Peers, error) {
	b.asked = append(b.asked, f)
	return b.backend.Peers(ctx, f)
}

// shortDir is a directory whose name is short enough for a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lim")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
