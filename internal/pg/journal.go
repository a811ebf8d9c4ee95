package pg

import "slices"

// MaxNamed is how many groups of one node a journal names. Of the others it
// knows how many there were.
const MaxNamed = 16

// journal is what one node joined and left since it was taken: its first
// member of a group, and its last. What it holds is bounded, whatever the node
// does, and a group that was joined and left again is not in it as long as it
// is named.
type journal struct {
	added, removed         []Key // together at most MaxNamed
	moreAdded, moreRemoved int
	listed                 bool // stands in Scope.changed
}

// note enters one change. One that is not to be named is only counted.
func (j *journal) note(k Key, added, named bool) {
	list, opposite, more := &j.added, &j.removed, &j.moreAdded
	if !added {
		list, opposite, more = &j.removed, &j.added, &j.moreRemoved
	}
	if i := slices.Index(*opposite, k); i >= 0 {
		*opposite = slices.Delete(*opposite, i, i+1)
		return
	}
	if !named || len(j.added)+len(j.removed) >= MaxNamed {
		*more++
		return
	}
	*list = append(*list, k)
}

func (j *journal) empty() bool {
	return len(j.added)+len(j.removed)+j.moreAdded+j.moreRemoved == 0
}

// Change is what one node joined and left. Groups that stand in no list are
// counted: which they were is known no more, and one of them may have been
// joined and left.
type Change[L comparable] struct {
	Link                   L    // that of the node, or
	Own                    bool // it is ours
	Added, Removed         []Key
	MoreAdded, MoreRemoved int
	Groups                 int // that it is in now
}

// noted enters a change of p's, and keeps the list of those that have one.
func (s *Scope[L]) noted(p *peer[L], k Key, added, named bool) {
	p.log.note(k, added, named)
	if !p.log.listed {
		p.log.listed = true
		s.changed = append(s.changed, p)
	}
}

// notedAll enters that p is about to leave all its groups, on a link that is up.
func (s *Scope[L]) notedAll(p *peer[L]) {
	for _, g := range p.groups {
		s.noted(p, g.key, false, len(p.groups) == 1)
	}
}

// Pending reports whether there is a change to take.
func (s *Scope[L]) Pending() bool { return len(s.changed) > 0 || !s.own.empty() }

// Changed lists the links whose node has changes to take.
func (s *Scope[L]) Changed() []L {
	links := make([]L, len(s.changed))
	for i, p := range s.changed {
		links[i] = p.link
	}
	return links
}

// Take gives the changes of our own node and of those behind links that ready
// says yes to, and begins new journals for them. What was left and joined
// again, and is the same as before, is not told. A link that ends takes its
// journal along.
func (s *Scope[L]) Take(ready func(L) bool) []Change[L] {
	var all []Change[L]
	if !s.own.empty() {
		all = append(all, changeOf(&s.own, Change[L]{Own: true, Groups: s.Local()}))
		s.own = journal{}
	}
	kept := s.changed[:0]
	for _, p := range s.changed {
		switch {
		case !ready(p.link):
			kept = append(kept, p)
			continue
		case !p.log.empty():
			all = append(all, changeOf(&p.log, Change[L]{Link: p.link, Groups: len(p.groups)}))
		}
		p.log = journal{}
	}
	clear(s.changed[len(kept):])
	s.changed = kept
	return all
}

// changeOf fills in what a journal has.
func changeOf[L comparable](j *journal, c Change[L]) Change[L] {
	c.Added, c.Removed, c.MoreAdded, c.MoreRemoved = j.added, j.removed, j.moreAdded, j.moreRemoved
	return c
}
