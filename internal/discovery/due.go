package discovery

import (
	"cmp"
	"slices"
	"time"
)

// Due returns the targets to dial now, longest due first, and counts them as in
// flight until Done. up tells which nodes are linked: those are not dialled, nor
// is a node that another target's dial may reach at this moment. With nothing
// to do it costs one comparison; the targets are looked through when one is
// due, after a change, and once a second.
func (p *Plan) Due(now time.Time, up func(name string) bool) []Target {
	if !p.dirty && now.Before(p.wake) {
		return nil
	}
	busy := p.observe(now, up)
	ready := p.ready(now)
	var due []Target
	for _, t := range ready {
		if p.flying >= p.opts.MaxInFlight {
			break
		}
		if t.Name != "" && busy[t.Name] {
			continue
		}
		t.state = dialling
		p.flying++
		due = append(due, t.Target)
		if t.Name != "" {
			busy[t.Name] = true
		}
	}
	p.dirty, p.wake = false, p.earliest(now)
	return due
}

// Next returns when Due may have something to do, at most a second from now.
func (p *Plan) Next(now time.Time) time.Time {
	if p.dirty {
		return now
	}
	return p.wake
}

// observe brings every target in line with the links that are up, and returns
// the names that must not be dialled a second time.
func (p *Plan) observe(now time.Time, up func(name string) bool) map[string]bool {
	busy := map[string]bool{}
	for _, t := range p.targets {
		isUp := t.Name != "" && up(t.Name)
		switch {
		case t.state == linked && !isUp:
			p.fell(t, now)
		case isUp && (t.state == waiting || t.state == yielded):
			rose(t, now)
		case t.state == yielded && !now.Before(t.next):
			t.wait(t.next) // the link did not come: go on where we were
		}
		if t.busy() && t.Name != "" {
			busy[t.Name] = true
		}
	}
	return busy
}

// ready returns the targets whose time has come, longest due first.
func (p *Plan) ready(now time.Time) []*target {
	var ready []*target
	for _, t := range p.targets {
		if t.state == waiting && !now.Before(t.next) {
			ready = append(ready, t)
		}
	}
	slices.SortFunc(ready, func(a, b *target) int {
		return cmp.Or(a.next.Compare(b.next), cmp.Compare(a.ID, b.ID))
	})
	return ready
}

// earliest is the next time at which a look through the targets may find more
// than now. Targets held back now are freed by Done, which marks the plan dirty,
// or by a yield's end, which is in here.
func (p *Plan) earliest(now time.Time) time.Time {
	wake := now.Add(lookAgain)
	for _, t := range p.targets {
		if (t.state == waiting || t.state == yielded) && t.next.After(now) && t.next.Before(wake) {
			wake = t.next
		}
	}
	return wake
}

// LinkDown tells that a link to name ended: what leads to it is dialled again
// after the first pause. Where it said goodbye, call Goodbye instead.
func (p *Plan) LinkDown(name string, now time.Time) {
	for _, t := range p.targets {
		if t.is(name) && t.state != dialling && t.state != aside {
			p.fell(t, now)
			p.dirty = true
		}
	}
}

// rose notes that the target's node is up.
func rose(t *target, now time.Time) {
	t.state, t.since = linked, now
	t.tries, t.refused, t.hung, t.err = 0, 0, false, nil
}

// fell schedules the redial after a link. A link that did not last counts as a
// failure for the back-off, so that a peer that hangs up on us after each
// handshake is not dialled four times a second for ever.
func (p *Plan) fell(t *target, now time.Time) {
	if t.state == linked && now.Sub(t.since) >= p.opts.Stable {
		t.streak = 0
	}
	t.streak++
	t.wait(now.Add(p.opts.Retry.Delay(t.streak, p.opts.Rand())))
}
