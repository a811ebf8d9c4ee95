package cli

import (
	"context"
	"errors"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/control"
)

// pubGrace is how long an interrupted publish waits to hear from the node what
// it has sent, and how much longer than its wait a call may take.
const pubGrace = time.Second

// pubCommand is `liminal pub`.
func (a *app) pubCommand() *cli.Command {
	return &cli.Command{
		Name:      "pub",
		Usage:     "publish arguments, stdin or a file",
		ArgsUsage: "CHANNEL [MESSAGE...]",
		Description: "Each MESSAGE is one message. Without any, stdin is one message, or with --lines each\n" +
			"of its lines; --file reads a file in its place. Bytes go out as they are.\n" +
			"A channel orders is the group <<\"orders\">> of Erlang's pg, :orders the group orders.\n" +
			"--timeout bounds --wait, and with a MESSAGE the whole call; a stream may last for ever.\n" +
			"A refused message ends it with 65; --keep-going sends the rest first. Exits 1 if copies\n" +
			"for peers were dropped. A note on stderr says whom it reached; --json says it on stdout.",
		Flags: clientFlags(
			waitFlag("hold until N are there: subscribers of this node and members elsewhere (a liminal node is one)"),
			&cli.StringFlag{Name: "file", Usage: "publish what is in `PATH`; - is stdin"},
			&cli.BoolFlag{Name: "lines", Usage: "each line is a message, without its ending"},
			&cli.BoolFlag{Name: "empty", Usage: "send empty messages too, where they are refused otherwise"},
			&cli.BoolFlag{Name: "keep-going", Usage: "pass over refused messages"},
		),
		Action: a.action(command{min: 1, max: -1, settings: true}, runPub),
	}
}

// pub is one `liminal pub`.
type pub struct {
	*call
	req control.PublishRequest
	src source
}

func runPub(ctx context.Context, c *call) error {
	p, err := c.newPub()
	if err != nil {
		return err
	}
	defer p.src.close()
	t, err := p.find(ctx)
	if err != nil {
		return err
	}
	shown := p.startProgress()
	doc, err := p.send(ctx, t)
	shown.end()
	if err != nil {
		return p.failed(ctx, t, err)
	}
	return p.told(ctx, doc)
}

func (c *call) newPub() (*pub, error) {
	p := &pub{call: c, req: control.PublishRequest{
		Channel: c.args[0], Wait: c.cli.Int("wait"), KeepGoing: c.cli.Bool("keep-going"), Empty: c.cli.Bool("empty"),
	}}
	if p.req.Channel == "" {
		return nil, usage("CHANNEL is empty", "a channel is a name such as orders", c.cli.Command)
	}
	if p.req.Wait < 0 {
		return nil, usage("--wait takes a number from 0 on", "it counts those who listen", c.cli.Command)
	}
	var err error
	p.src, err = c.source(c.args[1:])
	p.req.Framing = p.src.framing
	return p, err
}

// find picks the node. With --wait one that is not there yet may still come;
// what is left of the time is for those who shall listen.
func (p *pub) find(ctx context.Context) (*target, error) {
	if p.req.Wait == 0 {
		return p.pick()
	}
	began := p.env.Now()
	var found *target
	err := p.wait(ctx, func(ctx context.Context, t *target) (bool, error) {
		found = t
		_, err := t.Status(ctx)
		return err == nil, err
	})
	if late := (*lateError)(nil); errors.As(err, &late) {
		return nil, p.nodeLate(late)
	}
	if limit := p.set.timeout(); limit > 0 {
		// Tenths, so that the node tells of the time-out as it was typed.
		p.req.Timeout = max(limit-p.env.Now().Sub(began).Truncate(100*time.Millisecond), time.Millisecond)
	}
	return found, err
}

// nodeLate is for a wait whose time was over before any node answered.
func (c *call) nodeLate(late *lateError) error {
	if late.last == nil {
		return fail("timeout", late.Error(), "the node did not answer", "liminal status, or raise --timeout")
	}
	e := asError(late.last)
	return fail("timeout", joinWords(": ", late.Error(), e.Message), e.Why, e.Try+", or raise --timeout")
}

// send publishes. Its call outlives ctx for a moment: an interrupted stream
// ends in order, so that the node can say what it has sent.
func (p *pub) send(ctx context.Context, t *target) (control.Published, error) {
	call, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	if limit := p.limit(); limit > 0 {
		late := time.AfterFunc(limit, func() { cancel(context.DeadlineExceeded) })
		defer late.Stop()
	}
	stop := context.AfterFunc(ctx, func() {
		if p.src.feed == nil || !p.src.feed.stop() {
			cancel(context.Cause(ctx))
			return
		}
		time.AfterFunc(pubGrace, func() { cancel(context.Cause(ctx)) })
	})
	defer stop()
	return t.Publish(call, p.req, p.src.body)
}

// limit is 0 for a stream, which may last as long as it likes.
func (p *pub) limit() time.Duration {
	limit := p.set.timeout()
	if limit == 0 || p.src.feed != nil {
		return 0
	}
	if p.req.Wait > 0 {
		return limit + pubGrace // the node times the wait
	}
	return limit
}

// failed says why there is no receipt.
func (p *pub) failed(ctx context.Context, t *target, err error) error {
	if told := (*control.Error)(nil); errors.As(err, &told) {
		return pubAdvice(told, p.req.Channel)
	}
	if ctx.Err() != nil {
		if f := p.src.feed; f != nil && f.sent.Load() > 0 {
			p.out.note("liminal: stopped after %s of input; what the node had sent of it is not known\n", amountText(f.sent.Load()))
		}
		return context.Cause(ctx)
	}
	if bad := p.src.failed(); bad != nil {
		return bad
	}
	told := t.explainCall(err, fullName(p.cli.Command), p.set.timeout())
	if asError(told).Code == "control" && !errors.Is(err, control.ErrNotControl) {
		return fail("node_stopped", "the node is gone; what it had sent is not known", err.Error(), "liminal status")
	}
	return told
}

// told shows the receipt and judges it.
func (p *pub) told(ctx context.Context, doc control.Published) error {
	if p.out.form == formJSON {
		if err := p.out.json(doc); err != nil {
			return err
		}
	} else {
		p.out.note("%s\n", publishedText(doc))
	}
	bad := p.src.failed()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case bad != nil:
		return bad
	case p.out.form == formJSON && doc.Dropped > 0:
		return exitError(exits["dropped"]) // the document says it
	case p.out.form == formJSON && doc.Refused > 0:
		return exitError(exits["message_refused"])
	case doc.Dropped > 0:
		return fail("dropped", countWide(doc.Dropped, "copy", "copies")+" dropped of what was published to "+doc.Channel,
			orElse(lossText(doc.Peers), "a link was full, or went down"), "liminal peers (how the links are), then publish again")
	case doc.Refused > 0:
		return pubAdvice(fail("message_refused", countWide(doc.Refused, "message", "messages")+" refused; "+grouped(doc.Messages)+" sent",
			text(doc.FirstRefused), ""), doc.Channel)
	}
	return nil
}

// pubAdvice says what to type here; the node knows calls, not flags.
func pubAdvice(e *control.Error, channel string) *control.Error {
	with := *e
	switch e.Code {
	case "message_size":
		with.Try = "raise channels.max_message there, or split the input"
	case "message_empty":
		with.Try = "liminal pub " + typedWord(channel) + " --empty (sends them), or --keep-going (passes over them)"
	case "message_refused":
		with.Try = "split the input, or raise channels.max_message there; --empty sends empty ones"
	}
	return &with
}
