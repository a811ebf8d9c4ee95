package links

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// Info is one row of the table as a value.
type Info struct {
	Name       string
	Creation   uint32 // of the present or the last link
	Generation uint64 // authenticated links to Name so far
	Up         bool
	Addr       netip.AddrPort // the socket's other end
	Outgoing   bool           // we dialled
	Since      time.Time      // when the present or last link came up
	Ended      time.Time      // when the last link ended
	Offered    dist.Flags     // what the peer can do
	Agreed     dist.Flags
	RTT        time.Duration // one round trip, measured in the handshake
	Cookie     int           // of our present set, what the peer is known to hold: 0 is our own, -1 one that is no longer in it
	Reason     dist.Reason   // why the last link ended, "" while none has
	Detail     string        // the same in words
	Link       *dist.Link    // nil unless Up
}

type row struct {
	info      Info
	cookie    dist.Cookie   // what Info.Cookie is the place of
	told      chan struct{} // closed when Down of the present or last link has returned
	takeovers []time.Time   // by other lives, at most maxTakeovers and recent
	held      time.Time     // until when other lives are refused
}

// Two nodes under one name would replace each other for ever. After
// maxTakeovers within takeoverTime the one that is up stays, and any other is
// refused for takeoverTime.
const (
	maxTakeovers = 3
	takeoverTime = time.Minute
)

// contested says whether a live link is not to be replaced by another life of
// its name. A life that returns to its own name is always welcome.
func (r *row) contested(creation uint32, now time.Time) bool {
	return creation != r.info.Creation && now.Before(r.held)
}

// takenOver books that a life replaces the live link of another.
func (r *row) takenOver(creation uint32, now time.Time) {
	if creation == r.info.Creation {
		return
	}
	r.takeovers = slices.DeleteFunc(r.takeovers, func(at time.Time) bool { return now.Sub(at) >= takeoverTime })
	if r.takeovers = append(r.takeovers, now); len(r.takeovers) == maxTakeovers {
		r.takeovers, r.held = nil, now.Add(takeoverTime)
	}
}

// Version changes whenever a row does.
func (t *Table) Version() uint64 { return t.version.Load() }

// Snapshot returns the version and every row, sorted by name.
func (t *Table) Snapshot() (uint64, []Info) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rows := make([]Info, 0, len(t.rows))
	for _, r := range t.rows {
		rows = append(rows, r.info)
	}
	slices.SortFunc(rows, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return t.version.Load(), rows
}

// Lookup returns the row of a name.
func (t *Table) Lookup(name string) (Info, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, ok := t.rows[name]
	if !ok {
		return Info{}, false
	}
	return r.info, true
}

// Up says whether name has a live link.
func (t *Table) Up(name string) bool {
	info, ok := t.Lookup(name)
	return ok && info.Up
}

// Forget drops the row of a name that has no link, and says whether it did. A
// link whose Down has not returned still counts.
func (t *Table) Forget(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, ok := t.rows[name]
	if !ok || r.busy() {
		return false
	}
	delete(t.rows, name)
	t.version.Add(1)
	return true
}

// busy says that a link is up, or that its end is not known everywhere yet.
func (r *row) busy() bool {
	select {
	case <-r.told:
		return r.info.Up
	default:
		return true
	}
}

// Await returns the row of name as soon as it has a live link. It fails when
// ctx ends, and with ErrClosed when no link can come any more.
func (t *Table) Await(ctx context.Context, name string) (Info, error) {
	for {
		t.mu.Lock()
		var info Info
		if r, ok := t.rows[name]; ok {
			info = r.info
		}
		changed, closed := t.changed, t.closed
		t.mu.Unlock()
		switch {
		case info.Up:
			return info, nil
		case closed:
			return Info{}, ErrClosed
		}
		select {
		case <-ctx.Done():
			return Info{}, context.Cause(ctx)
		case <-changed:
		case <-t.closing:
		}
	}
}

// dropOldest makes room for one more row when too many names are down.
// The caller holds t.mu.
func (t *Table) dropOldest() {
	if len(t.rows)-t.live < MaxDown {
		return
	}
	var oldest *row
	for _, r := range t.rows {
		if !r.busy() && (oldest == nil || r.info.Ended.Before(oldest.info.Ended)) {
			oldest = r
		}
	}
	if oldest == nil {
		return // all of them went down this very moment
	}
	delete(t.rows, oldest.info.Name)
	t.counts.rowsDropped.Add(1)
}
