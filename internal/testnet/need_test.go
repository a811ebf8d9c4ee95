package testnet

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
)

// A skip is a failure where the means could be had, and only there.
func TestMayHaveNet(t *testing.T) {
	missing, refused := errors.New("ip: not found"), fmt.Errorf("unshare: %w", syscall.EPERM)
	for _, c := range []struct {
		goos string
		uid  int
		err  error
		want bool
	}{
		{"linux", 0, missing, true}, {"linux", 0, refused, false}, {"linux", 1000, missing, false}, {"darwin", 0, missing, false},
	} {
		if got := mayHaveNet(c.goos, c.uid, c.err); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}

// The check of alternation can fail.
func TestAlternate(t *testing.T) {
	join, down := Event{Type: "peer.join", Name: "b"}, Event{Type: "peer.down", Name: "b"}
	at := func(e Event, seq, generation uint64) Event { e.Seq, e.Generation = seq, generation; return e }
	for name, c := range map[string]struct {
		events []Event
		wrong  int
	}{
		"in order":      {[]Event{at(join, 1, 1), at(down, 2, 1), at(join, 3, 2)}, 0},
		"twice":         {[]Event{at(join, 1, 1), at(join, 2, 2)}, 1},
		"left first":    {[]Event{at(down, 1, 1)}, 1},
		"a hole":        {[]Event{at(join, 1, 1), at(down, 3, 1)}, 1},
		"no newer link": {[]Event{at(join, 1, 0)}, 1},
	} {
		if wrong := Alternate(c.events); len(wrong) != c.wrong {
			t.Errorf("%s: %q", name, wrong)
		}
	}
}
