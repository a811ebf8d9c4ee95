package pg

import (
	"errors"
	"fmt"
	"testing"
	"unsafe"

	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/perf"
)

// TestHerd: 2,000 newcomers to 10,000 groups share one encoded sync, and the
// next change makes one new.
func TestHerd(t *testing.T) {
	s := New[int](Config{Self: pidOf(home, 100)})
	for i := range 10_000 {
		s.Join(key(t, fmt.Sprint("group ", i)), pidOf(home, 1000))
	}
	syncs := func() map[*byte]int {
		seen := map[*byte]int{}
		for l := range 2000 {
			o := Origin{fmt.Sprintf("n%d@h", l), 5}
			s.LinkUp(l, o)
			outs := receive(t, s, l, o, discoverTerm(pidOf(o, 1)))
			seen[&outs[1].Msg[0]]++
		}
		return seen
	}
	if seen := syncs(); len(seen) != 1 {
		t.Errorf("%d encodings for 2,000 newcomers", len(seen))
	}
	outs := s.Leave(key(t, "group 0"))
	if len(outs) != 2000 {
		t.Fatalf("%d were told of the leave", len(outs))
	}
	for _, o := range outs {
		if &o.Msg[0] != &outs[0].Msg[0] {
			t.Fatal("a leave was encoded more than once")
		}
	}
	if seen := syncs(); len(seen) != 1 {
		t.Errorf("%d encodings after the leave", len(seen))
	}
}

// TestSharedMessagesNeverChange: what was handed out stays as it was.
func TestSharedMessagesNeverChange(t *testing.T) {
	s := newScope()
	s.LinkUp("b", alice)
	var outs []Out[string]
	var was []string
	for i := range 100 {
		outs = append(outs, s.Join(key(t, fmt.Sprint(i)), pidOf(home, uint32(i)))...)
		outs = append(outs, receive(t, s, "b", alice, discoverTerm(pidOf(alice, uint32(i/9))))...)
		outs = append(outs, s.Leave(key(t, fmt.Sprint(i/2)))...)
		for _, o := range outs[len(was):] {
			was = append(was, string(o.Msg))
		}
	}
	for i, o := range outs {
		if string(o.Msg) != was[i] {
			t.Fatalf("out %d was %s and is %s", i, show([]byte(was[i])), show(o.Msg))
		}
	}
}

// TestOtherOrigin: a message parsed for another link's peer is none of this one.
func TestOtherOrigin(t *testing.T) {
	s := newScope()
	s.LinkUp("b", alice)
	m, err := Parse(enc(t, discoverTerm(pidOf(bob, 1))), bob, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if outs, err := s.Receive("b", m); outs != nil || err != nil || s.Known("b") || s.Counters()["pg_forged"] != 1 {
		t.Errorf("%v, %v, known %t", outs, err, s.Known("b"))
	}
	if outs, err := s.Receive("b", Message{from: alice}); outs != nil || err != nil || s.Counters()["pg_unknown"] != 1 {
		t.Errorf("the zero message: %v, %v", outs, err)
	}
}

// TestCostOfTheSameSyncAgain: OTP sends each of its syncs twice at connect. The second
// changes nothing and costs no memory.
func TestCostOfTheSameSyncAgain(t *testing.T) {
	s := newScope()
	s.LinkUp("b", alice)
	msg := enc(t, syncTerm(pidOf(alice, 1), groupTerm(etf.Binary("g"), pidsOf(alice, 7)), groupTerm(etf.Binary("h"), pidsOf(alice, 7))))
	m, err := Parse(msg, alice, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s.Receive("b", m)
	version := s.Version()
	perf.Most(t, "pg.same_sync.allocs", testing.AllocsPerRun(100, func() { s.Receive("b", m) }))
	if s.Version() != version {
		t.Errorf("version rose from %d to %d", version, s.Version())
	}
}

// TestNamesAreOwned: a group's name does not keep the message it came in, which
// may be a sync of megabytes of which one group is left.
func TestNamesAreOwned(t *testing.T) {
	s := newScope()
	s.LinkUp("b", alice)
	m, err := Parse(enc(t, syncTerm(pidOf(alice, 1), groupTerm(etf.Binary("g"), pidsOf(alice, 7)))), alice, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s.Receive("b", m)
	if k := s.PeerGroups("b")[0]; k != m.key(0) || unsafe.StringData(string(k)) == unsafe.StringData(m.names) {
		t.Errorf("the key %x lies in the message", k)
	}
}

func TestCostOfHotPaths(t *testing.T) {
	s := newScope()
	for l, o := range peers {
		s.LinkUp(l, o)
		receive(t, s, l, o, syncTerm(pidOf(o, 1), groupTerm(etf.Binary("g"), pidsOf(o, 7, 8, 8))))
		receive(t, s, l, o, discoverTerm(pidOf(o, 1)))
	}
	k, dst := key(t, "g"), make([]Target[string], 0, 16)
	for row, f := range map[string]func(){
		"pg.remote.allocs": func() { dst = s.Remote(k, dst[:0]) },
		"pg.count.allocs":  func() { s.Count(k) },
		"pg.tick.allocs":   func() { s.Tick(s.now + 250) },
		"pg.known.allocs":  func() { s.Known("b") },
	} {
		perf.Most(t, row, testing.AllocsPerRun(100, f))
	}
	if len(dst) != 9 {
		t.Errorf("%d targets, want 9", len(dst))
	}
}

// TestGroups: ours and theirs, together and alone.
func TestGroups(t *testing.T) {
	s := newScope()
	s.LinkUp("b", alice)
	receive(t, s, "b", alice, syncTerm(pidOf(alice, 1), groupTerm(etf.Binary("b"), pidsOf(alice, 7, 8)), groupTerm(etf.Binary("c"), pidsOf(alice, 7))))
	s.Join(key(t, "a"), pidOf(home, 1000))
	s.Join(key(t, "b"), pidOf(home, 1000))
	var got string
	for _, g := range s.Groups() {
		name, _ := g.Key.Channel()
		one, ok := s.Group(g.Key)
		got += fmt.Sprintf("%s %t %v, ", name, g.Local, g.Members)
		if !ok || fmt.Sprint(one) != fmt.Sprint(g) {
			t.Errorf("Group(%s) = %v, %t; Groups has %v", name, one, ok, g)
		}
	}
	if want := "a true [], b true [{b 2}], c false [{b 1}], "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, ok := s.Group(key(t, "d")); ok {
		t.Error("there is a group without members")
	}
}

// TestJoinAnew is a group whose member is another process before the old one has
// left: it leaves first, and what the old one does later changes nothing.
func TestJoinAnew(t *testing.T) {
	s := New[string](Config{Self: pidOf(home, 100)})
	k := key(t, "orders")
	one, two := pidOf(home, 1), pidOf(home, 2)
	s.LinkUp("b", alice)
	receive(t, s, "b", alice, discoverTerm(pidOf(alice, 1)))
	if got := s.Join(k, one); len(got) != 1 {
		t.Fatalf("%d outs for a join", len(got))
	}
	outs := s.Join(k, two)
	if len(outs) != 2 || string(outs[0].Msg) != string(encodeLeave(pidOf(home, 100), k, one)) || string(outs[1].Msg) != string(encodeJoin(pidOf(home, 100), k, two)) {
		t.Errorf("outs %v", outs)
	}
	if outs := s.LeaveAs(k, one); outs != nil {
		t.Errorf("the old member left again: %v", outs)
	}
	if outs := s.LeaveAs(k, two); len(outs) != 1 || s.Local() != 0 {
		t.Errorf("the member left with %v, %d are left", outs, s.Local())
	}
}

// TestFull is what a node may join without being parted from for it.
func TestFull(t *testing.T) {
	s := New[string](Config{Self: pidOf(home, 100), Limits: Limits{Groups: 2}})
	for _, name := range []string{"a", "b"} {
		if err := s.Full(key(t, name)); err != nil {
			t.Fatal(err)
		}
		s.Join(key(t, name), pidOf(home, 1))
	}
	if err := s.Full(key(t, "c")); !errors.Is(err, ErrQuota) {
		t.Errorf("a third group: %v", err)
	}
	if err := s.Full(key(t, "a")); err != nil {
		t.Errorf("a group that is joined: %v", err)
	}
	s.Leave(key(t, "a"))
	if err := s.Full(key(t, "c")); err != nil {
		t.Errorf("a third group after a leave: %v", err)
	}

	s = New[string](Config{Self: pidOf(home, 100)})
	joined := 0
	for ; s.Full(key(t, fmt.Sprintf("%0255d", joined))) == nil; joined++ {
		s.Join(key(t, fmt.Sprintf("%0255d", joined)), pidOf(home, 1))
	}
	if n := len(s.ledger.sync()); n > maxSync+1000 || n < maxSync*9/10 || joined >= 1<<18 {
		t.Errorf("%d groups make a sync of %d bytes", joined, n)
	}
}
