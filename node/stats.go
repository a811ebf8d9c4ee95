package node

import (
	"maps"

	"github.com/liminal-bus/liminal/internal/dist"
)

// linkTotals sum what the links of this node's life did, so that a link that
// ends, or a peer that is forgotten, does not take its counts along. Guarded by
// Node.mu: a link's counts are either here or read from the link, never both.
type linkTotals struct {
	ended map[string]uint64
	late  dist.Late   // what links did that were in ended already
	gone  PeerTraffic // of peers that are forgotten
}

// retire adds the counts of a link that has ended to those of all, and of its
// peer.
func (t *linkTotals) retire(l *dist.Link, p *peer) {
	s := l.Retire(&t.late)
	if t.ended == nil {
		t.ended = map[string]uint64{}
	}
	addStats(t.ended, s)
	p.past.add(trafficOf(l, s))
}

// addEnded adds the counts of links that have ended.
func (t *linkTotals) addEnded(to map[string]uint64) {
	maps.Copy(to, t.ended)
	addStats(to, t.late.Stats())
}

// liveLinks are the links that linkTotals do not have yet. The caller holds n.mu,
// and may read them once it has let go.
func (n *Node) liveLinks() []*dist.Link {
	var live []*dist.Link
	for _, p := range n.peers {
		if p.link != nil {
			live = append(live, p.link)
		}
	}
	return live
}

// addStats names counters by what was done: link_dropped_full, for example.
func addStats(to map[string]uint64, s dist.Stats) {
	for name, v := range s.Dropped {
		to["link_dropped_"+name] += v
	}
	for name, v := range s.Refused {
		to["link_refused_"+name] += v
	}
	to["link_offered"] += s.Offered
	to["link_written"] += s.Written
	to["link_frames_in"] += s.FramesIn
	to["link_frames_out"] += s.FramesOut
	to["link_bytes_in"] += s.BytesIn
	to["link_bytes_out"] += s.BytesOut
}
