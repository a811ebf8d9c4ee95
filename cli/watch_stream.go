package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// watchRetry is the first pause before a lost node is asked again; pauses double
// up to watchRetryMax while the node gives nothing.
const (
	watchRetry    = 250 * time.Millisecond
	watchRetryMax = 4 * time.Second
)

// errCounted ends a stream that has given what --count asks for.
var errCounted = errors.New("the count is reached")

// eventStream is one `liminal watch` that writes lines.
type eventStream struct {
	*call
	watchFlags
	write eventWriter
	exec  *runner  // nil without --exec
	at    *watched // nil until a node has answered
	next  control.WatchRequest
	seen  int  // events that count
	heard bool // the present stream has given something
}

func (c *call) watchLines(ctx context.Context, flags watchFlags) error {
	programs, err := newRunner(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &eventStream{call: c, watchFlags: flags, next: flags.from, write: c.eventWriter()}
	if programs != nil {
		s.handTo(ctx, programs, cancel)
	}
	if limit := c.set.timeout(); flags.limited && limit > 0 {
		late := time.AfterFunc(limit, func() { cancel(errSubLate) })
		defer late.Stop()
	}
	defer whileRead(ctx, c.env, func() { cancel(errUnread) })()
	err = s.run(ctx)
	s.at.close()
	return programs.after(s.ended(ctx, err))
}

// run streams until there is a reason to end.
func (s *eventStream) run(ctx context.Context) error {
	for wait := watchRetry; ; wait = min(2*wait, watchRetryMax) {
		back := s.at != nil
		at, err := s.await(ctx, s.reconnect, s.at)
		if err != nil {
			return err
		}
		s.at = at
		if back {
			s.out.note("liminal: %s is back\n", at.node)
		}
		if err = s.stream(ctx); !s.goesOn(ctx, err) {
			return err
		}
		s.out.note("liminal: lost %s, waiting for it: %s\n", at.node, asError(err).Message)
		if s.heard {
			wait = watchRetry
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

func (s *eventStream) goesOn(ctx context.Context, err error) bool {
	var broken *writeError
	if ctx.Err() != nil || errors.Is(err, errCounted) || errors.As(err, &broken) {
		return false
	}
	slow := asError(err).Code == "slow"
	if s.exec != nil && slow { // programs take their time, and nothing is lost by going on
		return true
	}
	return s.reconnect && (mends(err) || slow)
}

// stream gives one stream of events to the writer; its end is never nil.
func (s *eventStream) stream(ctx context.Context) error {
	s.write.begin(s.at.node, s.next, s.shows(control.EventSnapshotEnd))
	s.heard = false
	err := s.at.Watch(ctx, s.next, func(e control.Event) error {
		first := !s.heard
		s.heard = true
		return s.take(e, first)
	})
	return s.gone(ctx, err)
}

// take passes one event on and remembers where to resume. The middle of a
// snapshot is no such place: its rest would be lost.
func (s *eventStream) take(e control.Event, first bool) error {
	if s.shows(e.Type) {
		if err := s.write.event(e, first); err != nil {
			return err
		}
		if counts(e.Type) {
			s.seen++
		}
	}
	if e.Type != control.EventSnapshotPeer && e.Type != control.EventGap {
		s.next = control.WatchRequest{Resume: true, Since: e.Seq, Boot: e.Boot}
	}
	if s.count > 0 && s.seen >= s.count {
		return errCounted
	}
	return nil
}

// gone gives the end of a stream the words that people get, where the node made
// it; our own ends stay as they are. One that ctx made is that of ctx: a source
// in this process then ends its stream without an error.
func (s *eventStream) gone(ctx context.Context, err error) error {
	var told *control.Error
	var dial *control.DialError
	var broken *writeError
	switch {
	case errors.Is(err, errCounted), errors.As(err, &broken):
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &told), errors.As(err, &dial), errors.Is(err, control.ErrNotControl):
		return s.at.explain(err, s.set.timeout())
	case err == nil, errors.Is(err, control.ErrStreamEnd):
		return fail("node_stopped", s.at.node+" has stopped", "it ended the stream", s.bringBack())
	case errors.Is(err, io.ErrUnexpectedEOF) && s.answers():
		return fail("slow", "the stream was ended", "this reader took nothing for too long", "liminal watch --reconnect (goes on where it was)")
	}
	return fail("node_stopped", s.at.node+" is gone", strings.TrimPrefix(err.Error(), "control: watch: "), "liminal status")
}

// bringBack is the advice for a node that has stopped.
func (s *eventStream) bringBack() string {
	if s.at.at == nil {
		return "liminal watch --reconnect (waits for it)"
	}
	return startAgain(s.at.node)
}

// answers reports whether the node is still there.
func (s *eventStream) answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), localLimit)
	defer cancel()
	_, err := s.at.Status(ctx)
	return err == nil
}

// ended gives the end of the whole its status.
func (s *eventStream) ended(ctx context.Context, err error) error {
	var broken *writeError
	cause := context.Cause(ctx)
	switch {
	case errors.Is(err, errCounted), errors.As(err, &broken) && errors.Is(broken.err, syscall.EPIPE):
		return nil
	case errors.Is(cause, errUnread), errors.Is(cause, errExecStop):
		return nil
	case errors.As(err, &broken):
		return fail("output", "cannot write the events", broken.err.Error(), "liminal help output")
	case errors.Is(cause, errSubLate):
		return s.late(err)
	case cause != nil && isCancel(cause):
		return cause
	}
	return err
}

// late is the end of --timeout: a failure only where something was counted, or
// no node ever answered.
func (s *eventStream) late(err error) error {
	what := "timed out after " + durationText(s.set.timeout())
	var last *lastError
	switch {
	case s.at == nil && errors.As(err, &last):
		if last.last == nil {
			return fail("timeout", what, "the node did not answer", "raise --timeout")
		}
		e := asError(last.last)
		return fail("timeout", what, joinWords(": ", e.Message, e.Why), e.Try+", or raise --timeout")
	case s.count == 0:
		return nil
	}
	return fail("timeout", fmt.Sprintf("%s: %d of %s came", what, s.seen, count(s.count, "event")),
		"no more happened that was asked for", "raise --timeout")
}
