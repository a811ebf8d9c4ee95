package node

import (
	"github.com/liminal-bus/liminal/internal/etf"
)

// The process liminal lives, so a monitor on it never fires: whoever calls it
// in any of OTP's ways must get an answer, or waits for ever.

// call answers gen_server:call({liminal, Node}, peers), and the same with
// {channels, Groups}.
func (m message) call() error {
	to, reply, err := m.caller()
	if err != nil {
		return err
	}
	if m.n.cfg.look {
		return m.notSupported(to, reply)
	}
	if m.r.AtomIs("peers") {
		return m.l.Send(m.n.self, to, m.n.appendPeers(reply, m.l))
	}
	if arity, err := m.r.TupleHeader(); err == nil && arity == 2 && m.r.AtomIs("channels") {
		reply, err = m.n.appendCounts(reply, m.r)
		if err != nil {
			return err
		}
		return m.l.Send(m.n.self, to, reply)
	}
	return m.notSupported(to, reply)
}

// refuse answers a call of another kind, {Label, {Pid, Tag}, Request}: that of
// sys, gen_event and the like. What does not have that form is unknown.
func (m message) refuse() error {
	to, reply, err := m.caller()
	if err != nil {
		return errUnknownMessage
	}
	return m.notSupported(to, reply)
}

// caller reads {Pid, Tag} and begins the reply {Tag, _}.
func (m message) caller() (to etf.Pid, reply []byte, err error) {
	arity, err := m.r.TupleHeader()
	if err != nil || arity != 2 {
		return to, nil, cmpErr(err, errUnknownMessage)
	}
	from, err := m.r.PidView()
	if err != nil {
		return to, nil, err
	}
	to = from.Pid()
	tag, err := m.r.Raw()
	return to, append(etf.AppendTuple(nil, 2), tag...), err
}

// notSupported ends a reply with {error, notsup}.
func (m message) notSupported(to etf.Pid, reply []byte) error {
	return m.refused(to, reply, "notsup")
}

func (m message) refused(to etf.Pid, reply []byte, why string) error {
	m.n.counts.unknownMessage.Add(1)
	reply = etf.AppendAtom(etf.AppendTuple(reply, 2), "error")
	return m.l.Send(m.n.self, to, etf.AppendAtom(reply, why))
}

// fromPid answers {Pid, Request}, as rpc:server_call/4 sends it, with
// {liminal, Node, {error, notsup}}, and {Pid, {Pid, Tag}, Request}, as gen_event
// does.
func (m message) fromPid(to etf.Pid) error {
	if m.arity == 3 {
		return m.refuse()
	}
	if m.arity != 2 {
		return errUnknownMessage
	}
	reply := etf.AppendAtom(etf.AppendTuple(nil, 3), selfName)
	return m.notSupported(to, etf.AppendAtom(reply, m.n.name))
}

// io answers the io protocol: we are nobody's terminal.
func (m message) io() error { return m.device("io_reply", "request") }

// file answers the file protocol: we are nobody's file.
func (m message) file() error { return m.device("file_reply", "enotsup") }

// device answers {_, Pid, ReplyAs, Request} with {Reply, ReplyAs, {error, Why}}.
func (m message) device(reply, why string) error {
	from, err := m.r.PidView()
	if err != nil {
		return err
	}
	to := from.Pid()
	as, err := m.r.Raw()
	if err != nil {
		return err
	}
	b := etf.AppendAtom(etf.AppendTuple(nil, 3), reply)
	return m.refused(to, append(b, as...), why)
}
