package links

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
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
	Reason     dist.Reason   // why the last link ended, "" while none has
	Detail     string        // the same in words
	Link       *dist.Link    // nil unless Up
}

type row struct{ info Info }

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

// Forget drops the row of a name that has no link, and says whether it did.
func (t *Table) Forget(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, ok := t.rows[name]
	if !ok || r.info.Up {
		return false
	}
	delete(t.rows, name)
	t.version.Add(1)
	return true
}

// Await returns the row of name as soon as it has a live link.
func (t *Table) Await(ctx context.Context, name string) (Info, error) {
	for {
		t.mu.Lock()
		var info Info
		if r, ok := t.rows[name]; ok {
			info = r.info
		}
		changed := t.changed
		t.mu.Unlock()
		if info.Up {
			return info, nil
		}
		select {
		case <-ctx.Done():
			return Info{}, context.Cause(ctx)
		case <-changed:
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
		if !r.info.Up && (oldest == nil || r.info.Ended.Before(oldest.info.Ended)) {
			oldest = r
		}
	}
	delete(t.rows, oldest.info.Name)
	t.counts.rowsDropped.Add(1)
}

// hooks calls Up and Down of one link in order, whoever is faster.
type hooks struct {
	info   Info // of the link when it came up; guarded by Table.mu
	mu     sync.Mutex
	upDone bool
	down   *Info // ended before Up had returned
}
