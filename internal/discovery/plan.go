package discovery

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrTooMany means that the plan holds as many peers as it may.
var ErrTooMany = errors.New("too many peers to dial")

// PlanOptions sets up a Plan. OurName is required, the rest has defaults.
type PlanOptions struct {
	OurName string // our own node name: never dialled, and its host completes addresses

	Retry       Backoff       // zero: RetryBackoff(0)
	Refused     Backoff       // zero: RefusedBackoff()
	MaxInFlight int           // dials out at one time; 0: 64
	MaxPeers    int           // peers dialled by name; 0: 1,024
	ToldTries   int           // tries before a told peer is given up; 0: 8
	YieldWait   time.Duration // for the link of a peer whose attempt won; 0: 7 s
	Stable      time.Duration // a link shorter than this does not reset the back-off; 0: 5 s

	Rand func() float64 // in [0, 1), for the jitter; nil: always 0, as tests want it
}

// lookAgain bounds how long a link that fell without LinkDown stays unnoticed.
const lookAgain = time.Second

// Plan decides what to dial when. It does no I/O, holds no clock and starts no
// goroutine; the node's poll loop owns it, and it is not safe for concurrent use.
//
// The loop calls Due, dials each Target in a goroutine of its own, and brings
// the outcome back to Done, exactly once a Target.
type Plan struct {
	opts    PlanOptions
	ourHost string

	targets []*target          // in order of their coming
	byKey   map[string]*target // the same, by Address.String
	lastID  uint64
	flying  int // Due without Done

	wake     time.Time // nothing changes before, unless dirty
	dirty    bool
	disowned map[string]bool // seeds that were forgotten, by Address.String
	refused  uint64          // peers not taken in, or let go, for MaxPeers
	givenUp  uint64          // told peers that never answered
}

// NewPlan returns an empty plan, or an error if the own name is not valid.
func NewPlan(opts PlanOptions) (*Plan, error) {
	_, host, err := SplitName(opts.OurName)
	if err != nil {
		return nil, fmt.Errorf("own name: %w", err)
	}
	def(&opts.Retry, RetryBackoff(0))
	def(&opts.Refused, RefusedBackoff())
	def(&opts.MaxInFlight, 64)
	def(&opts.MaxPeers, 1024)
	def(&opts.ToldTries, 8)
	def(&opts.YieldWait, 7*time.Second)
	def(&opts.Stable, 5*time.Second)
	if opts.Rand == nil {
		opts.Rand = func() float64 { return 0 }
	}
	return &Plan{opts: opts, ourHost: host, byKey: map[string]*target{}, disowned: map[string]bool{}}, nil
}

// def sets *v to d where it is the zero value.
func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// AddSeed dials a at once and for ever, even if it had been set aside, and
// returns the target's ID.
func (p *Plan) AddSeed(a Address) uint64 {
	t := p.add(a, RoleSeed)
	delete(p.disowned, t.Address.String())
	if t.Expect != p.opts.OurName {
		t.recall()
	}
	return t.ID
}

// SetSeeds makes the seeds exactly these, as a reload does: new ones are dialled
// at once, old ones stop being seeds, and what was set aside is tried again. A
// seed that was forgotten is taken again once a list has been without it.
func (p *Plan) SetSeeds(seeds []Address) {
	keep, disowned := map[uint64]bool{}, map[string]bool{}
	for _, a := range seeds {
		if key := a.On(p.ourHost).String(); p.disowned[key] {
			disowned[key] = true
			continue
		}
		keep[p.AddSeed(a)] = true
	}
	p.disowned = disowned
	for _, t := range slices.Clone(p.targets) {
		if !keep[t.ID] {
			p.unrole(t, RoleSeed)
		}
	}
}

// Join dials a at once, whatever its back-off, and for ever. The ID it returns
// is that of the Target to come; a dial that is out already will do, and none
// comes while its node is up. An address with our own name is never dialled.
func (p *Plan) Join(a Address) uint64 {
	t := p.add(a, RoleJoined)
	delete(p.disowned, t.Address.String())
	if t.Expect != p.opts.OurName {
		t.recall()
		t.hurry()
	}
	return t.ID
}

// AddPeer redials a node that has joined, by its name, until Unlearn or
// Goodbye. Where there are MaxPeers already, a peer that is only told of makes
// room for it. Our own name is ignored.
func (p *Plan) AddPeer(name string) error {
	t, err := p.addName(name, RoleLearned)
	if t == nil {
		return err
	}
	t.Role &^= RoleTold
	if t.state == waiting && t.tries == 0 && t.last.IsZero() {
		t.state = linked // it has just joined: should it be gone already, that is a fall
	}
	return nil
}

// AddTold dials a node that other peers speak of, and gives it up after
// ToldTries failures. What leads to that node already stays as it is, set
// aside included.
func (p *Plan) AddTold(name string) error {
	for _, t := range p.targets {
		if t.is(name) && !t.gone {
			return nil
		}
	}
	_, err := p.addName(name, RoleTold)
	return err
}

// Clear drops every target, as leave does.
func (p *Plan) Clear() {
	for _, t := range slices.Clone(p.targets) {
		p.unrole(t, t.Role)
	}
}

// add finds or makes the target of an address and gives it a role.
func (p *Plan) add(a Address, role Role) *target {
	a = a.On(p.ourHost)
	key := a.String()
	t := p.byKey[key]
	if t == nil {
		p.lastID++
		expect := a.NodeName(p.ourHost)
		t = &target{Target: Target{ID: p.lastID, Address: a, Expect: expect, Name: expect}}
		if expect == p.opts.OurName {
			t.setAside()
		}
		p.targets, p.byKey[key] = append(p.targets, t), t
	}
	t.Role |= role
	t.gone = false
	p.dirty = true
	return t
}

// addName is add for a peer dialled by name; it returns nil for our own name
// and where an error says why.
func (p *Plan) addName(name string, role Role) (*target, error) {
	short, host, err := SplitName(name)
	if err != nil || name == p.opts.OurName {
		return nil, err
	}
	a := Address{Name: short, Host: host}
	if p.byKey[a.String()] == nil && p.byName() >= p.opts.MaxPeers {
		p.refused++
		if role != RoleLearned || !p.evictTold() {
			return nil, fmt.Errorf("%s: %w", name, ErrTooMany)
		}
	}
	return p.add(a, role), nil
}

// evictTold drops the oldest peer that is known from others' words alone: a
// peer that tells of many must not keep us from redialling one that was here.
func (p *Plan) evictTold() bool {
	for _, t := range p.targets {
		if t.Role == RoleTold && t.state != dialling {
			p.unrole(t, RoleTold)
			return true
		}
	}
	return false
}

// byName counts the targets that are no more than peers dialled by name.
func (p *Plan) byName() (n int) {
	for _, t := range p.targets {
		if t.Role&(RoleSeed|RoleJoined) == 0 {
			n++
		}
	}
	return n
}

// unrole takes roles from a target; one without any is deleted, once its dial
// has come back.
func (p *Plan) unrole(t *target, role Role) {
	t.Role &^= role
	if t.Role != 0 {
		return
	}
	p.dirty = true
	if t.state == dialling {
		t.gone = true
		return
	}
	delete(p.byKey, t.Address.String())
	p.targets = slices.DeleteFunc(p.targets, func(x *target) bool { return x == t })
}
