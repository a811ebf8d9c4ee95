package membership

import (
	"slices"
	"strings"
)

// Tracker holds the membership as of the last poll. The zero value is ready
// to use. It has no lock: one goroutine owns it.
type Tracker struct {
	polled  bool   // version means something
	version uint64 // of the snapshot seen last
	members int
	records []record // sorted by name
	spare   []record // the other buffer: a poll merges into it, then they swap
}

// New returns a tracker that knows nobody.
func New() *Tracker { return new(Tracker) }

// Poll compares s with the snapshot of the last poll and returns what changed,
// by the rules in the package documentation. If s has the version of the last
// poll the answer is the zero Delta, at a cost that does not grow with the
// table. Otherwise it is one pass over both, and only the delta is allocated.
func (t *Tracker) Poll(s Snapshot) Delta {
	if t.polled && s.Version == t.version {
		return Delta{}
	}
	t.polled, t.version = true, s.Version
	var d Delta
	t.merge(ordered(s.Entries), &d)
	t.members += len(d.Joined) - len(d.Left)
	return d
}

// merge walks records and rows, both ascending by name, into the spare buffer.
func (t *Tracker) merge(rows []Entry, d *Delta) {
	old, next := t.records, slices.Grow(t.spare[:0], len(rows))
	for _, e := range rows {
		for len(old) > 0 && old[0].peer.Name < e.Name {
			next = appendMissed(next, old[0], d)
			old = old[1:]
		}
		r := record{peer: Peer{Name: e.Name}}
		if len(old) > 0 && old[0].peer.Name == e.Name {
			r, old = old[0], old[1:]
		}
		r.see(e, d)
		next = append(next, r)
	}
	for _, r := range old {
		next = appendMissed(next, r, d)
	}
	t.records, t.spare = next, t.records
}

// appendMissed keeps a record whose row is gone, unless it was to be forgotten.
func appendMissed(next []record, r record, d *Delta) []record {
	r.miss(d)
	if r.forgotten {
		return next
	}
	return append(next, r)
}

// Peers returns the members, sorted by name. The slice is the caller's.
func (t *Tracker) Peers() []Peer {
	peers := make([]Peer, 0, t.members)
	for i := range t.records {
		if t.records[i].up {
			peers = append(peers, t.records[i].peer)
		}
	}
	return peers
}

// Names returns the names of the members, sorted. The slice is the caller's.
func (t *Tracker) Names() []string {
	names := make([]string, 0, t.members)
	for i := range t.records {
		if t.records[i].up {
			names = append(names, t.records[i].peer.Name)
		}
	}
	return names
}

// Len returns the number of members.
func (t *Tracker) Len() int { return t.members }

// Counts returns the totals of a name, zero for one that is not known.
func (t *Tracker) Counts(name string) Counts {
	if i, ok := t.find(name); ok {
		return t.records[i].counts
	}
	return Counts{}
}

// Forget drops what is known about a name that is not a member, its counters
// too, and says whether it did: false for a member and for an unknown name.
// While the table still lists the name the record waits for its row to go,
// and stays if a link is made before then.
func (t *Tracker) Forget(name string) bool {
	i, ok := t.find(name)
	if !ok || t.records[i].up {
		return false
	}
	if t.records[i].listed {
		t.records[i].forgotten = true
	} else {
		t.records = slices.Delete(t.records, i, i+1)
	}
	return true
}

func (t *Tracker) find(name string) (int, bool) {
	return slices.BinarySearchFunc(t.records, name, func(r record, name string) int {
		return strings.Compare(r.peer.Name, name)
	})
}
