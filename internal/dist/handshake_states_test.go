package dist

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The exhaustive test: every sequence of up to six out of fourteen messages is
// played to each role. A machine that has ended lets nothing in, which is
// checked with each of the fourteen; so a sequence need not be played beyond
// the end, and a few hundred stand for 8.1 million.

const (
	ourChallenge   uint32 = 0x01020304
	theirChallenge uint32 = 0x0a0b0c0d
	exploreDepth          = 6
)

var theCookie = NewCookie("the cookie of these tests")

// letter is one message of the alphabet.
type letter struct {
	name string
	body []byte
}

func testLocal() Local {
	return Local{Name: "us@host", Creation: 100, Flags: Offer(false), Cookie: theCookie, Challenges: fixed(ourChallenge)}
}

func peerLocal(name string) Local {
	return Local{Name: name, Creation: 200, Flags: Offer(true)}
}

func acceptorAlphabet() []letter {
	old := peerLocal("old@host")
	old.Flags = 0x1050f94
	us := testLocal()
	wrong := NewCookie("another").digest(ourChallenge)
	return []letter{
		{"name", nameMessage(peerLocal("peer@host"))},
		{"name of a live peer", nameMessage(peerLocal("live@host"))},
		{"name of a loser", nameMessage(peerLocal("nok@host"))},
		{"bad name", nameMessage(peerLocal("a\x1bb@host"))},
		{"too old", nameMessage(old)},
		{"our own name", nameMessage(us)},
		{"true", statusMessage("true")},
		{"false", statusMessage("false")},
		{"ok", statusMessage("ok")},
		{"challenge", challengeMessage(peerLocal("peer@host"), theirChallenge)},
		{"good reply", replyMessage(theirChallenge, theCookie.digest(ourChallenge))},
		{"wrong reply", replyMessage(theirChallenge, wrong)},
		{"reply with our challenge", replyMessage(ourChallenge, theCookie.digest(ourChallenge))},
		{"ack", ackMessage(theCookie.digest(ourChallenge))},
	}
}

func initiatorAlphabet() []letter {
	old := peerLocal("peer@host")
	old.Flags = 0x1050f94
	return []letter{
		{"ok", statusMessage("ok")},
		{"ok_simultaneous", statusMessage("ok_simultaneous")},
		{"nok", statusMessage("nok")},
		{"not_allowed", statusMessage("not_allowed")},
		{"alive", statusMessage("alive")},
		{"named", statusMessage("named:\x00\x01a\x00\x00\x00\x05")},
		{"bogus", statusMessage("bogus")},
		{"challenge", challengeMessage(peerLocal("peer@host"), theirChallenge)},
		{"challenge of another", challengeMessage(peerLocal("other@host"), theirChallenge)},
		{"challenge of the old", challengeMessage(old, theirChallenge)},
		{"our challenge", challengeMessage(peerLocal("peer@host"), ourChallenge+1)},
		{"ack", ackMessage(theCookie.digest(ourChallenge))},
		{"wrong ack", ackMessage(theCookie.digest(theirChallenge))},
		{"reply", replyMessage(theirChallenge, theCookie.digest(ourChallenge))},
	}
}

func admitByName(h Hello) Status {
	switch h.Name {
	case "live@host":
		return StatusAlive
	case "nok@host":
		return StatusNOK
	default:
		return StatusOK
	}
}

// S6: the sequences that an acceptor lets end well are two.
func TestEverySequenceAcceptor(t *testing.T) {
	fresh := func() stepper {
		a, err := NewAcceptor(testLocal(), AcceptorHooks{Admit: admitByName})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	got := explore(t, acceptorAlphabet(), fresh)
	want := []string{"name of a live peer, true, good reply", "name, good reply"}
	if !slices.Equal(got, want) {
		t.Errorf("done after %q, want %q", got, want)
	}
}

// S6: those of an initiator are three.
func TestEverySequenceInitiator(t *testing.T) {
	fresh := func() stepper {
		l := testLocal()
		l.Challenges.out = map[uint32]struct{}{ourChallenge + 1: {}} // of another handshake
		i, err := NewInitiator(l, InitiatorHooks{Want: "peer@host"})
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	got := explore(t, initiatorAlphabet(), fresh)
	want := []string{"alive, challenge, ack", "ok, challenge, ack", "ok_simultaneous, challenge, ack"}
	if !slices.Equal(got, want) {
		t.Errorf("done after %q, want %q", got, want)
	}
}

// explore gives the sequences that end well, sorted.
func explore(t *testing.T, alphabet []letter, fresh func() stepper) []string {
	if len(alphabet) != 14 {
		t.Fatalf("%d letters", len(alphabet))
	}
	var good []string
	steps := 0
	var walk func(path []letter)
	walk = func(path []letter) {
		if len(path) == exploreDepth {
			return
		}
		for _, l := range alphabet {
			next := append(slices.Clone(path), l)
			steps += len(next)
			m, done, err := play(t, fresh, next)
			switch {
			case done:
				good = append(good, spell(next))
				checkOver(t, m, alphabet, next)
			case err != nil:
				checkOver(t, m, alphabet, next)
			default:
				walk(next)
			}
		}
	}
	walk(nil)
	if steps < 14*3 {
		t.Errorf("only %d steps: the machine never moved", steps)
	}
	slices.Sort(good)
	return good
}

// play runs a sequence on a new machine; only the last step may end it.
func play(t *testing.T, fresh func() stepper, path []letter) (m stepper, done bool, err error) {
	t.Helper()
	m = fresh()
	for i, l := range path {
		if done || err != nil {
			t.Fatalf("%s: ended before step %d", spell(path), i)
		}
		_, done, err = m.Step(l.body, 0)
	}
	return m, done, err
}

// checkOver gives an ended machine every message.
func checkOver(t *testing.T, m stepper, alphabet []letter, path []letter) {
	t.Helper()
	for _, l := range alphabet {
		out, done, err := m.Step(l.body, 0)
		if out != nil || done || !errors.Is(err, ErrProtocol) {
			t.Errorf("%s, then %s: %x, %t, %v", spell(path), l.name, out, done, err)
		}
	}
}

func spell(path []letter) string {
	names := make([]string, len(path))
	for i, l := range path {
		names[i] = l.name
	}
	return strings.Join(names, ", ")
}

// S6: TestRows holds the tables against the protocol: which row lets what in and
// where it leads, and that nothing but the digest rows leads to the end.
func TestRows(t *testing.T) {
	checkRows(t, initiatorRows[:], map[state]string{
		awaitStatus:    "status s 64 true " + fmt.Sprintf("%b", stateSet(awaitChallenge)),
		awaitChallenge: "challenge N 1100 false " + fmt.Sprintf("%b", stateSet(awaitAck)),
		awaitAck:       "ack a 64 false " + fmt.Sprintf("%b", stateSet(stateEstablished)),
	}, awaitAck)
	checkRows(t, acceptorRows[:], map[state]string{
		awaitName:   "name N 1100 true " + fmt.Sprintf("%b", stateSet(awaitAnswer, awaitReply)),
		awaitAnswer: "status s 64 false " + fmt.Sprintf("%b", stateSet(awaitReply)),
		awaitReply:  "reply r 64 false " + fmt.Sprintf("%b", stateSet(stateEstablished)),
	}, awaitReply)
}

func checkRows[M any](t *testing.T, rows []stateRow[M], want map[state]string, last state) {
	for st, r := range rows {
		got := ""
		if r.step != nil {
			got = fmt.Sprintf("%s %c %d %t %b", r.stage, r.tag, r.limit, r.first, r.next)
		}
		if got != want[state(st)] {
			t.Errorf("state %d: %q, want %q", st, got, want[state(st)])
		}
		if r.next.has(stateEstablished) != (state(st) == last) {
			t.Errorf("state %d leads to the end: %t", st, r.next.has(stateEstablished))
		}
	}
}

// S6: TestUndeclaredTransition shows that a step cannot lead past its row.
func TestUndeclaredTransition(t *testing.T) {
	s, err := newHandshake(RoleAcceptor, testLocal(), awaitName)
	if err != nil {
		t.Fatal(err)
	}
	rows := [stateCount]stateRow[int]{awaitName: {
		stage: StageName, tag: tagName, limit: maxNamed, next: stateSet(awaitReply),
		step: func(int, []byte) ([][]byte, state, error) { return nil, stateEstablished, nil },
	}}
	if _, done, err := advance(&s, &rows, 0, []byte{tagName}, 0); done || !errors.Is(err, errTransition) {
		t.Errorf("done %t, %v", done, err)
	}
}
