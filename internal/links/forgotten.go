package links

import (
	"errors"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// MaxForgotten is how many names are remembered as forgotten.
const MaxForgotten = 1024

// ErrForgotten: that life of the peer was forgotten here, see Disown.
var ErrForgotten = errors.New("the peer was forgotten in this life of it")

// forgotten is one name that was disowned.
type forgotten struct {
	creation uint32 // of the life meant; 0: it never had a link
	number   uint64 // rises with each
	since    time.Time
	refused  bool // its life was refused, and Config.Refused told
}

// Disown is Forget for good: the row of a name that has no link goes, and the
// life that it was of is not let in again: its handshakes are not allowed. A
// name that never had a link is only remembered, see Disowned. A dial of it by
// name that is out comes to nothing. creation is that of the last life, for where
// the table has dropped the row already. It reports false, and does nothing, if the name has a link; where one has ended
// and its Down has not returned, ask again once ending is closed.
//
// The name is remembered until Recall, or until it has a link: that of another
// life, which is a restart, or one that we dialled, which somebody wanted. Of
// more than MaxForgotten the oldest is let go and counted.
func (t *Table) Disown(name string, creation uint32) (done bool, ending <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r, ok := t.rows[name]; ok {
		switch {
		case r.info.Up:
			return false, nil
		case r.busy():
			return false, r.told
		}
		creation = r.info.Creation
		delete(t.rows, name)
		t.version.Add(1)
	}
	if o := t.out[name]; o != nil && o.want == name {
		o.cancel(ErrForgotten) // it would take the name back
	}
	delete(t.forgotten, name)
	if len(t.forgotten) >= MaxForgotten {
		delete(t.forgotten, t.firstForgotten())
		t.counts.forgotDropped.Add(1)
	}
	t.lastForgot++
	t.forgotten[name] = forgotten{creation: creation, number: t.lastForgot, since: time.Now()}
	return true, nil
}

// Recall ends what Disown began.
func (t *Table) Recall(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.forgotten, name)
}

// Disowned says whether a name is remembered as forgotten.
func (t *Table) Disowned(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.forgotten[name]
	return ok
}

// Forgotten tells of a name that Disown remembers: the life meant, 0 if it never
// had a link, and since when.
func (t *Table) Forgotten(name string) (creation uint32, since time.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, ok := t.forgotten[name]
	return f.creation, f.since, ok
}

// firstForgotten is the name that was disowned first. The caller holds t.mu.
func (t *Table) firstForgotten() (first string) {
	for name, f := range t.forgotten {
		if first == "" || f.number < t.forgotten[first].number {
			first = name
		}
	}
	return first
}

// isForgotten says whether that life of a name is not let in, and counts it.
// The caller holds t.mu.
func (t *Table) isForgotten(name string, creation uint32) bool {
	if !t.sameLife(name, creation) {
		return false
	}
	t.counts.refusedForgotten.Add(1)
	return true
}

// sameLife says whether that life of a name is the one that was disowned. The
// caller holds t.mu.
func (t *Table) sameLife(name string, creation uint32) bool {
	f, ok := t.forgotten[name]
	return ok && f.creation != 0 && f.creation == creation
}

// firstRefusal says whether a handshake that was not allowed is the first of a
// life that was disowned. The caller holds t.mu.
func (t *Table) firstRefusal(h dist.Hello) bool {
	f := t.forgotten[h.Name]
	if f.refused || !t.sameLife(h.Name, h.Creation) {
		return false
	}
	f.refused = true
	t.forgotten[h.Name] = f
	return true
}
