package node

import (
	"errors"
	"strconv"

	"github.com/liminal-bus/liminal/internal/bus"
	"github.com/liminal-bus/liminal/internal/etf"
)

// The message on the wire, to each member of a channel's group:
//
//	{liminal, Channel, Payload, #{id => Id, from => Node, at => Micros, seq => N}}
//
// Channel, Payload, Id and Node are binaries; Channel is <<":orders">> for the atom
// group orders. Meta has encoding => erlang too where Payload is the text of a
// term. An Erlang process may send the same, or any other term: a binary is a
// payload, all else becomes its text.

// tagBinary begins a binary in the external term format.
const tagBinary = 109

// maxMessageID bounds the id that a peer may give its message.
const maxMessageID = 64

// envelope is what encodes one channel's messages: the parts that are always
// the same, made once.
type envelope struct {
	head []byte // {liminal, Channel,
	meta []byte // #{from => Node, id =>
	odd  []byte // #{encoding => erlang, from => Node, id =>
	atom [2][]byte
}

func newEnvelope(node, channel string) envelope {
	e := envelope{head: etf.AppendAtom(etf.AppendTuple(nil, 4), "liminal")}
	e.head = etf.AppendBinary(e.head, []byte(channel))
	e.meta = etf.AppendAtom(etf.AppendMapHeader(nil, 4), "from")
	e.meta = etf.AppendBinary(e.meta, []byte(node))
	e.meta = etf.AppendAtom(e.meta, "id")
	e.odd = etf.AppendAtom(etf.AppendAtom(etf.AppendMapHeader(nil, 5), "encoding"), "erlang")
	e.odd = append(e.odd, e.meta[mapHeader:]...)
	e.atom = [2][]byte{etf.AppendAtom(nil, "at"), etf.AppendAtom(nil, "seq")}
	return e
}

// overhead is more than an envelope adds to a payload.
func (e *envelope) overhead() int { return len(e.head) + len(e.odd) + maxMessageID + 64 }

// mapHeader is the length of a map's header.
const mapHeader = 5

// seal appends a whole message.
func (e *envelope) seal(dst []byte, in *bus.Incoming) []byte {
	meta := e.meta
	if in.Encoding == bus.Erlang {
		meta = e.odd
	}
	dst = append(dst, e.head...)
	dst = etf.AppendBinary(dst, in.Payload)
	dst = append(dst, meta...)
	dst = etf.AppendBinary(dst, in.ID)
	dst = etf.AppendInt(append(dst, e.atom[0]...), in.At)
	return etf.AppendUint(append(dst, e.atom[1]...), in.Seq)
}

// appendID writes the id of a message: this node's creation and a number.
func (n *Node) appendID(dst []byte) []byte {
	return strconv.AppendUint(append(dst, n.idHead...), n.published.Add(1), 16)
}

var errNotLiminal = errors.New("not a message of liminal's form")

// unseal takes a message for a channel apart. What it gives aliases msg, but for
// texts of terms, which are made.
func (n *Node) unseal(from string, msg []byte) (in bus.Incoming, err error) {
	in.From = from
	if n.unsealFast(&in, msg) {
		return in, nil
	}
	r := etf.NewReader(msg, etf.WireLimits())
	if r.Tag() == tagBinary {
		in.Payload, err = r.Binary()
		return in, err
	}
	if err := n.unsealOurs(&in, &r); err != errNotLiminal {
		return in, err
	}
	r = etf.NewReader(msg, etf.WireLimits())
	in.Encoding = bus.Erlang
	in.Payload, err = n.text(&r)
	return in, err
}

// unsealOurs reads {liminal, Channel, Payload, Meta}. The channel is that of the
// pid it came to, so it is not looked at.
func (n *Node) unsealOurs(in *bus.Incoming, r *etf.Reader) error {
	arity, err := r.TupleHeader()
	if err != nil || arity != 4 || !r.AtomIs("liminal") {
		return errNotLiminal
	}
	if _, err := r.Binary(); err != nil {
		return errNotLiminal
	}
	if in.Payload, err = r.Binary(); err != nil {
		return errNotLiminal
	}
	pairs, err := r.MapHeader()
	if err != nil {
		return errNotLiminal
	}
	for ; pairs > 0 && err == nil; pairs-- {
		err = n.readMeta(in, r)
	}
	return err
}

// readMeta reads one pair of Meta; keys that it does not know are skipped, as are
// values of another type.
func (n *Node) readMeta(in *bus.Incoming, r *etf.Reader) error {
	key, err := r.Atom()
	if err != nil {
		if err = r.Skip(); err != nil {
			return err
		}
	}
	if n.readMetaValue(in, key, r) != nil {
		return r.Skip()
	}
	return nil
}

func (n *Node) readMetaValue(in *bus.Incoming, key []byte, r *etf.Reader) (err error) {
	switch string(key) {
	case "from":
		var from []byte
		if from, err = r.Binary(); err == nil && string(from) != in.From {
			n.counts.fromForged.Add(1) // a peer speaks for itself: who sent it is what counts
		}
	case "id":
		if in.ID, err = r.Binary(); err == nil && len(in.ID) > maxMessageID {
			in.ID = in.ID[:maxMessageID]
		}
	case "encoding":
		if !r.AtomIs("erlang") {
			return r.Skip()
		}
		in.Encoding = bus.Erlang
	case "at":
		in.At, err = r.Int()
	case "seq":
		in.Seq, err = r.Uint()
	default:
		err = r.Skip()
	}
	return err
}

// text reads any term as its Erlang text.
func (n *Node) text(r *etf.Reader) ([]byte, error) {
	defer n.gate.enter(r.Len())()
	t, err := r.Term()
	if err != nil {
		return nil, err
	}
	text, ok := etf.AppendTextLimit(nil, t, n.cfg.MaxMessage)
	if !ok {
		return nil, errTooLong
	}
	return text, nil
}

var errTooLong = errors.New("longer than a message may be")
