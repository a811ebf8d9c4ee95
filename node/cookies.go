package node

import (
	"errors"
	"fmt"
	"slices"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
)

// MaxCookies is how many cookies a node holds at once, its own included.
const MaxCookies = dist.MaxCookies

// ErrManyCookies: more than MaxCookies.
var ErrManyCookies = fmt.Errorf("more than %d cookies", MaxCookies)

// SetCookies changes the cookies of a running node: own is what it dials with
// first, accept what it takes as well, and dials with where own is refused. Links
// that are up stay, and peers that refused us are dialled again at once. One that
// is in the list twice counts once.
func (n *Node) SetCookies(own Cookie, accept ...Cookie) error {
	set, err := tidyCookies(own, accept)
	if err != nil {
		return err
	}
	n.cookieMu.Lock()
	defer n.cookieMu.Unlock()
	old := n.table.Cookies()
	if slices.EqualFunc(old, set, Cookie.Same) {
		return nil
	}
	n.table.SetCookies(set[0], set[1:])
	n.mu.Lock()
	n.plan.RetryRefused()
	var tell []*peer
	for _, p := range n.peers {
		n.judgeCookie(p)
		if p.link != nil && mayBeLiminal(p.info.Offered) {
			tell = append(tell, p)
		}
	}
	told := make(map[*dist.Link][]byte, len(tell))
	for _, p := range tell {
		told[p.link] = encodeProofs(set, n.life(), p.life())
	}
	others := n.otherCookies()
	n.mu.Unlock()
	for l, msg := range told {
		n.send(l, msg)
	}
	signal(n.kicks)
	n.log.Info("cookies changed", "own", !old[0].Same(set[0]), "accepted", len(set)-1, "peers_on_others", others)
	return nil
}

// tidyCookies is the set of own and accept in order, each once.
func tidyCookies(own Cookie, accept []Cookie) ([]Cookie, error) {
	var set []Cookie
	for _, c := range append([]Cookie{own}, accept...) {
		switch {
		case c.Empty():
			return nil, fmt.Errorf("%w: one is empty", ErrNoCookie)
		case c.Place(set) < 0:
			set = append(set, c)
		}
	}
	if len(set) > MaxCookies {
		return nil, ErrManyCookies
	}
	return set, nil
}

// tellCookies shows a liminal newcomer which cookies we hold, where that says more
// than the handshake has. Sets and messages go out in one order under cookieMu.
func (n *Node) tellCookies(l *dist.Link) {
	n.cookieMu.Lock()
	defer n.cookieMu.Unlock()
	if set := n.table.Cookies(); len(set) > 1 {
		r := l.Remote()
		n.send(l, encodeProofs(set, n.life(), dist.Life{Name: r.Name, Creation: r.Creation}))
	}
}

// life is this run of the node.
func (n *Node) life() dist.Life { return dist.Life{Name: n.name, Creation: n.creation} }

// life is that of the peer's last link.
func (p *peer) life() dist.Life { return dist.Life{Name: p.name, Creation: p.info.Creation} }

// encodeProofs is {cookies, Version, [Proof]}.
func encodeProofs(set []Cookie, from, to dist.Life) []byte {
	b := etf.AppendAtom(etf.AppendTuple(nil, 3), "cookies")
	b = etf.AppendListHeader(etf.AppendInt(b, wireVersion), len(set))
	for _, c := range set {
		proof := c.Proof(from, to)
		b = etf.AppendBinary(b, proof[:])
	}
	return etf.AppendNil(b)
}

// maxProofs is how many proofs of one message are kept: a later version may hold
// more cookies than we do.
const maxProofs = 4 * MaxCookies

var errNotProof = errors.New("not a proof of a cookie")

// cookies takes a peer's proofs in place of those it gave before.
func (m message) cookies() error {
	if err := m.skip(); err != nil {
		return err
	}
	count, err := m.r.ListHeader()
	if err != nil {
		return err
	}
	var proofs []dist.Proof
	for range min(count, maxProofs) {
		b, err := m.r.Binary()
		if err != nil {
			return err
		}
		if len(b) != len(dist.Proof{}) {
			return errNotProof
		}
		proofs = append(proofs, dist.Proof(b))
	}
	m.n.mu.Lock()
	defer m.n.mu.Unlock()
	if p := m.n.sender(m.l); p != nil {
		p.proofs = proofs
		m.n.judgeCookie(p)
	}
	return nil
}

// judgeCookie notes which cookie of our present set a peer holds that has told; of
// several the first. A peer that holds none any more is known to hold none, though
// its link is up. The caller holds n.mu, so that no set slips in between.
func (n *Node) judgeCookie(p *peer) {
	if p.link == nil || len(p.proofs) == 0 {
		return
	}
	from, to := p.life(), n.life()
	for _, c := range n.table.Cookies() {
		if c.Holds(from, to, p.proofs) {
			n.table.Holds(p.link, c)
			return
		}
	}
	n.table.Holds(p.link, Cookie{})
}

// onOtherCookie says whether a peer is up and not known to hold our own cookie.
// The caller holds n.mu.
func (n *Node) onOtherCookie(p *peer) bool {
	if p.link == nil || p.looks() {
		return false
	}
	row, ok := n.table.Lookup(p.name)
	return ok && row.Link == p.link && row.Cookie != 0
}

// otherCookies names the peers of Status.OtherCookie. The caller holds n.mu.
func (n *Node) otherCookies() []string {
	names := []string{}
	for name, p := range n.peers {
		if n.onOtherCookie(p) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
