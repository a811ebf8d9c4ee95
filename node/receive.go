package node

import (
	"errors"
	"time"

	"github.com/liminal-bus/liminal/internal/bus"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
)

// receive hands a message that came for a channel's process to its
// subscribers. It runs on the link's reader and never waits.
func (n *Node) receive(l *dist.Link, c *bus.Channel, msg []byte) {
	in, err := n.unseal(l.Peer(), msg)
	if err == nil && len(in.Payload) > n.cfg.MaxMessage {
		err = errTooLong
	}
	switch {
	case errors.Is(err, errTooLong):
		n.counts.tooLong.Add(1)
		return
	case err != nil:
		n.note(err)
		return
	case in.Encoding == bus.Erlang && in.ID == nil && n.asked(l, msg):
		return // a call: an answer is what it waits for
	}
	if in.At == 0 {
		in.At = time.Now().UnixMicro()
	}
	l.Heard()
	c.Deliver(in)
}

// asked answers what OTP's libraries ask of any process, and would wait for for
// ever: a channel takes messages, not calls.
func (n *Node) asked(l *dist.Link, msg []byte) bool {
	r := etf.NewReader(msg, etf.WireLimits())
	arity, err := r.TupleHeader()
	if err != nil {
		return false
	}
	tag, err := r.Atom()
	if err != nil {
		return false
	}
	row, ok := channelCalls[string(tag)]
	if !ok || row.arity != arity || !asks(r, l.Remote().Name) {
		return false
	}
	n.note(row.handle(message{n, l, &r, arity}))
	return true
}

// asks says whether a pid of the peer, or {Pid, Tag}, comes next: without it
// nobody waits for an answer, and the term is a message like any other.
func asks(r etf.Reader, peer string) bool {
	if arity, err := r.TupleHeader(); err == nil && arity != 2 {
		return false
	}
	from, err := r.PidView()
	return err == nil && string(from.Node) == peer
}

// channelCalls are the questions that any process may be asked.
var channelCalls = map[string]struct {
	arity  int
	handle func(message) error
}{
	"$gen_call":    {3, (message).refuse},
	"system":       {3, (message).refuse},
	"io_request":   {4, (message).io},
	"file_request": {4, (message).file},
}

// pub takes {pub, Channel, Payload} from an Erlang process: it publishes here.
// Channel is a binary, or the atom of an atom group.
func (m message) pub() error {
	var channel string
	if name, err := m.r.Atom(); err == nil {
		channel = ":" + string(name)
	} else if name, err := m.r.Binary(); err == nil {
		channel = string(name)
	} else {
		return err
	}
	in := bus.Incoming{From: m.l.Peer()}
	var err error
	if in.Payload, err = m.r.Binary(); err != nil {
		in.Encoding = bus.Erlang
		if in.Payload, err = m.n.text(m.r); err != nil {
			return err
		}
	}
	m.l.Heard()
	return m.n.relay(m.l, in, channel)
}
