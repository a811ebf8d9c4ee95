package dist

import (
	"errors"
	"testing"
)

// nearly gives digests that are wrong by as little as can be: each bit of the right
// one turned, no digest at all, the right answer to another challenge, and the
// right one of another cookie.
func nearly(right [digestSize]byte, challenge uint32) (all [][digestSize]byte) {
	for bit := range 8 * digestSize {
		d := right
		d[bit/8] ^= 1 << (bit % 8)
		all = append(all, d)
	}
	return append(all, [digestSize]byte{}, theCookie.digest(challenge+1), NewCookie("another").digest(challenge))
}

// S6: a digest counts with all its bits, in both roles.
func TestDigestOneBitOff(t *testing.T) {
	for i, digest := range nearly(theCookie.digest(ourChallenge), ourChallenge) {
		a, err := NewAcceptor(testLocal(), AcceptorHooks{})
		if err != nil {
			t.Fatal(err)
		}
		in, err := NewInitiator(testLocal(), InitiatorHooks{})
		if err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			of   stepper
			said [][]byte
		}{
			{a, [][]byte{nameMessage(peerLocal("peer@host")), replyMessage(theirChallenge, digest)}},
			{in, [][]byte{statusMessage("ok"), challengeMessage(peerLocal("peer@host"), theirChallenge), ackMessage(digest)}},
		} {
			last := len(tc.said) - 1
			for _, m := range tc.said[:last] {
				if _, done, err := tc.of.Step(m, 0); done || err != nil {
					t.Fatalf("%q: %t, %v", m, done, err)
				}
			}
			if out, done, err := tc.of.Step(tc.said[last], 0); done || len(out) > 0 || !errors.Is(err, ErrCookie) {
				t.Errorf("%T, wrong digest %d: done %t, says %q, %v", tc.of, i, done, out, err)
			}
		}
	}
}
