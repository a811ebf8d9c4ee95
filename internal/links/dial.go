package links

import (
	"context"
	"errors"
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
// is the one that counts. ctx can end it at any time. The row returned is that
// of the link made, which may have ended again.
//
// ErrUp comes with the row of the peer that was up already, or came up
// meanwhile by its own attempt. ErrLost, ErrDialling and dist.ErrNOK say that
// another attempt to the same peer is under way: Await its outcome.
func (t *Table) Dial(ctx context.Context, timeout time.Duration, addr netip.AddrPort, want string) (Info, error) {
	s := t.newTries()
	dial := func() (Info, error) { return t.dial(ctx, timeout, addr, want, false, s) }
	if want == "" {
		return t.persist(ctx, dial) // whose attempt has won is not known under a label
	}
	return dial()
}

// persist dials again where that ends with nok: it lets the peer's attempt finish,
// then asks again who is there. That may have failed here, and not be over there.
func (t *Table) persist(ctx context.Context, dial func() (Info, error)) (Info, error) {
	info, err := dial()
	for pause := nokPause; pause <= yieldTime && errors.Is(err, dist.ErrNOK); pause *= 2 {
		t.calm(ctx)
		t.rest(ctx, pause)
		info, err = dial()
	}
	return info, err
}

// DialNew is Dial of a name that was disowned, on others' word that it is there:
// it takes another life of it. Where the one that was disowned answers, it ends
// the handshake with ErrForgotten before our digest goes out.
func (t *Table) DialNew(ctx context.Context, timeout time.Duration, addr netip.AddrPort, want string) (Info, error) {
	return t.dial(ctx, timeout, addr, want, true, t.newTries())
}

// nokPause is the first pause of persist.
const nokPause = 5 * time.Millisecond

// calm waits until the inbound handshakes of this moment have ended, at most
// yieldTime.
func (t *Table) calm(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, yieldTime)
	defer cancel()
	t.mu.Lock()
	var all []*attempt
	for in := range t.in {
		all = append(all, in)
	}
	t.mu.Unlock()
	for _, in := range all {
		select {
		case <-in.ended:
		case <-ctx.Done():
		}
	}
}

// dialOnce is one connection and one cookie of a dial.
func (t *Table) dialOnce(ctx context.Context, timeout time.Duration, addr netip.AddrPort, want string, newLife bool, s *tries) (Info, error) {
	a := t.newAttempt(ctx, addr)
	a.outgoing, a.want, a.name, a.newLife = true, want, want, newLife
	a.tries = s
	if err := t.reserve(a); err != nil {
		a.stop(nil)
		info := t.present(want)
		info.Name = want
		return info, err
	}
	defer t.wg.Done()
	defer a.leave()
	conn, err := t.connect(a.ctx, timeout, addr)
	if err != nil {
		return t.giveUp(a, &ConnectError{Addr: addr, Err: err})
	}
	a.attach(t.towards(conn, want))
	defer context.AfterFunc(ctx, func() { a.cancel(context.Cause(ctx)) })()
	return t.greet(a)
}

// reserve files a dial, and a dial by name so that there is one at a time.
// Close waits for it from here on.
func (t *Table) reserve(a *attempt) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return ErrClosed
	case a.want == "":
	case t.up(a.want):
		return ErrUp
	case t.isHeld(a.want):
		return ErrHeld
	case t.out[a.want] != nil:
		return ErrDialling
	case t.live >= t.cfg.MaxPeers: // before the peer hears of it: each try is an error in its log
		t.counts.refusedFull.Add(1)
		return ErrFull
	default:
		t.out[a.want] = a
	}
	t.dials[a] = true
	t.wg.Add(1)
	return nil
}

func (t *Table) up(name string) bool {
	r := t.rows[name]
	return r != nil && r.info.Up
}

func (t *Table) present(name string) Info {
	info, _ := t.Lookup(name)
	return info
}

// greet is the handshake of a dial, up to a running link.
func (t *Table) greet(a *attempt) (Info, error) {
	if err := a.introduce(); err != nil {
		return t.giveUp(a, err)
	}
	remote, err := dist.Dial(a.conn, time.Now().Add(t.setup), a.tries.local, dist.InitiatorHooks{
		Want:    a.want,
		Alive:   func() bool { return t.insist(a) },
		Learned: a.learned,
		Cookie:  a.cookie,
	})
	if err != nil {
		return t.giveUp(a, err)
	}
	info, err := a.install(remote)
	if err != nil {
		return t.giveUp(a, err)
	}
	t.counts.dialled.Add(1)
	t.start(info.Link)
	return info, nil
}

// insist answers the status alive: yes, unless we are polite, or have a live link
// at that address or under that name. Saying yes to a peer that is up is harmless,
// since learned ends the handshake before our digest goes out. Nor is a peer
// insisted upon that was disowned: another life of it has no link to us.
func (t *Table) insist(a *attempt) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.rows {
		if r.info.Up && (r.info.Name == a.want || a.want == "" && r.info.Addr == a.addr) {
			a.name = r.info.Name
			return false
		}
	}
	return !t.cfg.Polite && !a.newLife
}

// giveUp closes the socket. A peer that was up already, or is meanwhile, is no
// failure.
func (t *Table) giveUp(a *attempt, err error) (Info, error) {
	if a.conn != nil {
		a.conn.Close()
	}
	err = t.verdict(a, a.explain(err))
	if errors.Is(err, dist.ErrAlive) && t.cfg.Polite && !t.present(a.heard()).Up {
		err = ErrTaken
	}
	if errors.Is(err, dist.ErrAlive) && a.newLife && !t.present(a.heard()).Up {
		err = ErrForgotten
	}
	if errors.Is(err, ErrUp) || errors.Is(err, dist.ErrAlive) {
		return t.present(a.heard()), ErrUp
	}
	t.counts.failedOut.Add(1)
	t.counts.causesOut.add(err)
	return Info{Name: a.heard()}, err
}

// verdict does not take it for another cookie that the peer hung up on an
// attempt of ours because its own was further, or because a second dial of ours
// had come to it under another label: OTP ends the first of two handshakes of
// one name, whatever stage it is at.
func (t *Table) verdict(a *attempt, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !errors.Is(err, dist.ErrCookie) {
		return err
	}
	if r := t.rows[a.name]; r != nil && r.info.Up && r.info.Creation == a.creation {
		return ErrUp
	}
	if a.crowded {
		return ErrCrowded
	}
	if a.hasty && t.inbound(a.name, a.creation) != nil {
		return ErrLost
	}
	return err
}
