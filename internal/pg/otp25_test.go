package pg_test

import (
	"maps"
	"slices"

	"github.com/liminal-bus/liminal/internal/etf"
)

// otp25 is the scope process of OTP 25.2, from what it does: which messages it
// takes, what it keeps, what it sends, and where it dies. It checks as little as
// the real one, so it keeps terms as they came. otp_live_test.go holds it to a
// live one.
//
// Left out are calls other than join and leave, subscribers (monitor_scope),
// system messages, and peers named by {Name, Node}.
type otp25 struct {
	self    etf.Pid
	table   map[string]*row    // by group: what get_members reads
	remote  map[string]*known  // by scope of a peer
	local   map[string]*member // by our process
	refs    uint64
	out     []sent
	crashed crash // "" while it lives
}

type row struct {
	group, all etf.Term
	local      etf.List
}

type known struct {
	scope  etf.Term
	ref    uint64
	groups map[string]*holding
}

type holding struct{ group, pids etf.Term }

type member struct {
	pid    etf.Pid
	ref    uint64
	groups etf.List // the last joined first, as often as joined
}

// sent is one signal of the scope: a monitor, or a message to a process, or to
// the scope's name on a node.
type sent struct {
	monitor bool
	ref     uint64
	to      etf.Term // the pid, or the node as an atom
	named   bool
	msg     etf.Term
}

func newOTP25(self etf.Pid) *otp25 {
	return &otp25{self: self, table: map[string]*row{}, remote: map[string]*known{}, local: map[string]*member{}}
}

// do runs one step; a crash ends the process, and no more steps follow.
func (m *otp25) do(step func()) {
	if m.crashed != "" {
		return
	}
	defer func() {
		if why, ok := recover().(crash); ok {
			m.crashed = why
		}
	}()
	step()
}

// receive takes a message from the mailbox.
func (m *otp25) receive(msg etf.Term) { m.do(func() { m.handle(msg) }) }

func (m *otp25) handle(msg etf.Term) {
	t, _ := msg.(etf.Tuple)
	if len(t) == 0 {
		panic(badarg)
	}
	row, ok := otpMessages[messageForm{t[0], len(t)}]
	if !ok {
		panic(badarg)
	}
	row(m, t)
}

type messageForm struct {
	name  etf.Term
	arity int
}

var otpMessages map[messageForm]func(*otp25, etf.Tuple)

func init() { // the rows use the table's type
	otpMessages = map[messageForm]func(*otp25, etf.Tuple){
		{etf.Atom("$gen_cast"), 2}: (*otp25).cast,
		{etf.Atom("discover"), 2}:  func(m *otp25, t etf.Tuple) { m.discover(t[1]) },
		{etf.Atom("join"), 4}:      func(m *otp25, t etf.Tuple) { m.joined(t[1], t[2], t[3]) },
		{etf.Atom("leave"), 4}:     func(m *otp25, t etf.Tuple) { m.left(t[1], t[2], t[3]) },
		{etf.Atom("nodeup"), 2}:    func(m *otp25, t etf.Tuple) { m.nodeUp(t[1]) },
		{etf.Atom("nodedown"), 2}:  func(*otp25, etf.Tuple) {},
	}
}

func (m *otp25) cast(t etf.Tuple) {
	c, _ := t[1].(etf.Tuple)
	if len(c) != 3 || c[0] != etf.Term(etf.Atom("sync")) {
		panic(badarg)
	}
	m.sync(c[1], c[2])
}

// discover answers always, and asks back whom it does not know. The answer is a
// cast, which forgives a name that nobody has; the question is not.
func (m *otp25) discover(peer etf.Term) {
	switch peer.(type) {
	case etf.Pid:
		m.send(peer, etf.Tuple{etf.Atom("$gen_cast"), etf.Tuple{etf.Atom("sync"), m.self, m.snapshot()}})
	case etf.Atom:
	default:
		panic(funClause)
	}
	if m.remote[keyOf(peer)] == nil {
		m.know(peer)
		m.send(peer, etf.Tuple{etf.Atom("discover"), m.self})
	}
}

// know monitors a peer and stores it as one without members. A monitor of a name
// is no error, so a sync from an atom is taken.
func (m *otp25) know(peer etf.Term) *known {
	switch peer.(type) {
	case etf.Pid, etf.Atom:
	default:
		panic(badarg)
	}
	m.refs++
	k := &known{scope: peer, ref: m.refs, groups: map[string]*holding{}}
	m.remote[keyOf(peer)] = k
	m.out = append(m.out, sent{monitor: true, ref: k.ref, to: peer})
	return k
}

func (m *otp25) send(to, msg etf.Term) {
	if _, ok := to.(etf.Pid); !ok {
		panic(badarg)
	}
	m.out = append(m.out, sent{to: to, msg: msg})
}

// snapshot is [{Group, [Pid]}] of our members.
func (m *otp25) snapshot() etf.List {
	groups := map[string]etf.Tuple{}
	for _, who := range slices.Sorted(maps.Keys(m.local)) {
		l := m.local[who]
		for _, g := range l.groups {
			t := groups[keyOf(g)]
			if t == nil {
				t = etf.Tuple{g, etf.List{}}
			}
			groups[keyOf(g)] = etf.Tuple{g, concat([]etf.Term{l.pid}, t[1].(etf.List))}
		}
	}
	list := etf.List{}
	for _, k := range slices.Sorted(maps.Keys(groups)) {
		list = append(list, groups[k])
	}
	return list
}

// sync makes groups all that is known of the peer.
func (m *otp25) sync(peer, groups etf.Term) {
	k := m.remote[keyOf(peer)]
	if k == nil {
		k = m.know(peer)
	}
	old, fresh := maps.Clone(k.groups), map[string]*holding{}
	each(groups, funClause, func(e etf.Term) {
		t, _ := e.(etf.Tuple)
		if len(t) != 2 {
			panic(funClause)
		}
		m.replace(old, t[0], t[1])
		fresh[keyOf(t[0])] = &holding{t[0], t[1]}
	})
	for _, h := range old {
		m.removeFrom(h.group, h.pids)
	}
	k.groups = fresh
}

// replace puts what the sync says of one group in the place of what was known.
func (m *otp25) replace(old map[string]*holding, group, pids etf.Term) {
	h := old[keyOf(group)]
	delete(old, keyOf(group))
	switch {
	case h == nil:
		m.addTo(group, pids)
	case !same(h.pids, pids):
		r := m.table[keyOf(group)]
		if r == nil {
			panic(badmatch)
		}
		r.all = appended(pids, subtracted(r.all, h.pids))
	}
}

// joined: the table comes first, so that a group known to it needs a list, and
// one that is not takes anything.
func (m *otp25) joined(peer, group, pids etf.Term) {
	k := m.remote[keyOf(peer)]
	if k == nil {
		return
	}
	m.addTo(group, pids)
	if pid, ok := pids.(etf.Pid); ok {
		pids = etf.List{pid}
	}
	if h := k.groups[keyOf(group)]; h != nil {
		h.pids = appended(pids, h.pids)
		return
	}
	k.groups[keyOf(group)] = &holding{group, pids}
}

func (m *otp25) addTo(group, pids etf.Term) {
	if pid, ok := pids.(etf.Pid); ok {
		pids = etf.List{pid}
	}
	if r := m.table[keyOf(group)]; r != nil {
		r.all = appended(pids, r.all)
		return
	}
	m.table[keyOf(group)] = &row{group: group, all: pids, local: etf.List{}}
}

// left is where a scope that is told of a leave it never saw a join of dies.
func (m *otp25) left(peer, pids, groups etf.Term) {
	k := m.remote[keyOf(peer)]
	if k == nil {
		return
	}
	each(groups, badGenerator, func(g etf.Term) { m.removeFrom(g, pids) })
	if pid, ok := pids.(etf.Pid); ok {
		pids = etf.List{pid}
	}
	each(groups, funClause, func(g etf.Term) {
		h := k.groups[keyOf(g)]
		if h == nil {
			panic(badkey)
		}
		if h.pids = subtracted(h.pids, pids); isEmpty(h.pids) {
			delete(k.groups, keyOf(g))
		}
	})
}

func (m *otp25) removeFrom(group, pids etf.Term) {
	r := m.table[keyOf(group)]
	if r == nil {
		return
	}
	if pid, ok := pids.(etf.Pid); ok {
		if isOne(r.all, pid) && len(r.local) == 0 {
			delete(m.table, keyOf(group))
			return
		}
		r.all = deleted(pid, r.all)
		return
	}
	if r.all = subtracted(r.all, pids); isEmpty(r.all) && len(r.local) == 0 {
		delete(m.table, keyOf(group))
	}
}

// nodeUp asks the name on a node, which must be an atom.
func (m *otp25) nodeUp(node etf.Term) {
	name, ok := node.(etf.Atom)
	if !ok {
		panic(badarg)
	}
	if name != m.self.Node {
		m.out = append(m.out, sent{to: name, named: true, msg: etf.Tuple{etf.Atom("discover"), m.self}})
	}
}

// down is the end of a monitor. A reference that is not the one of the process
// ends the scope.
func (m *otp25) down(ref uint64, pid etf.Pid) {
	m.do(func() {
		if pid.Node == m.self.Node {
			m.exited(ref, pid)
			return
		}
		k := m.remote[keyOf(pid)]
		switch {
		case k == nil:
			return
		case k.ref != ref:
			panic(caseClause)
		}
		for _, g := range slices.Sorted(maps.Keys(k.groups)) {
			m.removeFrom(k.groups[g].group, k.groups[g].pids)
		}
		delete(m.remote, keyOf(pid))
	})
}
