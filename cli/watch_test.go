package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/tui"
)

// watchFeed is a story for the tests of forms.
func watchFeed() []control.Event {
	down := happened(212, control.EventDown, "b@dev")
	down.Detail = "connection reset by peer"
	sub := happened(213, control.EventSubAdd, "c\x7f@dev")
	sub.Channel = "orders"
	return append(aSnapshot(211), happened(211, control.EventBookmark, ""), down, sub, happened(214, "peer.moved", "d@dev"), happened(215, control.EventStopping, ""))
}

const stoppedText = "liminal: a@dev has stopped\n  why: it ended the stream\n  try: liminal node start --name a\n"

// TestWatchForms: the same events in every form, each ending with the node.
func TestWatchForms(t *testing.T) {
	local := noon.Local().Format(time.TimeOnly) + " "
	snapshot := "@2 peers: 1 up, 1 down\n@b@dev is up (liminal, 127.0.0.1:40122, 0.3 ms)\n@c@dev is down: no tick for 60 s (liminal, 10.0.0.7:9100)\n"
	for _, test := range []struct {
		name string
		args []string
		tty  bool
		env  string
		want string // @ is the stamp
	}{
		{"pipe", nil, false, "", snapshot + "@b@dev is down: connection reset by peer\n@c\\x7f@dev subscribed to orders\n@d@dev peer.moved\n@a@dev is stopping\n"},
		{"bookmarks", []string{"--bookmarks", "--events", "sub.add"}, false, "", "@nothing new since 7f3a:211\n@c\\x7f@dev subscribed to orders\n"},
		{"groups", []string{"--events", "peer,snapshot", "--events", "node.stopping"}, false, "", snapshot + "@b@dev is down: connection reset by peer\n@a@dev is stopping\n"},
		{"only subs", []string{"--events", "sub"}, false, "", "@c\\x7f@dev subscribed to orders\n"},
		{"--plain on a terminal", []string{"--plain", "--events", "peer"}, true, "", "@b@dev is down: connection reset by peer\n"},
		{"a terminal without colour", []string{"--events", "peer", "--color=never"}, true, "", "@b@dev is down: connection reset by peer\n"},
		{"a dumb terminal", nil, true, "TERM=dumb", snapshot + "@b@dev is down: connection reset by peer\n@c\\x7f@dev subscribed to orders\n@d@dev peer.moved\n@a@dev is stopping\n"},
		{"colour", []string{"--events", "peer"}, true, "", "\x1b[2m" + strings.TrimSpace(local) + "\x1b[0m b@dev \x1b[1;31mis down:\x1b[0m connection reset by peer\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := busEnv(t, newFakeFeed(ends(watchFeed()...)))
			env.StdinTTY, env.StdoutTTY = test.tty, test.tty
			if name, value, _ := strings.Cut(test.env, "="); name != "" {
				env.Getenv = with(env.Getenv, name, value)
			}
			env.Screen = func(context.Context, tui.Options) error { t.Error("a screen"); return nil }
			at := stamp
			if test.tty {
				at = local
			}
			r := runIn(t, env, append([]string{"watch"}, test.args...)...)
			if want := strings.ReplaceAll(strings.ReplaceAll(test.want, "@dev", "%"), "@", at); r.stdout != strings.ReplaceAll(want, "%", "@dev") {
				t.Errorf("%s\nwant\n%s", r.stdout, want)
			}
			if r.code != 69 || r.stderr != stoppedText {
				t.Errorf("exit %d: %s", r.code, r.stderr)
			}
		})
	}
}

func with(getenv func(string) string, name, value string) func(string) string {
	return func(asked string) string {
		if asked == name {
			return value
		}
		return getenv(asked)
	}
}

// TestWatchJSON: each line is the event as it came, types of later times too.
func TestWatchJSON(t *testing.T) {
	r := runIn(t, busEnv(t, newFakeFeed(ends(watchFeed()...))), "watch", "--json", "--bookmarks")
	var got []control.Event
	for line := range strings.Lines(r.stdout) {
		var e control.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err, line)
		}
		got = append(got, e)
	}
	if !reflect.DeepEqual(got, watchFeed()) {
		t.Errorf("%s", r.stdout)
	}
	if strings.ContainsRune(r.stdout, 0x7f) {
		t.Errorf("a control character: %q", r.stdout)
	}
	var f control.Failure
	decodeFailure(t, r.stderr, &f)
	if r.code != 69 || f.Error.Code != "node_stopped" {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

// TestWatchAtOnce: an event is out before the next one happens.
func TestWatchAtOnce(t *testing.T) {
	for _, form := range []string{"--json", "--plain"} {
		next := make(chan bool)
		feed := newFakeFeed(func(ctx context.Context, emit func(...control.Event) error) error {
			for seq := range uint64(3) {
				if err := emit(happened(seq, control.EventSubAdd, "b@dev")); err != nil {
					return err
				}
				<-next
			}
			return forEver(ctx)
		})
		r := startIn(t, busEnv(t, feed), "watch", form)
		for range 3 {
			r.line(r.stdout, "b@dev")
			next <- true
		}
		r.signals <- os.Interrupt
		r.exits(130)
	}
}

func TestWatchAsks(t *testing.T) {
	for text, want := range map[string]control.WatchRequest{
		"10m": {Last: 10 * time.Minute}, "212": {Resume: true, Since: 212}, "0": {Resume: true}, "7f3a:9": {Resume: true, Since: 9, Boot: "7f3a"},
	} {
		feed := newFakeFeed(ends(happened(1, control.EventJoin, "b@dev")))
		if r := runIn(t, busEnv(t, feed), "watch", "--since", text, "--count", "1"); r.code != 0 {
			t.Errorf("%s: %+v", text, r)
		}
		if got := feed.requests(); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}

func TestWatchRefuses(t *testing.T) {
	env := busEnv(t, newFakeFeed())
	for _, test := range [][]string{
		{"--since", "5x", `--since must be a duration, a time, SEQ or BOOT:SEQ, not "5x"`},
		{"--since", ":5", "not"}, {"--since", "-5m", "not"}, {"--since", "7f3a:", "not"}, {"--since", "99999999999999999999", "not"}, {"--since=", "", "not"},
		{"--events", "peer.dwn", "did you mean peer.down?"}, {"--events", "peer,,sub", `of type ""`}, {"--events", "bookmark", "the types are snapshot, peer, sub, node, peer.join"},
		{"--count", "0", "from 1 on"}, {"--plain", "--json", "exclude each other"}, {"x", "", "does not take"},
	} {
		args := slices.DeleteFunc(append([]string{"watch"}, test[:2]...), func(s string) bool { return s == "" })
		r := runIn(t, env, args...)
		if r.code != 64 || r.stdout != "" || !strings.Contains(r.stderr, test[2]) {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

// TestWatchEnds: the ends that are not the node's.
func TestWatchEnds(t *testing.T) {
	joins := []control.Event{happened(1, control.EventJoin, "b@dev"), happened(2, control.EventJoin, "c@dev")}
	for _, test := range []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"count", []string{"--count", "2"}, 0, ""},
		{"the snapshot does not count", []string{"--count", "2", "--events", "snapshot,peer"}, 0, ""},
		{"timeout", []string{"--timeout", "400ms"}, 0, ""},
		{"timeout before the count", []string{"--timeout", "400ms", "--count", "3"}, 124, "timed out after 400ms: 2 of 3 events came"},
		{"count before the timeout", []string{"--timeout", "20s", "--count", "2"}, 0, ""},
	} {
		r := runIn(t, busEnv(t, newFakeFeed(happens(append(aSnapshot(0), joins...)...))), append([]string{"watch"}, test.args...)...)
		if r.code != test.code || !strings.Contains(r.stderr, test.stderr) || test.stderr == "" && r.stderr != "" {
			t.Errorf("%s: %+v", test.name, r)
		}
		if !strings.Contains(r.stdout, "c@dev joined") || !strings.Contains(r.stdout, "2 peers: ") {
			t.Errorf("%s: %s", test.name, r.stdout)
		}
	}
	t.Run("nobody reads", func(t *testing.T) {
		env := busEnv(t, newFakeFeed(happens()))
		env.Unread = func() bool { return true }
		if r := runIn(t, env, "watch"); r.code != 0 || r.stderr != "" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a write fails", func(t *testing.T) {
		env := busEnv(t, newFakeFeed(happens(joins...)))
		for want, err := range map[int]error{0: syscall.EPIPE, 74: errors.New("disk full")} {
			env.Stdout, env.Stderr = failingWriter{err}, &syncBuffer{}
			if code := Main(t.Context(), env, []string{"watch", "--reconnect"}); code != want {
				t.Errorf("%v: exit %d, want %d", err, code, want)
			}
		}
	})
	t.Run("a cut", func(t *testing.T) {
		feed := newFakeFeed(func(_ context.Context, emit func(...control.Event) error) error {
			return errors.Join(emit(joins...), errors.New("broke"))
		})
		if r := runIn(t, busEnv(t, feed), "watch"); r.code != 1 || !strings.Contains(r.stderr, "the stream was ended") {
			t.Errorf("%+v", r)
		}
	})
}

type failingWriter struct{ err error }

func (f failingWriter) Write([]byte) (int, error) { return 0, f.err }

// TestWatchNoNode: an error without --reconnect, also where the screen would
// open; with it, and a time limit, one that says what it waited for.
func TestWatchNoNode(t *testing.T) {
	env := testEnv(t)
	for _, args := range [][]string{{"watch"}, {"watch", "--json"}, {"watch", "--since", "1m"}} {
		if r := runIn(t, onScreen(env, nil), args...); r.code != 69 || !strings.Contains(r.stderr, "no node is running") {
			t.Errorf("%v: %+v", args, r)
		}
	}
	r := runIn(t, env, "watch", "--reconnect", "--timeout", "300ms")
	if r.code != 124 || !strings.HasPrefix(r.stderr, "liminal: waiting: no node is running") ||
		!strings.Contains(r.stderr, "liminal: timed out after 300ms\n  why: no node is running") {
		t.Errorf("%+v", r)
	}
	if r := runIn(t, env, "watch", "--reconnect", "--timeout", "300ms", "-q", "--count", "1"); r.code != 124 || strings.Contains(r.stderr, "waiting") {
		t.Errorf("%+v", r)
	}
}

// TestWatchReconnects: waits for the node, and after each loss asks for what
// follows the last event that was whole.
func TestWatchReconnects(t *testing.T) {
	lateSnap := aSnapshot(220)
	again := func(seq uint64) control.Event {
		e := happened(seq, control.EventSubAdd, "b@dev")
		e.Boot = "80"
		return e
	}
	feed := newFakeFeed(
		ends(append(aSnapshot(211), happened(212, control.EventDown, "b@dev"))...),
		ends(happened(212, control.EventBookmark, "")),
		ends(happened(220, control.EventGap, ""), lateSnap[0]), // a snapshot that is cut
		happens(again(3), again(4)),
	)
	env := testEnv(t)
	path := filepath.Join(env.Getenv("LIMINAL_RUNTIME_DIR"), "y.sock")
	r := startIn(t, env, "watch", "--reconnect", "--socket", path, "--count", "3")
	r.line(r.stderr, "liminal: waiting: no node answers on "+path)
	serve(t, feed, path)
	r.line(r.stdout, "b@dev is down")
	r.line(r.stderr, "liminal: lost a@dev, waiting for it: a@dev has stopped")
	r.line(r.stderr, "liminal: a@dev is back")
	r.line(r.stdout, "what follows is a fresh snapshot")
	r.line(r.stdout, "b@dev subscribed to")
	r.exits(0)
	resumed := control.WatchRequest{Resume: true, Since: 212, Boot: "7f3a"}
	if got, want := feed.requests(), []control.WatchRequest{{}, resumed, resumed, resumed}; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// TestWatchGoesOnWhereItWas: with a node that cuts its streams anywhere, what is
// printed is the log without a hole and without a repetition.
func TestWatchGoesOnWhereItWas(t *testing.T) {
	const all = 40
	var asked atomic.Int64
	feed := newFakeFeed()
	cutting := &cuttingFeed{fakeFeed: feed, all: all, asked: &asked}
	r := runIn(t, busEnv(t, cutting), "watch", "--reconnect", "--json", "--count", "40", "-q")
	var got []uint64
	for line := range strings.Lines(r.stdout) {
		var e control.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Seq)
	}
	var want []uint64
	for seq := range uint64(all) {
		want = append(want, seq+1)
	}
	if r.code != 0 || !slices.Equal(got, want) || asked.Load() < 3 {
		t.Errorf("exit %d, %d streams: %v", r.code, asked.Load(), got)
	}
}

// cuttingFeed keeps a log and ends each stream after 17 events, in order or not.
type cuttingFeed struct {
	*fakeFeed
	all   uint64
	asked *atomic.Int64
}

func (c *cuttingFeed) Watch(_ context.Context, r control.WatchRequest, emit func(control.Event) error) error {
	n := c.asked.Add(1)
	for seq := r.Since + 1; seq <= min(r.Since+17, c.all); seq++ {
		if err := emit(happened(seq, control.EventSubAdd, "b@dev")); err != nil {
			return err
		}
	}
	if n%2 == 0 {
		return nil
	}
	return errors.New("broke")
}
