package pg_test

import (
	"maps"
	"slices"

	"github.com/liminal-bus/liminal/internal/etf"
)

// exited: a process of ours is gone, and one leave says so, with a group as
// often as it was joined.
func (m *otp25) exited(ref uint64, pid etf.Pid) {
	l := m.local[keyOf(pid)]
	switch {
	case l == nil:
		return
	case l.ref != ref:
		panic(caseClause)
	}
	for _, g := range l.groups {
		m.leaveTable(g, pid)
	}
	delete(m.local, keyOf(pid))
	m.broadcast(etf.Tuple{etf.Atom("leave"), m.self, pid, l.groups})
}

// join is pg:join of a process of ours, or of a list of them; the empty list
// makes a group of no members and is told to all.
func (m *otp25) join(group, who etf.Term) {
	m.do(func() {
		pids := listed(who)
		for _, p := range pids {
			l := m.local[keyOf(p)]
			if l == nil {
				m.refs++
				l = &member{pid: p.(etf.Pid), ref: m.refs}
				m.local[keyOf(p)] = l
			}
			l.groups = concat([]etf.Term{group}, l.groups)
		}
		r := m.table[keyOf(group)]
		if r == nil {
			r = &row{group: group, all: etf.List{}, local: etf.List{}}
			m.table[keyOf(group)] = r
		}
		r.all, r.local = appended(pids, r.all), concat(pids, r.local)
		m.broadcast(etf.Tuple{etf.Atom("join"), m.self, group, who})
	})
}

func listed(who etf.Term) etf.List {
	if pid, ok := who.(etf.Pid); ok {
		return etf.List{pid}
	}
	return who.(etf.List)
}

// leave is pg:leave. Of a list, also those that are no members are told.
func (m *otp25) leave(group, who etf.Term) {
	m.do(func() {
		changed := false
		for _, p := range listed(who) {
			changed = m.leaveOne(group, p) || changed
		}
		if !changed {
			return
		}
		m.leaveTable(group, who)
		m.broadcast(etf.Tuple{etf.Atom("leave"), m.self, who, etf.List{group}})
	})
}

func (m *otp25) leaveOne(group, pid etf.Term) bool {
	l := m.local[keyOf(pid)]
	if l == nil {
		return false
	}
	rest := without(l.groups, group)
	changed := len(rest) < len(l.groups)
	if l.groups = rest; len(rest) == 0 {
		delete(m.local, keyOf(pid))
	}
	return changed
}

func (m *otp25) leaveTable(group, who etf.Term) {
	r := m.table[keyOf(group)]
	if r == nil {
		return
	}
	pid, single := who.(etf.Pid)
	switch {
	case single && isOne(r.all, pid) && isOne(r.local, pid):
		delete(m.table, keyOf(group))
	case single:
		r.all, r.local = deleted(pid, r.all), without(r.local, pid)
	default:
		all := subtracted(r.all, who)
		if isEmpty(all) {
			delete(m.table, keyOf(group))
			return
		}
		r.all, r.local = all, subtracted(r.local, who).(etf.List)
	}
}

// broadcast dies of a peer that is an atom, and before it sends anything: atoms
// come before pids in the order of terms.
func (m *otp25) broadcast(msg etf.Term) {
	for _, k := range m.remote {
		if _, ok := k.scope.(etf.Pid); !ok {
			panic(badarg)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(m.remote)) {
		m.send(m.remote[k].scope, msg)
	}
}
