package discovery

import (
	"testing"
	"time"
)

// forgetName forgets all that leads to a name.
func forgetName(p *Plan, name string) int {
	return len(p.Forget(func(t Target) bool { return t.Name == name }))
}

func address(t *testing.T, s string) Address {
	t.Helper()
	a, err := ParseAddress(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func never(string) bool { return false }

// Whatever its role is, what is forgotten is not dialled, and all else is.
func TestForgetEndsEveryRole(t *testing.T) {
	p, err := NewPlan(PlanOptions{OurName: "a@dev"})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_700_000_000, 0)
	p.AddSeed(address(t, "b:9100")) // a label, that will lead to b@dev
	for _, x := range p.Due(now, never) {
		p.Done(x, Result{Outcome: OutcomeUp, Name: "b@dev"}, now)
	}
	p.LinkDown("b@dev", now)
	p.AddSeed(address(t, "b@dev"))
	p.Join(address(t, "b@dev:7"))
	_ = p.AddPeer("b@dev")
	_ = p.AddTold("c@dev")
	p.AddSeed(address(t, "a")) // ourselves
	if n := forgetName(p, "b@dev"); n != 3 || p.Knows("b@dev") {
		t.Errorf("%d targets were dropped, known: %t", n, p.Knows("b@dev"))
	}
	if n := forgetName(p, "a@dev"); n != 0 {
		t.Error("it has forgotten itself")
	}
	due := p.Due(now.Add(time.Hour), never)
	if len(due) != 1 || due[0].Name != "c@dev" {
		t.Errorf("due are %+v, want c alone", due)
	}
	if forgetName(p, "c@dev") != 1 || p.Done(due[0], Result{Outcome: OutcomeUp, Name: "c@dev"}, now) || p.Knows("c@dev") {
		t.Error("a dial that was out is wanted still")
	}
}

// A seed that was forgotten comes back by a list that names it after one that
// did not, or by a join.
func TestForgottenSeedComesBack(t *testing.T) {
	p, _ := NewPlan(PlanOptions{OurName: "a@dev"})
	b, c := address(t, "b"), address(t, "c")
	full := address(t, "b@dev")
	p.SetSeeds([]Address{b, c})
	forgetName(p, "b@dev")
	for range 2 {
		p.SetSeeds([]Address{full, c}) // the same, spelled in full
		if p.Knows("b@dev") || !p.Knows("c@dev") {
			t.Fatal("a list that has it still brought it back")
		}
	}
	p.SetSeeds([]Address{c})
	p.SetSeeds([]Address{b, c})
	if !p.Knows("b@dev") {
		t.Error("named anew, and not dialled")
	}
	forgetName(p, "b@dev")
	p.Join(b)
	p.SetSeeds([]Address{b, c})
	p.SetSeeds([]Address{b})
	if s := p.Status(); len(s) != 1 || s[0].Role != RoleSeed|RoleJoined {
		t.Errorf("joined, and then %+v", s)
	}
}
