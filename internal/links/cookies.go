package links

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// SetCookies replaces the cookies of all handshakes that begin from now on. Links
// that are up stay, whatever they were proved with. The caller has seen to it that
// own and accepted make a good dist.Local.
func (t *Table) SetCookies(own dist.Cookie, accepted []dist.Cookie) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cookies = append([]dist.Cookie{own}, accepted...)
	for _, r := range t.rows {
		r.info.Cookie = r.cookie.Place(t.cookies)
	}
}

// Cookies gives the present set, our own first.
func (t *Table) Cookies() []dist.Cookie {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.cookies)
}

// Holds notes that the peer at the end of a live link has shown that it holds a
// cookie, the first of our set that it does. Info.Cookie tells it from now on, and
// the next dial begins with it.
func (t *Table) Holds(l *dist.Link, c dist.Cookie) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.rows[l.Remote().Name]; r != nil && r.info.Link == l {
		r.cookie, r.info.Cookie = c, c.Place(t.cookies)
	}
}

// newTries are of the set that is ours now.
func (t *Table) newTries() *tries {
	s := &tries{local: t.cfg.Local}
	if set := t.Cookies(); len(set) > 0 {
		s.local.Cookie, s.local.Accept = set[0], set[1:]
	}
	return s
}

// cookiesOf is the set of l, in the order of dist.Remote.Cookie.
func cookiesOf(l dist.Local) []dist.Cookie { return append([]dist.Cookie{l.Cookie}, l.Accept...) }

// tries are the handshakes of one dial: one for each cookie of the set that was
// ours when it began. A handshake that others began has one. Owned by the
// goroutine of the dial.
type tries struct {
	local dist.Local
	done  [dist.MaxCookies]bool
}

// left says whether there is a cookie that was not tried.
func (s *tries) left() bool { return slices.Contains(s.done[:1+len(s.local.Accept)], false) }

// cookie chooses what is proved to the peer that has just said its name: each try
// that fails is an error in its log, so what fitted last comes first, then our
// own, then the others.
func (a *attempt) cookie(h dist.Hello) int {
	s := a.tries
	at := max(0, slices.Index(s.done[:], false))
	if known := a.t.fitted(h.Name).Place(cookiesOf(s.local)); known >= 0 && !s.done[known] {
		at = known
	}
	s.done[at] = true
	return at
}

// fitted is the cookie that the last link to name was proved with, or that the
// peer has shown since to hold; empty if there was none.
func (t *Table) fitted(name string) (c dist.Cookie) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.rows[name]; r != nil {
		c = r.cookie
	}
	return c
}

// dial tries the cookies one after the other, each in a connection of its own, as
// long as the peer hangs up on our digests and nothing else stands in the way. A
// peer that is out of reach by then has refused us all the same. Once a digest was
// refused, nok is no promise of a link: the peer may have said it for the sake of
// that attempt of ours, or for one of its own that is refused here.
func (t *Table) dial(ctx context.Context, timeout time.Duration, addr netip.AddrPort, want string, newLife bool, s *tries) (Info, error) {
	info, err := t.dialOnce(ctx, timeout, addr, want, newLife, s)
	for errors.Is(err, dist.ErrDigest) && s.left() && ctx.Err() == nil {
		t.counts.otherCookie.Add(1)
		next, nextErr := t.persist(ctx, func() (Info, error) { return t.dialOnce(ctx, timeout, addr, want, newLife, s) })
		if errors.As(nextErr, new(*ConnectError)) {
			break
		}
		info, err = next, nextErr
	}
	return info, err
}

// proved is the cookie that both ends of a handshake have proved.
func (a *attempt) proved(r dist.Remote) dist.Cookie {
	return cookiesOf(a.tries.local)[r.Cookie]
}
