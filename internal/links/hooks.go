package links

import (
	"sync"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// hooks calls Up and Down of one link in order, whoever is faster, and both
// after the Down of the link before it under the same name.
type hooks struct {
	info Info            // of the link when it came up
	prev <-chan struct{} // told of the link before it, nil if there was none
	told chan struct{}   // closed when Down has returned

	mu     sync.Mutex
	upDone bool
	down   *Info // ended before Up had returned
}

// announce calls Up, and Down too if the link has ended meanwhile. The link
// before it has ended, but the goroutine that ended it may still be on its way
// to Down.
func (t *Table) announce(h *hooks) {
	if h.prev != nil {
		<-h.prev
	}
	t.cfg.Up(h.info)
	h.mu.Lock()
	h.upDone = true
	down := h.down
	h.mu.Unlock()
	if down != nil {
		t.tell(h, *down)
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
		t.tell(h, info)
	}
}

func (t *Table) tell(h *hooks, info Info) {
	t.cfg.Down(info)
	close(h.told)
	t.wg.Done()
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
