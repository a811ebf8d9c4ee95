package links

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// A name that is held has no new link from either side; others have.
func TestHold(t *testing.T) {
	a, b, c := open(t, "a@h", 1, nil), open(t, "b@h", 2, nil), open(t, "c@h", 3, nil)
	a.Hold("b@h", time.Hour)
	if _, err := b.reach(a, "a@h"); !errors.Is(err, dist.ErrNotAllowed) {
		t.Errorf("inbound: %v", err)
	}
	if r := a.refusals(t, 1); !errors.Is(r[0].Err, dist.ErrNotAllowed) || r[0].Peer != "b@h" {
		t.Errorf("refusal %+v", r[0])
	}
	nobody := netip.MustParseAddrPort("127.0.0.1:1") // it does not even connect
	if _, err := a.Dial(t.Context(), time.Second, nobody, "b@h"); !errors.Is(err, ErrHeld) {
		t.Errorf("dial by name: %v", err)
	}
	if info, err := a.reach(b, ""); !errors.Is(err, ErrHeld) || info.Name != "b@h" {
		t.Errorf("dial by label: %+v, %v", info, err)
	}
	b.refusals(t, 1) // our digest did not go out
	if _, ok := b.Lookup("a@h"); ok {
		t.Error("b has had a link to a")
	}
	a.mustDial(t, c, "")
	if n := a.Counters(); n["handshakes_refused_held"] != 1 || n["handshakes_failed_in"] != 1 {
		t.Errorf("counters %v", n)
	}
	a.Hold("b@h", 0)
	a.mustDial(t, b, "b@h")
}

// A live link goes on, and nothing takes its place.
func TestHoldLeavesLiveLink(t *testing.T) {
	a, b := open(t, "a@h", 1, nil), open(t, "b@h", 2, nil)
	info := a.mustDial(t, b, "b@h")
	a.Hold("b@h", time.Hour)
	other := open(t, "b@h", 3, nil)
	if _, err := other.reach(a, "a@h"); !errors.Is(err, dist.ErrNotAllowed) {
		t.Errorf("another life: %v", err)
	}
	if now, _ := a.Lookup("b@h"); !now.Up || now.Link != info.Link {
		t.Errorf("row %+v", now)
	}
	if _, err := a.reach(b, "b@h"); !errors.Is(err, ErrUp) {
		t.Errorf("dial of what is up: %v", err)
	}
	info.Link.Close(dist.ReasonQuota, nil)
	a.downs(t, 1)
	if _, err := a.reach(b, "b@h"); !errors.Is(err, ErrHeld) {
		t.Errorf("dial after the end: %v", err)
	}
}

// What was let past its name before Hold does not become a link after it.
func TestHoldDuringHandshake(t *testing.T) {
	e := bare(t, "a@h", 1, nil)
	x, y := net.Pipe()
	e.take(x)
	_, err := dist.Dial(y, time.Now().Add(within), localAs("b@h", testCookie, 2), dist.InitiatorHooks{
		Learned: func(dist.Hello) error { e.Hold("b@h", time.Hour); return nil },
	})
	if err == nil {
		t.Error("it has the ack")
	}
	if r := e.refusals(t, 1); !errors.Is(r[0].Err, ErrHeld) {
		t.Errorf("refused for %v", r[0].Err)
	}
	if n := e.Counters()["handshakes_refused_held"]; n != 1 || e.Up("b@h") {
		t.Errorf("%d counted, up: %v", n, e.Up("b@h"))
	}
	e.Close(dist.ReasonStopped)
	y.Close()
}

// Holds end by themselves, a later one counts in place of the first, and there
// are never more than MaxHeld.
func TestHoldEndsAndIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := bare(t, "a@h", 1, nil)
		held := func(name string) bool {
			e.mu.Lock()
			defer e.mu.Unlock()
			return e.isHeld(name)
		}
		e.Hold("b@h", time.Minute)
		e.Hold("c@h", time.Hour)
		e.Hold("c@h", time.Minute)
		time.Sleep(time.Minute - 1)
		if !held("b@h") || !held("c@h") || held("d@h") {
			t.Error("before their time")
		}
		time.Sleep(time.Nanosecond)
		if held("b@h") || held("c@h") {
			t.Error("after their time")
		}
		for i := range MaxHeld + 1 {
			e.Hold(fmt.Sprintf("n%d@h", i), time.Minute+time.Duration(i))
		}
		if len(e.held) != MaxHeld || held("n0@h") || !held("n1@h") || e.Counters()["holds_dropped"] != 1 {
			t.Errorf("%d held, counters %v", len(e.held), e.Counters())
		}
		time.Sleep(time.Hour)
		if e.Hold("x@h", time.Minute); len(e.held) != 1 {
			t.Errorf("%d held after an hour", len(e.held))
		}
		e.Close(dist.ReasonStopped)
	})
}
