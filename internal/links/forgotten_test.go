package links

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// gone makes a link to from a and ends it.
func gone(t *testing.T, a, from *end) {
	t.Helper()
	info := from.mustDial(t, a, a.name())
	info.Link.Close(dist.ReasonReset, nil)
	<-info.Link.Done()
	a.log.await("down", func(notes []note, _ []Refusal) bool {
		return len(notes) > 0 && !notes[len(notes)-1].up
	})
}

// disown waits for a link that is ending.
func disown(e *end, name string, creation uint32) bool {
	for {
		done, ending := e.Disown(name, creation)
		if ending == nil {
			return done
		}
		<-ending
	}
}

// The life that was disowned is not let in; its next life is, and is not
// disowned any more.
func TestDisownIsOfOneLife(t *testing.T) {
	a, b, again := open(t, "a@h", 1, nil), open(t, "b@h", 2, nil), open(t, "b@h", 3, nil)
	gone(t, a, b)
	if !disown(a, "b@h", 77) || !a.Disowned("b@h") { // 77: the row knows better
		t.Fatal("not disowned")
	}
	if _, ok := a.Lookup("b@h"); ok {
		t.Error("the row is there still")
	}
	for range 2 {
		if _, err := b.reach(a, "a@h"); !errors.Is(err, dist.ErrNotAllowed) {
			t.Errorf("the same life: %v", err)
		}
	}
	if n := a.Counters()["forgot_refused"]; n != 2 {
		t.Errorf("%d refusals are counted", n)
	}
	again.mustDial(t, a, "a@h")
	if a.Disowned("b@h") {
		t.Error("its next life is up, and it is disowned still")
	}
}

// A name that never had a link is let in by its first.
func TestDisownOfNoLife(t *testing.T) {
	a, b := open(t, "a@h", 1, nil), open(t, "b@h", 2, nil)
	if !disown(a, "b@h", 0) || !a.Disowned("b@h") {
		t.Fatal("not disowned")
	}
	b.mustDial(t, a, "a@h")
	if a.Disowned("b@h") {
		t.Error("it is up, and it is disowned still")
	}
}

// Recall lets it in, and so does a dial of ours.
func TestDisownEnds(t *testing.T) {
	for name, end := range map[string]func(a, b *end){
		"recall": func(a, b *end) { a.Recall("b@h"); b.mustDial(t, a, "a@h") },
		"dial":   func(a, b *end) { a.mustDial(t, b, "b@h") },
		"label":  func(a, b *end) { a.mustDial(t, b, "") },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := open(t, "a@h", 1, nil), open(t, "b@h", 2, nil)
			gone(t, a, b)
			disown(a, "b@h", 0)
			end(a, b)
			if a.Disowned("b@h") {
				t.Error("it is disowned still")
			}
		})
	}
}

// What is up is not disowned, and what was let past its name before does not
// become a link after.
func TestDisownRaces(t *testing.T) {
	a, b := open(t, "a@h", 1, nil), open(t, "b@h", 2, nil)
	b.mustDial(t, a, "a@h")
	if disown(a, "b@h", 0) || a.Disowned("b@h") || !a.Up("b@h") {
		t.Error("a live link was disowned")
	}
	e := bare(t, "c@h", 1, nil)
	x, y := net.Pipe()
	e.take(x)
	_, err := dist.Dial(y, time.Now().Add(within), localAs("b@h", testCookie, 2), dist.InitiatorHooks{
		Learned: func(dist.Hello) error { e.Disown("b@h", 2); return nil },
	})
	if err == nil {
		t.Error("it has the ack")
	}
	if r := e.refusals(t, 1); !errors.Is(r[0].Err, ErrForgotten) || e.Up("b@h") {
		t.Errorf("refused for %v", r[0].Err)
	}
	e.Close(dist.ReasonStopped)
	y.Close()
}

// What is remembered is bounded; the oldest goes first.
func TestDisownIsBounded(t *testing.T) {
	e := bare(t, "a@h", 1, nil)
	for i := range MaxForgotten {
		e.Disown(fmt.Sprintf("n%d@h", i), 0)
	}
	e.Disown("n0@h", 0) // again: the newest now
	e.Disown("x@h", 0)
	if n := e.Counters()["forgot_dropped"]; len(e.forgotten) != MaxForgotten || n != 1 {
		t.Errorf("%d remembered, %d dropped", len(e.forgotten), n)
	}
	if !e.Disowned("n0@h") || e.Disowned("n1@h") || !e.Disowned("n2@h") || !e.Disowned("x@h") {
		t.Error("not the oldest was dropped")
	}
	e.Close(dist.ReasonStopped)
}

// DialNew takes another life only: the one that was disowned never has our
// digest, and is told nothing else either.
func TestDialNew(t *testing.T) {
	a, b := open(t, "a@h", 1, nil), open(t, "b@h", 2, nil)
	gone(t, a, b)
	disown(a, "b@h", 0)
	addr := b.listeners[0].Addr()
	if _, err := a.DialNew(t.Context(), within, addrOf(addr), "b@h"); !errors.Is(err, ErrForgotten) || !a.Disowned("b@h") {
		t.Errorf("the same life: %v", err)
	}
	if b.Up("a@h") {
		t.Error("it has a link")
	}
	again := open(t, "b@h", 3, nil)
	if info, err := a.DialNew(t.Context(), within, addrOf(again.listeners[0].Addr()), "b@h"); err != nil || info.Creation != 3 {
		t.Fatalf("its next life: %+v, %v", info, err)
	}
	if a.Disowned("b@h") {
		t.Error("its next life is up, and it is disowned still")
	}
}
