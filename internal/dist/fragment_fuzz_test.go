package dist

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"testing"
)

// FuzzFragments: a message that is cut into fragments anywhere behind its control
// term, beside another that is cut otherwise, comes out as the whole would, and
// nothing of either stays.
func FuzzFragments(f *testing.F) {
	f.Add([]byte("\x6a"), uint16(1), []byte{0, 1, 0, 1})
	f.Add(bytes.Repeat([]byte{106}, 300), uint16(7), []byte{1, 0})
	f.Add([]byte{119, 2, 'h', 'i'}, uint16(3), []byte{0, 0, 0, 1, 1, 1})
	f.Fuzz(func(t *testing.T, payload []byte, size uint16, turns []byte) {
		if len(payload) == 0 || payload[0] == 131 {
			return // no message, or one with a version byte: an error of its own
		}
		piece := 1 + int(size)%(len(payload)+1)
		count := max(2, (len(payload)+piece-1)/piece)
		ways := [2][][]byte{sendFragments(1, payload, count), sendFragments(2, payload, count+1)}
		h := &recorder{}
		l := idleLink(allAgreed, h)
		for i := 0; len(ways[0])+len(ways[1]) > 0; i++ {
			w := 0
			if len(turns) > 0 {
				w = int(turns[i%len(turns)]) % 2
			}
			if len(ways[w]) == 0 {
				w = 1 - w
			}
			feed(t, l, ways[w][0])
			ways[w] = ways[w][1:]
		}
		one := fmt.Sprintf("send 7 %x", payload)
		if got := h.taken(); !slices.Equal(got, []string{one, one}) {
			t.Fatalf("%d fragments of %d: %d calls %.200q", count, len(payload), len(got), got)
		}
		if s := l.Stats(); s.PartialBytes != 0 || s.PartialCounts != 0 || showDropped(s.Dropped) != "" {
			t.Fatalf("%d bytes of %d sequences stay, dropped %v", s.PartialBytes, s.PartialCounts, s.Dropped)
		}
	})
}

var wholeName = regexp.MustCompile(`\A[A-Za-z0-9_.-]+@[A-Za-z0-9_.:-]+\z`)

// S12: FuzzCheckName: a peer's name is of its alphabet and 255 bytes, or refused in
// words that hold nothing else than printable ASCII.
func FuzzCheckName(f *testing.F) {
	for _, s := range []string{"a@h", "a@", "@", "a@b@c", "a\x1b[2J@h", "\xff@h", "a@h\n", "\u202e@h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		err := CheckName(name)
		if want := wholeName.MatchString(name) && len(name) <= maxName; want != (err == nil) {
			t.Fatalf("%q: %v, want it let in: %t", name, err, want)
		}
		if err != nil && !onlyASCII(err.Error()) {
			t.Fatalf("%q is refused with %q", name, err)
		}
	})
}

func onlyASCII(s string) bool {
	return !slices.ContainsFunc([]byte(s), func(c byte) bool { return c < ' ' || c > '~' })
}
