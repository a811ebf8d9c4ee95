package membership

import (
	"cmp"
	"slices"
	"strings"
)

// Peer is the identity compared between two polls. It is comparable on
// purpose: two equal values are the same link to the same life of a node.
type Peer struct {
	Name       string // the name proved in the handshake, b@host
	Creation   uint32 // which life of the node; a restart changes it
	Generation uint64 // authenticated links to Name in this process so far: 1, 2, 3, ...
}

// Entry is one row of a snapshot. Every name that ever had a link and was not
// forgotten has a row, up or not.
type Entry struct {
	Peer
	Up     bool
	Reason string // why the last ended link ended, "" while none has
}

// Snapshot is the connection table at one instant. Entries are sorted by
// name, one row a name. Version changes whenever anything in the table did;
// the tracker does not look at the entries of a version it has seen last.
type Snapshot struct {
	Version uint64
	Entries []Entry
}

// ordered returns rows strictly ascending by name: the argument itself where
// it is so already, which is always the case for a real table.
func ordered(rows []Entry) []Entry {
	for i := 1; i < len(rows); i++ {
		if rows[i-1].Name >= rows[i].Name {
			return reordered(rows)
		}
	}
	return rows
}

// reordered sorts a copy, since the rows belong to the caller, and leaves one
// row a name: the highest generation, the later row among equals.
func reordered(rows []Entry) []Entry {
	rows = slices.Clone(rows)
	slices.Reverse(rows) // with a stable sort, later rows come first
	slices.SortStableFunc(rows, func(a, b Entry) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(b.Generation, a.Generation))
	})
	return slices.CompactFunc(rows, func(a, b Entry) bool { return a.Name == b.Name })
}
