package pg

import "github.com/liminal-bus/liminal/internal/etf"

// peer is a link and the scope that is known on it, if one is.
type peer[L comparable] struct {
	link L
	from Origin
	node etf.Atom

	known bool
	scope proc   // while known
	ref   uint64 // of our monitor on it
	told  bool   // it was sent our sync, and all changes since
	heard bool   // its sync has come
	asked bool   // it was sent our discover, to its pid

	greeting bool  // LinkUp's discover to the name is young and not answered
	waiting  bool  // stands in Scope.waiting
	armed    bool  // due is set; the first Tick that sees the peer sets it
	due      int64 // ms, when to do what it waits for
	pause    int64 // ms, until the time after

	rate    bucket
	synced  bool        // the link has brought a sync, of whatever scope
	groups  []*group[L] // where it has members
	members int         // in all of them
	round   uint32      // counts its syncs
	log     journal     // of groups
}

// The pauses between questions to a name that nobody answers, in ms.
const (
	firstPause = 250
	maxPause   = 5000
)

// owes reports whether the scope must still be asked for its members.
func (p *peer[L]) owes() bool { return !p.heard && !p.asked }

// wants reports whether something is to be done at a later Tick. Where no scope
// is known none was told either.
func (p *peer[L]) wants() bool { return !p.told || p.owes() }

// rewind makes the next action wait an interval from the next Tick on.
func (p *peer[L]) rewind() { p.armed, p.pause = false, firstPause }

// pid makes a pid of the peer's whole again.
func (p *peer[L]) pid(v proc) etf.Pid {
	return etf.Pid{Node: p.node, ID: v.id, Serial: v.serial, Creation: p.from.Creation}
}
