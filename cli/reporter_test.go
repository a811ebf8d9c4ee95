package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// toldTimes keeps what a reporter says, with the time in a bubble.
type toldTimes struct {
	mu    sync.Mutex
	start time.Time
	lines []string
}

func (l *toldTimes) add(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf("%v %s", time.Since(l.start), text))
}

// TestStatusIsLimited: at most one a second, only what is new, and the last
// state is never left out, also where no event tells of it.
func TestStatusIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := &toldTimes{start: time.Now()}
		r := &reporter{}
		r.life, r.cancel = context.WithCancel(t.Context())
		r.text = func() string { // changes every 300 ms, and from 3 s on no more
			return fmt.Sprint("state ", int(min(time.Since(told.start), 3*time.Second)/(300*time.Millisecond)))
		}
		r.group.Go(func() { r.statusLoopTo(r.life, told.add) })
		time.Sleep(10 * time.Second)
		r.end()
		if want := []string{"0s state 0", "1s state 3", "2s state 6", "3s state 10"}; !slices.Equal(told.lines, want) {
			t.Errorf("%q, want %q", told.lines, want)
		}
	})
}

// TestWatchdog: a node that is alive is told at half of what the unit allows; one
// that is stuck is not, however it is stuck, and one that recovers is again.
func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		told := &toldTimes{start: time.Now()}
		r := &reporter{period: 10 * time.Second, log: slog.New(slog.NewTextHandler(&log, nil))}
		r.life, r.cancel = context.WithCancel(t.Context())
		r.check = func(ctx context.Context) error {
			switch at := time.Since(told.start); {
			case at < 15*time.Second:
				return nil
			case at < 25*time.Second:
				return errors.New("no")
			case at < 45*time.Second:
				<-ctx.Done()
				return ctx.Err()
			}
			return pause(ctx, 4*time.Second) // slow, and alive
		}
		r.group.Go(func() { r.watchdogLoopTo(r.life, func() { told.add("alive") }) })
		time.Sleep(75 * time.Second)
		r.end()
		if want := []string{"0s alive", "10s alive", "54s alive", "1m4s alive", "1m14s alive"}; !slices.Equal(told.lines, want) {
			t.Errorf("%q, want %q", told.lines, want)
		}
		if n := strings.Count(log.String(), "the watchdog is not told"); n != 3 {
			t.Errorf("%d complaints:\n%s", n, &log)
		}
	})
}

func TestUnitStatus(t *testing.T) {
	peers := []node.Peer{{State: node.StateUp}, {State: node.StateSuspect}, {State: node.StateDown}, {State: node.StateDialling}, {State: node.StateLeft}}
	for _, test := range []struct {
		status node.Status
		peers  []node.Peer
		want   string
	}{
		{node.Status{Name: "a@dev", State: node.NodeUp}, nil, "a@dev: 0 peers up"},
		{node.Status{Name: "a@dev", State: node.NodeUp}, peers, "a@dev: 2 peers up, 1 suspect, 1 dialling, 1 down"},
		{node.Status{Name: "a@dev", State: node.NodeAlone}, nil, "a@dev: alone, it has left the cluster"},
		{node.Status{Name: "a@dev", State: node.NodeJoining, Seeds: make([]node.SeedStatus, 2)}, nil, "a@dev is joining: none of 2 seeds has answered"},
		{node.Status{Name: "a@dev", State: node.NodeJoining, Seeds: []node.SeedStatus{{Tries: 2}, {Tries: 1}}}, nil,
			"a@dev is joining: none of 2 seeds has answered (3 tries)"},
	} {
		if got := unitStatus(test.status, test.peers); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// stuckBackend is a control server that takes a call and gives no answer.
type stuckBackend struct{ *fakeBus }

func (stuckBackend) Status(ctx context.Context) (control.Status, error) {
	<-ctx.Done()
	return control.Status{}, ctx.Err()
}

// busyBackend answers, and refuses.
type busyBackend struct{ *fakeBus }

func (busyBackend) Status(context.Context) (control.Status, error) {
	return control.Status{}, fail("internal", "x", "", "")
}

// TestServiceAlive: what counts as a sign of life.
func TestServiceAlive(t *testing.T) {
	dir := shortDir(t)
	n, err := node.Start(t.Context(), node.Config{
		Name: "a@127.0.0.1", Listen: "127.0.0.1:0", EPMD: node.EPMDOff, Cookie: node.NewCookie("a-cookie-of-some-length"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	b := newFakeBus()
	serve(t, b, filepath.Join(dir, "well"))
	serve(t, busyBackend{b}, filepath.Join(dir, "busy"))
	serve(t, stuckBackend{b}, filepath.Join(dir, "stuck"))
	for _, test := range []struct {
		socket string
		alive  bool
	}{{"well", true}, {"busy", true}, {"removed", true}, {"stuck", false}} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		s := &service{Node: n, socket: filepath.Join(dir, test.socket)}
		if err := s.alive(ctx); (err == nil) != test.alive {
			t.Errorf("%s: %v", test.socket, err)
		}
		cancel()
	}
}
