package dist

import (
	"slices"
	"testing"
)

// Heard follows the exchange up to the message at which it stops.
func TestHeard(t *testing.T) {
	greet := func(f Flags) []byte {
		return challengeMessage(Local{Name: "p@h", Creation: 9, Flags: f}, theirChallenge)
	}
	for what, c := range map[string]struct {
		bodies [][]byte
		want   []string
	}{
		"refused":       {[][]byte{statusMessage("not_allowed")}, []string{"status not_allowed"}},
		"too old":       {[][]byte{statusMessage("ok"), greet(0)}, []string{"status ok", "challenge "}},
		"junk":          {[][]byte{[]byte("HTTP/1.1")}, nil},
		"no challenge":  {[][]byte{statusMessage("ok"), []byte("N12")}, []string{"status ok"}},
		"a wrong proof": {[][]byte{statusMessage("ok"), greet(Offer(false)), ackMessage([digestSize]byte{})}, []string{"status ok", "challenge ", "ack "}},
	} {
		var heard []string
		m := initiatorFor(t, testLocal(), InitiatorHooks{Heard: func(s Stage, text string) { heard = append(heard, string(s)+" "+text) }})
		for _, b := range c.bodies {
			_, _, _ = m.Step(b, 0) // how it ends is no matter here
		}
		m.Close()
		if !slices.Equal(heard, c.want) {
			t.Errorf("%s: heard %q, want %q", what, heard, c.want)
		}
	}
}

func TestOfferLook(t *testing.T) {
	f := OfferLook()
	if f.Missing() != nil || f.Has(FlagPublished) || f.Has(FlagFragments) || f|FlagPublished|FlagFragments != Offer(false) {
		t.Errorf("offered %v", f)
	}
}
