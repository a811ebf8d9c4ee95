package cli

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/display"
)

// explained is an error as people get it, with the one that it explains, for
// --verbose.
type explained struct {
	told  *control.Error
	cause error
}

func (e *explained) Error() string   { return e.told.Error() }
func (e *explained) Unwrap() []error { return []error{e.told, e.cause} }

// because keeps what told explains. What is no explanation, or has nothing to
// explain, stays as it is.
func because(told, cause error) error {
	e, ok := told.(*control.Error)
	if !ok || e == nil || cause == nil || errors.Is(cause, told) {
		return told
	}
	return &explained{e, cause}
}

// maxCauses bounds what is shown of a tree of errors.
const maxCauses = 12

// causesOf are the errors that err explains, the outermost first, each text once.
func causesOf(err error) []string {
	var e *explained
	if !errors.As(err, &e) {
		return nil
	}
	var texts []string
	collectCauses(e.cause, &texts)
	return texts
}

func collectCauses(err error, texts *[]string) {
	if err == nil || len(*texts) == maxCauses {
		return
	}
	if text := err.Error(); len(*texts) == 0 || (*texts)[len(*texts)-1] != text {
		*texts = append(*texts, text)
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, inner := range several.Unwrap() {
			collectCauses(inner, texts)
		}
		return
	}
	collectCauses(errors.Unwrap(err), texts)
}

// verboseFailure is the object of a failed command with --json and --verbose.
type verboseFailure struct {
	Error verboseError `json:"error"`
}

type verboseError struct {
	*control.Error
	Causes []string `json:"causes"`
}

// callTrace tells of control calls on stderr, for --verbose. A call that comes
// again at once, as those that wait make, is told once a second. With --json
// stderr is for the one object of a failure, so there it says nothing.
type callTrace struct {
	out *output
	now func() time.Time

	mu   sync.Mutex
	last string
	told time.Time
}

func newCallTrace(c *call) *callTrace {
	if !c.out.verbose || c.out.form == formJSON {
		return nil
	}
	return &callTrace{out: c.out, now: c.env.Now}
}

// tell is of one call and how it ended.
func (t *callTrace) tell(call, how string, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if what := call + how; what != t.last || now.Sub(t.told) >= time.Second {
		t.last, t.told = what, now
		t.out.complain(say("liminal: call %s: %s in %s\n", call, how, display.RTT(max(took, time.Microsecond))))
	}
}

// traced runs one control call of t.
func traced[T any](t *target, call string, do func() (T, error)) (T, error) {
	if t.trace == nil {
		return do()
	}
	began := t.trace.now()
	doc, err := do()
	how := "done"
	if err != nil {
		how = err.Error()
	}
	t.trace.tell(call, how, t.trace.now().Sub(began))
	return doc, err
}

// The calls of a target are those of its client, told with --verbose.

func (t *target) Status(ctx context.Context) (control.Status, error) {
	return traced(t, "status", func() (control.Status, error) { return t.Client.Status(ctx) })
}

func (t *target) Peers(ctx context.Context, f control.Filter) (control.Peers, error) {
	return traced(t, "peers", func() (control.Peers, error) { return t.Client.Peers(ctx, f) })
}

func (t *target) Join(ctx context.Context, r control.JoinRequest) (control.Join, error) {
	return traced(t, "join", func() (control.Join, error) { return t.Client.Join(ctx, r) })
}

func (t *target) Leave(ctx context.Context, r control.LeaveRequest) (control.Leave, error) {
	return traced(t, "leave", func() (control.Leave, error) { return t.Client.Leave(ctx, r) })
}

func (t *target) Forget(ctx context.Context, r control.ForgetRequest) (control.Forget, error) {
	return traced(t, "forget", func() (control.Forget, error) { return t.Client.Forget(ctx, r) })
}

func (t *target) Channels(ctx context.Context, names []string) (control.Channels, error) {
	return traced(t, "channels", func() (control.Channels, error) { return t.Client.Channels(ctx, names) })
}

func (t *target) Publish(ctx context.Context, r control.PublishRequest, body io.Reader) (control.Published, error) {
	return traced(t, "publish", func() (control.Published, error) { return t.Client.Publish(ctx, r, body) })
}

func (t *target) Subscribe(ctx context.Context, r control.SubscribeRequest) (*control.Stream, error) {
	return traced(t, "subscribe", func() (*control.Stream, error) { return t.Client.Subscribe(ctx, r) })
}

// Watch is told when it ends.
func (t *target) Watch(ctx context.Context, r control.WatchRequest, fn func(control.Event) error) error {
	_, err := traced(t, "watch", func() (struct{}, error) { return struct{}{}, t.Client.Watch(ctx, r, fn) })
	return err
}
