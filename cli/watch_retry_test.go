package cli

import (
	"context"
	"io"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/config"
	"github.com/liminal-bus/liminal/internal/control"
)

// emptyStreams is a source whose streams end at once. Only those named in gives
// have an event.
type emptyStreams struct {
	*fakeFeed
	gives map[int]bool
	began []time.Duration
	start time.Time
	stop  func()
}

func (s *emptyStreams) Watch(ctx context.Context, _ control.WatchRequest, fn func(control.Event) error) error {
	s.began = append(s.began, time.Since(s.start))
	switch n := len(s.began); {
	case n == 9:
		s.stop()
		return context.Cause(ctx)
	case s.gives[n]:
		return fn(happened(uint64(n), control.EventJoin, "b@dev"))
	}
	return control.ErrStreamEnd
}

func (s *emptyStreams) Channels(context.Context, []string) (control.Channels, error) {
	return control.Channels{}, nil
}

// TestWatchPausesGrow while streams give nothing, and begin anew once one does.
func TestWatchPausesGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		source := &emptyStreams{fakeFeed: newFakeFeed(), gives: map[int]bool{7: true}, start: time.Now(), stop: cancel}
		v := defaultValues(t)
		out := &output{stdout: io.Discard, stderr: io.Discard}
		s := &eventStream{call: &call{set: &settings{Values: v}, out: out}, watchFlags: watchFlags{reconnect: true}, write: jsonEvents{out}}
		s.at = &watched{Source: source, node: "a@dev"}
		if err := s.run(ctx); !isCancel(err) {
			t.Fatal(err)
		}
		var pauses []time.Duration
		for i := 1; i < len(source.began); i++ {
			pauses = append(pauses, source.began[i]-source.began[i-1])
		}
		ms := time.Millisecond
		// The event of the seventh stream makes the pause after it short again.
		want := []time.Duration{250 * ms, 500 * ms, 1000 * ms, 2000 * ms, 4000 * ms, 4000 * ms, 250 * ms, 500 * ms}
		if !reflect.DeepEqual(pauses, want) {
			t.Errorf("pauses %v, want %v", pauses, want)
		}
	})
}

// defaultValues are the settings of a machine without any.
func defaultValues(t *testing.T) *config.Values {
	t.Helper()
	v, err := config.Load(config.Options{Getenv: func(string) string { return "" }, Home: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return v
}
