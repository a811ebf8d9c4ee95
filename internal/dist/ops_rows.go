package dist

import (
	"fmt"

	"github.com/liminal-bus/liminal/internal/etf"
)

// Each function here is one row of ops, or the rows of one kind: it reads the
// elements after the operation, which its comment lists, and acts. Nothing is
// done before all of them were read without error.

// onMessage is for all rows that have an address: a message follows, or the
// reason of an exit signal.
func (in *inbound) onMessage() {
	in.row.address(in)
	msg := in.payload()
	if in.err == nil {
		in.deliver(msg)
	}
}

// onExit: {From, To [, Token] [, Reason]} [, reason].
func (in *inbound) onExit() {
	from, _ := in.pid("from")
	to, _ := in.pid("to")
	reason := in.reason()
	if in.err == nil && in.theirs(from) && in.ours(to.Node, to.Creation) {
		in.l.handler.Exit(in.l, from.Pid(), to.Pid(), reason)
	}
}

// onLink: {From, To}. What does not live here exits at once.
func (in *inbound) onLink() {
	from, fromRaw := in.pid("from")
	to, toRaw := in.pid("to")
	switch {
	case in.err != nil || !in.theirs(from):
	case in.lives(to):
		in.l.handler.Linked(in.l, from.Pid(), to.Pid())
	default:
		in.exitNoproc(toRaw, fromRaw)
	}
}

// onUnlink: {From, To}. A peer that agreed on UNLINK_ID, as all must, does not
// send it.
func (in *inbound) onUnlink() {
	from, _ := in.pid("from")
	to, _ := in.pid("to")
	if in.err == nil && in.theirs(from) {
		in.unlinked(from, to)
	}
}

// onUnlinkID: {Id, From, To}. The ack must come before anything else that is
// sent to that process: it is put into the control lane here and now, before
// the Handler hears of it.
func (in *inbound) onUnlinkID() {
	id := in.raw("id")
	from, fromRaw := in.pid("from")
	to, toRaw := in.pid("to")
	if in.err == nil && in.theirs(from) {
		in.ackUnlink(id, toRaw, fromRaw)
		in.unlinked(from, to)
	}
}

// unlinked tells the Handler, if the process may have been linked to.
func (in *inbound) unlinked(from, to etf.PidView) {
	if in.notOurs(to.Node, to.Creation) == DropNone {
		in.l.handler.Unlinked(in.l, from.Pid(), to.Pid())
	}
}

// onUnlinkIDAck: {Id, From, To}. We unlink nothing.
func (in *inbound) onUnlinkIDAck() {
	in.skip("id")
	in.pid("from")
	in.pid("to")
	in.unexpected()
}

// onGroupLeader: {Leader, To}. No process of ours has one.
func (in *inbound) onGroupLeader() {
	in.pid("leader")
	in.pid("to")
	in.refuse()
}

// onMonitor: {From, Target, Ref}. Silence would leave the caller hanging, so
// what does not live here is down at once, under the name it was asked by.
func (in *inbound) onMonitor() {
	from, fromRaw := in.pid("from")
	t := in.target()
	ref, refRaw := in.ref("ref")
	if in.err != nil {
		return
	}
	if string(from.Node) != in.l.remote.Name {
		in.err = fmt.Errorf("monitor from a process of %+q", from.Node)
		return
	}
	if !in.theirs(from) {
		return
	}
	switch {
	case !in.targetLives(t):
		in.monitorNoproc(t.raw, fromRaw, refRaw)
	case !t.kernel: // what kernel.go answers for never ends
		in.l.handler.Monitored(in.l, from.Pid(), t.copy(), ref.Ref())
	}
}

// onDemonitor: {From, Target, Ref}.
func (in *inbound) onDemonitor() {
	from, _ := in.pid("from")
	t := in.target()
	ref, _ := in.ref("ref")
	if in.err != nil || !in.theirs(from) || t.kernel {
		return
	}
	if t.isName || in.ours(t.pid.Node, t.pid.Creation) {
		in.l.handler.Demonitored(in.l, from.Pid(), t.copy(), ref.Ref())
	}
}

// onMonitorExit: {Target, To, Ref [, Reason]} [, reason]. Target is theirs.
func (in *inbound) onMonitorExit() {
	t := in.target()
	to, _ := in.pid("to")
	ref, _ := in.ref("ref")
	reason := in.reason()
	switch {
	case in.err != nil:
	case !t.isName && !in.theirs(t.pid):
	case in.ours(to.Node, to.Creation) && in.ours(ref.Node, ref.Creation):
		in.l.handler.MonitorExit(in.l, ref.Ref(), reason)
	}
}

// onSpawnRequest: {ReqId, From, Leader, {M,F,A}, Opts [, Token]}, arguments.
// SPAWN was not offered. Whoever asks all the same is told so, and waits no
// longer.
func (in *inbound) onSpawnRequest() {
	id := in.raw("request id")
	from, fromRaw := in.pid("from")
	in.skip("leader")
	in.skip("mfa")
	in.skip("options")
	in.payload()
	if in.err == nil && in.theirs(from) {
		in.spawnNotsup(id, fromRaw)
	}
	in.refuse()
}

// onSpawnReply: {ReqId, To, Flags, Result [, Token]}. We spawn nothing.
func (in *inbound) onSpawnReply() {
	in.skip("request id")
	in.pid("to")
	in.skip("flags")
	in.skip("result")
	in.token()
	in.unexpected()
}

// notOurs says what is wrong with a node and creation that are not those of
// this run of this node: an older run may have had a process with the same
// number.
func (in *inbound) notOurs(node []byte, creation uint32) Drop {
	switch {
	case string(node) != in.l.local.Name:
		return DropNotOurs
	case creation != in.l.local.Creation:
		return DropStaleCreation
	}
	return DropNone
}

// ours reports whether node and creation are ours, and counts what is dropped
// since they are not.
func (in *inbound) ours(node []byte, creation uint32) bool {
	if in.err != nil {
		return false
	}
	d := in.notOurs(node, creation)
	in.l.count.drop(d)
	return d == DropNone
}

// isTheirs reports whether a process belongs to the peer as the handshake named
// it: a peer speaks for itself.
func (in *inbound) isTheirs(p etf.PidView) bool {
	return string(p.Node) == in.l.remote.Name && p.Creation == in.l.remote.Creation
}

// theirs reports whether a sender belongs to the peer, and counts what is
// dropped since it does not.
func (in *inbound) theirs(from etf.PidView) bool {
	switch {
	case in.err != nil:
		return false
	case in.isTheirs(from):
		return true
	}
	in.l.count.drop(DropForged)
	return false
}

// lives asks the Handler about pids of this run only.
func (in *inbound) lives(p etf.PidView) bool {
	return in.notOurs(p.Node, p.Creation) == DropNone && in.l.handler.Lives(p)
}

// refuse counts an operation that was read and not done.
func (in *inbound) refuse() {
	if in.err == nil {
		in.l.count.refused[in.op].Add(1)
	}
}

// unexpected counts an answer to nothing that was asked.
func (in *inbound) unexpected() {
	if in.err == nil {
		in.l.count.drop(DropUnexpected)
	}
}
