package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
)

// subFlush is how much output is gathered while messages keep coming.
const subFlush = 64 << 10

// unreadPeriod is how often a subscription looks whether somebody still reads.
const unreadPeriod = 250 * time.Millisecond

// Why a subscription ended by itself.
var (
	errUnread  = errors.New("nobody reads the output any more")
	errIdle    = errors.New("nothing came for as long as --idle says")
	errSubLate = errors.New("the time of --timeout is over")
)

// subCommand is `liminal sub`.
func (a *app) subCommand() *cli.Command {
	return &cli.Command{
		Name:      "sub",
		Usage:     "print messages as they arrive",
		ArgsUsage: "CHANNEL...",
		Description: "Into a pipe: each payload and a newline, nothing else. On a terminal: time, channel,\n" +
			"sender and the payload made safe to show. --json: one object a line.\n" +
			"It runs until one of --count (exit 0), --idle (0), --timeout (124 if --count was not\n" +
			"reached, else 0), Ctrl-C (130), a closed pipe (0), or the end of the node (69). There is\n" +
			"no time limit unless --timeout is given here; the environment and the file set none.\n" +
			"Messages that a slow reader has lost are counted on stderr, or as drop records; --policy\n" +
			"block holds up publishers of this node instead, and nobody on others.\n" + execDescription,
		Flags: append(execFlags(), clientFlags(
			&cli.IntFlag{Name: "count", Usage: "end after `N` messages", DefaultText: "no limit"},
			&cli.StringFlag{Name: "idle", Usage: "end when nothing came for `DUR`", DefaultText: "never"},
			&cli.StringFlag{Name: "delimiter", Usage: `what follows each message; \0 \n \r \t \\ are escapes, ` + "`STR`", DefaultText: "a newline"},
			&cli.BoolFlag{Name: "raw", Usage: "payloads as they are, on a terminal too"},
			&cli.StringFlag{Name: "policy", Usage: "when this reader is too slow: " + strings.Join(subPolicies, ", ") + ", `WORD`", DefaultText: subPolicies[0]},
		)...),
		Action: a.action(command{min: 1, max: -1, settings: true}, runSub),
	}
}

var subPolicies = []string{control.PolicyDropOldest, control.PolicyBlock, control.PolicyDisconnect}

// messages is what a subscription gives; a *control.Stream.
type messages interface {
	Next(m *control.Message) error
	Buffered() bool
}

// sub is one `liminal sub`.
type sub struct {
	*call
	subFlags
	print  printer
	exec   *runner // nil without --exec
	cancel context.CancelCauseFunc
	idling *time.Timer

	stood  bool // the subscription did
	buf    []byte
	seen   int
	missed uint64 // lost, in all
	lost   lossNotes
}

func runSub(ctx context.Context, c *call) error {
	flags, err := c.subFlags()
	if err != nil {
		return err
	}
	programs, err := newRunner(c)
	if err != nil {
		return err
	}
	t, err := c.pick()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &sub{call: c, subFlags: flags, cancel: cancel, print: c.printer(flags), exec: programs, lost: lossNotes{out: c.out, now: c.env.Now}}
	stream, end, err := s.open(ctx, t)
	defer end()
	if err == nil {
		defer stream.Close()
		s.stood = true
		s.tellStanding(ctx, t)
		unwatch := whileRead(ctx, s.env, func() { s.cancel(errUnread) })
		err = s.take(ctx, stream)
		unwatch()
	}
	return s.exec.after(s.ended(ctx, t, err))
}

// open subscribes. The call may take as long as any other; what stands then has
// no limit but the one asked for.
func (s *sub) open(ctx context.Context, t *target) (*control.Stream, func(), error) {
	end := func() {}
	limit, cause := s.set.timeout(), error(context.DeadlineExceeded)
	if s.limited {
		cause = errSubLate
	}
	if limit > 0 {
		late := time.AfterFunc(limit, func() { s.cancel(cause) })
		end = func() { late.Stop() }
	}
	stream, err := t.Subscribe(ctx, control.SubscribeRequest{Channels: s.args, Policy: s.policy})
	if !s.limited {
		end()
	}
	return stream, end, err
}

// tellStanding tells that no message will be missed from here on.
func (s *sub) tellStanding(ctx context.Context, t *target) {
	if !s.out.verbose {
		if s.out.form == formTerminal && s.env.StderrTTY { // else it is mute until the first message
			s.out.note("listening on %s; Ctrl-C ends\n", strings.Join(s.args, ", "))
		}
		return
	}
	name := t.name
	if status, err := t.Status(ctx); err == nil {
		name = status.Node
	}
	s.out.note("subscribed to %s on %s\n", strings.Join(s.args, ", "), name)
}

// take prints messages, or hands them to programs.
func (s *sub) take(ctx context.Context, from messages) error {
	if s.exec == nil {
		return s.copy(from)
	}
	s.exec.endWith(s.cancel)
	return s.hand(ctx, from)
}

// copy prints messages until the count is reached or the stream ends. What is
// gathered goes out before each wait, so that a lone message is seen at once.
func (s *sub) copy(from messages) error {
	var m control.Message
	for s.count == 0 || s.seen < s.count {
		if err := s.next(from, &m); err != nil {
			return errors.Join(s.flush(), err)
		}
		s.missed += m.Lost
		if m.Lost > 0 && s.out.form != formJSON { // JSON has a record for it
			if err := s.flush(); err != nil {
				return err
			}
			s.lost.add(m.Lost)
		}
		s.buf = s.print.line(s.buf, &m)
		s.seen++
		if len(s.buf) >= subFlush {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	return s.flush()
}

func (s *sub) next(from messages, m *control.Message) error {
	if from.Buffered() {
		return from.Next(m)
	}
	if err := s.flush(); err != nil {
		return err
	}
	if s.idle > 0 {
		s.startIdle()
		defer s.idling.Stop()
	}
	return from.Next(m)
}

// startIdle counts the time in which we wait for a message, and not that in
// which our own reader keeps us waiting.
func (s *sub) startIdle() {
	if s.idling == nil {
		s.idling = time.AfterFunc(s.idle, func() { s.cancel(errIdle) })
		return
	}
	s.idling.Reset(s.idle)
}

// writeError is a failed write of messages.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

func (s *sub) flush() error {
	if len(s.buf) == 0 {
		return nil
	}
	err := s.out.stream(s.buf)
	s.buf = s.buf[:0]
	if err != nil {
		return &writeError{err}
	}
	return nil
}

// ended gives the end of a subscription its status.
func (s *sub) ended(ctx context.Context, t *target, err error) error {
	s.lost.tell()
	var broken *writeError
	cause := context.Cause(ctx)
	switch {
	case err == nil: // the count is reached
		return nil
	case errors.As(err, &broken) && errors.Is(broken.err, syscall.EPIPE):
		return nil // whoever read has seen enough
	case errors.Is(cause, errUnread), errors.Is(cause, errExecStop):
		return nil
	case errors.As(err, &broken):
		return fail("output", "cannot write the messages", broken.err.Error(), "liminal help output")
	case errors.Is(cause, errIdle):
		return nil
	case errors.Is(cause, errSubLate):
		return s.late(t)
	case cause != nil && isCancel(cause):
		return cause
	}
	return s.gone(t, err)
}

// late is the end of --timeout: it says no only where something was counted, or
// where the node never answered.
func (s *sub) late(t *target) error {
	switch {
	case !s.stood:
		return t.explainCall(context.DeadlineExceeded, "sub", s.set.timeout())
	case s.count == 0:
		return nil
	}
	return fail("timeout", fmt.Sprintf("timed out after %s: %d of %s came", durationText(s.set.timeout()), s.seen, count(s.count, "message")),
		s.missing(), "raise --timeout")
}

// missing says where the messages are that did not come.
func (s *sub) missing() string {
	if s.missed > 0 {
		return countWide(s.missed, "message", "messages") + " were lost here (this reader was too slow); no more came"
	}
	return "no more came on " + strings.Join(s.args, ", ")
}

// gone is an end that the node made.
func (s *sub) gone(t *target, err error) error {
	var told *control.Error
	var dial *control.DialError
	switch {
	case errors.As(err, &told), errors.As(err, &dial), errors.Is(err, control.ErrNotControl), errors.Is(err, context.DeadlineExceeded):
		return t.explainCall(err, "sub", s.set.timeout())
	case s.policy == control.PolicyDisconnect && s.answers(t):
		return fail("slow", "the subscription was ended", "this reader was too slow, and --policy disconnect was asked for",
			"liminal sub CHANNEL --policy drop_oldest")
	case errors.Is(err, control.ErrStreamEnd):
		return fail("node_stopped", "the node has stopped", "it ended the subscription", "liminal node start")
	}
	return fail("node_stopped", "the node is gone", strings.TrimPrefix(err.Error(), "control: subscribe: "), "liminal status")
}

// answers reports whether the node is still there.
func (s *sub) answers(t *target) bool {
	ctx, cancel := context.WithTimeout(context.Background(), localLimit)
	defer cancel()
	_, err := t.Status(ctx)
	return err == nil
}
