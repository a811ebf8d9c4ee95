package pg

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/liminal-bus/liminal/internal/etf"
)

// S19: TestForgedMessages: 20,000 messages of a peer that lies, half of them broken
// on the way, change nothing of the others and nothing of ours.
func TestForgedMessages(t *testing.T) {
	s := New[string](Config{Self: pidOf(home, 100)})
	for l, o := range map[string]Origin{"b": alice, "c": bob} {
		s.LinkUp(l, o)
		receive(t, s, l, o, discoverTerm(pidOf(o, 1)))
		receive(t, s, l, o, syncTerm(pidOf(o, 1), groupTerm(etf.Binary("g"), pidsOf(o, 2, 3)), groupTerm(etf.Atom("h"), pidsOf(o, 2))))
	}
	s.Join(key(t, "g"), pidOf(home, 1000))
	want := others(s)
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[error]int{}
	for i := range 20_000 {
		msg := enc(t, lie(r))
		if i%2 == 0 {
			msg[r.IntN(len(msg))] ^= byte(1 << r.IntN(8))
		}
		m, err := Parse(msg, alice, Limits{})
		for _, kind := range []error{nil, ErrUnknown, ErrBad, ErrForged, ErrQuota} {
			if errors.Is(err, kind) {
				seen[kind]++
			}
		}
		if err == nil {
			if s.Tick(int64(i)); i%1000 == 0 {
				s.LinkUp("b", alice)
			}
			if _, err := s.Receive("b", m); err != nil {
				t.Fatal(err)
			}
		}
		if got := others(s); got != want {
			t.Fatalf("message %d %s: others have %s, want %s", i, show(msg), got, want)
		}
	}
	checkIndex(t, s)
	for _, kind := range []error{nil, ErrUnknown, ErrBad, ErrForged} {
		if seen[kind] < 100 {
			t.Errorf("only %d messages ended in %v", seen[kind], kind)
		}
	}
}

// others is all that can be seen of everyone but b.
func others(s *Scope[string]) (out string) {
	for _, k := range []Key{binaryKey("g"), atomKey("h"), binaryKey("x")} {
		for _, r := range s.Remote(k, nil) {
			if r.Link != "b" {
				out += fmt.Sprintf("%x %v;", k, r)
			} else if r.Pid.Node != "b@h" || r.Pid.Creation != 8 {
				out += fmt.Sprintf("%x: b has %v;", k, r)
			}
		}
	}
	return out + fmt.Sprint(s.PeerGroups("c"), s.Known("c"), s.Local(), s.ledger.entries)
}

// lie is one of the five messages with pids of anybody in any place.
func lie(r *rand.Rand) etf.Term {
	pid := func() etf.Pid {
		o := []Origin{alice, alice, alice, alice, bob, home, {"b@h", 1}}[r.IntN(7)]
		return pidOf(o, uint32(r.IntN(4)))
	}
	pids := func() etf.Term {
		if r.IntN(2) == 0 {
			return pid()
		}
		l := etf.List{}
		for range r.IntN(4) {
			l = append(l, pid())
		}
		return l
	}
	group := func() etf.Term {
		return []etf.Term{etf.Binary("g"), etf.Atom("h"), etf.Binary("x"), int64(3)}[r.IntN(4)]
	}
	switch r.IntN(5) {
	case 0:
		return discoverTerm(pid())
	case 1:
		return syncTerm(pid(), etf.Tuple{group(), pids()}, etf.Tuple{group(), pids()})
	case 2:
		return leaveTerm(pid(), pids(), group(), group())
	default:
		return joinTerm(pid(), group(), pids())
	}
}
