package node

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/links"
)

// linkedNode is a stillNode with a link to b that is not read or written.
func linkedNode(t testing.TB) (*Node, *dist.Link) {
	t.Helper()
	n := stillNode(t)
	n.table = links.New(links.Config{Local: n.testLocal(), Handler: handler{n}, Up: n.linkUp, Down: n.linkDown})
	return n, idleLink(t, n, "b@127.0.0.1")
}

func (n *Node) testLocal() dist.Local {
	return dist.Local{Name: n.name, Creation: n.creation, Flags: dist.Offer(false), Cookie: n.cfg.Cookie, Challenges: new(dist.Challenges)}
}

// idleLink files a link that was never started as the live one of a name.
func idleLink(t testing.TB, n *Node, name string) *dist.Link {
	ours, theirs := net.Pipe()
	l := dist.NewLink(dist.LinkConfig{
		Conn: ours, Local: n.testLocal(), Handler: handler{n},
		Remote: dist.Remote{Name: name, Creation: 5, Flags: dist.Offer(false), Agreed: dist.Offer(false)},
		OnDown: func(l *dist.Link) {
			reason, _, _ := l.Down()
			n.linkDown(links.Info{Name: name, Link: l, Reason: reason})
		},
	})
	t.Cleanup(func() { l.Close(dist.ReasonStopped, nil); theirs.Close() })
	n.linkUp(links.Info{Name: name, Creation: 5, Generation: 1, Up: true, Link: l, Offered: dist.Offer(false),
		Addr: netip.MustParseAddrPort("127.0.0.1:4000")})
	return l
}

// queued is how many bytes the link has been given.
func queued(l *dist.Link) int { return l.Stats().ControlBytes }

func testPid() etf.Pid { return etf.Pid{Node: "b@127.0.0.1", ID: 100, Creation: 5} }

func testRef() etf.Ref {
	return etf.Ref{Node: "b@127.0.0.1", Creation: 5, Len: 3, Words: [5]uint32{1, 2, 3}}
}

// deviceRequest is what OTP's io and file libraries send to a process.
func deviceRequest(tag string) []byte {
	b := etf.AppendAtom(etf.AppendTuple(nil, 4), tag)
	b = etf.AppendRef(etf.AppendPid(b, testPid()), testRef())
	return etf.AppendAtom(b, "getopts")
}

// ourMessages is each message as this version, or OTP, sends it.
func ourMessages() map[string][]byte {
	return map[string][]byte{
		"hello":     encodeHello("host.example", 4370),
		"goodbye":   encodeGoodbye(),
		"probe":     encodeProbe(7, 250),
		"echo":      encodeEcho(7),
		"$gen_call": encodeCall(testPid(), testRef(), requestPeers(nil)),
		"peers":     encodePeers([]told{{name: "c@127.0.0.1", host: "127.0.0.1", port: 4370, kind: KindOTP}}),
		"cookies":   encodeProofs([]Cookie{NewCookie("a"), NewCookie("b")}, dist.Life{Name: "b@127.0.0.1", Creation: 5}, dist.Life{Name: "a@127.0.0.1", Creation: 6}),

		"pub": etf.AppendBinary(etf.AppendBinary(etf.AppendAtom(etf.AppendTuple(nil, 3), "pub"), []byte("chat")), []byte("hello")),

		"io_request":   deviceRequest("io_request"),
		"file_request": deviceRequest("file_request"),
	}
}

func TestDeliverKnowsWhatWeSend(t *testing.T) {
	all := ourMessages()
	for tag := range messages {
		if all[tag] == nil {
			t.Errorf("no test message for %s", tag)
		}
	}
	for tag, msg := range all {
		n, l := linkedNode(t)
		if err := n.deliver(l, msg); err != nil {
			t.Errorf("%s: %v", tag, err)
		}
	}
}

func TestDeliverTruncated(t *testing.T) {
	for tag, msg := range ourMessages() {
		if tag == "peers" || tag == "cookies" {
			msg = msg[:len(msg)-1] // the tail of the list says nothing and is not read
		}
		for cut := range msg {
			n, l := linkedNode(t)
			before := n.counts.unknownMessage.Load()
			err := n.deliver(l, msg[:cut:cut])
			if err == nil && n.counts.unknownMessage.Load() == before {
				t.Errorf("%s, first %d of %d bytes: taken", tag, cut, len(msg))
			}
			if reason, _, _ := l.Down(); reason != "" {
				t.Errorf("%s, first %d bytes: the link ended with %s", tag, cut, reason)
			}
			if p := n.peers["b@127.0.0.1"]; p.kind == KindLiminal || p.answered {
				t.Errorf("%s, first %d bytes: left a trace: %+v", tag, cut, p)
			}
		}
	}
}

func tuple(tag string, elements ...[]byte) []byte {
	b := etf.AppendAtom(etf.AppendTuple(nil, 1+len(elements)), tag)
	for _, e := range elements {
		b = append(b, e...)
	}
	return b
}

func integer(v int64) []byte     { return etf.AppendInt(nil, v) }
func atom(s string) []byte       { return etf.AppendAtom(nil, s) }
func binaryTerm(s string) []byte { return etf.AppendBinary(nil, []byte(s)) }

// mapping is a map of the pairs, key and value in turns.
func mapping(pairs ...[]byte) []byte {
	b := etf.AppendMapHeader(nil, len(pairs)/2)
	for _, p := range pairs {
		b = append(b, p...)
	}
	return b
}

// What a later version may send: a higher number, more elements, more keys,
// whatever terms they are.
func TestDeliverNewer(t *testing.T) {
	odd := tuple("odd", mapping(integer(1), atom("x")), binaryTerm("y"))
	for _, c := range []struct {
		name  string
		msg   []byte
		check func(n *Node, l *dist.Link) bool
	}{
		{"hello with keys before and after", tuple("hello", odd, mapping(odd, odd, atom("version"), binaryTerm("9"), binaryTerm("port"), odd, atom("port"), integer(80), integer(1), integer(2)), odd),
			func(n *Node, _ *dist.Link) bool {
				p := n.peers["b@127.0.0.1"]
				return p.kind == KindLiminal && p.version == "9" && p.addr.Port() == 80
			}},
		{"hello with an empty map", tuple("hello", integer(2), mapping()),
			func(n *Node, _ *dist.Link) bool { return n.peers["b@127.0.0.1"].kind == KindLiminal }},
		{"goodbye", tuple("goodbye", odd, odd),
			func(_ *Node, l *dist.Link) bool { r, _, _ := l.Down(); return r == dist.ReasonGoodbye }},
		{"probe", tuple("probe", odd, integer(1), integer(300), odd),
			func(n *Node, _ *dist.Link) bool { return n.peers["b@127.0.0.1"].rtt == 300*time.Microsecond }},
		{"peers", tuple("peers", odd, entries("x", 3), odd),
			func(n *Node, _ *dist.Link) bool { return len(n.peers) == 4 }},
		{"echo", tuple("echo", integer(99), integer(1), odd),
			func(n *Node, _ *dist.Link) bool { return n.peers["b@127.0.0.1"].answered }},
		{"call", tuple("$gen_call", encodeFrom(), atom("peers"), odd),
			func(n *Node, l *dist.Link) bool { return queued(l) > 0 && n.counts.unknownMessage.Load() == 0 }},
	} {
		n, l := linkedNode(t)
		if err := n.deliver(l, c.msg); err != nil || !c.check(n, l) {
			t.Errorf("%s: %v, peer %+v", c.name, err, n.peers["b@127.0.0.1"])
		}
	}
}

// encodeFrom is the {Pid, Tag} of a call.
func encodeFrom() []byte {
	return etf.AppendRef(etf.AppendPid(etf.AppendTuple(nil, 2), testPid()), testRef())
}

func TestDeliverRefuses(t *testing.T) {
	for _, c := range []struct {
		name    string
		msg     []byte
		unknown bool
	}{
		{"nothing", nil, false},
		{"no tuple", atom("hello"), false},
		{"empty tuple", etf.AppendTuple(nil, 0), false},
		{"tag is no atom", append(etf.AppendTuple(nil, 2), append(binaryTerm("hello"), integer(1)...)...), false},
		{"unknown tag", tuple("hallo", integer(1), mapping()), true},
		{"hello too short", tuple("hello", integer(1)), true},
		{"goodbye too short", tuple("goodbye"), true},
		{"probe too short", tuple("probe", integer(1), integer(1)), true},
		{"echo too short", tuple("echo", integer(1)), true},
		{"call too short", tuple("$gen_call", encodeFrom()), true},
		{"peers too short", tuple("peers", integer(1)), true},
		{"peers without a list", tuple("peers", integer(1), atom("x")), false},
		{"hello without a map", tuple("hello", integer(1), integer(1)), false},
		{"hello: version no binary", tuple("hello", integer(1), mapping(atom("version"), integer(1))), false},
		{"hello: version too long", tuple("hello", integer(1), mapping(atom("version"), binaryTerm(strings.Repeat("9", maxVersionText+1)))), false},
		{"hello: host too long", tuple("hello", integer(1), mapping(atom("host"), binaryTerm(strings.Repeat("h", maxHostText+1)))), false},
		{"hello: port too high", tuple("hello", integer(1), mapping(atom("port"), integer(65536))), false},
		{"hello: port negative", tuple("hello", integer(1), mapping(atom("port"), integer(-1))), false},
		{"probe: negative number", tuple("probe", integer(1), integer(-1), integer(1)), false},
		{"echo: number no integer", tuple("echo", integer(1), atom("x")), false},
		{"call: from no tuple", tuple("$gen_call", atom("x"), atom("peers")), false},
		{"call: from too long", tuple("$gen_call", append(etf.AppendTuple(nil, 3), append(integer(1), append(integer(1), integer(1)...)...)...), atom("peers")), true},
		{"call: from no pid", tuple("$gen_call", append(etf.AppendTuple(nil, 2), append(integer(1), integer(1)...)...), atom("peers")), false},
	} {
		n, l := linkedNode(t)
		handler{n}.SendName(l, etf.PidView{}, []byte(selfName), c.msg)
		unknown, bad := n.counts.unknownMessage.Load(), n.counts.badMessage.Load()
		if c.unknown && (unknown != 1 || bad != 0) || !c.unknown && (unknown != 0 || bad != 1) {
			t.Errorf("%s: counted %d unknown, %d bad", c.name, unknown, bad)
		}
		if p := n.peers["b@127.0.0.1"]; p.kind == KindLiminal || p.link == nil {
			t.Errorf("%s: left a trace: %+v", c.name, p)
		}
	}
}

func TestUnknownCallGetsAnAnswer(t *testing.T) {
	n, l := linkedNode(t)
	before := queued(l)
	if err := n.deliver(l, tuple("$gen_call", encodeFrom(), atom("whatever"))); err != nil {
		t.Fatal(err)
	}
	if queued(l) == before || n.counts.unknownMessage.Load() != 1 {
		t.Errorf("answer of %d bytes, %d counted", queued(l)-before, n.counts.unknownMessage.Load())
	}
}

// A hello that names no host one could dial is refused whole: nothing of it is
// shown, and nothing passed on to others.
func TestHelloHostileText(t *testing.T) {
	for _, text := range []string{"\x1b[2J", "a b", "host\n", "\x00", "é.example", "[::1]", "a@b", "host:1", "$(reboot)", "%s%n"} {
		n, l := linkedNode(t)
		err := n.deliver(l, encodeHello(text, 4370))
		if err == nil {
			t.Errorf("host %q was taken", text)
		}
		p := n.peers["b@127.0.0.1"]
		if p.host == text || p.tell(true).host == text {
			t.Errorf("host %q is told to others", text)
		}
		if n.resolver.Stats().Told != 0 {
			t.Errorf("host %q is kept to be tried", text)
		}
	}
	for _, text := range []string{"\x1b[2J", "1\n2", "1\x7f", "\xff", "1\u202e2"} {
		n, l := linkedNode(t)
		if err := n.deliver(l, tuple("hello", integer(1), mapping(atom("version"), binaryTerm(text)))); err == nil || n.known()[0].Version == text {
			t.Errorf("version %q was taken: %v", text, err)
		}
	}
}

// A message of a link that is not the peer's live one changes nothing.
func TestDeliverFromAnOldLink(t *testing.T) {
	for tag, msg := range ourMessages() {
		n, old := linkedNode(t)
		idleLink(t, n, "b@127.0.0.1") // takes its place
		before := *n.peers["b@127.0.0.1"]
		_ = n.deliver(old, msg)
		now := *n.peers["b@127.0.0.1"]
		if now.kind != before.kind || now.answered != before.answered || now.rtt != before.rtt || now.link != before.link {
			t.Errorf("%s from an old link: %+v", tag, now)
		}
	}
}
