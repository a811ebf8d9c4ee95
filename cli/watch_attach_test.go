package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/liminal-bus/liminal/internal/control"
)

// inProcess is a source without a socket, whose streams end in order when ctx
// does, as those of a look do.
type inProcess struct {
	*fakeFeed
	began chan struct{}
}

func (s inProcess) Watch(ctx context.Context, _ control.WatchRequest, _ func(control.Event) error) error {
	close(s.began)
	<-ctx.Done()
	return nil
}

func (inProcess) Channels(context.Context, []string) (control.Channels, error) {
	return control.Channels{}, nil
}

// TestWatchInProcessEnds: a stream that ends without an error ended for our own
// reason, also where it would go on after a loss.
func TestWatchInProcessEnds(t *testing.T) {
	term := &signalError{int(syscall.SIGTERM)}
	for _, test := range []struct {
		name  string
		cause error
		want  error
	}{
		{"a signal", term, term},
		{"nobody reads", errUnread, nil},
		{"--timeout", errSubLate, nil},
		{"a program failed", errExecStop, nil},
	} {
		for _, flags := range []watchFlags{{}, {reconnect: true}} {
			ctx, cancel := context.WithCancelCause(t.Context())
			source := inProcess{newFakeFeed(), make(chan struct{})}
			out := &output{stdout: io.Discard, stderr: io.Discard}
			set := &settings{Values: defaultValues(t)}
			s := &eventStream{call: &call{set: set, out: out}, watchFlags: flags, write: jsonEvents{out}}
			s.at = &watched{Source: source, node: "a@dev"}
			go func() { <-source.began; cancel(test.cause) }()
			err := s.run(ctx)
			if !errors.Is(err, test.cause) {
				t.Errorf("%s: the stream ends with %v", test.name, err)
			}
			if got := s.ended(ctx, err); !errors.Is(got, test.want) || (got == nil) != (test.want == nil) {
				t.Errorf("%s: %v, want %v", test.name, got, test.want)
			}
		}
	}
}

// TestWatchAttachedEnds: every end of a look at a real node has its status.
func TestWatchAttachedEnds(t *testing.T) {
	w := newWorld(t)
	address := w.node(long("a")...)
	for _, form := range []string{"--json", "--plain"} {
		watch := []string{"watch", form, "--attach", address}
		for want, sig := range map[int]os.Signal{130: os.Interrupt, 143: syscall.SIGTERM} {
			r := startIn(t, w.env, watch...)
			r.line(r.stdout, "a@127.0.0.1")
			r.signals <- sig
			r.exits(want)
		}
		unread := w.env
		unread.Unread = func() bool { return true }
		if r := runIn(t, unread, watch...); r.code != 0 || r.stderr != "" {
			t.Errorf("nobody reads, %s: %+v", form, r)
		}
	}
	if r := w.run("watch", "--json", "--attach", address, "--timeout", "2s"); r.code != 0 || r.stderr != "" {
		t.Errorf("--timeout: %+v", r)
	}
}
