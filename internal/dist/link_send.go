package dist

import (
	"errors"
	"fmt"

	"github.com/liminal-bus/liminal/internal/etf"
)

// KeepFrom is the size from which Publish keeps a message in place of a copy:
// less memory for what waits, and all links write from the same bytes. A shorter
// one may be changed as soon as Publish has returned.
const KeepFrom = 16 << 10

// errControlFull is the cause of ReasonControlOverflow.
var errControlFull = errors.New("peer too slow for control messages")

// The methods below send on the control lane, in order, and never wait. Nothing
// on that lane is ever dropped: when more than Limits.Control bytes wait, or
// more than Limits.Payload of payloads over 64 KiB, the link ends. They copy
// what they are given. A msg or reason is one encoded term without version
// byte. The error is ErrLinkDown, ErrPayloadTooLarge, ErrNotAgreed, or says
// what is wrong with an argument.

// SendName sends to a registered name of the peer: REG_SEND.
func (l *Link) SendName(from etf.Pid, name string, msg []byte) error {
	if err := etf.CheckAtom(name); err != nil {
		return fmt.Errorf("registered name: %w", err)
	}
	var buf [160]byte
	c := etf.AppendPid(appendOp(buf[:0], OpRegSend, 4), from)
	return l.message(etf.AppendAtom(etf.AppendAtom(c, ""), name), msg)
}

// Send sends to a process of the peer: SEND_SENDER where agreed, else SEND.
func (l *Link) Send(from, to etf.Pid, msg []byte) error {
	var buf [160]byte
	return l.message(l.appendSendFrom(buf[:0], from, to), msg)
}

func (l *Link) appendSendFrom(dst []byte, from, to etf.Pid) []byte {
	if !l.agreed.Has(FlagSendSender) {
		return appendSend(dst, to)
	}
	return appendPids(appendOp(dst, OpSendSender, 3), from, to)
}

// SendAlias sends to an alias of the peer: ALIAS_SEND.
func (l *Link) SendAlias(from etf.Pid, to etf.Ref, msg []byte) error {
	if !l.agreed.Has(FlagAlias) {
		return fmt.Errorf("send to alias: %w", ErrNotAgreed)
	}
	var buf [160]byte
	c := etf.AppendPid(appendOp(buf[:0], OpAliasSend, 3), from)
	return l.message(etf.AppendRef(c, to), msg)
}

// SendShared is Send for a msg that never changes: the link keeps a long one in
// place of a copy, as may other links that got the same.
func (l *Link) SendShared(from, to etf.Pid, msg []byte) error {
	if len(msg) == 0 {
		return errEmpty
	}
	var buf [160]byte
	return l.queue(l.appendSendFrom(buf[:0], from, to), msg)
}

// MonitorPid watches a process of the peer; Handler.MonitorExit comes with the
// same ref when it ends or is not there.
func (l *Link) MonitorPid(from, to etf.Pid, ref etf.Ref) error {
	return l.monitor(OpMonitor, FlagDistMonitor, from, PidTarget(to), ref)
}

// MonitorName is MonitorPid for a registered name.
func (l *Link) MonitorName(from etf.Pid, name string, ref etf.Ref) error {
	return l.monitor(OpMonitor, FlagDistMonitor|FlagDistMonitorName, from, NameTarget(name), ref)
}

// DemonitorPid takes MonitorPid back.
func (l *Link) DemonitorPid(from, to etf.Pid, ref etf.Ref) error {
	return l.monitor(OpDemonitor, FlagDistMonitor, from, PidTarget(to), ref)
}

// DemonitorName takes MonitorName back.
func (l *Link) DemonitorName(from etf.Pid, name string, ref etf.Ref) error {
	return l.monitor(OpDemonitor, FlagDistMonitor|FlagDistMonitorName, from, NameTarget(name), ref)
}

func (l *Link) monitor(op Op, need Flags, from etf.Pid, t Target, ref etf.Ref) error {
	if !l.agreed.Has(need) {
		return fmt.Errorf("monitor: %w", ErrNotAgreed)
	}
	if err := etf.CheckAtom(t.Name); err != nil {
		return fmt.Errorf("registered name: %w", err)
	}
	var buf [160]byte
	c := t.appendTo(etf.AppendPid(appendOp(buf[:0], op, 4), from))
	return l.control(etf.AppendRef(c, ref), nil)
}

// MonitorExit tells process to of the peer that what it monitors with ref is
// gone; target, to and ref are those of Handler.Monitored.
func (l *Link) MonitorExit(target Target, to etf.Pid, ref etf.Ref, reason []byte) error {
	var buf [160]byte
	if l.agreed.Has(FlagExitPayload) {
		c := target.appendTo(appendOp(buf[:0], OpPayloadMonitorExit, 4))
		return l.message(etf.AppendRef(etf.AppendPid(c, to), ref), reason)
	}
	if len(reason) == 0 {
		return errEmpty
	}
	c := target.appendTo(appendOp(buf[:0], OpMonitorExit, 5))
	return l.control(append(etf.AppendRef(etf.AppendPid(c, to), ref), reason...), nil)
}

// Exit ends process from of ours for process to of the peer, which is linked to
// it: PAYLOAD_EXIT where agreed, else EXIT. The pids are those of
// Handler.Linked, the other way round.
func (l *Link) Exit(from, to etf.Pid, reason []byte) error {
	var buf [160]byte
	if l.agreed.Has(FlagExitPayload) {
		return l.message(appendPids(appendOp(buf[:0], OpPayloadExit, 3), from, to), reason)
	}
	if len(reason) == 0 {
		return errEmpty
	}
	c := appendPids(appendOp(buf[:0], OpExit, 4), from, to)
	return l.control(append(c, reason...), nil)
}

func appendPids(dst []byte, from, to etf.Pid) []byte {
	return etf.AppendPid(etf.AppendPid(dst, from), to)
}

// errEmpty: a peer closes the connection over a message without its term.
var errEmpty = errors.New("message is empty, not a term")

// message queues a control message that must have a payload.
func (l *Link) message(control, payload []byte) error {
	if len(payload) == 0 {
		return errEmpty
	}
	return l.control(control, payload)
}

// control queues a control message; payload nil means that it has none.
func (l *Link) control(control, payload []byte) error {
	if len(payload) > fragmentSize && l.fits(len(control), len(payload)) == nil {
		payload = append([]byte(nil), payload...) // the lane keeps it
	}
	return l.queue(control, payload)
}

// queue is control for a payload that may be kept.
func (l *Link) queue(control, payload []byte) error {
	if err := l.fits(len(control), len(payload)); err != nil {
		return err
	}
	l.mu.Lock()
	if l.down != nil {
		l.mu.Unlock()
		return l.downError()
	}
	l.ctl.message(&l.framing, control, payload, fragmentSize+1)
	full := l.ctl.bytes > l.limits.Control || l.ctl.bigBytes > l.limits.Payload
	wake := l.wake()
	l.mu.Unlock()
	if full {
		l.end(ReasonControlOverflow, errControlFull)
		return l.downError()
	}
	if wake {
		l.cond.Signal()
	}
	return nil
}

// fits reports whether the peer could take a message of that size: it may hold
// us to the same limits as we hold it to.
func (l *Link) fits(control, payload int) error {
	most := l.limits.Payload
	if !l.framing.headers {
		most = maxFrameWhole - control - frameOverhead
	}
	if payload > most || control > maxFrameFragments-fragmentSize-frameOverhead {
		return fmt.Errorf("%d bytes: %w", payload, ErrPayloadTooLarge)
	}
	return nil
}

// frameOverhead is more than any frame has besides control term and payload.
const frameOverhead = 32

// downError is ErrLinkDown with the reason.
func (l *Link) downError() error {
	r, _, _ := l.Down()
	return fmt.Errorf("%w: %s", ErrLinkDown, r)
}

// appendOp begins a control tuple.
func appendOp(dst []byte, op Op, arity int) []byte {
	return etf.AppendInt(etf.AppendTuple(dst, arity), int64(op))
}

// appendSend is {2, Unused, To}: a peer takes it also where SEND_SENDER was agreed,
// and it is the shorter.
func appendSend(dst []byte, to etf.Pid) []byte {
	return etf.AppendPid(etf.AppendAtom(appendOp(dst, OpSend, 3), ""), to)
}
