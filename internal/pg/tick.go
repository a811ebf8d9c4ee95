package pg

// Tick does what waits for time: it asks names that nobody answered and sends
// what may have become needless meanwhile. now is in milliseconds and never goes
// back. It costs nothing while no link waits.
func (s *Scope[L]) Tick(now int64) []Out[L] {
	s.now = now
	var outs []Out[L]
	for _, p := range s.waiting {
		switch {
		case !p.armed: // counts from a Tick on, so that it is a whole interval at least
			p.armed, p.due = true, now+p.pause
		case now >= p.due:
			outs = s.act(p, outs)
		}
	}
	if outs != nil {
		s.resettle()
	}
	return outs
}

func (s *Scope[L]) act(p *peer[L], outs []Out[L]) []Out[L] {
	p.greeting = false
	if !p.known {
		p.pause = min(2*p.pause, maxPause)
		p.due = s.now + p.pause
		return append(outs, s.askName(p))
	}
	if !p.told {
		outs = append(outs, s.tell(p))
	}
	if p.owes() {
		outs = append(outs, s.askScope(p))
	}
	return outs
}

// resettle takes those out of waiting that have what they wanted.
func (s *Scope[L]) resettle() {
	kept := s.waiting[:0]
	for _, p := range s.waiting {
		if p.waiting = p.wants(); p.waiting {
			kept = append(kept, p)
		}
	}
	clear(s.waiting[len(kept):])
	s.waiting = kept
}
