package discovery

import (
	"errors"
	"time"
)

// outcomes says what a dial's end does to its target, by Outcome. The dial is
// counted in, and its target waits, before.
var outcomes = [...]func(p *Plan, t *target, r Result, now time.Time){
	OutcomeFailed:  (*Plan).failed,
	OutcomeUp:      (*Plan).linkUp,
	OutcomeRefused: (*Plan).refusal,
	OutcomeHungUp:  (*Plan).hungUp,
	OutcomeYielded: (*Plan).yield,
	OutcomeSelf:    (*Plan).self,
}

// Done brings back the outcome of a dial that Due handed out. It reports whether
// the target is still wanted: if not, it was dropped meanwhile, and a link that
// the dial has made should be closed. A target that is not out is ignored.
func (p *Plan) Done(t Target, r Result, now time.Time) (wanted bool) {
	x := p.out(t.ID)
	if x == nil {
		return false
	}
	p.flying--
	p.dirty = true
	x.state, x.last, x.err = waiting, now, r.Err
	if x.gone {
		p.unrole(x, x.Role)
		return false
	}
	if int(r.Outcome) >= len(outcomes) {
		r.Outcome = OutcomeFailed
	}
	outcomes[r.Outcome](p, x, r, now)
	return true
}

// learn ties a label to the node that proved to be there. A claim is not enough:
// a liar could keep us from dialling by claiming the name of a peer that is up.
func (t *target) learn(name string) {
	if name != "" && t.Expect == "" {
		t.Name = name
	}
}

// out finds a target whose dial is out.
func (p *Plan) out(id uint64) *target {
	for _, t := range p.targets {
		if t.ID == id && t.state == dialling {
			return t
		}
	}
	return nil
}

func (p *Plan) failed(t *target, _ Result, now time.Time) {
	t.tries++
	t.streak++
	t.wait(now.Add(p.opts.Retry.Delay(t.streak, p.opts.Rand())))
	if t.Role == RoleTold && t.tries >= p.opts.ToldTries {
		p.givenUp++
		p.unrole(t, RoleTold)
	}
}

func (p *Plan) linkUp(t *target, r Result, now time.Time) {
	t.learn(r.Name)
	rose(t, now)
}

// refusal holds back every way to the peer: each try is an error in its log.
// Not so if another node answers where the peer used to be.
func (p *Plan) refusal(t *target, r Result, now time.Time) {
	t.tries++
	t.refused++
	next := now.Add(p.opts.Refused.Delay(t.refused, p.opts.Rand()))
	t.wait(next)
	for _, x := range p.targets {
		if x.is(r.Name) && t.is(r.Name) && x.state == waiting && x.next.Before(next) {
			x.refused = max(x.refused, t.refused)
			x.next = next
		}
	}
	if t.Role == RoleTold {
		p.givenUp++
		p.unrole(t, RoleTold)
	}
}

// hungUpPause is short, since a node that died is soon back, and not shorter,
// since a wrong cookie costs the peer one more line in its log.
const hungUpPause = time.Second

// hungUp gives the peer the benefit of the doubt, once.
func (p *Plan) hungUp(t *target, r Result, now time.Time) {
	if t.hung || t.refused > 0 {
		p.refusal(t, r, now)
		return
	}
	t.tries++
	t.hung = true
	t.wait(now.Add(hungUpPause))
	for _, x := range p.targets {
		if x.is(r.Name) && t.is(r.Name) {
			x.hung = true // else each way to the peer would be a doubt of its own
		}
	}
}

func (p *Plan) yield(t *target, _ Result, now time.Time) {
	t.state, t.next = yielded, now.Add(p.opts.YieldWait)
}

func (p *Plan) self(t *target, _ Result, _ time.Time) {
	if t.err == nil {
		t.err = errors.New(whySelf)
	}
	p.unrole(t, RoleLearned|RoleTold)
	t.setAside()
}
