package links

import (
	"errors"
	"maps"
	"time"
)

// MaxHeld is how many names can be held at once.
const MaxHeld = 1024

// ErrHeld: nothing is to connect to that name for a while, see Hold.
var ErrHeld = errors.New("the peer is held off")

// Hold keeps a name from having a new link until d has passed: its handshakes
// are not allowed, and our dials to it fail with ErrHeld, by name before they
// connect, under a label once the name is known and before our digest goes
// out. Handshakes of either direction that are under way come to nothing. A
// live link is untouched. A later Hold of the same name counts in place of the
// earlier one; none or less of d ends it.
//
// When more than MaxHeld names are held, the one that would be let go first is,
// and is counted.
func (t *Table) Hold(name string, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(t.held, func(_ string, until time.Time) bool { return !now.Before(until) })
	delete(t.held, name)
	if d <= 0 {
		return
	}
	if len(t.held) >= MaxHeld {
		delete(t.held, t.firstHeld())
		t.counts.holdsDropped.Add(1)
	}
	t.held[name] = now.Add(d)
}

// firstHeld is the name whose time is over first. The caller holds t.mu.
func (t *Table) firstHeld() (first string) {
	for name, until := range t.held {
		if first == "" || until.Before(t.held[first]) {
			first = name
		}
	}
	return first
}

// isHeld says whether name may not have a new link now. The caller holds t.mu.
func (t *Table) isHeld(name string) bool {
	until, ok := t.held[name]
	return ok && time.Now().Before(until)
}
