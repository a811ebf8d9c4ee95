package pg

import (
	"fmt"

	"github.com/liminal-bus/liminal/internal/etf"
)

// Config is what a scope is of.
type Config struct {
	Self   etf.Pid // our process for the scope: one for each run, and routable
	Limits Limits  // of each peer
}

// Scope is one scope of this node. L is the caller's handle of a link. It is
// not safe for concurrent use; see the package for who calls what when.
type Scope[L comparable] struct {
	self     etf.Pid
	limits   Limits
	discover []byte // the one discover we send

	ledger  ledger
	index   index[L]
	peers   map[L]*peer[L]
	all     []*peer[L] // peers in the order they came, so that outs have one
	waiting []*peer[L] // those that want something at a Tick
	changed []*peer[L] // those with something in their journal
	own     journal    // of our own groups
	now     int64      // ms, of the last Tick
	refs    uint64
	version uint64
	counts  counts
}

// New gives a scope without links and members.
func New[L comparable](c Config) *Scope[L] {
	return &Scope[L]{
		self:     c.Self,
		limits:   c.Limits.filled(),
		discover: encodeDiscover(c.Self),
		ledger:   newLedger(c.Self),
		index:    newIndex[L](),
		peers:    map[L]*peer[L]{},
	}
}

// Act is what an Out asks for.
type Act uint8

// The acts, all of the process Config.Self.
const (
	SendName  Act = iota + 1 // Msg to the scope's registered name, by REG_SEND
	SendPid                  // Msg to the process To
	Monitor                  // MONITOR_P of To under Ref; the end of it goes to Down
	Demonitor                // the end of the monitor Ref of To
)

// Out is one thing to send on a link.
type Out[L comparable] struct {
	Link L
	Act  Act
	To   etf.Pid // of all but SendName
	Msg  []byte  // no version byte. May be shared with other outs: never changed
	Ref  uint64  // of Monitor and Demonitor; no two monitors of a run share one
}

func (s *Scope[L]) askName(p *peer[L]) Out[L] {
	s.counts[cDiscoversSent]++
	return Out[L]{Link: p.link, Act: SendName, Msg: s.discover}
}

func (s *Scope[L]) askScope(p *peer[L]) Out[L] {
	p.asked = true
	s.counts[cDiscoversSent]++
	return Out[L]{Link: p.link, Act: SendPid, To: p.pid(p.scope), Msg: s.discover}
}

// tell sends the sync. From here on the scope is told each change: nothing may
// come between the two.
func (s *Scope[L]) tell(p *peer[L]) Out[L] {
	p.told = true
	s.counts[cSyncsSent]++
	return Out[L]{Link: p.link, Act: SendPid, To: p.pid(p.scope), Msg: s.ledger.sync()}
}

// LinkUp begins with a new link, before anything of it is received. A link that
// is up already begins anew.
func (s *Scope[L]) LinkUp(l L, from Origin) []Out[L] {
	s.LinkDown(l)
	p := &peer[L]{link: l, from: from, node: etf.Atom(from.Node), greeting: true}
	p.rate = fullBucket(s.limits, s.now)
	p.rewind()
	s.peers[l] = p
	s.all = append(s.all, p)
	s.settle(p)
	return []Out[L]{s.askName(p)}
}

// LinkDown forgets the link, the scope known on it and its members.
func (s *Scope[L]) LinkDown(l L) {
	p := s.peers[l]
	if p == nil {
		return
	}
	s.forget(p)
	delete(s.peers, l)
	s.all = without(s.all, p)
	s.waiting = without(s.waiting, p)
	s.changed = without(s.changed, p)
}

// without takes p out of list, keeps the order and no pointer behind the end.
func without[L comparable](list []*peer[L], p *peer[L]) []*peer[L] {
	for i := range list {
		if list[i] == p {
			copy(list[i:], list[i+1:])
			list[len(list)-1] = nil
			return list[:len(list)-1]
		}
	}
	return list
}

// Down is the end of the monitor ref: the scope on that link is dead, or never
// was. Its members are gone and the name is asked, for it may start again.
func (s *Scope[L]) Down(l L, ref uint64) []Out[L] {
	p := s.peers[l]
	if p == nil || !p.known || p.ref != ref {
		s.counts[cLate]++ // of a scope that was replaced meanwhile
		return nil
	}
	s.counts[cDowns]++
	s.notedAll(p)
	s.forget(p)
	p.greeting = false
	p.rewind()
	s.settle(p)
	return []Out[L]{s.askName(p)}
}

// meet makes scope the one known on p's link. It changes nothing if it is.
func (s *Scope[L]) meet(p *peer[L], scope proc) (outs []Out[L]) {
	if p.known && p.scope == scope {
		return nil
	}
	if p.known {
		s.counts[cReplaced]++
		outs = append(outs, Out[L]{Link: p.link, Act: Demonitor, To: p.pid(p.scope), Ref: p.ref})
		s.notedAll(p)
		s.forget(p)
	}
	s.refs++
	p.known, p.scope, p.ref = true, scope, s.refs
	p.rewind()
	return append(outs, Out[L]{Link: p.link, Act: Monitor, To: p.pid(scope), Ref: p.ref})
}

// forget drops the known scope and its members.
func (s *Scope[L]) forget(p *peer[L]) {
	if len(p.groups) > 0 {
		s.version++
	}
	s.index.closeAll(p)
	p.known, p.told, p.heard, p.asked = false, false, false, false
}

// settle puts p among those that wait for a Tick, or takes it out.
func (s *Scope[L]) settle(p *peer[L]) {
	switch want := p.wants(); {
	case want && !p.waiting:
		s.waiting = append(s.waiting, p)
	case !want && p.waiting:
		s.waiting = without(s.waiting, p)
	}
	p.waiting = p.wants()
}

// Join makes pid our member of the group and tells all that know us. A group
// has one member of ours: another one leaves it first, and a second Join of the
// same does nothing. A pid or key that a peer could not take is refused and
// counted.
func (s *Scope[L]) Join(k Key, pid etf.Pid) []Out[L] {
	if pid.Node != s.self.Node || pid.Creation != s.self.Creation || !k.whole() {
		s.counts[cRefused]++
		return nil
	}
	var outs []Out[L]
	if old, ok := s.ledger.member(k); ok && old != pid {
		outs = s.Leave(k)
	}
	msg := s.ledger.join(k, pid)
	if msg != nil {
		s.own.note(k, true, true)
	}
	return append(outs, s.announce(msg, cJoinsSent)...)
}

// Leave ends our membership in the group, if there is one, and tells all that
// know us.
func (s *Scope[L]) Leave(k Key) []Out[L] {
	msg := s.ledger.leave(k)
	if msg != nil {
		s.own.note(k, false, true)
	}
	return s.announce(msg, cLeavesSent)
}

// LeaveAs is Leave if pid is our member: another process may have joined since.
func (s *Scope[L]) LeaveAs(k Key, pid etf.Pid) []Out[L] {
	if member, ok := s.ledger.member(k); !ok || member != pid {
		return nil
	}
	return s.Leave(k)
}

// Full says why our member cannot join the group, if it cannot: a peer would part
// from us over what we have then. The limits are those that peers are held to
// here.
func (s *Scope[L]) Full(k Key) error {
	switch n := len(s.ledger.entries); {
	case s.ledger.has(k):
		return nil
	case n >= s.limits.Groups:
		return fmt.Errorf("%w: %d groups are joined, and a peer takes no more", ErrQuota, n)
	case s.ledger.size+entrySize(s.self, k) > maxSync:
		return fmt.Errorf("%w: %d groups are joined, and with one more all of them do not fit into a message of %d MiB", ErrQuota, n, maxSync>>20)
	}
	return nil
}

// announce sends a change to every scope that was sent our sync. msg is nil if
// nothing changed.
func (s *Scope[L]) announce(msg []byte, c counter) []Out[L] {
	if msg == nil {
		return nil
	}
	outs := make([]Out[L], 0, len(s.all))
	for _, p := range s.all {
		if p.told {
			s.counts[c]++
			outs = append(outs, Out[L]{Link: p.link, Act: SendPid, To: p.pid(p.scope), Msg: msg})
		}
	}
	return outs
}
