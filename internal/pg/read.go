package pg

import (
	"slices"
	"strings"

	"github.com/liminal-bus/liminal/internal/etf"
)

// Target is where a message to a group is sent.
type Target[L comparable] struct {
	Link L
	Pid  etf.Pid
}

// Remote appends every remote member of the group to dst, a process as often as
// it is a member, those of one link together. It allocates only if dst lacks room.
func (s *Scope[L]) Remote(k Key, dst []Target[L]) []Target[L] {
	g := s.index.groups[k]
	if g == nil {
		return dst
	}
	for i := range g.slots {
		t := &g.slots[i]
		if t.more == nil {
			dst = append(dst, Target[L]{t.peer.link, t.peer.pid(t.first)})
			continue
		}
		for _, c := range t.more.list {
			for range c.n {
				dst = append(dst, Target[L]{t.peer.link, t.peer.pid(c.proc)})
			}
		}
	}
	return dst
}

// Count gives how many remote members the group has, and on how many nodes.
func (s *Scope[L]) Count(k Key) (members, nodes int) {
	g := s.index.groups[k]
	if g == nil {
		return 0, 0
	}
	for i := range g.slots {
		members += g.slots[i].count()
	}
	return members, len(g.slots)
}

// Local gives how many groups have a member of ours.
func (s *Scope[L]) Local() int { return len(s.ledger.entries) }

// Known reports whether a scope is known on the link and was sent our sync.
func (s *Scope[L]) Known(l L) bool {
	p := s.peers[l]
	return p != nil && p.known && p.told
}

// Version rises whenever remote membership changes.
func (s *Scope[L]) Version() uint64 { return s.version }

// Group is a group with at least one member.
type Group[L comparable] struct {
	Key     Key
	Local   bool        // it has our member
	Members []Member[L] // remote
}

// Member is what the node behind a link has in a group.
type Member[L comparable] struct {
	Link  L
	Count int // memberships, at least 1
}

// Size gives how many groups have a member.
func (s *Scope[L]) Size() int {
	n := len(s.index.groups)
	for _, e := range s.ledger.entries {
		if s.index.groups[e.key] == nil {
			n++
		}
	}
	return n
}

// Groups gives all groups that have a member, sorted by key.
func (s *Scope[L]) Groups() []Group[L] {
	out := make([]Group[L], 0, len(s.index.groups)+len(s.ledger.entries))
	for _, g := range s.index.groups {
		out = append(out, Group[L]{g.key, s.ledger.has(g.key), g.members()})
	}
	for _, e := range s.ledger.entries {
		if s.index.groups[e.key] == nil {
			out = append(out, Group[L]{Key: e.key, Local: true})
		}
	}
	slices.SortFunc(out, func(a, b Group[L]) int { return strings.Compare(string(a.Key), string(b.Key)) })
	return out
}

// Group gives one group, false if it has no member.
func (s *Scope[L]) Group(k Key) (Group[L], bool) {
	out := Group[L]{Key: k, Local: s.ledger.has(k)}
	if g := s.index.groups[k]; g != nil {
		out.Members = g.members()
	}
	return out, out.Local || out.Members != nil
}

func (g *group[L]) members() []Member[L] {
	out := make([]Member[L], len(g.slots))
	for i := range g.slots {
		out[i] = Member[L]{g.slots[i].peer.link, g.slots[i].count()}
	}
	return out
}

// PeerSize gives how many groups the node behind the link has members in.
func (s *Scope[L]) PeerSize(l L) int {
	if p := s.peers[l]; p != nil {
		return len(p.groups)
	}
	return 0
}

// PeerGroups gives the groups in which the node behind the link has members,
// sorted.
func (s *Scope[L]) PeerGroups(l L) []Key {
	p := s.peers[l]
	if p == nil {
		return nil
	}
	out := make([]Key, len(p.groups))
	for i, g := range p.groups {
		out[i] = g.key
	}
	slices.Sort(out)
	return out
}
