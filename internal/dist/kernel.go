package dist

import "github.com/liminal-bus/liminal/internal/etf"

// kernelName is a registered name of an Erlang node that this package answers
// for, since its callers would hang, or cut the connection, without an answer.
type kernelName struct {
	lives   bool // for those who monitor it
	refusal int  // the counter of what handle did not understand
	handle  func(in *inbound, msg []byte) bool
}

// kernelNames is the table of them. What is in none of these forms is dropped
// and counted under the name.
//
//	net_kernel          lives        gen:call {is_auth, _}       -> yes
//	                                 gen:call anything else      -> {error, notsup}
//	global_name_server  does not     $gen_cast {init_connect, _} -> cast {in_sync, Node, true}
//	rex                 does not     {Pid, {call, M, F, A, L}}   -> {rex, {badrpc, notsup}}
//	                                 {Pid, features_request}     -> {features_reply, Node, []}
//	                                 gen:call anything           -> {badrpc, notsup}
//
// global_name_server does not live: a monitor with noproc is what makes locks
// and the like go on without us. Its casts come all the same.
var kernelNames = map[string]kernelName{
	"net_kernel":         {true, refusedNetKernel, (*inbound).toNetKernel},
	"global_name_server": {false, refusedGlobal, (*inbound).toGlobal},
	"rex":                {false, refusedRex, (*inbound).toRex},
}

// KernelPid is the sender of what this package answers. Processes of the node
// must have other ids; 100 and above are theirs.
func KernelPid(local Local) etf.Pid {
	return etf.Pid{Node: etf.Atom(local.Name), ID: 1, Creation: local.Creation}
}

// toNetKernel: net_adm:ping asks is_auth and disconnects whoever says noproc.
func (in *inbound) toNetKernel(msg []byte) bool {
	r := etf.NewReader(msg, etf.WireLimits())
	c, ok := readCall(&r)
	if !ok {
		return false
	}
	arity, err := r.TupleHeader()
	if err == nil && arity == 2 && r.AtomIs("is_auth") && r.Skip() == nil {
		in.reply(c, appendYes)
		return true
	}
	in.reply(c, appendErrorNotsup)
	return false
}

// toGlobal: {'$gen_cast', {init_connect, {Vsn, Tag}, Node, {locker, ...}}}.
// Without an in_sync from us global:sync does not return on the peer.
func (in *inbound) toGlobal(msg []byte) bool {
	r := etf.NewReader(msg, etf.WireLimits())
	if arity, err := r.TupleHeader(); err != nil || arity != 2 || !r.AtomIs("$gen_cast") {
		return false
	}
	if arity, err := r.TupleHeader(); err != nil || arity < 3 || !r.AtomIs("init_connect") {
		return false
	}
	if arity, err := r.TupleHeader(); err != nil || arity != 2 {
		return false
	}
	in.castInSync()
	return true
}

// toRex: nothing can be run here; say so at once.
func (in *inbound) toRex(msg []byte) bool {
	r := etf.NewReader(msg, etf.WireLimits())
	if c, ok := readCall(&r); ok {
		in.reply(c, appendBadrpc)
		return false
	}
	r = etf.NewReader(msg, etf.WireLimits())
	if arity, err := r.TupleHeader(); err != nil || arity != 2 {
		return false
	}
	from := r.Rest()
	pid, err := r.PidView()
	if err != nil || !in.theirs(pid) {
		return false
	}
	from = from[:len(from)-r.Len()]
	if r.AtomIs("features_request") {
		in.send(from, in.appendFeatures)
		return true
	}
	if arity, err := r.TupleHeader(); err == nil && arity == 5 && r.AtomIs("call") {
		in.send(from, appendRexBadrpc)
	}
	return false
}

// call is {Label, {Pid, Tag}, Request}, the form of gen:call, with the cursor
// before Request. The label is '$gen_call', or system from module sys, or a
// pid from gen_event; whoever wrote it waits for {Tag, Reply}.
type call struct {
	pid    etf.PidView
	pidRaw []byte
	tag    []byte // any term
	alias  []byte // the reference in Tag when it is [alias|Ref] or [[alias|Ref]|_]
}

func readCall(r *etf.Reader) (c call, ok bool) {
	if arity, err := r.TupleHeader(); err != nil || arity != 3 || r.Skip() != nil {
		return c, false
	}
	if arity, err := r.TupleHeader(); err != nil || arity != 2 {
		return c, false
	}
	from := r.Rest()
	var err error
	if c.pid, err = r.PidView(); err != nil {
		return c, false
	}
	c.pidRaw = from[:len(from)-r.Len()]
	if c.tag, err = r.Raw(); err != nil {
		return c, false
	}
	c.alias = aliasIn(c.tag)
	return c, true
}

// aliasIn finds the reference to which gen wants its reply sent, if any.
func aliasIn(tag []byte) []byte {
	r := etf.NewReader(tag, etf.WireLimits())
	for range 2 {
		if n, err := r.ListHeader(); err != nil || n != 1 {
			return nil
		}
		if r.AtomIs("alias") {
			from := r.Rest()
			if _, err := r.RefView(); err != nil {
				return nil
			}
			return from[:len(from)-r.Len()]
		}
	}
	return nil
}
