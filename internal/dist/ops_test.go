package dist

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/etf"
)

// opCase is a control tuple, what the Handler must hear, what must be answered
// and what must be counted. Pids 1000 and the name "here" live.
type opCase struct {
	name    string
	agreed  Flags // allAgreed if 0
	op      Op
	args    []etf.Term
	payload etf.Term // nil: none
	call    string
	answer  []etf.Term // control tuple, then payload if there is one
	dropped Drop
	refused string
}

var (
	token  = etf.Tuple{int64(0), int64(1), int64(2), peerPid(5), int64(0)}
	stale  = etf.Pid{Node: ourName, ID: 1000, Creation: ourLife - 1}
	third  = etf.Pid{Node: "third@h", ID: 5, Creation: 9}
	oldRun = etf.Pid{Node: peerName, ID: 5, Creation: peerLife - 1}
	mfa    = etf.Tuple{atom("m"), atom("f"), int64(0)}
	unused = atom("")
)

var opCases = []opCase{
	{name: "link to the living", op: OpLink, args: terms(peerPid(5), ourPid(1000)), call: "linked 5 1000"},
	{name: "link to nobody", op: OpLink, args: terms(peerPid(5), ourPid(7)),
		answer: terms(ctl(OpPayloadExit, ourPid(7), peerPid(5)), atom("noproc"))},
	{name: "link to nobody, no exit payload", agreed: allAgreed &^ FlagExitPayload, op: OpLink,
		args: terms(peerPid(5), ourPid(7)), answer: terms(ctl(OpExit, ourPid(7), peerPid(5), atom("noproc")))},
	{name: "link to an older life", op: OpLink, args: terms(peerPid(5), stale),
		answer: terms(ctl(OpPayloadExit, stale, peerPid(5)), atom("noproc"))},
	{name: "link to a third node", op: OpLink, args: terms(peerPid(5), third),
		answer: terms(ctl(OpPayloadExit, third, peerPid(5)), atom("noproc"))},
	{name: "link of a third node", op: OpLink, args: terms(third, ourPid(7)), dropped: DropForged},

	{name: "send", op: OpSend, args: terms(unused, ourPid(7)), payload: atom("hi"), call: "send 7 77026869"},
	{name: "send with cookie", op: OpSend, args: terms(atom("cookie"), ourPid(7)), payload: atom("hi"), call: "send 7 77026869"},
	{name: "send to an older life", op: OpSend, args: terms(unused, stale), payload: atom("hi"), dropped: DropStaleCreation},
	{name: "send to a third node", op: OpSend, args: terms(unused, third), payload: atom("hi"), dropped: DropNotOurs},
	{name: "send, token", op: OpSendTT, args: terms(unused, ourPid(7), token), payload: int64(1), call: "send 7 6101"},
	{name: "send, sender", op: OpSendSender, args: terms(peerPid(5), ourPid(7)), payload: int64(1), call: "send 7 6101"},
	{name: "send, sender, token", op: OpSendSenderTT, args: terms(peerPid(5), ourPid(7), token), payload: int64(1), call: "send 7 6101"},

	{name: "to a name", op: OpRegSend, args: terms(peerPid(5), unused, atom("liminal")), payload: int64(1), call: "name 5 liminal 6101"},
	{name: "to a name, token", op: OpRegSendTT, args: terms(peerPid(5), unused, atom("x"), token), payload: int64(1), call: "name 5 x 6101"},
	{name: "to a name, forged", op: OpRegSend, args: terms(third, unused, atom("liminal")), payload: int64(1), dropped: DropForged},
	{name: "to a name, from an older life", op: OpRegSend, args: terms(oldRun, unused, atom("liminal")), payload: int64(1), dropped: DropForged},

	{name: "to an alias", op: OpAliasSend, args: terms(peerPid(5), ourRef(1, 2, 3)), payload: int64(1), call: "alias [1 2 3] 6101"},
	{name: "to an alias, token", op: OpAliasSendTT, args: terms(peerPid(5), ourRef(1, 2, 3), token), payload: int64(1), call: "alias [1 2 3] 6101"},
	{name: "to an alias of an older life", op: OpAliasSend, args: terms(peerPid(5), newRef(ourName, 4, 1)), payload: int64(1), dropped: DropStaleCreation},
	{name: "to an alias of another node", op: OpAliasSend, args: terms(peerPid(5), peerRef(1)), payload: int64(1), dropped: DropNotOurs},

	{name: "exit", op: OpExit, args: terms(peerPid(5), ourPid(7), atom("bye")), call: "exit 5 7 7703627965"},
	{name: "exit, token", op: OpExitTT, args: terms(peerPid(5), ourPid(7), token, atom("bye")), call: "exit 5 7 7703627965"},
	{name: "exit2", op: OpExit2, args: terms(peerPid(5), ourPid(7), atom("bye")), call: "exit 5 7 7703627965"},
	{name: "exit2, token", op: OpExit2TT, args: terms(peerPid(5), ourPid(7), token, atom("bye")), call: "exit 5 7 7703627965"},
	{name: "exit, payload", op: OpPayloadExit, args: terms(peerPid(5), ourPid(7)), payload: atom("bye"), call: "exit 5 7 7703627965"},
	{name: "exit, payload, token", op: OpPayloadExitTT, args: terms(peerPid(5), ourPid(7), token), payload: atom("bye"), call: "exit 5 7 7703627965"},
	{name: "exit2, payload", op: OpPayloadExit2, args: terms(peerPid(5), ourPid(7)), payload: atom("bye"), call: "exit 5 7 7703627965"},
	{name: "exit2, payload, token", op: OpPayloadExit2TT, args: terms(peerPid(5), ourPid(7), token), payload: atom("bye"), call: "exit 5 7 7703627965"},
	{name: "exit to an older life", op: OpPayloadExit, args: terms(peerPid(5), stale), payload: atom("bye"), dropped: DropStaleCreation},
	{name: "exit of a third node", op: OpPayloadExit, args: terms(third, ourPid(7)), payload: atom("bye"), dropped: DropForged},

	{name: "unlink", op: OpUnlink, args: terms(peerPid(5), ourPid(7)), call: "unlinked 5 7"},
	{name: "unlink id", op: OpUnlinkID, args: terms(int64(17), peerPid(5), ourPid(7)), call: "unlinked 5 7",
		answer: terms(ctl(OpUnlinkIDAck, int64(17), ourPid(7), peerPid(5)))},
	{name: "unlink id of 64 bits", op: OpUnlinkID, args: terms(int64(1<<62+1), peerPid(5), stale),
		answer: terms(ctl(OpUnlinkIDAck, int64(1<<62+1), stale, peerPid(5)))},
	{name: "unlink id, forged", op: OpUnlinkID, args: terms(int64(17), third, ourPid(7)), dropped: DropForged},
	{name: "unlink ack", op: OpUnlinkIDAck, args: terms(int64(17), peerPid(5), ourPid(7)), dropped: DropUnexpected},
	{name: "group leader", op: OpGroupLeader, args: terms(peerPid(5), ourPid(7)), refused: "GROUP_LEADER"},

	{name: "monitor the living", op: OpMonitor, args: terms(peerPid(5), ourPid(1000), peerRef(1, 2)), call: "monitored 5 1000 [1 2]"},
	{name: "monitor a name that lives", op: OpMonitor, args: terms(peerPid(5), atom("here"), peerRef(1, 2)), call: "monitored 5 here [1 2]"},
	{name: "monitor nobody", op: OpMonitor, args: terms(peerPid(5), ourPid(7), peerRef(1, 2)),
		answer: terms(ctl(OpPayloadMonitorExit, ourPid(7), peerPid(5), peerRef(1, 2)), atom("noproc"))},
	{name: "monitor an older life", op: OpMonitor, args: terms(peerPid(5), stale, peerRef(1, 2)),
		answer: terms(ctl(OpPayloadMonitorExit, stale, peerPid(5), peerRef(1, 2)), atom("noproc"))},
	{name: "monitor an unknown name", op: OpMonitor, args: terms(peerPid(5), atom("nosuch"), peerRef(1, 2, 3)),
		answer: terms(ctl(OpPayloadMonitorExit, atom("nosuch"), peerPid(5), peerRef(1, 2, 3)), atom("noproc"))},
	{name: "monitor nobody, no exit payload", agreed: allAgreed &^ FlagExitPayload, op: OpMonitor,
		args:   terms(peerPid(5), atom("nosuch"), peerRef(1, 2, 3)),
		answer: terms(ctl(OpMonitorExit, atom("nosuch"), peerPid(5), peerRef(1, 2, 3), atom("noproc")))},
	{name: "monitor net_kernel", op: OpMonitor, args: terms(peerPid(5), atom("net_kernel"), peerRef(1))},
	{name: "monitor rex", op: OpMonitor, args: terms(peerPid(5), atom("rex"), peerRef(1)),
		answer: terms(ctl(OpPayloadMonitorExit, atom("rex"), peerPid(5), peerRef(1)), atom("noproc"))},
	{name: "monitor global_name_server", op: OpMonitor, args: terms(peerPid(5), atom("global_name_server"), peerRef(1)),
		answer: terms(ctl(OpPayloadMonitorExit, atom("global_name_server"), peerPid(5), peerRef(1)), atom("noproc"))},
	{name: "monitor from an older life", op: OpMonitor, args: terms(oldRun, ourPid(7), peerRef(1)), dropped: DropForged},
	{name: "demonitor", op: OpDemonitor, args: terms(peerPid(5), ourPid(1000), peerRef(1, 2)), call: "demonitored 5 1000 [1 2]"},
	{name: "demonitor a name", op: OpDemonitor, args: terms(peerPid(5), atom("here"), peerRef(1, 2)), call: "demonitored 5 here [1 2]"},
	{name: "demonitor net_kernel", op: OpDemonitor, args: terms(peerPid(5), atom("net_kernel"), peerRef(1))},
	{name: "demonitor an older life", op: OpDemonitor, args: terms(peerPid(5), stale, peerRef(1)), dropped: DropStaleCreation},

	{name: "down", op: OpMonitorExit, args: terms(peerPid(5), ourPid(7), ourRef(1, 2), atom("bye")), call: "down [1 2] 7703627965"},
	{name: "down by name", op: OpMonitorExit, args: terms(atom("pg"), ourPid(7), ourRef(1, 2), atom("bye")), call: "down [1 2] 7703627965"},
	{name: "down, payload", op: OpPayloadMonitorExit, args: terms(peerPid(5), ourPid(7), ourRef(1, 2)), payload: atom("bye"), call: "down [1 2] 7703627965"},
	{name: "down of a third node", op: OpPayloadMonitorExit, args: terms(third, ourPid(7), ourRef(1, 2)), payload: atom("bye"), dropped: DropForged},
	{name: "down to an older life", op: OpPayloadMonitorExit, args: terms(peerPid(5), stale, ourRef(1, 2)), payload: atom("bye"), dropped: DropStaleCreation},
	{name: "down with a ref of theirs", op: OpPayloadMonitorExit, args: terms(peerPid(5), ourPid(7), peerRef(1, 2)), payload: atom("bye"), dropped: DropNotOurs},

	{name: "spawn request", op: OpSpawnRequest, args: terms(peerRef(4), peerPid(5), peerPid(6), mfa, etf.List{atom("monitor")}), payload: etf.List{},
		answer: terms(ctl(OpSpawnReply, peerRef(4), peerPid(5), int64(0), atom("notsup"))), refused: "SPAWN_REQUEST"},
	{name: "spawn request, token", op: OpSpawnRequestTT, args: terms(peerRef(4), peerPid(5), peerPid(6), mfa, etf.List{}, token), payload: etf.List{},
		answer: terms(ctl(OpSpawnReply, peerRef(4), peerPid(5), int64(0), atom("notsup"))), refused: "SPAWN_REQUEST_TT"},
	{name: "spawn reply", op: OpSpawnReply, args: terms(ourRef(4), ourPid(7), int64(0), peerPid(6)), dropped: DropUnexpected},
	{name: "spawn reply, token", op: OpSpawnReplyTT, args: terms(ourRef(4), ourPid(7), int64(0), atom("badarg"), token), dropped: DropUnexpected},

	{name: "altact send", op: OpAltactSigSend, args: terms(int64(1), peerPid(5), ourPid(7)), payload: int64(1), call: "send 7 6101"},
	{name: "altact send, token", op: OpAltactSigSend, args: terms(int64(3), peerPid(5), ourPid(7), token), payload: int64(1), call: "send 7 6101"},
	{name: "altact, more", op: OpAltactSigSend, args: terms(int64(3), peerPid(5), ourPid(7), token, atom("new")), payload: int64(1), call: "send 7 6101"},
	{name: "altact to an alias", op: OpAltactSigSend, args: terms(int64(4), peerPid(5), ourRef(1)), payload: int64(1), call: "alias [1] 6101"},
	{name: "altact to a name", op: OpAltactSigSend, args: terms(int64(8), peerPid(5), atom("x")), payload: int64(1), call: "name 5 x 6101"},
	{name: "altact exit", op: OpAltactSigSend, args: terms(int64(16), peerPid(5), ourPid(7)), payload: atom("bye"), call: "exit 5 7 7703627965"},
	{name: "altact exit to a name", op: OpAltactSigSend, args: terms(int64(24), peerPid(5), atom("x")), payload: atom("bye"), refused: "ALTACT_SIG_SEND"},
}

func terms(t ...etf.Term) []etf.Term { return t }

func ctl(op Op, t ...etf.Term) etf.Term { return etf.Tuple(append(terms(int64(op)), t...)) }

func TestOps(t *testing.T) {
	for _, c := range opCases {
		t.Run(c.name, func(t *testing.T) {
			if c.agreed == 0 {
				c.agreed = allAgreed
			}
			for _, agreed := range []Flags{c.agreed, c.agreed &^ FlagFragments} {
				checkOp(t, c, agreed)
			}
		})
	}
}

func checkOp(t *testing.T, c opCase, agreed Flags) {
	h := &recorder{alive: map[uint32]bool{1000: true}, names: map[string]bool{"here": true}}
	l := idleLink(agreed, h)
	var payload []byte
	if c.payload != nil {
		payload = termOf(c.payload)
	}
	if err := l.in.frame(frameOf(agreed, controlOf(c.op, c.args...), payload)[4:]); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(h.taken(), "; "); got != c.call {
		t.Errorf("handler got %q, want %q", got, c.call)
	}
	checkAnswer(t, l, agreed, c.answer)
	checkCounted(t, l, c.dropped, c.refused)
}

func checkAnswer(t *testing.T, l *Link, agreed Flags, want []etf.Term) {
	t.Helper()
	frames := queuedFrames(t, l)
	if len(want) == 0 {
		if len(frames) != 0 {
			t.Errorf("answered %x", frames)
		}
		return
	}
	var payload []byte
	if len(want) > 1 {
		payload = termOf(want[1])
	}
	wire := frameOf(agreed, termOf(want[0]), payload)[4:]
	if len(frames) != 1 || !bytes.Equal(frames[0], wire) {
		t.Errorf("answered\n %x, want\n %x", frames, wire)
	}
}

func checkCounted(t *testing.T, l *Link, dropped Drop, refused string) {
	t.Helper()
	s := l.Stats()
	wantDropped, wantRefused := map[string]uint64{}, map[string]uint64{}
	if dropped != DropNone {
		wantDropped[dropped.String()] = 1
	}
	if refused != "" {
		wantRefused[refused] = 1
	}
	if !reflect.DeepEqual(s.Dropped, wantDropped) || !reflect.DeepEqual(s.Refused, wantRefused) {
		t.Errorf("dropped %v refused %v, want %v and %v", s.Dropped, s.Refused, wantDropped, wantRefused)
	}
}

// Every operation of the table has a case above.
func TestOpsAllTried(t *testing.T) {
	tried := map[Op]bool{}
	for _, c := range opCases {
		tried[c.op] = true
	}
	rows := 0
	for op, row := range ops {
		if row.handle == nil {
			continue
		}
		rows++
		if !tried[Op(op)] {
			t.Errorf("%v has no case", Op(op))
		}
	}
	if rows != 30 {
		t.Errorf("%d rows, want 30", rows)
	}
}

// A frame cut anywhere before the end of its control term, or a payload that
// is not there, is an error and has no effect.
func TestOpsCut(t *testing.T) {
	for _, c := range opCases {
		control := controlOf(c.op, c.args...)
		for n := range len(control) + 1 {
			if n == len(control) && c.payload == nil {
				continue
			}
			h := &recorder{alive: map[uint32]bool{1000: true}}
			l := idleLink(allAgreed, h)
			err := l.in.frame(append([]byte{131, 68, 0}, control[:n]...))
			var p *ProtocolError
			if !errors.As(err, &p) {
				t.Fatalf("%s cut to %d of %d: %v", c.name, n, len(control), err)
			}
			if calls, frames := h.taken(), queuedFrames(t, l); len(calls)+len(frames) > 0 {
				t.Fatalf("%s cut to %d had an effect: %q, %x", c.name, n, calls, frames)
			}
		}
	}
}

func TestMalformedFrames(t *testing.T) {
	send := controlOf(OpSend, unused, ourPid(7))
	for _, c := range []struct {
		name   string
		agreed Flags
		frame  []byte
		want   error  // if not nil
		says   string // otherwise
	}{
		{name: "pass-through where headers were agreed", agreed: allAgreed, frame: join([]byte{112, 131}, send, []byte{131, 106}), want: errFrameType},
		{name: "header where none was agreed", agreed: noHeaders, frame: join([]byte{131, 68, 0}, send, []byte{106}), want: errFrameType},
		{name: "old fragment type", agreed: allAgreed, frame: []byte{131, 71, 0}, want: errFrameType},
		{name: "one byte", agreed: allAgreed, frame: []byte{131}, want: errTooShort},
		{name: "two bytes", agreed: allAgreed, frame: []byte{131, 68}, want: errTooShort},
		{name: "atom references", agreed: allAgreed, frame: join([]byte{131, 68, 1, 0, 0}, send, []byte{106}), want: errAtomRefs},
		{name: "atom references in a fragment", agreed: allAgreed, frame: append(fragment(69, 1, 1, nil)[:18], 2), want: errAtomRefs},
		{name: "no version", agreed: noHeaders, frame: join([]byte{112}, send), want: errVersion},
		{name: "payload without version", agreed: noHeaders, frame: join([]byte{112, 131}, send, []byte{106}), want: errVersion},
		{name: "payload with version", agreed: allAgreed, frame: join([]byte{131, 68, 0}, send, []byte{131, 106}), want: errVersion},
		{name: "version alone", agreed: noHeaders, frame: join([]byte{112, 131}, send, []byte{131}), want: errNoPayload},
		{name: "no payload", agreed: allAgreed, frame: join([]byte{131, 68, 0}, send), want: errNoPayload},
		{name: "not a tuple", agreed: allAgreed, frame: []byte{131, 68, 0, 106}, want: etf.ErrTag},
		{name: "empty tuple", agreed: allAgreed, frame: []byte{131, 68, 0, 104, 0}, want: errMore},
		{name: "operation is an atom", agreed: allAgreed, frame: []byte{131, 68, 0, 104, 1, 119, 1, 'x'}, want: etf.ErrTag},
		{name: "unknown operation", agreed: allAgreed, frame: join([]byte{131, 68, 0}, controlOf(5, unused)), says: "unknown operation 5"},
		{name: "operation 38", agreed: allAgreed, frame: join([]byte{131, 68, 0}, controlOf(38, unused)), says: "unknown operation 38"},
		{name: "operation -1", agreed: allAgreed, frame: []byte{131, 68, 0, 104, 1, 98, 255, 255, 255, 255}, says: "unknown operation -1"},
		{name: "operation 2^63", agreed: allAgreed, frame: []byte{131, 68, 0, 104, 1, 110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 128}, want: etf.ErrLimit},
		{name: "too long", agreed: allAgreed, frame: join([]byte{131, 68, 0}, controlOf(OpSend, unused, ourPid(7), unused), []byte{106}), want: errMore},
		{name: "to is no pid", agreed: allAgreed, frame: join([]byte{131, 68, 0}, controlOf(OpSend, unused, unused), []byte{106}), want: etf.ErrTag},
		{name: "monitor of a third node", agreed: allAgreed, frame: join([]byte{131, 68, 0}, controlOf(OpMonitor, third, ourPid(7), peerRef(1))), says: `monitor from a process of "third@h"`},
		{name: "compressed", agreed: allAgreed, frame: join([]byte{131, 68, 0}, []byte{104, 3, 97, 2, 80, 0, 0, 0, 1}), want: etf.ErrTag},
		{name: "fragment too short", agreed: allAgreed, frame: fragment(70, 1, 1, nil)[:17], want: errTooShort},
		{name: "fragment number 0", agreed: allAgreed, frame: fragment(69, 1, 0, send), want: errFragmentNo},
		{name: "fragments where none were agreed", agreed: noHeaders, frame: fragment(69, 1, 1, send), want: errFrameType},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &recorder{}
			err := idleLink(c.agreed, h).in.frame(c.frame)
			var p *ProtocolError
			if !errors.As(err, &p) {
				t.Fatalf("got %v", err)
			}
			if c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %v %s", err, c.want, c.says)
			}
			if len(h.taken()) != 0 {
				t.Error("the handler was called")
			}
		})
	}
}

// The error has what a log needs: operation, size, first 64 bytes.
func TestProtocolErrorText(t *testing.T) {
	control := controlOf(OpSendSender, peerPid(5), atom(strings.Repeat("x", 200)))
	frame := join([]byte{131, 68, 0}, control)
	err := idleLink(allAgreed, &recorder{}).in.frame(frame)
	for _, want := range []string{"SEND_SENDER", fmt.Sprintf("%d bytes", len(frame)), "to:", hex.EncodeToString(frame[:64])} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), hex.EncodeToString(frame[:65])) {
		t.Errorf("%q shows more than 64 bytes", err)
	}
}

// Old forms of a pid come back as they came.
func TestAnswersEchoBytes(t *testing.T) {
	oldPid := join([]byte{103}, termOf(atom(peerName)), []byte{0, 0, 0, 5, 0, 0, 0, 0, 2})
	cfg := linkConfig(deadConn{}, allAgreed, &recorder{})
	cfg.Remote.Creation = 2
	l := NewLink(cfg)
	control := join([]byte{104, 3, 97, 1}, oldPid, termOf(ourPid(7)))
	if err := l.in.frame(join([]byte{131, 68, 0}, control)); err != nil {
		t.Fatal(err)
	}
	want := join([]byte{131, 68, 0, 104, 3, 97, 24}, termOf(ourPid(7)), oldPid, termOf(atom("noproc")))
	if got := queuedFrames(t, l); len(got) != 1 || !bytes.Equal(got[0], want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

func fragment(typ byte, seq, number uint64, rest []byte) []byte {
	b := appendFragmentStart(nil, typ == typeFirst, seq, number, len(rest))
	return append(b[4:], rest...)
}
