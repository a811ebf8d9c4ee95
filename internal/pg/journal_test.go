package pg

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/liminal-bus/liminal/internal/etf"
)

// takeOne takes the changes of one link, or ours where link is "".
func takeOne(t testing.TB, s *Scope[string], link string) Change[string] {
	t.Helper()
	for _, c := range s.Take(func(string) bool { return true }) {
		if c.Link == link && c.Own == (link == "") {
			return c
		}
	}
	return Change[string]{}
}

func (c Change[L]) String() string {
	return fmt.Sprintf("%q %q +%d -%d of %d", c.Added, c.Removed, c.MoreAdded, c.MoreRemoved, c.Groups)
}

func binary(name string) etf.Term { return etf.Binary(name) }

func TestJournal(t *testing.T) {
	p, q := pidOf(alice, 50), pidOf(alice, 51)
	join := func(name string) func(*Scope[string]) {
		return func(s *Scope[string]) { receive(t, s, "b", alice, joinTerm(p, binary(name), pidsOf(alice, 1))) }
	}
	leave := func(names ...string) func(*Scope[string]) {
		var groups []etf.Term
		for _, n := range names {
			groups = append(groups, binary(n))
		}
		return func(s *Scope[string]) { receive(t, s, "b", alice, leaveTerm(p, pidsOf(alice, 1), groups...)) }
	}
	sync := func(by etf.Pid, names ...string) func(*Scope[string]) {
		var groups []etf.Term
		for _, n := range names {
			groups = append(groups, groupTerm(binary(n), pidsOf(alice, 1)))
		}
		return func(s *Scope[string]) { receive(t, s, "b", alice, syncTerm(by, groups...)) }
	}
	take := func(s *Scope[string]) { s.Take(func(string) bool { return true }) }
	down := func(s *Scope[string]) { s.Down("b", s.refs) }
	many := func(s *Scope[string]) {
		for i := range MaxNamed + 3 {
			join(fmt.Sprint(i))(s)
		}
	}
	type step = func(*Scope[string])
	x, y := key(t, "x"), key(t, "y")
	for name, c := range map[string]struct {
		steps []step
		want  Change[string]
	}{
		"nothing":                  {nil, Change[string]{}},
		"a join is named":          {[]step{join("x")}, Change[string]{Added: []Key{x}, Groups: 1}},
		"a second member is none":  {[]step{join("x"), take, join("x")}, Change[string]{}},
		"not the last member":      {[]step{join("x"), join("x"), take, leave("x")}, Change[string]{}},
		"a leave is named":         {[]step{join("x"), join("y"), take, leave("x")}, Change[string]{Removed: []Key{x}, Groups: 1}},
		"joined and left":          {[]step{join("x"), leave("x")}, Change[string]{}},
		"left and joined":          {[]step{join("x"), take, leave("x"), join("x")}, Change[string]{}},
		"more than are named":      {[]step{many, take, join("x"), join("y")}, Change[string]{Added: []Key{x, y}, Groups: MaxNamed + 5}},
		"a backfill is counted":    {[]step{sync(p, "x", "y")}, Change[string]{MoreAdded: 2, Groups: 2}},
		"a backfill of one":        {[]step{sync(p, "x")}, Change[string]{Added: []Key{x}, Groups: 1}},
		"the same again":           {[]step{sync(p, "x", "y"), take, sync(p, "x", "y")}, Change[string]{}},
		"swept by a sync":          {[]step{sync(p, "x", "y"), take, sync(p, "x")}, Change[string]{MoreRemoved: 1, Groups: 1}},
		"the scope dies":           {[]step{join("x"), join("y"), take, down}, Change[string]{MoreRemoved: 2}},
		"and begins again":         {[]step{join("x"), take, down, sync(q, "x")}, Change[string]{}},
		"another in its place":     {[]step{join("x"), take, sync(q, "y")}, Change[string]{Added: []Key{y}, Removed: []Key{x}, Groups: 1}},
		"the link ends":            {[]step{join("x"), func(s *Scope[string]) { s.LinkDown("b") }}, Change[string]{}},
		"the link begins anew":     {[]step{join("x"), func(s *Scope[string]) { s.LinkUp("b", alice) }}, Change[string]{}},
		"what was not taken stays": {[]step{join("x"), func(s *Scope[string]) { s.Take(func(string) bool { return false }) }}, Change[string]{Added: []Key{x}, Groups: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScope()
			s.LinkUp("b", alice)
			receive(t, s, "b", alice, discoverTerm(p))
			for _, f := range c.steps {
				f(s)
			}
			if got := takeOne(t, s, "b"); len(c.want.Added)+len(c.want.Removed)+c.want.MoreAdded+c.want.MoreRemoved != 0 {
				if c.want.Link = "b"; got.String() != c.want.String() || got.Link != "b" {
					t.Errorf("%v, want %v", got, c.want)
				}
			} else if got.Link != "" {
				t.Errorf("%v, want none", got)
			}
			if s.Pending() || len(s.Changed()) != 0 {
				t.Error("something is pending after all was taken")
			}
		})
	}
}

// What our own node joins is told as that of a peer.
func TestJournalOfOurs(t *testing.T) {
	s := newScope()
	x := key(t, "x")
	s.Join(x, pidOf(home, 1))
	s.Join(x, pidOf(home, 1))
	if c := takeOne(t, s, ""); !slices.Equal(c.Added, []Key{x}) || c.Groups != 1 {
		t.Errorf("joined: %v", c)
	}
	s.Join(x, pidOf(home, 2)) // another process of ours in its place
	if s.Pending() {
		t.Errorf("replaced: %v", takeOne(t, s, ""))
	}
	s.Leave(x)
	s.Leave(x)
	if c := takeOne(t, s, ""); !slices.Equal(c.Removed, []Key{x}) || c.Groups != 0 {
		t.Errorf("left: %v", c)
	}
}

// Whatever a peer does, the journal's sums are right, and where it names all,
// it is the difference of what was and what is.
func TestJournalModel(t *testing.T) {
	whole := 0
	rapid.Check(t, func(t *rapid.T) {
		s := New[string](Config{Self: pidOf(home, 100)})
		s.LinkUp("b", alice)
		scope := pidOf(alice, 50)
		m := func(term etf.Term) {
			b, err := etf.Append(nil, term)
			if err != nil {
				t.Fatal(err)
			}
			msg, err := Parse(b, alice, Limits{})
			if err == nil {
				_, err = s.Receive("b", msg)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		m(discoverTerm(scope))
		var before []Key
		name := rapid.Custom(func(t *rapid.T) etf.Term { return binary(fmt.Sprint(rapid.IntRange(0, 29).Draw(t, "name"))) })
		id := rapid.Uint32Range(1, 2)
		t.Repeat(map[string]func(*rapid.T){
			"join": func(t *rapid.T) { m(joinTerm(scope, name.Draw(t, "group"), pidsOf(alice, id.Draw(t, "id")))) },
			"leave": func(t *rapid.T) {
				m(leaveTerm(scope, pidsOf(alice, id.Draw(t, "id")), rapid.SliceOfN(name, 1, 5).Draw(t, "groups")...))
			},
			"sync": func(t *rapid.T) {
				if rapid.Bool().Draw(t, "new scope") {
					scope.ID++
				}
				var groups []etf.Term
				for _, n := range rapid.SliceOfN(name, 0, 25).Draw(t, "groups") {
					groups = append(groups, groupTerm(n, pidsOf(alice, id.Draw(t, "id"))))
				}
				m(syncTerm(scope, groups...))
			},
			"link": func(t *rapid.T) {
				s.LinkUp("b", alice)
				m(discoverTerm(scope))
				before = nil // the end of the link has told
			},
			"take": func(t *rapid.T) {
				after := s.PeerGroups("b")
				var c Change[string]
				for _, c = range s.Take(func(string) bool { return true }) {
				}
				if c.Link != "" && c.Groups != len(after) || s.Pending() {
					t.Fatalf("%v, and there are %d", c, len(after))
				}
				if sum := len(before) + len(c.Added) + c.MoreAdded - len(c.Removed) - c.MoreRemoved; sum != len(after) {
					t.Fatalf("%d groups and %v make %d, not %d", len(before), c, sum, len(after))
				}
				if len(c.Added)+len(c.Removed) > MaxNamed {
					t.Fatalf("%d named", len(c.Added)+len(c.Removed))
				}
				if c.MoreAdded+c.MoreRemoved == 0 {
					whole += len(c.Added) + len(c.Removed)
					same(t, c.Added, less(after, before))
					same(t, c.Removed, less(before, after))
				}
				before = after
			},
		})
	})
	if whole == 0 {
		t.Error("no change was ever named: this tests nothing")
	}
}

// less is a without b.
func less(a, b []Key) []Key {
	return slices.DeleteFunc(slices.Clone(a), func(k Key) bool { return slices.Contains(b, k) })
}

func same(t *rapid.T, got, want []Key) {
	got = slices.Clone(got)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("named %q, want %q", got, want)
	}
}
