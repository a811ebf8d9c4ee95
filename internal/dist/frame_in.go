package dist

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/liminal-bus/liminal/internal/etf"
)

var (
	errFrameType  = errors.New("wrong type of frame")
	errAtomRefs   = errors.New("atom cache reference, though no atom cache was agreed")
	errTooShort   = errors.New("frame too short")
	errFragmentNo = errors.New("fragment number 0")
	errNoPayload  = errors.New("payload missing")
	errVersion    = errors.New("version byte missing or out of place")
	errMore       = errors.New("control tuple too short or too long")
)

// inbound takes the frames of one link apart and acts on them. It is owned by
// readLoop; only frags is seen by others. Its methods named after kinds of
// terms read the next element of the control tuple; after the first error
// they read nothing, and err holds it.
type inbound struct {
	l       *Link
	headers bool // agreed: headers and fragments, else pass-through frames
	frags   fragments

	r    etf.Reader // over control term and payload
	row  *opRow
	op   Op
	more int // elements beyond the row's arity
	to   address
	err  error

	out [512]byte // where answers are put together
}

// frame acts on one frame. An error is a *ProtocolError and ends the link.
func (in *inbound) frame(b []byte) error {
	if len(b) == 0 {
		in.l.count.ticksIn.Add(1)
		return nil
	}
	in.op = 0
	err := in.body(b)
	if err != nil {
		var p *ProtocolError
		if !errors.As(err, &p) {
			err = protocolError(in.op, b, err)
		}
	}
	return err
}

func (in *inbound) body(b []byte) error {
	if !in.headers {
		if b[0] != typePassThrough {
			return fmt.Errorf("%w: %d, want pass-through", errFrameType, b[0])
		}
		if len(b) < 2 || b[1] != etf.Version {
			return errVersion
		}
		return in.message(b[2:])
	}
	if b[0] != etf.Version {
		return fmt.Errorf("%w: %d, want a header", errFrameType, b[0])
	}
	if len(b) < 3 {
		return errTooShort
	}
	switch b[1] {
	case typeHeader:
		if b[2] != 0 {
			return errAtomRefs
		}
		return in.message(b[3:])
	case typeFirst, typeNext:
		return in.fragment(b)
	}
	return fmt.Errorf("%w: 131 %d", errFrameType, b[1])
}

// fragment takes 131, 69 or 70, sequence(8), fragment(8), and for 69 the count
// of atom references.
func (in *inbound) fragment(b []byte) error {
	if len(b) < 18 || b[1] == typeFirst && len(b) < 19 {
		return errTooShort
	}
	seq, number := binary.BigEndian.Uint64(b[2:]), binary.BigEndian.Uint64(b[10:])
	if number == 0 {
		return errFragmentNo
	}
	var whole []byte
	if b[1] == typeNext {
		whole = in.next(seq, number, b[18:])
	} else {
		if b[18] != 0 {
			return errAtomRefs
		}
		whole = in.first(seq, number, b[19:])
	}
	if whole == nil {
		return nil
	}
	if err := in.message(whole); err != nil {
		return protocolError(in.op, whole, err)
	}
	return nil
}

// first opens a sequence, or gives body back when it is the whole message.
func (in *inbound) first(seq, number uint64, body []byte) (whole []byte) {
	if old, ok := in.frags.abandon(seq); ok {
		in.l.lost(old, DropFragmentOrder)
	}
	if number == 1 {
		return body
	}
	to, most := in.peek(body)
	if d := in.frags.first(seq, number, body, to, most); d != DropNone {
		in.l.lost(to, d)
	}
	return nil
}

// next adds to a sequence; whole is the message after the last fragment.
func (in *inbound) next(seq, number uint64, body []byte) (whole []byte) {
	whole, to, d := in.frags.next(seq, number, body)
	if d != DropNone {
		in.l.lost(to, d)
	}
	return whole
}

// peek reads in a first fragment whom the message is for, and how long it may
// become, control term included; 0 is as long as the link allows. A control
// term that is cut, or wrong, says neither: that shows when the message is
// whole.
func (in *inbound) peek(body []byte) (to recipient, most int) {
	if in.begin(body) != nil || in.row.address == nil {
		return to, 0
	}
	in.row.address(in)
	in.tail()
	if in.err != nil || in.fault() != DropNone {
		return to, 0
	}
	if most = in.most(); most > 0 {
		most += len(body) - in.r.Len()
	}
	return in.recipient(), most
}

// message acts on a control term and the payload after it.
func (in *inbound) message(b []byte) error {
	if err := in.begin(b); err != nil {
		return err
	}
	in.row.handle(in)
	return in.err
}

// begin reads the head of a control tuple and finds its row.
func (in *inbound) begin(b []byte) error {
	in.r = etf.NewReader(b, etf.WireLimits())
	arity, err := in.r.TupleHeader()
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	if arity == 0 {
		return errMore
	}
	op, err := in.r.Int()
	if err != nil {
		return fmt.Errorf("operation: %w", err)
	}
	if op < 0 || op >= opCount || ops[op].handle == nil {
		return fmt.Errorf("unknown operation %d", op)
	}
	in.op, in.row, in.more, in.err = Op(op), &ops[op], arity-ops[op].arity, nil
	if want := in.row.arity; arity < want || arity > want && !in.row.more {
		return fmt.Errorf("%w: %d elements, want %d", errMore, arity, want)
	}
	return nil
}

// pid reads a pid; raw is how the peer wrote it, for answers that must name it
// bit for bit.
func (in *inbound) pid(field string) (v etf.PidView, raw []byte) {
	if in.err != nil {
		return v, nil
	}
	from := in.r.Rest()
	v, err := in.r.PidView()
	if err != nil {
		in.fail(field, err)
		return v, nil
	}
	return v, from[:len(from)-in.r.Len()]
}

func (in *inbound) ref(field string) (v etf.RefView, raw []byte) {
	if in.err != nil {
		return v, nil
	}
	from := in.r.Rest()
	v, err := in.r.RefView()
	if err != nil {
		in.fail(field, err)
		return v, nil
	}
	return v, from[:len(from)-in.r.Len()]
}

// raw reads any term.
func (in *inbound) raw(field string) []byte {
	if in.err != nil {
		return nil
	}
	b, err := in.r.Raw()
	in.fail(field, err)
	return b
}

func (in *inbound) skip(field string) {
	if in.err == nil {
		in.fail(field, in.r.Skip())
	}
}

func (in *inbound) atom(field string) []byte {
	if in.err != nil {
		return nil
	}
	b, err := in.r.Atom()
	in.fail(field, err)
	return b
}

func (in *inbound) fail(field string, err error) {
	if err != nil && in.err == nil {
		in.err = fmt.Errorf("%s: %w", field, err)
	}
}

// token skips the trace token of the operations that have one.
func (in *inbound) token() {
	if in.row.token {
		in.skip("token")
	}
}

// tail skips what stands at the end of the control tuple and says nothing: the
// trace token, if the operation has one, and elements the row does not know.
func (in *inbound) tail() {
	in.token()
	for range in.more {
		in.skip("further element")
	}
}

// payload gives what follows the control term. What is behind the payload term
// is for whoever parses it to ignore, as OTP does.
func (in *inbound) payload() []byte {
	in.tail()
	if in.err != nil {
		return nil
	}
	b := in.r.Rest()
	if len(b) > 0 && (b[0] == etf.Version) == in.headers {
		in.err = errVersion
		return nil
	}
	if !in.headers && len(b) > 0 {
		b = b[1:]
	}
	if len(b) == 0 {
		in.err = errNoPayload
		return nil
	}
	return b
}

// reason gives an exit reason, which is the payload or the last element.
func (in *inbound) reason() []byte {
	if in.row.payload {
		return in.payload()
	}
	in.token()
	return in.raw("reason")
}
