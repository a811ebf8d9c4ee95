package discovery

import (
	"testing"
	"time"
)

// Whoever refused us is left alone for 30 s, doubling to 5 min; when a person
// has changed what it may have been refused for, it is dialled at once, and what
// has failed otherwise, or is out, is not.
func TestRetryRefused(t *testing.T) {
	p, err := NewPlan(PlanOptions{OurName: "a@h"})
	if err != nil {
		t.Fatal(err)
	}
	address := func(s string) Address {
		a, err := ParseAddress(s)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	now := time.Unix(1e9, 0)
	none := func(string) bool { return false }
	p.AddSeed(address("b@h:1"))
	p.AddSeed(address("c@h:2"))
	due := p.Due(now, none)
	if len(due) != 2 {
		t.Fatalf("due %v", due)
	}
	p.Done(due[0], Result{Outcome: OutcomeRefused}, now)
	p.Done(due[1], Result{Outcome: OutcomeFailed}, now)
	refused := due[0]
	if due = p.Due(now.Add(200*time.Millisecond), none); len(due) != 0 {
		t.Fatalf("due at once %v", due)
	}
	p.RetryRefused()
	if due = p.Due(now.Add(201*time.Millisecond), none); len(due) != 1 || due[0].ID != refused.ID {
		t.Fatalf("due after the change: %v", due)
	}
	p.RetryRefused() // it is out
	p.Done(refused, Result{Outcome: OutcomeRefused}, now)
	for pause, want := 0, []time.Duration{30, 60, 120, 240, 240, 240}; pause < len(want); pause++ {
		next := now.Add(want[pause] * time.Second)
		if due = p.Due(next.Add(-time.Millisecond), none); len(due) > 0 && due[0].ID == refused.ID {
			t.Fatalf("pause %d is too short", pause)
		}
		for _, d := range due {
			p.Done(d, Result{Outcome: OutcomeUp, Name: d.Expect}, next)
		}
		found := false
		for _, d := range p.Due(next, func(name string) bool { return name == "c@h" }) {
			found = found || d.ID == refused.ID
			p.Done(d, Result{Outcome: OutcomeRefused}, next)
		}
		if !found {
			t.Fatalf("pause %d is too long", pause)
		}
		now = next
	}
}

// A peer that hung up on our digest may have died just then: it is tried again
// after a second, once. The next hang-up is a refusal, by whatever way.
func TestHungUpOnceIsNoRefusal(t *testing.T) {
	p, err := NewPlan(PlanOptions{OurName: "a@h"})
	if err != nil {
		t.Fatal(err)
	}
	none := func(string) bool { return false }
	now := time.Unix(1e9, 0)
	p.AddSeed(Address{Name: "b", Host: "h"})
	dialled := func(after time.Duration, o Outcome) {
		t.Helper()
		now = now.Add(after)
		if due := p.Due(now.Add(-time.Millisecond), none); len(due) != 0 {
			t.Fatalf("too soon: %v", due)
		}
		due := p.Due(now, none)
		if len(due) != 1 {
			t.Fatalf("%d due", len(due))
		}
		p.Done(due[0], Result{Outcome: o, Name: "b@h"}, now)
	}
	p.Done(p.Due(now, none)[0], Result{Outcome: OutcomeHungUp, Name: "b@h"}, now)
	dialled(time.Second, OutcomeHungUp)
	dialled(30*time.Second, OutcomeHungUp)
	dialled(60*time.Second, OutcomeUp) // and now it is forgotten
	p.LinkDown("b@h", now.Add(time.Minute))
	now = now.Add(time.Minute)
	dialled(250*time.Millisecond, OutcomeHungUp)
	dialled(time.Second, OutcomeRefused)
	dialled(30*time.Second, OutcomeFailed)
}
