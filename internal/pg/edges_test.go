package pg

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/liminal-bus/liminal/internal/etf"
)

// TestBagShrinks: an index over many members goes when few are left.
func TestBagShrinks(t *testing.T) {
	var b bag
	for i := range uint32(40) {
		b.add(proc{i, 0})
	}
	if b.at == nil {
		t.Fatal("40 members and no index")
	}
	for i := range uint32(33) {
		if !b.remove(proc{i, 0}) {
			t.Fatalf("%d is not there", i)
		}
		if len(b.list) > shortBag/2 != (b.at != nil) {
			t.Fatalf("%d members: an index is there: %t", len(b.list), b.at != nil)
		}
	}
	if b.total != 7 || cap(b.list) > shortBag || b.find(proc{39, 0}) < 0 || b.find(proc{1, 0}) >= 0 {
		t.Errorf("%+v", b)
	}
}

// TestMemoryComesBackOfLeaves: so it does where the groups go one by one.
func TestMemoryComesBackOfLeaves(t *testing.T) {
	s, p, own := tight(t, Limits{}), pidOf(alice, 1), pidOf(alice, 2)
	for i := range 3000 {
		receive(t, s, "b", alice, joinTerm(p, etf.Binary(fmt.Sprint(i)), own))
	}
	if s.index.peak != 3000 || s.Size() != 3000 {
		t.Fatalf("peak %d, size %d", s.index.peak, s.Size())
	}
	for i := range 2900 {
		receive(t, s, "b", alice, leaveTerm(p, own, etf.Binary(fmt.Sprint(i))))
	}
	checkIndex(t, s)
	if s.index.peak >= 1024 || s.Size() != 100 || s.PeerSize("b") != 100 {
		t.Errorf("100 of 3,000 groups are left: peak %d, size %d and %d", s.index.peak, s.Size(), s.PeerSize("b"))
	}
}

// TestSizes: a group counts once, whoever is in it.
func TestSizes(t *testing.T) {
	s := tight(t, Limits{})
	receive(t, s, "b", alice, joinTerm(pidOf(alice, 1), etf.Binary("a"), pidOf(alice, 2)))
	s.Join(key(t, "a"), pidOf(home, 1000))
	s.Join(key(t, "b"), pidOf(home, 1001))
	if n := s.Size(); n != 2 || len(s.Groups()) != 2 {
		t.Errorf("size %d, groups %v", n, s.Groups())
	}
	if s.PeerSize("b") != 1 || s.PeerSize("nobody") != 0 || s.PeerGroups("nobody") != nil {
		t.Errorf("of the peer %d, of nobody %d and %v", s.PeerSize("b"), s.PeerSize("nobody"), s.PeerGroups("nobody"))
	}
}

// TestKnown: a scope counts as known once it has our sync, and no longer than
// its link.
func TestKnown(t *testing.T) {
	s := newScope()
	if s.Known("b") {
		t.Error("known without a link")
	}
	s.LinkUp("b", alice)
	if s.Known("b") {
		t.Error("known before it has said a word")
	}
	receive(t, s, "b", alice, syncTerm(pidOf(alice, 1)))
	if s.Known("b") {
		t.Error("known, and was not told what we have")
	}
	receive(t, s, "b", alice, discoverTerm(pidOf(alice, 1)))
	if !s.Known("b") {
		t.Error("not known after its discover")
	}
	s.LinkDown("b")
	if s.Known("b") {
		t.Error("known after its link")
	}
}

// TestPending: a change to take is one of ours or of a peer's.
func TestPending(t *testing.T) {
	s := tight(t, Limits{})
	take := func() { s.Take(func(string) bool { return true }) }
	if take(); s.Pending() {
		t.Error("something is to be taken of nothing")
	}
	if s.Join(key(t, "a"), pidOf(home, 1000)); !s.Pending() {
		t.Error("our join is not to be taken")
	}
	if take(); s.Pending() {
		t.Error("our join was taken and is still there")
	}
	if receive(t, s, "b", alice, joinTerm(pidOf(alice, 1), etf.Binary("a"), pidOf(alice, 2))); !s.Pending() {
		t.Error("a peer's join is not to be taken")
	}
	if take(); s.Pending() {
		t.Error("a peer's join was taken and is still there")
	}
}

// TestLeaveAs: who is no longer the member takes nobody out.
func TestLeaveAs(t *testing.T) {
	s, k := newScope(), key(t, "a")
	if outs := s.LeaveAs(k, pidOf(home, 1000)); outs != nil {
		t.Errorf("a leave of what was never joined sent %v", outs)
	}
	s.Join(k, pidOf(home, 1001))
	if s.LeaveAs(k, pidOf(home, 1000)); s.Local() != 1 {
		t.Error("another process was taken out")
	}
	if s.LeaveAs(k, pidOf(home, 1001)); s.Local() != 0 {
		t.Error("the member is still there")
	}
}

// TestKeyWithMoreBehind: what is no key of ours is shown as it is.
func TestKeyWithMoreBehind(t *testing.T) {
	k := Key("\x61\x05\x6a")
	if name, s := k.Channel(); s != SpellTerm || name != `"a\x05j"` {
		t.Errorf("%q is %s", name, s)
	}
}

// TestParseEdges: names that are passed over must still be terms, and a leave
// is bounded by memberships whichever way its groups are written.
func TestParseEdges(t *testing.T) {
	p := enc(t, pidOf(alice, 1))
	long := append(etf.AppendListHeader(nil, 300), bytes.Repeat([]byte{106}, 299)...)
	joinOf := func(name []byte) []byte {
		b := etf.AppendAtom(etf.AppendTuple(nil, 4), "join")
		return append(append(append(b, p...), name...), p...)
	}
	leaveOf := func(pids, groups []byte) []byte {
		b := etf.AppendAtom(etf.AppendTuple(nil, 4), "leave")
		return append(append(append(b, p...), pids...), groups...)
	}
	pids := enc(t, pidsOf(alice, 1, 2, 3, 4))
	str := []byte{107, 0, 3, 1, 2, 3}
	none := enc(t, etf.List{})
	many := etf.AppendListHeader(nil, 11)
	for range 11 {
		many = etf.AppendBinary(many, []byte("g"))
	}
	many = etf.AppendNil(many)
	for _, c := range []struct {
		name string
		msg  []byte
		want error
	}{
		{"a long name", joinOf(append(append(bytes.Clone(long), 106), 106)), nil},
		{"a long name that is no term", joinOf(append(bytes.Clone(long), 1, 106)), ErrBad},
		{"groups as a string", leaveOf(p, str), nil},
		{"groups as a string, twelve memberships", leaveOf(pids, str), ErrQuota},
		{"groups as a string that is cut", leaveOf(p, str[:4]), ErrBad},
		{"nobody leaves eleven groups", leaveOf(none, many), ErrQuota},
		{"an atom in place of groups", leaveOf(p, etf.AppendAtom(nil, "g")), ErrBad},
	} {
		_, err := Parse(c.msg, alice, Limits{Members: 10})
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}
