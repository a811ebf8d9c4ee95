package dist

import "github.com/liminal-bus/liminal/internal/etf"

// Answers are built from the peer's own bytes for pids, references and tags:
// a pid made up for a peer makes it close the connection. They go to the
// control lane, which is bounded, so a peer that asks without reading ends its
// link and no more.

// noproc and notsup are whole terms.
var (
	noproc = etf.AppendAtom(nil, "noproc")
	notsup = etf.AppendAtom(nil, "notsup")
)

// tuple begins a control tuple in the answer buffer.
func (in *inbound) tuple(op Op, arity int) []byte {
	return etf.AppendInt(etf.AppendTuple(in.out[:0], arity), int64(op))
}

// answer queues a control message; a link that is down takes none, which needs
// no handling here.
func (in *inbound) answer(control, payload []byte) {
	_ = in.l.control(control, payload)
}

// exitNoproc: the process to, which from linked to, is not there.
func (in *inbound) exitNoproc(to, from []byte) {
	if in.l.agreed.Has(FlagExitPayload) {
		in.answer(join(in.tuple(OpPayloadExit, 3), to, from), noproc)
		return
	}
	in.answer(join(in.tuple(OpExit, 4), to, from, noproc), nil)
}

// monitorNoproc: the target, which from monitors, is not there.
func (in *inbound) monitorNoproc(target, from, ref []byte) {
	if in.l.agreed.Has(FlagExitPayload) {
		in.answer(join(in.tuple(OpPayloadMonitorExit, 4), target, from, ref), noproc)
		return
	}
	in.answer(join(in.tuple(OpMonitorExit, 5), target, from, ref, noproc), nil)
}

func (in *inbound) ackUnlink(id, to, from []byte) {
	in.answer(join(in.tuple(OpUnlinkIDAck, 4), id, to, from), nil)
}

// spawnNotsup: flags 0, since nothing was linked or monitored.
func (in *inbound) spawnNotsup(id, from []byte) {
	control := etf.AppendInt(join(in.tuple(OpSpawnReply, 5), id, from), 0)
	in.answer(append(control, notsup...), nil)
}

// send sends what build appends to a process, given by its bytes.
func (in *inbound) send(to []byte, build func([]byte) []byte) {
	var control []byte
	if in.l.agreed.Has(FlagSendSender) {
		control = join(etf.AppendPid(in.tuple(OpSendSender, 3), KernelPid(in.l.local)), to)
	} else {
		control = join(etf.AppendAtom(in.tuple(OpSend, 3), ""), to)
	}
	in.answer(control, build(nil))
}

// reply answers a call with {Tag, what build appends}: to the alias where gen
// made one, so that an answer too late is dropped over there.
func (in *inbound) reply(c call, build func([]byte) []byte) {
	if !in.theirs(c.pid) {
		return
	}
	tagged := func(dst []byte) []byte {
		return build(append(etf.AppendTuple(dst, 2), c.tag...))
	}
	if c.alias == nil || !in.l.agreed.Has(FlagAlias) {
		in.send(c.pidRaw, tagged)
		return
	}
	control := etf.AppendPid(in.tuple(OpAliasSend, 3), KernelPid(in.l.local))
	in.answer(append(control, c.alias...), tagged(nil))
}

// castInSync tells the peer's global that we are done: {in_sync, Node, true}.
func (in *inbound) castInSync() {
	control := etf.AppendPid(in.tuple(OpRegSend, 4), KernelPid(in.l.local))
	control = etf.AppendAtom(etf.AppendAtom(control, ""), "global_name_server")
	msg := etf.AppendAtom(etf.AppendTuple(nil, 2), "$gen_cast")
	msg = etf.AppendAtom(etf.AppendTuple(msg, 3), "in_sync")
	msg = etf.AppendAtom(etf.AppendAtom(msg, in.l.local.Name), "true")
	in.answer(control, msg)
}

func (in *inbound) appendFeatures(dst []byte) []byte {
	dst = etf.AppendAtom(etf.AppendTuple(dst, 3), "features_reply")
	return etf.AppendNil(etf.AppendAtom(dst, in.l.local.Name))
}

func appendYes(dst []byte) []byte { return etf.AppendAtom(dst, "yes") }

// appendErrorNotsup: {error, notsup}.
func appendErrorNotsup(dst []byte) []byte {
	return append(etf.AppendAtom(etf.AppendTuple(dst, 2), "error"), notsup...)
}

// appendBadrpc: {badrpc, notsup}.
func appendBadrpc(dst []byte) []byte {
	return append(etf.AppendAtom(etf.AppendTuple(dst, 2), "badrpc"), notsup...)
}

// appendRexBadrpc: {rex, {badrpc, notsup}}, the form erl_call waits for.
func appendRexBadrpc(dst []byte) []byte {
	return appendBadrpc(etf.AppendAtom(etf.AppendTuple(dst, 2), "rex"))
}

func join(dst []byte, parts ...[]byte) []byte {
	for _, p := range parts {
		dst = append(dst, p...)
	}
	return dst
}
