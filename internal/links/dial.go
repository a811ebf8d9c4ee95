package links

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// ConnectError is a dial that failed before the first byte of a handshake.
type ConnectError struct {
	Addr netip.AddrPort
	Err  error
}

func (e *ConnectError) Error() string {
	return "cannot connect to " + e.Addr.String() + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *ConnectError) Unwrap() error { return e.Err }

// Dial connects to addr within timeout and shakes hands within dist.SetupTime.
// want is the name that must answer; "" takes whatever name does, which then
// is the one that counts. ctx can end it at any time.
//
// ErrUp comes with the row of the peer that was up already. ErrLost,
// ErrDialling and dist.ErrNOK say that another attempt to the same peer is
// under way: Await its outcome.
func (t *Table) Dial(ctx context.Context, timeout time.Duration, addr netip.AddrPort, want string) (Info, error) {
	a := &attempt{t: t, addr: addr, outgoing: true, want: want, name: want}
	if err := t.reserve(a); err != nil {
		return t.present(want), err
	}
	defer a.leave()
	d := net.Dialer{Timeout: timeout}
	conn, err := d.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		t.counts.failedOut.Add(1)
		return Info{}, &ConnectError{Addr: addr, Err: a.explain(err)}
	}
	a.attach(conn)
	defer context.AfterFunc(ctx, func() { a.cancel(context.Cause(ctx)) })()
	return t.greet(a)
}

// reserve files a dial by name, so that there is one at a time.
func (t *Table) reserve(a *attempt) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return ErrClosed
	case a.want == "":
		return nil
	case t.up(a.want):
		return ErrUp
	case t.out[a.want] != nil:
		return ErrDialling
	}
	t.out[a.want] = a
	return nil
}

func (t *Table) present(name string) Info {
	info, _ := t.Lookup(name)
	return info
}

// greet is the handshake of a dial, up to a running link.
func (t *Table) greet(a *attempt) (Info, error) {
	remote, err := dist.Dial(a.conn, time.Now().Add(dist.SetupTime), t.cfg.Local, dist.InitiatorHooks{
		Want:    a.want,
		Alive:   func() bool { return t.insist(a) },
		Learned: a.learned,
	})
	if err != nil {
		return t.giveUp(a, a.explain(err))
	}
	link, err := a.install(remote)
	if err != nil {
		return t.giveUp(a, err)
	}
	t.counts.dialled.Add(1)
	t.start(link)
	info, _ := t.Lookup(remote.Name)
	return info, nil
}

// insist answers the status alive: yes, unless we have a live link at that
// address or under that name. Saying yes to a peer that is up is harmless,
// since learned ends the handshake before our digest goes out.
func (t *Table) insist(a *attempt) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.rows {
		if r.info.Up && (r.info.Name == a.want || a.want == "" && r.info.Addr == a.addr) {
			a.name = r.info.Name
			return false
		}
	}
	return true
}

// giveUp closes the socket. A peer that was up already is no failure.
func (t *Table) giveUp(a *attempt, err error) (Info, error) {
	a.conn.Close()
	if errors.Is(err, ErrUp) || errors.Is(err, dist.ErrAlive) {
		return t.present(a.heard()), ErrUp
	}
	t.counts.failedOut.Add(1)
	return Info{Name: a.heard()}, err
}
