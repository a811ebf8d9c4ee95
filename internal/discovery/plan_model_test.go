package discovery

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// world of the model: few names and addresses, so that they meet often.
var (
	modelNames = []string{"b@dev", "c@dev", "d@dev"}
	modelAddrs = []Address{
		{Name: "b"}, {Name: "c", Host: "dev", Port: 5}, {Host: "h", Port: 1}, {Host: "h", Port: 2},
		{Host: "h", Port: 3}, {Name: "d", Host: "dev"}, {Name: "a"}, // the last is ourselves
	}
)

// model knows what Plan must not do, by its own simple books.
type model struct {
	p     *Plan
	now   time.Time
	up    map[string]bool
	out   map[uint64]Target
	yield map[string]time.Time // a name's link is expected until then
	self  map[uint64]bool
	least map[uint64]time.Time // a failed target is not due before
}

func newModel(t *rapid.T) *model {
	u := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "jitter")))
	p, err := NewPlan(PlanOptions{OurName: "a@dev", MaxInFlight: 3, Rand: u.Float64})
	if err != nil {
		t.Fatal(err)
	}
	return &model{
		p: p, now: time.Unix(1_700_000_000, 0), up: map[string]bool{}, out: map[uint64]Target{},
		yield: map[string]time.Time{}, self: map[uint64]bool{}, least: map[uint64]time.Time{},
	}
}

// excuse forgets the lower bounds: something happened that may shorten a pause.
func (m *model) excuse() { clear(m.least) }

func (m *model) due(t *rapid.T) {
	names := map[string]bool{}
	for _, x := range m.out {
		if x.Name != "" {
			names[x.Name] = true
		}
	}
	for _, x := range m.p.Due(m.now, func(name string) bool { return m.up[name] }) {
		if _, ok := m.out[x.ID]; ok {
			t.Fatalf("%s is in flight twice", x.Address)
		}
		if x.Name != "" && names[x.Name] {
			t.Fatalf("%s: %s is in flight twice", x.Address, x.Name)
		}
		if x.Name != "" && m.up[x.Name] {
			t.Fatalf("%s is due while %s is up", x.Address, x.Name)
		}
		if m.yield[x.Name].After(m.now) {
			t.Fatalf("%s is due while the link of %s is awaited", x.Address, x.Name)
		}
		if m.self[x.ID] || x.Expect == "a@dev" {
			t.Fatalf("%s is ourselves and due", x.Address)
		}
		if m.now.Before(m.least[x.ID]) {
			t.Fatalf("%s is due %v too soon", x.Address, m.least[x.ID].Sub(m.now))
		}
		m.out[x.ID] = x
		names[x.Name] = true
	}
	if len(m.out) > 3 || m.p.Stats().InFlight != len(m.out) {
		t.Fatalf("%d in flight, Plan counts %d, at most 3", len(m.out), m.p.Stats().InFlight)
	}
	if next := m.p.Next(m.now); !next.After(m.now) || next.Sub(m.now) > lookAgain {
		t.Fatalf("Next is in %v right after Due", next.Sub(m.now))
	}
}

// done ends one dial that is out.
func (m *model) done(t *rapid.T, x Target, o Outcome) {
	name := x.Expect
	if name == "" {
		name = rapid.SampledFrom(modelNames).Draw(t, "who")
	}
	if o == OutcomeFailed || o == OutcomeRefused || o == OutcomeHungUp {
		name = rapid.SampledFrom([]string{"", name}).Draw(t, "claim")
	}
	delete(m.out, x.ID)
	wanted := m.p.Done(x, Result{Outcome: o, Name: name}, m.now)
	delete(m.least, x.ID)
	if !wanted {
		return
	}
	switch o {
	case OutcomeUp:
		m.up[name] = true
	case OutcomeFailed:
		m.least[x.ID] = m.now.Add(125 * time.Millisecond)
	case OutcomeHungUp:
		m.least[x.ID] = m.now.Add(time.Second)
	case OutcomeRefused:
		m.least[x.ID] = m.now.Add(30 * time.Second)
	case OutcomeYielded:
		if x.Name != "" {
			m.yield[x.Name] = m.now.Add(7 * time.Second)
		}
	case OutcomeSelf:
		m.self[x.ID] = true
	}
}

func (m *model) actions() map[string]func(*rapid.T) {
	addr := func(t *rapid.T) Address { return rapid.SampledFrom(modelAddrs).Draw(t, "addr") }
	name := func(t *rapid.T) string { return rapid.SampledFrom(modelNames).Draw(t, "name") }
	return map[string]func(*rapid.T){
		"": m.due,
		"wait": func(t *rapid.T) {
			m.now = m.now.Add(time.Duration(rapid.IntRange(0, 12_000).Draw(t, "ms")) * ms)
		},
		"done": func(t *rapid.T) {
			for _, x := range m.p.Status() { // in a fixed order, so that a failure repeats
				if x, ok := m.out[x.ID]; ok {
					m.done(t, x, Outcome(rapid.IntRange(0, int(OutcomeSelf)).Draw(t, "outcome")))
					return
				}
			}
			for id := uint64(0); id <= m.p.lastID; id++ { // those dropped meanwhile
				if x, ok := m.out[id]; ok {
					m.done(t, x, OutcomeUp)
					return
				}
			}
			t.Skip("none is out")
		},
		"seed": func(t *rapid.T) { delete(m.self, m.p.AddSeed(addr(t))); m.excuse() },
		"join": func(t *rapid.T) { delete(m.self, m.p.Join(addr(t))); m.excuse() },
		"seeds": func(t *rapid.T) {
			m.p.SetSeeds(rapid.SliceOfN(rapid.SampledFrom(modelAddrs), 0, 3).Draw(t, "seeds"))
			clear(m.self)
			clear(m.yield) // a target that is deleted awaits nothing
			m.excuse()
		},
		"peer": func(t *rapid.T) { m.p.AddPeer(name(t)); m.excuse() },
		"told": func(t *rapid.T) { m.p.AddTold(name(t)) },
		"goodbye": func(t *rapid.T) {
			n := name(t)
			delete(m.up, n)
			delete(m.yield, n)
			m.p.Goodbye(n, m.now)
			m.excuse()
		},
		"unlearn": func(t *rapid.T) { n := name(t); m.p.Unlearn(n); delete(m.yield, n) },
		"forget": func(t *rapid.T) {
			n := name(t)
			m.p.Forget(func(x Target) bool { return x.Name == n })
			delete(m.yield, n)
			if m.p.Knows(n) {
				t.Fatalf("%s is forgotten and dialled", n)
			}
		},
		"clear": func(t *rapid.T) { m.p.Clear(); clear(m.yield) },
		"up":    func(t *rapid.T) { m.up[name(t)] = true },
		"down": func(t *rapid.T) {
			n := name(t)
			delete(m.up, n)
			delete(m.yield, n)
			m.p.LinkDown(n, m.now)
			m.excuse()
		},
		"down unheard": func(t *rapid.T) { n := name(t); delete(m.up, n); delete(m.yield, n); m.excuse() },
	}
}

// allDown ends all links and dials, and checks that every target that is not
// set aside is dialled again within the longest pause.
func (m *model) allDown(t *rapid.T) {
	clear(m.up)
	clear(m.yield)
	m.excuse()
	missing := map[uint64]Address{}
	for _, s := range m.p.Status() {
		if s.State != StateAside {
			missing[s.ID] = s.Address
		}
	}
	end := m.now.Add(5*time.Minute + 15*time.Second)
	for ; m.now.Before(end); m.now = m.now.Add(250 * ms) {
		m.due(t)
		for id, x := range m.out {
			delete(missing, id)
			delete(m.out, id)
			m.p.Done(x, Result{}, m.now)
		}
	}
	for _, s := range m.p.Status() {
		if a, ok := missing[s.ID]; ok {
			t.Fatalf("%s was never dialled: %+v", a, s)
		}
	}
}

func TestPlanLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		t.Repeat(m.actions())
		m.allDown(t)
	})
}
