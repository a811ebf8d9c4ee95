package dist

import (
	"testing"

	"github.com/liminal-bus/liminal/internal/etf"
)

// kernelCase is a message to one of the names this package answers for.
type kernelCase struct {
	name, to string
	agreed   Flags // allAgreed if 0
	msg      etf.Term
	answer   []etf.Term
	refused  string
	dropped  Drop
}

var (
	kernelSelf = KernelPid(Local{Name: ourName, Creation: ourLife})
	aliasTag   = etf.ImproperList{Head: terms(atom("alias")), Tail: peerRef(1, 2, 3)}
	deepTag    = etf.ImproperList{Head: terms(aliasTag), Tail: atom("x")}
	isAuth     = etf.Tuple{atom("is_auth"), atom(peerName)}
	notsupErr  = etf.Tuple{atom("error"), atom("notsup")}
	badrpc     = etf.Tuple{atom("badrpc"), atom("notsup")}
	rpcCall    = etf.Tuple{atom("call"), atom("erlang"), atom("node"), etf.List{}, atom("user")}
)

func genCall(tag, request etf.Term) etf.Term {
	return etf.Tuple{atom("$gen_call"), etf.Tuple{peerPid(5), tag}, request}
}

// toPid and toAlias are answers as they go out.
func toPid(msg etf.Term) []etf.Term {
	return terms(ctl(OpSendSender, kernelSelf, peerPid(5)), msg)
}
func toAlias(msg etf.Term) []etf.Term {
	return terms(ctl(OpAliasSend, kernelSelf, peerRef(1, 2, 3)), msg)
}

var kernelCases = []kernelCase{
	{name: "is_auth", to: "net_kernel", msg: genCall(peerRef(9), isAuth), answer: toPid(etf.Tuple{peerRef(9), atom("yes")})},
	{name: "is_auth by alias", to: "net_kernel", msg: genCall(aliasTag, isAuth), answer: toAlias(etf.Tuple{aliasTag, atom("yes")})},
	{name: "is_auth by alias inside", to: "net_kernel", msg: genCall(deepTag, isAuth), answer: toAlias(etf.Tuple{deepTag, atom("yes")})},
	{name: "is_auth by alias not agreed", to: "net_kernel", agreed: allAgreed &^ FlagAlias, msg: genCall(aliasTag, isAuth), answer: toPid(etf.Tuple{aliasTag, atom("yes")})},
	{name: "is_auth, plain send", to: "net_kernel", agreed: allAgreed &^ FlagSendSender, msg: genCall(peerRef(9), isAuth),
		answer: terms(ctl(OpSend, unused, peerPid(5)), etf.Tuple{peerRef(9), atom("yes")})},
	{name: "is_auth, any tag", to: "net_kernel", msg: genCall(etf.Tuple{peerRef(9), atom("n")}, isAuth), answer: toPid(etf.Tuple{etf.Tuple{peerRef(9), atom("n")}, atom("yes")})},
	{name: "spawn", to: "net_kernel", msg: genCall(peerRef(9), etf.Tuple{atom("spawn"), atom("m"), atom("f"), etf.List{}, peerPid(6)}),
		answer: toPid(etf.Tuple{peerRef(9), notsupErr}), refused: "net_kernel"},
	{name: "call of an atom", to: "net_kernel", msg: genCall(peerRef(9), atom("x")), answer: toPid(etf.Tuple{peerRef(9), notsupErr}), refused: "net_kernel"},
	{name: "sys:get_status", to: "net_kernel", msg: etf.Tuple{atom("system"), etf.Tuple{peerPid(5), aliasTag}, atom("get_status")},
		answer: toAlias(etf.Tuple{aliasTag, notsupErr}), refused: "net_kernel"},
	{name: "gen_event:call", to: "net_kernel", msg: etf.Tuple{peerPid(5), etf.Tuple{peerPid(5), peerRef(9)}, atom("which_handlers")},
		answer: toPid(etf.Tuple{peerRef(9), notsupErr}), refused: "net_kernel"},
	{name: "call for a third node", to: "net_kernel", msg: etf.Tuple{atom("$gen_call"), etf.Tuple{third, peerRef(9)}, isAuth}, dropped: DropForged},
	{name: "no call", to: "net_kernel", msg: atom("hello"), refused: "net_kernel"},
	{name: "call of two", to: "net_kernel", msg: etf.Tuple{atom("$gen_call"), isAuth}, refused: "net_kernel"},

	{name: "init_connect", to: "global_name_server",
		msg: etf.Tuple{atom("$gen_cast"), etf.Tuple{atom("init_connect"), etf.Tuple{int64(8), int64(-7)}, atom(peerName), etf.Tuple{atom("locker"), atom("no_longer_a_pid"), etf.Map{}, peerPid(6)}}},
		answer: terms(ctl(OpRegSend, kernelSelf, unused, atom("global_name_server")),
			etf.Tuple{atom("$gen_cast"), etf.Tuple{atom("in_sync"), atom(ourName), atom("true")}})},
	{name: "other casts", to: "global_name_server", msg: etf.Tuple{atom("$gen_cast"), etf.Tuple{atom("exchange"), atom("n"), etf.List{}, etf.List{}, int64(1)}}, refused: "global_name_server"},
	{name: "set_lock", to: "global_name_server", msg: genCall(peerRef(9), etf.Tuple{atom("set_lock"), atom("x")}), refused: "global_name_server"},

	{name: "erl_call", to: "rex", msg: etf.Tuple{peerPid(5), rpcCall}, answer: toPid(etf.Tuple{atom("rex"), badrpc}), refused: "rex"},
	{name: "features", to: "rex", msg: etf.Tuple{peerPid(5), atom("features_request")}, answer: toPid(etf.Tuple{atom("features_reply"), atom(ourName), etf.List{}})},
	{name: "rpc", to: "rex", msg: genCall(aliasTag, rpcCall), answer: toAlias(etf.Tuple{aliasTag, badrpc}), refused: "rex"},
	{name: "cast", to: "rex", msg: etf.Tuple{atom("$gen_cast"), etf.Tuple{atom("cast"), atom("m"), atom("f"), etf.List{}, peerPid(6)}}, refused: "rex"},
	{name: "call for a third node by pid", to: "rex", msg: etf.Tuple{third, rpcCall}, dropped: DropForged, refused: "rex"},
	{name: "nothing known", to: "rex", msg: etf.List{}, refused: "rex"},
}

func TestKernelNames(t *testing.T) {
	for _, c := range kernelCases {
		t.Run(c.name, func(t *testing.T) {
			agreed := c.agreed
			if agreed == 0 {
				agreed = allAgreed
			}
			for _, agreed := range []Flags{agreed, agreed &^ FlagFragments} {
				h := &recorder{}
				l := idleLink(agreed, h)
				control := controlOf(OpRegSend, peerPid(5), unused, atom(c.to))
				if err := l.in.frame(frameOf(agreed, control, termOf(c.msg))[4:]); err != nil {
					t.Fatal(err)
				}
				checkAnswer(t, l, agreed, c.answer)
				checkCounted(t, l, c.dropped, c.refused)
				if calls := h.taken(); len(calls) > 0 {
					t.Errorf("handler got %q", calls)
				}
			}
		})
	}
}

// A broken message to such a name is dropped, whole or cut anywhere; it never
// closes the link, since only its frame was ours to check.
func TestKernelNamesCut(t *testing.T) {
	for _, c := range kernelCases {
		msg := termOf(c.msg)
		for n := 1; n < len(msg); n++ {
			l := idleLink(allAgreed, &recorder{})
			control := controlOf(OpRegSend, peerPid(5), unused, atom(c.to))
			if err := l.in.frame(frameOf(allAgreed, control, msg[:n])[4:]); err != nil {
				t.Fatalf("%s cut to %d: %v", c.name, n, err)
			}
		}
	}
}
