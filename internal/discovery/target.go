package discovery

import "time"

// Role says why a target is dialled. One target may have several roles.
type Role uint8

const (
	RoleSeed    Role = 1 << iota // configured: dialled for ever
	RoleJoined                   // a person asked for it: dialled for ever
	RoleLearned                  // a peer that was up: dialled by name until Unlearn or Goodbye
	RoleTold                     // other peers speak of it: given up after some tries
)

// Has reports whether r includes all of x.
func (r Role) Has(x Role) bool { return r&x == x }

func (r Role) String() string {
	text := ""
	for i, word := range [...]string{"seed", "joined", "learned", "told"} {
		if !r.Has(1 << i) {
			continue
		}
		if text != "" {
			text += ","
		}
		text += word
	}
	return text
}

// Target is one dial that Due hands out. Its address, not a name, is its label
// until the handshake tells who answers.
type Target struct {
	ID      uint64  // of the target, the same in each of its dials
	Address Address // host filled in; a peer dialled by name has no port
	Expect  string  // the node that must answer; "" takes whoever does
	Name    string  // who answered here before, or Expect; "" if nobody yet
	Role    Role
}

// Outcome is how a dial ended.
type Outcome uint8

const (
	// OutcomeFailed: no link, for a reason that may pass (refused connection,
	// time-out, no address, link refused for a moment).
	OutcomeFailed Outcome = iota
	// OutcomeUp: a link to Result.Name is up, made by this dial or found to be
	// there already.
	OutcomeUp
	// OutcomeRefused: cookie, certificate, name form or version do not match.
	OutcomeRefused
	// OutcomeHungUp: the peer hung up where a wrong cookie would make it do so. It
	// may as well have died just then: the second one in a row is a refusal.
	OutcomeHungUp
	// OutcomeYielded: the peer's own attempt won a simultaneous connect, and its
	// link is to be expected. Neither failure nor success.
	OutcomeYielded
	// OutcomeSelf: we answered ourselves.
	OutcomeSelf
)

// Result is what a dial came to.
type Result struct {
	Outcome Outcome
	Name    string // who answered; proven with OutcomeUp, else what it claimed, or ""
	Err     error  // the cause, for every outcome but OutcomeUp
}

// state is where a target stands.
type state uint8

const (
	waiting  state = iota // for next
	dialling              // handed out by Due, Done is awaited
	yielded               // for the peer's own link, until next
	linked                // its name is, or a moment ago was, up
	aside                 // set aside: it is this node itself
)

// target is a Target with its history. Owned by Plan.
type target struct {
	Target
	state state
	gone  bool      // dropped while a dial was out; deleted by Done
	next  time.Time // when it is due; zero: at once

	tries   int  // failed ones since it was last up; shown
	streak  int  // what the retry back-off counts: failures and short-lived links
	refused int  // refusals since it was last up
	hung    bool // its peer hung up since it was last up or refused us

	last  time.Time // the last dial's end
	err   error     // of the last dial
	since time.Time // of state linked
}

// wait sends the target into a pause that ends at next.
func (t *target) wait(next time.Time) { t.state, t.next = waiting, next }

// whySelf is why a target is set aside.
const whySelf = "is this node itself"

// setAside stops dialling a target that stays configured.
func (t *target) setAside() { t.state = aside }

// recall makes a target that was set aside due at once.
func (t *target) recall() {
	if t.state == aside {
		t.hurry()
	}
}

// hurry makes a target that is not dialled at this moment due at once, as new.
func (t *target) hurry() {
	if t.state == waiting || t.state == aside {
		t.wait(time.Time{})
		t.streak, t.refused, t.hung = 0, 0, false
	}
}

// busy reports whether nobody else may dial its name.
func (t *target) busy() bool { return t.state == dialling || t.state == yielded }

// is reports whether the target stands for a node of that name.
func (t *target) is(name string) bool { return t.Name == name && name != "" }
