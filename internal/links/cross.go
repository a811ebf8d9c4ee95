package links

import (
	"context"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// yieldTime bounds how long a dial stands back, in all, for inbound handshakes of
// the same node, of which nothing is proved.
const yieldTime = time.Second

// ours says whether of two links between the nodes self and peer the one that
// we dialled is to stay: OTP's rule, the attempt of the greater name survives.
func ours(self, peer string) bool { return self > peer }

// judge decides about an inbound handshake and changes nothing but counters.
// The order is that of dist_util.erl: leave to come, an attempt of ours, a
// live link. The caller holds t.mu.
func (t *Table) judge(h dist.Hello) dist.Status {
	r := t.rows[h.Name]
	up := r != nil && r.info.Up
	switch {
	case t.closed, t.alone:
		t.counts.refusedAlone.Add(1)
		return dist.StatusNotAllowed
	case t.isHeld(h.Name):
		t.counts.refusedHeld.Add(1)
		return dist.StatusNotAllowed
	case !up && t.isForgotten(h.Name, h.Creation):
		return dist.StatusNotAllowed
	case !up && t.live >= t.cfg.MaxPeers:
		t.counts.refusedFull.Add(1)
		return dist.StatusNotAllowed
	case up && r.contested(h.Creation, time.Now()):
		t.counts.refusedDuplicate.Add(1)
		return dist.StatusNotAllowed
	}
	if status, crossing := t.against(h); crossing {
		return status
	}
	if up {
		return dist.StatusAlive
	}
	return dist.StatusOK
}

// against holds an inbound handshake against our own attempt to the same name,
// if the peer may know of that. Ours is not cancelled for a name that anyone
// may claim: if the claim is true, ours is told nok, or stands back in yield.
// Once our digest may be with the peer there is no way back, since the peer
// may have made a link of it: then the inbound one has to go. The caller holds
// t.mu.
func (t *Table) against(h dist.Hello) (s dist.Status, crossing bool) {
	o := t.out[h.Name]
	switch {
	case o == nil, !o.named:
		return 0, false
	case ours(t.cfg.Local.Name, h.Name):
		return dist.StatusNOK, true
	case !o.proving:
		return dist.StatusOKSimultaneous, true
	case o.creation == h.Creation:
		return dist.StatusNOK, true
	}
	return 0, false // ours goes to another life of that node
}

// introduce is called when a dial has its socket, before our name goes out.
func (a *attempt) introduce() error { return a.yield(a.mayName) }

// mayName decides whether our name may go out. A dial by name stands back for
// a handshake that the same name has begun here: then the peer never hears of
// ours. So does OTP.
func (a *attempt) mayName(patient bool) (<-chan struct{}, error) {
	t := a.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if in := t.inbound(a.want, 0); patient && in != nil {
		return in.ended, nil
	}
	a.named = true
	return nil, nil
}

// learned is called when an outbound handshake has the peer's challenge and
// with it the name, before our digest goes out.
func (a *attempt) learned(h dist.Hello) error {
	a.t.mu.Lock()
	a.name, a.creation = h.Name, h.Creation
	a.t.mu.Unlock()
	if a.t.cfg.Vet != nil {
		if err := a.t.cfg.Vet(h.Name); err != nil {
			return err
		}
	}
	return a.yield(func(patient bool) (<-chan struct{}, error) { return a.mayProve(h, patient) })
}

// yield asks step until it returns no channel to wait for. Once the attempt has
// waited yieldTime, be it in an earlier step, it is asked without patience.
func (a *attempt) yield(step func(patient bool) (<-chan struct{}, error)) error {
	for {
		wait, err := step(a.waited < yieldTime)
		if wait == nil {
			return err
		}
		begin := time.Now()
		select {
		case <-wait:
		case <-a.ctx.Done():
			return context.Cause(a.ctx)
		case <-time.After(yieldTime - a.waited):
		}
		a.waited += time.Since(begin)
	}
}

// mayProve decides whether our digest may go out. With it the attempt becomes the
// one to that name; the attempt of the smaller name stands back for an inbound
// handshake of the same life of the same node.
func (a *attempt) mayProve(h dist.Hello, patient bool) (<-chan struct{}, error) {
	t := a.t
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rows[h.Name]
	up := r != nil && r.info.Up
	switch o := t.out[h.Name]; {
	case up && r.info.Creation == h.Creation:
		return nil, ErrUp
	case t.isHeld(h.Name):
		return nil, ErrHeld
	case a.newLife && t.sameLife(h.Name, h.Creation):
		return nil, ErrForgotten
	case up && r.contested(h.Creation, time.Now()):
		return nil, ErrDuplicate
	case o != nil && o != a:
		o.crowded = true
		return nil, ErrDialling
	case !up && t.live >= t.cfg.MaxPeers:
		t.counts.refusedFull.Add(1)
		return nil, ErrFull
	}
	if in := t.inbound(h.Name, h.Creation); in != nil && patient && !ours(t.cfg.Local.Name, h.Name) {
		return in.ended, nil
	}
	t.out[h.Name] = a
	a.named, a.proving, a.hasty = true, true, !patient
	return nil, nil
}

// inbound finds a handshake that name has begun here, of the given life if
// that is not 0. The caller holds t.mu.
func (t *Table) inbound(name string, creation uint32) *attempt {
	for in := range t.in {
		if in.name == name && (creation == 0 || in.creation == creation) {
			return in
		}
	}
	return nil
}
