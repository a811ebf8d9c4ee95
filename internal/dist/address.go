package dist

import "github.com/liminal-bus/liminal/internal/etf"

// address is whom a message or an exit signal is for. It aliases the frame. A
// row sets kind, signed, and the fields of the kind; the others may be of an
// earlier frame.
type address struct {
	kind   addressKind
	signed bool // from is told, or counts, so it must be of the peer
	from   etf.PidView
	pid    etf.PidView // of forProcess and exitProcess
	alias  etf.RefView
	name   []byte
	kernel kernelName // what answers for the name, if this package does
}

type addressKind uint8

const (
	forProcess addressKind = iota
	forName
	forAlias
	exitProcess // an exit signal for a process
	exitName    // one for a name: no name of ours is a process that exits
)

// recipient is whom a message was for that the Handler would have got. It
// aliases nothing.
type recipient struct {
	known bool
	pid   etf.PidView
	name  []byte // not nil if it is a name
}

// Each function here reads the elements after the operation, which its comment
// lists, up to the token.

// sendAddress: {Unused or From, To}. Nobody is told the sender. It is the empty
// atom or a pid as OTP writes it, and to walk any term costs more than
// all else here.
func (in *inbound) sendAddress() {
	if !in.r.AtomIs("") {
		if _, err := in.r.PidView(); err != nil {
			in.skip("from")
		}
	}
	in.to.kind, in.to.signed = forProcess, false
	in.to.pid, _ = in.pid("to")
}

// regSendAddress: {From, Unused, Name}.
func (in *inbound) regSendAddress() {
	in.to.kind, in.to.signed = forName, true
	in.to.from, _ = in.pid("from")
	in.skip("unused")
	in.nameAddress("name")
}

func (in *inbound) nameAddress(field string) {
	in.to.name = in.atom(field)
	in.to.kernel = kernelNames[string(in.to.name)]
}

// aliasAddress: {From, Alias}.
func (in *inbound) aliasAddress() {
	in.skip("from")
	in.to.kind, in.to.signed = forAlias, false
	in.to.alias, _ = in.ref("alias")
}

// The flags of ALTACT_SIG_SEND (OTP 28, dist.h). A token is one element more.
const (
	altactAlias = 4  // To is an alias
	altactName  = 8  // To is a registered name
	altactExit  = 16 // an exit signal: the payload is its reason
)

// altactAddress: {Flags, From, To [, Token] ...}.
func (in *inbound) altactAddress() {
	flags, err := in.r.Int()
	in.fail("flags", err)
	exit := flags&altactExit != 0
	in.to.kind, in.to.signed = forProcess, true
	in.to.from, _ = in.pid("from")
	switch {
	case flags&altactName != 0:
		in.to.kind = forName
		if exit {
			in.to.kind = exitName
		}
		in.nameAddress("to")
	case flags&altactAlias != 0:
		in.to.kind, in.to.signed = forAlias, false
		in.to.alias, _ = in.ref("to")
	default:
		if exit {
			in.to.kind = exitProcess
		}
		in.to.pid, _ = in.pid("to")
	}
}

// fault says why a message to that address is not to be handed on.
func (in *inbound) fault() Drop {
	a := &in.to
	if a.signed && !in.isTheirs(a.from) {
		return DropForged
	}
	switch a.kind {
	case forProcess, exitProcess:
		return in.notOurs(a.pid.Node, a.pid.Creation)
	case forAlias:
		return in.notOurs(a.alias.Node, a.alias.Creation)
	}
	return DropNone
}

// most is how long a message to that address may be, 0 if only the link sets
// bounds.
func (in *inbound) most() int {
	switch a := &in.to; {
	case a.kind == forProcess:
		return in.l.handler.Limit(a.pid)
	case a.kind == forName && a.kernel.handle == nil:
		return in.l.handler.LimitName(a.name)
	}
	return 0
}

// recipient copies the address if the Handler would get the message.
func (in *inbound) recipient() recipient {
	a := &in.to
	node := []byte(in.l.local.Name)
	switch {
	case a.kind == forProcess:
		return recipient{known: true, pid: etf.PidView{Node: node, ID: a.pid.ID, Serial: a.pid.Serial, Creation: a.pid.Creation}}
	case a.kind == forName && a.kernel.handle == nil:
		return recipient{known: true, name: append([]byte{}, a.name...)}
	}
	return recipient{}
}

// deliver hands a message, or the reason of an exit signal, on.
func (in *inbound) deliver(msg []byte) {
	l, a := in.l, &in.to
	if d := in.fault(); d != DropNone {
		l.count.drop(d)
		return
	}
	if most := in.most(); most > 0 && len(msg) > most {
		l.lost(in.recipient(), DropTooLong)
		return
	}
	switch a.kind {
	case forProcess:
		l.handler.Send(l, a.pid, msg)
	case forName:
		in.toName(msg)
	case forAlias:
		l.handler.SendAlias(l, a.alias.Ref(), msg)
	case exitProcess:
		l.handler.Exit(l, a.from.Pid(), a.pid.Pid(), msg)
	case exitName:
		in.refuse()
	}
}

// toName hands a message to a name of kernel.go or to the Handler.
func (in *inbound) toName(msg []byte) {
	k := in.to.kernel
	if k.handle == nil {
		in.l.handler.SendName(in.l, in.to.from, in.to.name, msg)
		return
	}
	if !k.handle(in, msg) {
		in.l.count.refused[k.refusal].Add(1)
	}
}

// lost counts a message of the peer that was thrown away, and says so to the
// Handler where it is known whom it was for.
func (l *Link) lost(to recipient, d Drop) {
	l.count.drop(d)
	if to.known && !l.gone.Load() {
		l.handler.Dropped(l, to.pid, to.name, d)
	}
}
