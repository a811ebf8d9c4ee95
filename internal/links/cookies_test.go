package links

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

func cookies(texts ...string) (set []dist.Cookie) {
	for _, text := range texts {
		set = append(set, dist.NewCookie(text))
	}
	return set
}

// holding gives a table a set of cookies.
func holding(texts ...string) func(*Config) {
	return func(c *Config) { c.Local.Cookie, c.Local.Accept = dist.NewCookie(texts[0]), cookies(texts[1:]...) }
}

// choices is every ordered choice of one to three of the texts.
func choices(texts ...string) (all [][]string) {
	for _, a := range texts {
		all = append(all, []string{a})
		for _, b := range texts {
			if b == a {
				continue
			}
			all = append(all, []string{a, b})
			for _, c := range texts {
				if c != a && c != b {
					all = append(all, []string{a, b, c})
				}
			}
		}
	}
	return all
}

// S9: all pairs of sets of one to three of four cookies, over sockets: there is a
// link if and only if the initiator has a cookie that the acceptor takes, after as
// many handshakes as that cookie has places before it; and where there is none,
// after as many as the initiator has cookies.
func TestDialWithSets(t *testing.T) {
	all := choices("one", "two", "three", "four")
	if len(all) != 40 {
		t.Fatalf("%d sets", len(all))
	}
	for _, theirs := range all {
		t.Run(fmt.Sprint(theirs), func(t *testing.T) {
			b := open(t, "b@h", 2, holding(theirs...))
			for i, ours := range all {
				a := bare(t, "a@h", uint32(100+i), holding(ours...))
				dialWithSet(t, a, b, ours, theirs)
				a.Close(dist.ReasonStopped)
				b.log.await("down", func(n []note, _ []Refusal) bool { return count(n, true) == count(n, false) })
			}
		})
	}
}

func dialWithSet(t *testing.T, a, b *end, ours, theirs []string) {
	t.Helper()
	_, before := b.log.all()
	at := slices.IndexFunc(ours, func(text string) bool { return slices.Contains(theirs, text) })
	info, err := a.reach(b, "b@h")
	refused := at
	if at < 0 {
		refused = len(ours)
		if !errors.Is(err, dist.ErrDigest) {
			t.Fatalf("%v dials %v: %v", ours, theirs, err)
		}
	} else {
		there, _ := b.Lookup("a@h")
		if err != nil || info.Cookie != at || there.Cookie != slices.Index(theirs, ours[at]) {
			t.Fatalf("%v dials %v: %v, cookie %d here, %d there", ours, theirs, err, info.Cookie, there.Cookie)
		}
	}
	got := b.refusals(t, len(before)+refused)[len(before):]
	if len(got) != refused || slices.ContainsFunc(got, func(r Refusal) bool { return !errors.Is(r.Err, dist.ErrCookie) }) {
		t.Errorf("%v dials %v: refused %v, want %d times", ours, theirs, got, refused)
	}
	if n := a.Counters()["dials_other_cookie"]; int(n) != min(refused, len(ours)-1) {
		t.Errorf("%v dials %v: %d other cookies counted", ours, theirs, n)
	}
}

// The cookie that fitted is the first of the next dial, so that the peer logs one
// error and not one each time; and under a label too.
func TestDialRemembersTheCookie(t *testing.T) {
	b := open(t, "b@h", 2, holding("old"))
	a := open(t, "a@h", 1, holding("new", "old"))
	for i := range 3 {
		a.mustDial(t, b, []string{"b@h", ""}[i%2])
		info, _ := a.Lookup("b@h")
		if info.Cookie != 1 {
			t.Errorf("dial %d: cookie %d", i, info.Cookie)
		}
		info.Link.Close(dist.ReasonClosed, nil)
		a.downs(t, i+1)
		b.downs(t, i+1)
	}
	if r := b.refusals(t, 1); len(r) != 1 {
		t.Errorf("refused %d times: %v", len(r), r)
	}
	// An inbound link teaches as well.
	c := open(t, "c@h", 3, holding("old"))
	c.mustDial(t, a, "a@h")
	info := a.await(t, "c@h")
	info.Link.Close(dist.ReasonClosed, nil)
	c.downs(t, 1)
	a.downs(t, 4)
	a.mustDial(t, c, "c@h")
	if _, r := c.log.all(); len(r) != 0 {
		t.Errorf("refused: %v", r)
	}
}

// A change of the set is of the handshakes after it: links stay, and what they were
// proved with is counted in the new set.
func TestSetCookies(t *testing.T) {
	a, b := open(t, "a@h", 1, holding("old")), open(t, "b@h", 2, holding("old"))
	a.mustDial(t, b, "b@h")
	b.await(t, "a@h")
	for _, c := range []struct {
		set  []string
		want int
	}{{[]string{"old", "new"}, 0}, {[]string{"new", "old"}, 1}, {[]string{"new"}, -1}, {[]string{"old"}, 0}, {[]string{"new"}, -1}} {
		b.SetCookies(dist.NewCookie(c.set[0]), cookies(c.set[1:]...))
		info, _ := b.Lookup("a@h")
		if !info.Up || info.Cookie != c.want {
			t.Errorf("%v: up %t, cookie %d, want %d", c.set, info.Up, info.Cookie, c.want)
		}
	}
	info, _ := b.Lookup("a@h")
	b.Holds(info.Link, dist.NewCookie("new"))
	if info, _ = b.Lookup("a@h"); info.Cookie != 0 {
		t.Errorf("it holds ours: %d", info.Cookie)
	}
	info.Link.Close(dist.ReasonClosed, nil)
	a.downs(t, 1)
	if _, err := a.reach(b, "b@h"); !errors.Is(err, dist.ErrDigest) {
		t.Errorf("the cookie of before is still taken: %v", err)
	}
	a.SetCookies(dist.NewCookie("new"), nil)
	a.mustDial(t, b, "b@h")
}

// What a peer was shown to hold is noted for its live link alone.
func TestHoldsIsOfTheLiveLink(t *testing.T) {
	a, b := open(t, "a@h", 1, holding("old", "new")), open(t, "b@h", 2, holding("new"))
	a.mustDial(t, b, "b@h")
	first, _ := a.Lookup("b@h")
	first.Link.Close(dist.ReasonClosed, nil)
	a.downs(t, 1)
	b.downs(t, 1)
	a.mustDial(t, b, "b@h")
	a.Holds(first.Link, dist.NewCookie("old"))
	if now, _ := a.Lookup("b@h"); now.Cookie != 1 {
		t.Errorf("a link that has ended counts: %d", now.Cookie)
	}
}

// Where the peer is gone at the second try it has refused us all the same, so that
// whoever dials makes the long pause.
func TestRefusedAndThenGone(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := bare(t, "a@h", 1, holding("new", "old"))
	defer a.Close(dist.ReasonStopped)
	b := &end{addr: addrOf(ln.Addr())}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		ln.Close() // before the first answer
		if err == nil {
			_, err = dist.Accept(conn, time.Time{}, localAs("b@h", "other", 2), dist.AcceptorHooks{})
			conn.Close()
		}
		if !errors.Is(err, dist.ErrCookie) {
			t.Errorf("the first try: %v", err)
		}
	}()
	_, err = a.reach(b, "b@h")
	<-done
	if !errors.Is(err, dist.ErrDigest) || a.Counters()["dials_other_cookie"] != 1 {
		t.Errorf("%v; %v", err, a.Counters())
	}
}

// A peer that has a link with us, or whose own attempt won, is not tried with
// another cookie: that it hung up says nothing of the cookie.
func TestNoOtherCookieWhereTheLinkIsUp(t *testing.T) {
	a, b := open(t, "a@h", 1, holding("new", "old")), open(t, "b@h", 2, holding("old"))
	b.mustDial(t, a, "a@h")
	a.await(t, "b@h")
	if _, err := a.reach(b, ""); !errors.Is(err, ErrUp) {
		t.Errorf("%v", err)
	}
	if n := a.Counters()["dials_other_cookie"]; n != 0 {
		t.Errorf("%d other cookies tried", n)
	}
}

// Two nodes that dial each other at once, each with another cookie of its own,
// end with one link; also where one of them has not heard of the new one.
func TestSimultaneousWithSets(t *testing.T) {
	sets := [][2][]string{{{"new", "old"}, {"old", "new"}}, {{"new", "old"}, {"old"}}, {{"old"}, {"new", "old"}}, {{"new", "old"}, {"older", "old"}}}
	for round := range 40 {
		set := sets[round%len(sets)]
		a, b := open(t, "a@h", 1, holding(set[0]...)), open(t, "b@h", 2, holding(set[1]...))
		errs := make(chan error, 2)
		go func() { _, err := a.reach(b, "b@h"); errs <- err }()
		go func() { _, err := b.reach(a, "a@h"); errs <- err }()
		for range 2 {
			if err := <-errs; errors.Is(err, dist.ErrCookie) {
				t.Errorf("round %d, %v: %v", round, set, err)
			}
		}
		a.await(t, "b@h")
		b.await(t, "a@h")
	}
}
