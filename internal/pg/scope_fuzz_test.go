package pg

import (
	"testing"
	"unicode/utf8"

	"github.com/liminal-bus/liminal/internal/etf"
)

// FuzzChannelKey: a name that is a channel's comes back from its key, and what
// comes back is text that a terminal cannot obey; what is none is refused.
func FuzzChannelKey(f *testing.F) {
	for _, s := range []string{"orders", ":orders", "::x", ":", "", "a\x00", "\xff", "\u009b", "é", "日本"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		k, err := ChannelKey(name)
		if err != nil {
			return
		}
		got, s := k.Channel()
		if s == SpellTerm || got != name || !k.whole() || !utf8.ValidString(got) {
			t.Fatalf("%q has the key %x, and that is %q, %s", name, k, got, s)
		}
		for _, r := range got {
			if isControl(r) {
				t.Fatalf("%q has %U", name, r)
			}
		}
		if other, ok := k.Other(); ok {
			if back, ok := other.Other(); !ok || back != k {
				t.Fatalf("%q: the other spelling of %x is %x, and of that %x", name, k, other, back)
			}
		}
	})
}

// FuzzScope: two messages of a peer and one of another, of whatever contents, leave
// the scope whole: the index agrees with itself, no group without a member is
// listed, and the peer's end leaves nothing of it.
func FuzzScope(f *testing.F) {
	p := pidOf(alice, 1)
	seeds := []etf.Term{
		discoverTerm(p), syncTerm(p, groupTerm(etf.Binary("g"), pidsOf(alice, 2, 2, 3)), groupTerm(etf.Binary("g"), pidsOf(alice, 4))),
		syncTerm(p), joinTerm(p, etf.Binary("g"), pidOf(alice, 2)), joinTerm(p, etf.Binary("g"), etf.List{}),
		leaveTerm(p, pidsOf(alice, 2, 2), etf.Binary("g"), etf.Binary("g")), leaveTerm(p, pidOf(alice, 9), etf.Atom("h")),
		joinTerm(p, etf.Map{{Key: etf.Atom("a"), Value: int64(1)}}, pidOf(alice, 2)),
	}
	for i := range seeds {
		f.Add(enc(f, seeds[i]), enc(f, seeds[(i+1)%len(seeds)]), i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, first, second []byte, drop bool) {
		s := New[string](Config{Self: pidOf(home, 100), Limits: Limits{Groups: 8, Members: 40}})
		s.Join(key(t, "g"), pidOf(home, 1000))
		s.LinkUp("b", alice)
		s.LinkUp("c", bob)
		receive(t, s, "c", bob, syncTerm(pidOf(bob, 1), groupTerm(etf.Binary("g"), pidsOf(bob, 2))))
		receive(t, s, "b", alice, discoverTerm(p))
		for _, msg := range [][]byte{first, second, first} {
			m, err := Parse(msg, alice, s.limits)
			if err != nil {
				s.Refused(err)
				continue
			}
			before, version := len(s.Groups()), s.Version()
			if _, err := s.Receive("b", m); err != nil && (len(s.Groups()) != before || s.Version() != version) {
				t.Fatalf("%s: refused with %v, and changed something", show(msg), err)
			}
			checkIndex(t, s)
			for _, g := range s.Groups() {
				if len(g.Members) == 0 && !g.Local {
					t.Fatalf("%s: %x has no member", show(msg), g.Key)
				}
			}
		}
		if s.LinkDown("b"); drop {
			s.LinkDown("c")
		}
		checkIndex(t, s)
		want := 1
		if got := s.Groups(); len(got) != want || len(got[0].Members) != map[bool]int{true: 0, false: 1}[drop] {
			t.Fatalf("after the end of its link there are %v", got)
		}
	})
}
