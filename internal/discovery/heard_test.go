package discovery

import (
	"errors"
	"testing"
	"time"
)

// A peer that says where it listens has a bare address that refused us dialled at
// once, and no other; it ties nothing to itself by saying so.
func TestHeard(t *testing.T) {
	p, err := NewPlan(PlanOptions{OurName: "a@h"})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1e9, 0)
	none := func(string) bool { return false }
	for _, text := range []string{"h:1", "h:2", "b@h:1"} {
		a, err := ParseAddress(text)
		if err != nil {
			t.Fatal(err)
		}
		p.AddSeed(a)
	}
	for _, d := range p.Due(now, none) {
		p.Done(d, Result{Outcome: OutcomeRefused, Err: errors.New("no")}, now)
	}
	p.Heard("h:1", "10.0.0.1:1")
	due := p.Due(now.Add(time.Second), none)
	if len(due) != 1 || due[0].Address.String() != "h:1" {
		t.Fatalf("due %v", due)
	}
	for _, s := range p.Status() {
		if s.Address.Name == "" && s.Name != "" {
			t.Errorf("%v is said to be %s", s.Address, s.Name)
		}
	}
}
