package pg

import "strings"

// group is one group with remote members. There is one for each name, whoever
// has members in it, so that a name is kept once.
type group[L comparable] struct {
	key   Key
	slots []slot[L]  // one for each peer with a member, never empty
	one   [1]slot[L] // where slots begins: most groups have one peer
}

// slot is what one peer has in one group.
type slot[L comparable] struct {
	peer  *peer[L]
	more  *bag   // all members; nil where first is the only one
	first proc   // the member if it is the only one
	at    uint32 // of the group in peer.groups
	round uint32 // peer.round of the last sync that named it
}

func (t *slot[L]) count() int {
	if t.more == nil {
		return 1
	}
	return t.more.total
}

func (t *slot[L]) addAll(procs []proc) {
	if t.more == nil && len(procs) > 0 {
		t.more = &bag{}
		t.more.add(t.first)
	}
	for _, p := range procs {
		t.more.add(p)
	}
}

// remove takes one membership of p out. empty: it was the last one of all.
func (t *slot[L]) remove(p proc) (was, empty bool) {
	if t.more == nil {
		return t.first == p, t.first == p
	}
	if !t.more.remove(p) {
		return false, false
	}
	if t.more.total == 1 {
		t.first, t.more = t.more.list[0].proc, nil
	}
	return true, false
}

// set makes procs, at least one, the members. It reports false if they surely
// are what they were.
func (t *slot[L]) set(procs []proc) bool {
	if len(procs) == 1 && t.more == nil && t.first == procs[0] {
		return false
	}
	t.first, t.more = procs[0], nil
	t.addAll(procs[1:])
	return true
}

func (g *group[L]) slot(p *peer[L]) *slot[L] {
	for i := range g.slots {
		if g.slots[i].peer == p {
			return &g.slots[i]
		}
	}
	return nil
}

// index is all groups with remote members, by name and by peer. Every slot of a
// group is pointed back to by its peer's list, which makes a link's end cost
// what that peer had and no search.
type index[L comparable] struct {
	groups map[Key]*group[L]
	peak   int // the most groups since the map was made: it never shrinks by itself
}

func newIndex[L comparable]() index[L] { return index[L]{groups: map[Key]*group[L]{}} }

func (x *index[L]) find(p *peer[L], k Key) *slot[L] {
	if g := x.groups[k]; g != nil {
		return g.slot(p)
	}
	return nil
}

// open gives p's slot in k, new if it has none yet: then it has no member, and
// the caller sets some before anything else happens.
func (x *index[L]) open(p *peer[L], k Key) (t *slot[L], fresh bool) {
	g := x.groups[k]
	if g == nil {
		k = Key(strings.Clone(string(k))) // a view would keep its whole message
		g = &group[L]{key: k}
		g.slots = g.one[:0]
		x.groups[k] = g
		x.peak = max(x.peak, len(x.groups))
	}
	if t = g.slot(p); t != nil {
		return t, false
	}
	g.slots = append(g.slots, slot[L]{peer: p, at: uint32(len(p.groups))})
	if len(g.slots) == 2 {
		g.one[0] = slot[L]{} // moved out: the old copy would keep its peer for ever
	}
	p.groups = append(p.groups, g)
	return &g.slots[len(g.slots)-1], true
}

// close takes p out of its i-th group.
func (x *index[L]) close(p *peer[L], i uint32) {
	g, last := p.groups[i], len(p.groups)-1
	if moved := p.groups[last]; moved != g {
		p.groups[i] = moved
		moved.slot(p).at = i
	}
	p.groups[last] = nil
	p.groups = p.groups[:last]
	if g.leave(p) {
		delete(x.groups, g.key)
	}
}

// closeAll takes p out of all its groups. Where few groups remain they are
// copied, which is cheaper than deleting the many: the end of the only link to
// 100,000 groups must not hold up the others.
func (x *index[L]) closeAll(p *peer[L]) {
	ended := p.groups[:0]
	for _, g := range p.groups {
		if g.leave(p) {
			ended = append(ended, g)
		}
	}
	if left := len(x.groups) - len(ended); left < len(ended)/4 {
		x.rebuild(left)
	} else {
		for _, g := range ended {
			delete(x.groups, g.key)
		}
	}
	p.groups, p.members = nil, 0
	x.shrink()
}

// leave takes p's slot out of g and reports whether it was the last.
func (g *group[L]) leave(p *peer[L]) (ended bool) {
	t, last := g.slot(p), len(g.slots)-1
	*t = g.slots[last]
	g.slots[last] = slot[L]{}
	g.slots = g.slots[:last]
	return last == 0
}

// shrink gives memory back after many groups went.
func (x *index[L]) shrink() {
	if n := len(x.groups); x.peak > 1024 && n < x.peak/4 {
		x.rebuild(n)
	}
}

// rebuild moves the n groups that have a slot into a map of their size.
func (x *index[L]) rebuild(n int) {
	fresh := make(map[Key]*group[L], n)
	if n > 0 {
		for k, g := range x.groups {
			if len(g.slots) > 0 {
				fresh[k] = g
			}
		}
	}
	x.groups, x.peak = fresh, n
}

// grow makes room for n groups at once where there are none.
func (x *index[L]) grow(n int) {
	if len(x.groups) == 0 && n > 1024 {
		x.groups, x.peak = make(map[Key]*group[L], n), n
	}
}
