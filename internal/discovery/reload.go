package discovery

import (
	"slices"
	"time"
)

// SetRetry changes the back-off of dials that fail from now on, as a reload
// does. Pauses that have begun keep their length.
func (p *Plan) SetRetry(b Backoff) { p.opts.Retry = b }

// RetryRefused dials those that refused us at once: a person has changed what they
// may have refused us for.
func (p *Plan) RetryRefused() {
	for _, t := range p.targets {
		if t.refused > 0 && t.state == waiting {
			t.hurry()
			p.dirty = true
		}
	}
}

// Heard tells that a peer says it listens at these addresses. A bare address that
// waits for its next dial, and is one of them, is dialled at once: that node is
// there, and the dial finds out whether it is the one. What it says alone ties no
// address to it.
func (p *Plan) Heard(addrs ...string) {
	for _, t := range p.targets {
		if t.Address.Name == "" && t.state == waiting && t.err != nil && slices.Contains(addrs, t.Address.String()) {
			t.hurry()
			p.dirty = true
		}
	}
}

// Knows reports whether any target stands for the node of that name.
func (p *Plan) Knows(name string) bool {
	for _, t := range p.targets {
		if t.is(name) && !t.gone {
			return true
		}
	}
	return false
}

// Goodbye notes that a node has left of its own will. What we know of it from
// links and from others is dropped; seeds and joined addresses that lead to it
// are tried again after the longest pause, since somebody wants it there.
func (p *Plan) Goodbye(name string, now time.Time) {
	p.Unlearn(name)
	for _, t := range p.targets {
		if t.is(name) && t.state != dialling && t.state != aside {
			t.wait(now.Add(p.opts.Retry.Max))
			t.streak = maxStreak
		}
	}
}

// maxStreak is a back-off that has reached its longest pause.
const maxStreak = 64

// Unlearn stops dialling a node that nobody configured or asked for.
func (p *Plan) Unlearn(name string) {
	for _, t := range slices.Clone(p.targets) {
		if t.is(name) {
			p.unrole(t, RoleLearned|RoleTold)
		}
	}
	p.dirty = true
}

// Forget stops dialling what match says yes to, whatever its role, and returns
// those targets. Of those that are in flight Done says that they are not wanted.
// Our own name is not forgotten.
func (p *Plan) Forget(match func(Target) bool) (dropped []Target) {
	for _, t := range slices.Clone(p.targets) {
		if t.gone || t.Expect == p.opts.OurName || !match(t.Target) {
			continue
		}
		if t.Role.Has(RoleSeed) {
			p.disowned[t.Address.String()] = true
		}
		dropped = append(dropped, t.Target)
		p.unrole(t, t.Role)
	}
	return dropped
}
