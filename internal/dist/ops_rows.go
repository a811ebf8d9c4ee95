package dist

import (
	"fmt"

	"github.com/liminal-bus/liminal/internal/etf"
)

// Each function here is one row of ops, or the rows of one kind: it reads the
// elements after the operation, which its comment lists, and acts. Nothing is
// done before all of them were read without error.

// onSend: {Unused or From, To}, message.
func (in *inbound) onSend() {
	in.skip("from")
	to, _ := in.pid("to")
	msg := in.payload()
	if in.err == nil && in.ours(to.Node, to.Creation) {
		in.l.handler.Send(in.l, to, msg)
	}
}

// onRegSend: {From, Unused, Name}, message.
func (in *inbound) onRegSend() {
	from, _ := in.pid("from")
	in.skip("unused")
	name := in.atom("name")
	msg := in.payload()
	if in.err == nil && in.theirs(from) {
		in.toName(from, name, msg)
	}
}

// toName hands a message to a name of kernel.go or to the Handler.
func (in *inbound) toName(from etf.PidView, name, msg []byte) {
	k, ok := kernelNames[string(name)]
	if !ok {
		in.l.handler.SendName(in.l, from, name, msg)
		return
	}
	if !k.handle(in, msg) {
		in.l.count.refused[k.refusal].Add(1)
	}
}

// onAliasSend: {From, Alias}, message.
func (in *inbound) onAliasSend() {
	in.skip("from")
	to, _ := in.ref("alias")
	msg := in.payload()
	if in.err == nil && in.ours(to.Node, to.Creation) {
		in.l.handler.SendAlias(in.l, to.Ref(), msg)
	}
}

// The flags of ALTACT_SIG_SEND (OTP 28, dist.h). A token is one element more.
const (
	altactAlias = 4  // To is an alias
	altactName  = 8  // To is a registered name
	altactExit  = 16 // an exit signal: the payload is its reason
)

// onAltactSig: {Flags, From, To [, Token] ...}, message or reason.
func (in *inbound) onAltactSig() {
	flags, err := in.r.Int()
	in.fail("flags", err)
	from, _ := in.pid("from")
	switch {
	case flags&altactName != 0:
		in.altactToName(flags, from)
	case flags&altactAlias != 0:
		in.altactToAlias()
	default:
		in.altactToPid(flags, from)
	}
}

func (in *inbound) altactToName(flags int64, from etf.PidView) {
	name := in.atom("to")
	msg := in.payload()
	switch {
	case in.err != nil || !in.theirs(from):
	case flags&altactExit != 0:
		in.refuse() // no name of ours is a process that exits
	default:
		in.toName(from, name, msg)
	}
}

func (in *inbound) altactToAlias() {
	to, _ := in.ref("to")
	msg := in.payload()
	if in.err == nil && in.ours(to.Node, to.Creation) {
		in.l.handler.SendAlias(in.l, to.Ref(), msg)
	}
}

func (in *inbound) altactToPid(flags int64, from etf.PidView) {
	to, _ := in.pid("to")
	msg := in.payload()
	switch {
	case in.err != nil || !in.theirs(from) || !in.ours(to.Node, to.Creation):
	case flags&altactExit != 0:
		in.l.handler.Exit(in.l, from.Pid(), to.Pid(), msg)
	default:
		in.l.handler.Send(in.l, to, msg)
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

// onLink: {From, To}. What does not live here exits at once. A link to a
// process that lives is taken: it ends with the connection, of which each side
// tells its own processes.
func (in *inbound) onLink() {
	from, fromRaw := in.pid("from")
	to, toRaw := in.pid("to")
	if in.err == nil && in.theirs(from) && !in.lives(to) {
		in.exitNoproc(toRaw, fromRaw)
	}
}

// onUnlink: {From, To}. A peer that agreed on UNLINK_ID, as all must, does not
// send it; nothing is known of links here, so nothing is to be done.
func (in *inbound) onUnlink() {
	from, _ := in.pid("from")
	in.pid("to")
	if in.err == nil {
		in.theirs(from)
	}
}

// onUnlinkID: {Id, From, To}. The ack must come before anything else that is
// sent to that process: it is put into the control lane here and now.
func (in *inbound) onUnlinkID() {
	id := in.raw("id")
	from, fromRaw := in.pid("from")
	_, toRaw := in.pid("to")
	if in.err == nil && in.theirs(from) {
		in.ackUnlink(id, toRaw, fromRaw)
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

// ours reports whether node and creation are those of this run of this node,
// and counts what is dropped since they are not: an older run may have had a
// process with the same number.
func (in *inbound) ours(node []byte, creation uint32) bool {
	switch {
	case in.err != nil:
		return false
	case string(node) != in.l.local.Name:
		in.l.count.drop(DropNotOurs)
		return false
	case creation != in.l.local.Creation:
		in.l.count.drop(DropStaleCreation)
		return false
	}
	return true
}

// theirs reports whether a sender belongs to the peer as the handshake named
// it, and counts what is dropped since it does not: a peer speaks for itself.
func (in *inbound) theirs(from etf.PidView) bool {
	if in.err != nil {
		return false
	}
	if string(from.Node) != in.l.remote.Name || from.Creation != in.l.remote.Creation {
		in.l.count.drop(DropForged)
		return false
	}
	return true
}

// lives asks the Handler about pids of this run only.
func (in *inbound) lives(p etf.PidView) bool {
	return string(p.Node) == in.l.local.Name && p.Creation == in.l.local.Creation &&
		in.l.handler.Lives(p)
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
