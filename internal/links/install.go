package links

import (
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// install makes an authenticated handshake the live link of its name and ends
// the link it replaces. The acceptor calls it before it writes the ack, so
// that a peer which has the ack can rely on being in our table. The link's
// goroutines are not running yet.
func (a *attempt) install(remote dist.Remote) (*dist.Link, error) {
	t := a.t
	t.mu.Lock()
	old, err := t.incumbent(a, remote)
	if err != nil {
		t.mu.Unlock()
		return nil, err
	}
	h := &hooks{}
	l := t.newLink(a, remote, h)
	h.info = t.file(a, remote, l)
	t.mu.Unlock()

	if old != nil {
		old.Close(dist.ReasonReplaced, nil)
	}
	t.announce(h)
	return l, nil
}

// incumbent returns the live link that has to make room, or an error if the
// newcomer has to. The caller holds t.mu.
func (t *Table) incumbent(a *attempt, remote dist.Remote) (*dist.Link, error) {
	if t.closed || t.alone && !a.outgoing {
		return nil, ErrClosed
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
	t.counts.replaced.Add(1)
	return r.info.Link, nil
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
func (t *Table) file(a *attempt, remote dist.Remote, l *dist.Link) Info {
	r := t.rows[remote.Name]
	if r == nil {
		t.dropOldest()
		r = &row{}
		t.rows[remote.Name] = r
	}
	reason, detail := r.info.Reason, r.info.Detail
	if r.info.Up {
		reason, detail = dist.ReasonReplaced, dist.ReasonReplaced.Text()
	} else {
		t.live++
	}
	r.info = Info{
		Name:       remote.Name,
		Creation:   remote.Creation,
		Generation: r.info.Generation + 1,
		Up:         true,
		Addr:       a.addr,
		Outgoing:   a.outgoing,
		Since:      time.Now(),
		Ended:      r.info.Ended,
		Offered:    remote.Flags,
		Agreed:     remote.Agreed,
		RTT:        remote.RTT,
		Reason:     reason,
		Detail:     detail,
		Link:       l,
	}
	t.version.Add(1)
	close(t.changed)
	t.changed = make(chan struct{})
	return r.info
}

// announce calls Up, and Down too if the link has ended meanwhile.
func (t *Table) announce(h *hooks) {
	t.cfg.Up(h.info)
	h.mu.Lock()
	h.upDone = true
	down := h.down
	h.mu.Unlock()
	if down != nil {
		t.cfg.Down(*down)
	}
}

// down is the OnDown of every link.
func (t *Table) down(l *dist.Link, h *hooks) {
	info := t.strike(l, h)
	h.mu.Lock()
	early := !h.upDone
	if early {
		h.down = &info
	}
	h.mu.Unlock()
	if !early {
		t.cfg.Down(info)
	}
}

// strike marks the row of l as down and returns what Down is to be told. A
// link that was replaced finds another in its row and leaves the row alone.
func (t *Table) strike(l *dist.Link, h *hooks) Info {
	reason, detail, _ := l.Down()
	t.mu.Lock()
	defer t.mu.Unlock()
	told := h.info
	told.Up, told.Ended, told.Reason, told.Detail = false, time.Now(), reason, detail
	if r := t.rows[told.Name]; r != nil && r.info.Link == l {
		r.info = told
		r.info.Link = nil
		t.live--
		t.version.Add(1)
	}
	return told
}
