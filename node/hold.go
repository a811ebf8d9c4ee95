package node

import (
	"slices"
	"time"

	"github.com/liminal-bus/liminal/internal/links"
)

// helloTime is how long a link may be up before a peer that could be liminal,
// and has not said hello, is taken for something else.
const helloTime = 250 * time.Millisecond

// awaited says whether p may still say hello on its present link.
func (p *peer) awaited(now time.Time) bool {
	return p.link != nil && !p.greeted && mayBeLiminal(p.info.Offered) && now.Sub(p.info.Since) < helloTime
}

// hold shows the poll newcomers without their first link until their hello has
// come, so that the join tells what joined, and says whether there were any. A
// member that fell and rose is not held: its left and joined belong in one
// delta. To the tracker a held link is one that comes a little later.
func (n *Node) hold(now time.Time, rows []links.Info) ([]links.Info, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	held := false
	for i := range rows {
		r := &rows[i]
		if !r.Up || !n.unheard(now, *r) {
			continue
		}
		r.Up, r.Generation = false, r.Generation-1
		held = true
	}
	rows = slices.DeleteFunc(rows, func(r links.Info) bool { return r.Generation == 0 })
	return rows, held
}

// unheard says whether a row's link is a newcomer's whose hello may still come. A
// link is in the table a moment before its Up has made a record of it. The
// caller holds n.mu.
func (n *Node) unheard(now time.Time, r links.Info) bool {
	p := n.peers[r.Name]
	if p == nil || !p.member && p.link != r.Link {
		return mayBeLiminal(r.Offered) && now.Sub(r.Since) < helloTime
	}
	return !p.member && p.awaited(now)
}

// mute makes other of a peer that was taken for liminal by its last life and
// has not said hello in this one. The caller holds n.mu.
func (p *peer) mute(now time.Time) {
	if p.kind == KindLiminal && !p.greeted && !p.awaited(now) {
		p.kind = KindOther
	}
}
