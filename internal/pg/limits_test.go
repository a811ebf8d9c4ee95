package pg

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/etf"
)

// tight gives a scope whose peers may have little, with one scope known.
func tight(t *testing.T, l Limits) *Scope[string] {
	s := New[string](Config{Self: pidOf(home, 100), Limits: l})
	s.LinkUp("b", alice)
	receive(t, s, "b", alice, discoverTerm(pidOf(alice, 1)))
	return s
}

func tryReceive(t *testing.T, s *Scope[string], l string, from Origin, term etf.Term) error {
	t.Helper()
	m, err := Parse(enc(t, term), from, s.limits)
	if err != nil {
		s.Refused(err)
		return err
	}
	_, err = s.Receive(l, m)
	return err
}

func TestDefaultLimits(t *testing.T) {
	if got, want := (Limits{}).filled(), (Limits{262_144, 262_144, 255, 20_000, 262_144}); got != want {
		t.Errorf("defaults %+v, want %+v", got, want)
	}
}

func TestQuota(t *testing.T) {
	p := pidOf(alice, 1)
	groups := func(n, each int) (out []etf.Term) {
		for i := range n {
			ids := make([]uint32, each)
			out = append(out, groupTerm(etf.Binary(fmt.Sprint("s", i)), pidsOf(alice, ids...)))
		}
		return out
	}
	join := func(g string, n int) etf.Term {
		return joinTerm(p, etf.Binary(g), pidsOf(alice, make([]uint32, n)...))
	}
	lim := Limits{Groups: 3, Members: 10, GroupBytes: 5}
	before := []etf.Term{join("a", 4), join("b", 1)}
	for _, c := range []struct {
		name string
		term etf.Term
		ok   bool
	}{
		{"a third group", join("c", 1), true},
		{"ten members", join("b", 5), true},
		{"eleven members", join("b", 6), false},
		{"eleven in a new group", join("c", 6), false},
		{"eleven at once", join("a", 11), false},
		{"nobody in a new group", join("c", 0), true},
		{"a sync of three", syncTerm(p, groups(3, 1)...), true},
		{"a sync of four", syncTerm(p, groups(4, 1)...), false},
		{"a sync of four, of nobody", syncTerm(p, groups(4, 0)...), false},
		{"a sync of nine members", syncTerm(p, groups(3, 3)...), true},
		{"a sync of twelve members", syncTerm(p, groups(3, 4)...), false},
		{"a name of five bytes", join("abcde", 1), true},
		{"a leave of ten", leaveTerm(p, pidsOf(alice, 0, 0), etf.Atom("a"), etf.Atom("a"), etf.Atom("a"), etf.Atom("a"), etf.Atom("a")), true},
		{"a leave of twelve", leaveTerm(p, pidsOf(alice, 0, 0, 0, 0), etf.Atom("a"), etf.Atom("a"), etf.Atom("a")), false},
		{"a leave of small groups", leaveTerm(p, pidsOf(alice, 0, 0, 0, 0), int64(1), int64(2), int64(3)), false},
	} {
		s := tight(t, lim)
		for _, m := range before {
			receive(t, s, "b", alice, m)
		}
		was, version := fmt.Sprint(s.Groups()), s.Version()
		err := tryReceive(t, s, "b", alice, c.term)
		if c.ok != (err == nil) || err != nil && !errors.Is(err, ErrQuota) {
			t.Errorf("%s: %v, want success: %t", c.name, err, c.ok)
		}
		if !c.ok && (fmt.Sprint(s.Groups()) != was || s.Version() != version || s.Counters()["pg_quota"] != 1) {
			t.Errorf("%s: refused and yet %v, version %d, %d counted", c.name, s.Groups(), s.Version(), s.Counters()["pg_quota"])
		}
		checkIndex(t, s)
	}
}

// TestQuotaGroups: a group more is refused by its join, and taken once another
// has gone.
func TestQuotaGroups(t *testing.T) {
	s, p, own := tight(t, Limits{Groups: 2}), pidOf(alice, 1), pidOf(alice, 2)
	for i, g := range []string{"a", "b", "a", "c"} {
		if err := tryReceive(t, s, "b", alice, joinTerm(p, etf.Binary(g), own)); (err != nil) != (i == 3) {
			t.Errorf("join %d of %s: %v", i, g, err)
		}
	}
	receive(t, s, "b", alice, leaveTerm(p, own, etf.Binary("b")))
	if err := tryReceive(t, s, "b", alice, joinTerm(p, etf.Binary("c"), own)); err != nil {
		t.Errorf("after a leave: %v", err)
	}
}

func TestRate(t *testing.T) {
	s := New[string](Config{Self: pidOf(home, 100), Limits: Limits{Rate: 1000, Burst: 5}})
	s.Tick(1_000_000)
	s.LinkUp("b", alice)
	burst := func(most int) (n int) {
		for range most {
			if err := tryReceive(t, s, "b", alice, discoverTerm(pidOf(alice, 1))); err != nil {
				if !errors.Is(err, ErrQuota) || !strings.Contains(err.Error(), "1000 messages a second") {
					t.Fatal(err)
				}
				break
			}
			n++
		}
		return n
	}
	for _, c := range []struct {
		now  int64
		want int
	}{{1_000_000, 5}, {1_000_000, 0}, {1_000_001, 1}, {1_000_003, 2}, {1_000_002, 0}, {9_999_999_999, 5}, {1 << 62, 5}} {
		s.Tick(c.now)
		if got := burst(20); got != c.want {
			t.Errorf("at %d: %d messages, want %d", c.now, got, c.want)
		}
	}
	// Another link has a rate of its own.
	s.LinkUp("c", bob)
	if err := tryReceive(t, s, "c", bob, discoverTerm(pidOf(bob, 1))); err != nil {
		t.Error(err)
	}
}

func TestRefusedCounts(t *testing.T) {
	s := newScope()
	for _, err := range []error{ErrUnknown, ErrBad, ErrForged, ErrQuota} {
		s.Refused(fmt.Errorf("join: %w: why", err))
	}
	s.Refused(errors.New("other"))
	s.Refused(nil)
	c := s.Counters()
	if len(c) != int(counterCount) || c["pg_unknown"] != 1 || c["pg_bad"] != 2 || c["pg_forged"] != 1 || c["pg_quota"] != 1 {
		t.Errorf("counters %v", c)
	}
}

// TestJoinRefuses: what could harm a peer is not sent, whoever asks.
func TestJoinRefuses(t *testing.T) {
	s := tight(t, Limits{})
	for _, k := range []Key{"", "garbage", Key(enc(t, etf.Binary("a"))) + "\x6a"} {
		if outs := s.Join(k, pidOf(home, 1000)); outs != nil {
			t.Errorf("Join(%x) sent %v", k, outs)
		}
	}
	for _, p := range []etf.Pid{pidOf(alice, 5), {Node: "a@h", ID: 5, Creation: 1}} {
		if outs := s.Join(key(t, "a"), p); outs != nil {
			t.Errorf("Join of %v sent %v", p, outs)
		}
	}
	if c := s.Counters()["pg_refused"]; c != 5 || s.Local() != 0 {
		t.Errorf("%d refused, %d members of ours", c, s.Local())
	}
}

// S20: the first sync of a link is free, and so nearly is one that says the same;
// but who changes all its groups again and again is parted from, whichever scope
// of its it says so.
func TestSyncsAreCharged(t *testing.T) {
	const groups = 100
	sync := func(scope uint32, prefix string) etf.Term {
		var all []etf.Term
		for i := range groups {
			all = append(all, groupTerm(etf.Binary(fmt.Sprint(prefix, i)), pidsOf(alice, 9)))
		}
		return syncTerm(pidOf(alice, scope), all...)
	}
	for _, c := range []struct {
		name  string
		term  func(i int) etf.Term
		taken int // until the link is to be closed
	}{
		{"the same again", func(int) etf.Term { return sync(1, "a") }, 1 + 1000/(1+groups/sameGroups) + 1},
		{"all anew", func(i int) etf.Term { return sync(1, fmt.Sprint(i, "-")) }, 6},
		{"all anew, of new scopes", func(i int) etf.Term { return sync(uint32(i), fmt.Sprint(i, "-")) }, 11},
		{"by turns", func(i int) etf.Term { return sync(1, fmt.Sprint(i%2)) }, 6},
	} {
		s := New[string](Config{Self: pidOf(home, 100), Limits: Limits{Rate: 1, Burst: 1000}})
		s.LinkUp("b", alice)
		taken := 0
		for taken < 1000 && tryReceive(t, s, "b", alice, c.term(taken)) == nil {
			taken++
		}
		if taken < c.taken-1 || taken > c.taken+1 {
			t.Errorf("%s: %d syncs were taken, want about %d", c.name, taken, c.taken)
		}
		checkIndex(t, s)
		s.Tick(1 << 40) // the debt is bounded: it is paid in time
		if err := tryReceive(t, s, "b", alice, discoverTerm(pidOf(alice, 1))); err != nil {
			t.Errorf("%s: long after: %v", c.name, err)
		}
	}
}
