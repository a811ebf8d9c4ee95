package links

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// S7: whoever claims the name of a live peer, and cannot prove it, changes nothing.
func TestLiveNameWithoutCookieChangesNothing(t *testing.T) {
	victim, peer := open(t, "v@h", 1, nil), open(t, "p@h", 2, nil)
	peer.mustDial(t, victim, "")
	victim.await(t, "p@h")
	v := victim.Version()
	thief := func(c *Config) { c.Local.Cookie = dist.NewCookie("guess") }
	for _, creation := range []uint32{2, 3} { // the life that is up, and another
		e := open(t, "p@h", creation, thief)
		for _, want := range []string{"", "v@h"} {
			for range 10 {
				if _, err := e.reach(victim, want); !errors.Is(err, dist.ErrCookie) {
					t.Fatalf("wrong cookie: %v", err)
				}
			}
		}
	}
	victim.refusals(t, 40)
	if victim.Version() != v || victim.log.ups() != 1 || !victim.Up("p@h") || !peer.Up("v@h") {
		t.Error("a claim changed the table")
	}
}

func TestRestartedPeerReplacesAtOnce(t *testing.T) {
	a, old := open(t, "a@h", 1, nil), open(t, "b@h", 2, nil)
	old.mustDial(t, a, "")
	a.await(t, "b@h")
	v := a.Version()
	reborn := open(t, "b@h", 3, nil)
	reborn.mustDial(t, a, "a@h")
	info, _ := a.Lookup("b@h")
	if info.Creation != 3 || info.Generation != 2 || !info.Up || info.Reason != dist.ReasonReplaced || info.Ended.IsZero() {
		t.Errorf("after the restart: %+v", info)
	}
	if a.Version() != v+1 {
		t.Errorf("version went from %d to %d", v, a.Version())
	}
	a.log.await("up, down, up", func(n []note, _ []Refusal) bool { return len(n) == 3 })
	if notes, _ := a.log.all(); notes[1].up || notes[1].info.Reason != dist.ReasonReplaced || notes[1].info.Creation != 2 {
		t.Errorf("notes %v", notes)
	}
	old.downs(t, 1)
	if a.Counters()["links_replaced"] != 1 {
		t.Errorf("counters %v", a.Counters())
	}
}

// The peer's side of a link is gone but ours has not noticed: the same life
// dials again and insists.
func TestHalfDeadLinkIsReplaced(t *testing.T) {
	for _, name := range []string{"a@h", "z@h"} {
		m := open(t, "m@h", 1, nil)
		conn, err := net.Dial("tcp", m.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() // never read: it hangs there, half dead
		if _, err := dist.Dial(conn, time.Time{}, localAs(name, testCookie, 2), dist.InitiatorHooks{}); err != nil {
			t.Fatal(err)
		}
		first := m.await(t, name)
		p := open(t, name, 2, nil)
		p.mustDial(t, m, "")
		if info, _ := m.Lookup(name); info.Generation != 2 || info.Creation != 2 || info.Link == first.Link {
			t.Errorf("after the second dial: %+v", info)
		}
		m.downs(t, 1)
	}
}

// F9: two nodes under one name do not replace each other for ever.
func TestDuplicateNameIsContained(t *testing.T) {
	hub := open(t, "hub@h", 1, nil)
	twins := []*end{open(t, "twin@h", 2, nil), open(t, "twin@h", 3, nil)}
	for n := range 1 + maxTakeovers {
		twins[n%2].mustDial(t, hub, "")
		twins[1-n%2].downs(t, (n+1)/2)
	}
	up, _ := hub.Lookup("twin@h")
	if up.Generation != 1+maxTakeovers {
		t.Fatalf("after %d takeovers: %+v", maxTakeovers, up)
	}
	if _, err := twins[0].reach(hub, ""); !errors.Is(err, dist.ErrNotAllowed) {
		t.Errorf("one takeover more: %v", err)
	}
	if _, err := hub.reach(twins[0], ""); !errors.Is(err, ErrDuplicate) {
		t.Errorf("and by our own dial: %v", err)
	}
	if now, _ := hub.Lookup("twin@h"); now.Generation != up.Generation || now.Creation != up.Creation {
		t.Errorf("the link that was up gave way: %+v", now)
	}
	if hub.Counters()["handshakes_refused_name"] != 1 {
		t.Errorf("counters %v", hub.Counters())
	}
	hub.mu.Lock()
	r := hub.rows["twin@h"]
	if r.contested(9, time.Now().Add(takeoverTime)) || !r.contested(9, time.Now()) || r.contested(up.Creation, time.Now()) {
		t.Error("the hold does not end, has not begun, or holds the one that is up")
	}
	hub.mu.Unlock()
}
