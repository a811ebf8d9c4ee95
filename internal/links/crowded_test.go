package links

import (
	"errors"
	"fmt"
	"testing"

	"github.com/liminal-bus/liminal/internal/dist"
)

// Two labels lead to one peer, which hangs up on the first dial when the second
// arrives. That must not read as another cookie: the next try would come half a
// minute late.
func TestCrowdedDialIsNoWrongCookie(t *testing.T) {
	e := bare(t, "a@127.0.0.1", 1, nil)
	hello := dist.Hello{Name: "b@127.0.0.1", Creation: 2}
	first, second := &attempt{t: e.Table, outgoing: true}, &attempt{t: e.Table, outgoing: true}
	hungUp := fmt.Errorf("ack: %w", dist.ErrCookie)
	for _, a := range []*attempt{first, second} {
		a.name, a.creation = hello.Name, hello.Creation
	}
	if _, err := first.mayProve(hello, true); err != nil {
		t.Fatal(err)
	}
	if err := e.verdict(first, hungUp); !errors.Is(err, dist.ErrCookie) {
		t.Errorf("alone: %v, want the cookie", err)
	}
	if _, err := second.mayProve(hello, true); !errors.Is(err, ErrDialling) {
		t.Fatalf("second dial: %v", err)
	}
	if err := e.verdict(first, hungUp); !errors.Is(err, ErrCrowded) {
		t.Errorf("crowded: %v", err)
	}
}
