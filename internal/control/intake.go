package control

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// intake hands the messages of one body to a Publication.
type intake struct {
	r       PublishRequest
	pub     Publication
	cut     *cutter
	next    func(*cutter) ([]byte, error)
	seen    uint64 // messages begun
	sent    uint64
	refused uint64
	first   *string // why the first one was refused
}

// run goes on until the body ends, in order or not, or a message ends the call.
func (in *intake) run(ctx context.Context) error {
	for {
		msg, err := in.next(in.cut)
		if long := (*sizeError)(nil); errors.As(err, &long) {
			err = in.pub.TooLarge(long.size)
		}
		if err == io.EOF {
			return in.end()
		}
		if err != nil && refusal(err) == nil {
			return in.cutShort(ctx, err)
		}
		in.seen++
		if err == nil {
			err = in.publish(ctx, msg)
		}
		if err == nil {
			in.sent++
		} else if err := in.failed(ctx, err); err != nil {
			return err
		}
	}
}

func (in *intake) publish(ctx context.Context, msg []byte) error {
	if len(msg) == 0 && !in.r.Empty {
		return emptyError("empty message refused")
	}
	return in.pub.Publish(ctx, msg)
}

// failed decides what the message under way ends: itself or the call.
func (in *intake) failed(ctx context.Context, err error) error {
	e := refusal(err)
	switch {
	case e == nil && ctx.Err() != nil:
		return in.told(stoppingError(), "") // or the client is gone and does not hear it
	case e == nil:
		return in.told(asError(err), "")
	}
	in.refused++
	if !in.r.KeepGoing {
		return in.told(e, in.where())
	}
	if in.first == nil {
		says := in.where() + e.Message
		in.first = &says
	}
	return nil
}

// cutShort is for a body that did not end in order.
func (in *intake) cutShort(ctx context.Context, err error) error {
	var e *Error
	switch {
	case errors.As(err, &e):
	case ctx.Err() != nil:
		e = stoppingError()
	default:
		e = usage("it ended before the end that was announced", "body: %v", err)
	}
	return in.told(e, "")
}

// refusal gives the *Error that refuses one message and not the call.
func refusal(err error) *Error {
	var e *Error
	if err != nil && errors.As(err, &e) && e.Exit == exitData {
		return e
	}
	return nil
}

// end is at the end of the body. A list of messages without any is as seldom
// meant as a message without a byte, and there is none to go on with.
func (in *intake) end() error {
	if in.seen == 0 && !in.r.Empty {
		return emptyError("the input is empty")
	}
	return nil
}

// where names the message under way. There is only one in a whole body.
func (in *intake) where() string {
	switch in.r.Framing {
	case FramingLines:
		return fmt.Sprintf("line %d: ", in.seen)
	case FramingFrames:
		return fmt.Sprintf("message %d: ", in.seen)
	}
	return ""
}

// told copies e, which may be shared, with where before its message and, after
// it, how many went out.
func (in *intake) told(e *Error, where string) *Error {
	c := *e
	c.Message = where + c.Message
	if in.r.Framing != FramingWhole {
		c.Message += fmt.Sprintf("; %d sent", in.sent)
	}
	return &c
}
