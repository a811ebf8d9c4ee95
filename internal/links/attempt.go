package links

import (
	"net"
	"net/netip"
	"sync"

	"github.com/liminal-bus/liminal/internal/dist"
)

// attempt is one handshake under way, in either direction, once it has a
// name. It stands in Table.out or Table.in until it has ended.
type attempt struct {
	t        *Table
	addr     netip.AddrPort
	outgoing bool
	want     string // the name dialled, "" under a throw-away label
	name     string // claimed by the peer, or wanted
	creation uint32 // claimed by the peer; 0 while unknown
	insisted bool   // it was told alive and came on: its side has no link any more

	mu    sync.Mutex
	conn  net.Conn // nil while a dial connects
	cause error    // why the table ended it
}

// cancel ends the handshake from outside: its next read or write fails.
func (a *attempt) cancel(cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cause == nil {
		a.cause = cause
	}
	if a.conn != nil {
		a.conn.Close()
	}
}

// attach gives a dial its socket, or closes it if the table has ended the
// dial meanwhile.
func (a *attempt) attach(conn net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conn = conn
	if a.cause != nil {
		conn.Close()
	}
}

// explain puts the table's reason in place of the I/O error it brought about.
func (a *attempt) explain(err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cause != nil {
		return a.cause
	}
	return err
}

// leave takes the attempt off the table.
func (a *attempt) leave() {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	delete(a.t.in, a)
	if a.t.out[a.name] == a {
		delete(a.t.out, a.name)
	}
}

// ours says whether of two links between the nodes self and peer the one that
// we dialled is to stay: OTP's rule, the attempt of the greater name survives.
func ours(self, peer string) bool { return self > peer }

// admit answers the name message of an inbound handshake. The order is that
// of dist_util.erl: leave to come, an attempt of ours, a live link.
func (a *attempt) admit(h dist.Hello) dist.Status {
	t := a.t
	t.mu.Lock()
	defer t.mu.Unlock()
	a.name, a.creation = h.Name, h.Creation
	rule := t.judge(h)
	if rule == dist.StatusOK || rule == dist.StatusOKSimultaneous || rule == dist.StatusAlive {
		t.in[a] = true
	}
	return rule
}

// judge decides without changing the table, but for a simultaneous attempt of
// ours that has to give way. The caller holds t.mu.
func (t *Table) judge(h dist.Hello) dist.Status {
	up := t.up(h.Name)
	switch {
	case t.closed, t.alone:
		t.counts.refusedAlone.Add(1)
		return dist.StatusNotAllowed
	case !up && t.live >= t.cfg.MaxPeers:
		t.counts.refusedFull.Add(1)
		return dist.StatusNotAllowed
	case t.out[h.Name] != nil && ours(t.cfg.Local.Name, h.Name):
		return dist.StatusNOK
	case t.out[h.Name] != nil:
		t.out[h.Name].cancel(ErrLost)
		return dist.StatusOKSimultaneous
	case up:
		return dist.StatusAlive
	}
	return dist.StatusOK
}

func (t *Table) up(name string) bool {
	r := t.rows[name]
	return r != nil && r.info.Up
}

// learned is called when an outbound handshake has the peer's challenge and
// with it the name, before our digest goes out.
func (a *attempt) learned(h dist.Hello) error {
	t := a.t
	t.mu.Lock()
	defer t.mu.Unlock()
	a.name, a.creation = h.Name, h.Creation
	if t.cfg.Vet != nil {
		if err := t.cfg.Vet(h.Name); err != nil {
			return err
		}
	}
	if r := t.rows[h.Name]; r != nil && r.info.Up && r.info.Creation == h.Creation {
		return ErrUp
	}
	if other := t.out[h.Name]; other != nil && other != a {
		return ErrDialling
	}
	if err := t.settle(h); err != nil {
		return err
	}
	t.out[h.Name] = a
	return nil
}

// settle finds an inbound handshake of the same life of the same node, begun
// before we knew whom we had dialled, and ends the one that has to give way.
// The creation must be equal, so that a made-up name cannot stop our dials.
// The caller holds t.mu.
func (t *Table) settle(h dist.Hello) error {
	for in := range t.in {
		if in.name != h.Name || in.creation != h.Creation {
			continue
		}
		if !ours(t.cfg.Local.Name, h.Name) {
			return ErrLost
		}
		in.cancel(ErrReplaced)
	}
	return nil
}

// heard is the name the other side gave, or the one wanted.
func (a *attempt) heard() string {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	return a.name
}
