package dist

import (
	"fmt"
	"testing"
)

// S6: in each state one tag is let in, however right the rest of the message is.
func TestOneTagInEachState(t *testing.T) {
	good := theCookie.digest(ourChallenge)
	for _, tc := range []struct {
		name  string
		fresh func() (stepper, error)
		said  [][]byte
	}{
		{"acceptor", func() (stepper, error) { return NewAcceptor(testLocal(), AcceptorHooks{Admit: admitByName}) },
			[][]byte{nameMessage(peerLocal("live@host")), statusMessage(answerTrue), replyMessage(theirChallenge, good)}},
		{"initiator", func() (stepper, error) { return NewInitiator(testLocal(), InitiatorHooks{}) },
			[][]byte{statusMessage("ok"), challengeMessage(peerLocal("peer@host"), theirChallenge), ackMessage(good)}},
	} {
		for at := range tc.said {
			for tag := range 256 {
				m, err := tc.fresh()
				if err != nil {
					t.Fatal(err)
				}
				last := append([]byte{byte(tag)}, tc.said[at][1:]...)
				what := fmt.Sprintf("%s, message %d with tag %q", tc.name, at+1, byte(tag))
				checkTag(t, what, m, tc.said[:at], last, last[0] == tc.said[at][0])
			}
		}
	}
}

// checkTag says all of before, which is right, and then last.
func checkTag(t *testing.T, what string, m stepper, before [][]byte, last []byte, right bool) {
	t.Helper()
	for _, b := range before {
		if _, _, err := m.Step(b, 0); err != nil {
			t.Fatalf("%s: %q before it: %v", what, b, err)
		}
	}
	if out, _, err := m.Step(last, 0); (err == nil) != right || err != nil && len(out) > 0 {
		t.Errorf("%s: it says %q, %v", what, out, err)
	}
}
