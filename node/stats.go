package node

import (
	"sync"

	"github.com/liminal-bus/liminal/internal/dist"
)

// linkTotals sum what the links of this node's life dropped and refused, so
// that a link that ends does not take its counts along.
type linkTotals struct {
	mu    sync.Mutex
	ended map[string]uint64
}

// retire adds the counts of a link that has ended.
func (t *linkTotals) retire(l *dist.Link) {
	s := l.Stats()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended == nil {
		t.ended = map[string]uint64{}
	}
	addStats(t.ended, s)
}

// with returns the counts of all links, the live ones included.
func (t *linkTotals) with(live []*dist.Link) map[string]uint64 {
	all := map[string]uint64{}
	t.mu.Lock()
	for name, v := range t.ended {
		all[name] = v
	}
	t.mu.Unlock()
	for _, l := range live {
		addStats(all, l.Stats())
	}
	return all
}

// addStats names counters by what was done: link_dropped_full, for example.
func addStats(to map[string]uint64, s dist.Stats) {
	for name, v := range s.Dropped {
		to["link_dropped_"+name] += v
	}
	for name, v := range s.Refused {
		to["link_refused_"+name] += v
	}
	to["link_frames_in"] += s.FramesIn
	to["link_frames_out"] += s.FramesOut
	to["link_bytes_in"] += s.BytesIn
	to["link_bytes_out"] += s.BytesOut
}
