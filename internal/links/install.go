package links

import (
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// install makes an authenticated handshake the live link of its name and ends
// the link it replaces. The acceptor calls it before it writes the ack, so
// that a peer which has the ack can rely on being in our table. The link's
// goroutines are not running yet.
func (a *attempt) install(remote dist.Remote) (Info, error) {
	h, old, err := a.t.enter(a, remote)
	if err != nil {
		return Info{}, err
	}
	if old != nil {
		old.Close(dist.ReasonReplaced, nil)
	}
	a.t.announce(h)
	return h.info, nil
}

// enter is what install does in one step. From here on nothing but the link
// itself can end the connection.
func (t *Table) enter(a *attempt, remote dist.Remote) (*hooks, *dist.Link, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old, err := t.incumbent(a, remote)
	if err == nil {
		err = a.commit()
	}
	if err != nil {
		return nil, nil, err
	}
	if old != nil {
		t.counts.replaced.Add(1)
	}
	t.drop(a)
	t.overtake(remote)
	h := &hooks{told: make(chan struct{})}
	t.file(a, remote, h)
	t.wg.Add(1) // until Down has returned
	return h, old, nil
}

// overtake ends our own attempt to a name that has a link now, unless it goes
// to another life of that node. The caller holds t.mu.
func (t *Table) overtake(remote dist.Remote) {
	if o := t.out[remote.Name]; o != nil && (!o.proving || o.creation == remote.Creation) {
		o.cancel(ErrUp)
		t.drop(o)
	}
}

// incumbent returns the live link that has to make room, or an error if the
// newcomer has to. The caller holds t.mu.
func (t *Table) incumbent(a *attempt, remote dist.Remote) (*dist.Link, error) {
	switch {
	case t.closed:
		return nil, ErrClosed
	case t.alone && !a.outgoing:
		return nil, dist.ErrNotAllowed
	case t.isHeld(remote.Name):
		if !a.outgoing {
			t.counts.refusedHeld.Add(1)
		}
		return nil, ErrHeld
	case !a.outgoing && t.isForgotten(remote.Name, remote.Creation):
		return nil, ErrForgotten
	}
	if t.yields(a, remote) {
		return nil, ErrReplaced
	}
	r := t.rows[remote.Name]
	if r == nil || !r.info.Up {
		if t.live >= t.cfg.MaxPeers {
			t.counts.refusedFull.Add(1)
			return nil, ErrFull
		}
		return nil, nil
	}
	if t.crossed(r, a, remote) && a.outgoing != ours(t.cfg.Local.Name, remote.Name) {
		return nil, ErrReplaced
	}
	if r.contested(remote.Creation, time.Now()) {
		t.counts.refusedDuplicate.Add(1)
		return nil, ErrDuplicate
	}
	return r.info.Link, nil
}

// yields says whether an inbound handshake has to give way to our own, greater
// one to the same life of that node, whose digest is out already. The peer, for
// its part, drops the inbound one when it takes that digest. The caller holds
// t.mu.
func (t *Table) yields(a *attempt, remote dist.Remote) bool {
	o := t.out[remote.Name]
	return o != nil && o != a && o.proving && o.creation == remote.Creation && ours(t.cfg.Local.Name, remote.Name)
}

// crossed says whether the live link and the newcomer are the two halves of a
// simultaneous connect. A peer that was told alive and came on has lost its
// half of the live link, and a new creation has never had one.
func (t *Table) crossed(r *row, a *attempt, remote dist.Remote) bool {
	return r.info.Creation == remote.Creation && r.info.Outgoing != a.outgoing && !a.insisted
}

// newLink builds the link with a down hook that knows its own Up call.
func (t *Table) newLink(a *attempt, remote dist.Remote, h *hooks) *dist.Link {
	return dist.NewLink(dist.LinkConfig{
		Conn:     a.conn,
		Local:    t.cfg.Local,
		Remote:   remote,
		Handler:  t.cfg.Handler,
		Tick:     t.cfg.Tick,
		Outgoing: a.outgoing,
		OnDown:   func(l *dist.Link) { t.down(l, h) },
	})
}

// file writes the row. The caller holds t.mu.
func (t *Table) file(a *attempt, remote dist.Remote, h *hooks) {
	r := t.rows[remote.Name]
	if r == nil {
		t.dropOldest()
		r = &row{}
		t.rows[remote.Name] = r
	}
	delete(t.forgotten, remote.Name)
	now := time.Now()
	last := r.info
	if last.Up {
		r.takenOver(remote.Creation, now)
		last.Ended, last.Reason, last.Detail = now, dist.ReasonReplaced, dist.ReasonReplaced.Text()
	} else {
		t.live++
	}
	r.cookie = a.proved(remote)
	r.info = Info{
		Name:       remote.Name,
		Creation:   remote.Creation,
		Generation: last.Generation + 1,
		Up:         true,
		Addr:       a.addr,
		Outgoing:   a.outgoing,
		Since:      now,
		Ended:      last.Ended,
		Offered:    remote.Flags,
		Agreed:     remote.Agreed,
		RTT:        remote.RTT,
		Cookie:     r.cookie.Place(t.cookies),
		Reason:     last.Reason,
		Detail:     last.Detail,
		Link:       t.newLink(a, remote, h),
	}
	h.info, h.prev, r.told = r.info, r.told, h.told
	t.version.Add(1)
	close(t.changed)
	t.changed = make(chan struct{})
}
