package pg

import "fmt"

// Receive applies a message that came over l. The error wraps ErrQuota: nothing
// was applied and the link is to be closed. What else can be wrong with a
// message is counted and no error.
func (s *Scope[L]) Receive(l L, m Message) ([]Out[L], error) {
	p := s.peers[l]
	switch {
	case p == nil: // read before the link ended, received after
		s.counts[cStale]++
		return nil, nil
	case m.from != p.from:
		s.counts[cForged]++
		return nil, nil
	}
	if err := s.admit(p, &m); err != nil {
		s.counts[cQuota]++
		return nil, err
	}
	s.counts[cLong] += uint64(m.long)
	switch m.op {
	case opDiscover:
		return s.discovered(p, &m), nil
	case opSync:
		return s.synced(p, &m), nil
	case opJoin:
		s.joined(p, &m)
	case opLeave:
		s.left(p, &m)
	default:
		s.counts[cUnknown]++
	}
	return nil, nil
}

// admit holds the peer to its rate and its totals.
func (s *Scope[L]) admit(p *peer[L], m *Message) error {
	if !p.rate.take(s.limits, s.now) {
		return fmt.Errorf("%w: more than %d messages a second", ErrQuota, s.limits.Rate)
	}
	groups, members := 0, 0
	switch m.op {
	case opSync: // replaces all there was
		groups, members = len(m.spans), len(m.pids)
	case opJoin:
		groups, members = len(p.groups), p.members+len(m.pids)
		if len(m.pids) > 0 && s.index.find(p, m.key(0)) == nil {
			groups++
		}
	}
	if groups > s.limits.Groups {
		return fmt.Errorf("%w: %d groups, at most %d are allowed", ErrQuota, groups, s.limits.Groups)
	}
	if members > s.limits.Members {
		return fmt.Errorf("%w: %d members, at most %d are allowed", ErrQuota, members, s.limits.Members)
	}
	return nil
}

// discovered answers always: OTP asks as often as it likes.
func (s *Scope[L]) discovered(p *peer[L], m *Message) []Out[L] {
	s.counts[cDiscovers]++
	outs := s.meet(p, m.scope)
	stranger := len(outs) > 0
	outs = append(outs, s.tell(p))
	if stranger && !p.greeting {
		outs = append(outs, s.askScope(p))
	}
	s.settle(p)
	return outs
}

func (s *Scope[L]) synced(p *peer[L], m *Message) []Out[L] {
	s.counts[cSyncs]++
	outs := s.meet(p, m.scope)
	p.heard, p.greeting = true, false
	changes := s.replace(p, m)
	if p.synced { // the first one is a newcomer's backfill
		p.rate.spend(s.limits, changes+len(m.spans)/sameGroups)
	}
	p.synced = true
	s.settle(p)
	return outs
}

// replace makes the message's groups all that p has, and says of how many that
// was a change. A peer often sends the same sync twice, so what did not change is
// left as it lies.
func (s *Scope[L]) replace(p *peer[L], m *Message) (changes int) {
	s.index.grow(len(m.spans))
	p.round++
	for i := range m.spans {
		if procs := m.members(i); len(procs) > 0 && s.put(p, m.key(i), procs, len(m.spans) == 1) {
			changes++
		}
	}
	if changes += s.sweep(p); changes > 0 {
		s.version++
	}
	return changes
}

// put makes procs p's members of k, or adds them if this sync named k before.
// The journal names the only group of a sync; those of a backfill it counts.
func (s *Scope[L]) put(p *peer[L], k Key, procs []proc, named bool) (changed bool) {
	t, fresh := s.index.open(p, k)
	p.members += len(procs)
	switch {
	case fresh:
		s.noted(p, p.groups[t.at].key, true, named)
		t.set(procs)
		changed = true
	case t.round == p.round:
		t.addAll(procs)
		return true
	default:
		p.members -= t.count()
		changed = t.set(procs)
	}
	t.round = p.round
	return changed
}

// sweep takes p out of the groups that its sync did not name. The journal only
// counts them: mostly there are none, else many.
func (s *Scope[L]) sweep(p *peer[L]) (gone int) {
	for i := len(p.groups) - 1; i >= 0; i-- {
		t := p.groups[i].slot(p)
		if t.round != p.round {
			p.members -= t.count()
			s.noted(p, p.groups[i].key, false, false)
			s.index.close(p, uint32(i))
			gone++
		}
	}
	s.index.shrink()
	return gone
}

// speaks reports whether the message is of the scope that is known.
func (s *Scope[L]) speaks(p *peer[L], m *Message) bool {
	if p.known && p.scope == m.scope {
		return true
	}
	s.counts[cStale]++
	return false
}

func (s *Scope[L]) joined(p *peer[L], m *Message) {
	if !s.speaks(p, m) {
		return
	}
	s.counts[cJoins]++
	if len(m.pids) == 0 {
		return
	}
	procs := m.members(0)
	s.version++
	p.members += len(procs)
	t, fresh := s.index.open(p, m.key(0))
	if fresh {
		s.noted(p, p.groups[t.at].key, true, true)
		t.set(procs)
	} else {
		t.addAll(procs)
	}
}

func (s *Scope[L]) left(p *peer[L], m *Message) {
	if !s.speaks(p, m) {
		return
	}
	s.counts[cLeaves]++
	gone := 0
	for i := range m.spans {
		gone += s.drop(p, m.key(i), m.pids)
	}
	s.counts[cAbsent] += uint64(len(m.spans)*len(m.pids) - gone)
	p.members -= gone
	if gone > 0 {
		s.version++
		s.index.shrink()
	}
}

// drop takes one membership of each of procs out of k and says how many there were.
func (s *Scope[L]) drop(p *peer[L], k Key, procs []proc) (gone int) {
	t := s.index.find(p, k)
	if t == nil {
		return 0
	}
	for _, v := range procs {
		was, empty := t.remove(v)
		if was {
			gone++
		}
		if empty {
			s.noted(p, p.groups[t.at].key, false, true)
			s.index.close(p, t.at)
			break
		}
	}
	return gone
}
