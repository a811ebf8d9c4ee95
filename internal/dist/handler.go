package dist

import "github.com/liminal-bus/liminal/internal/etf"

// Handler receives what the peer's processes send to this node. But for
// Dropped, all methods are called from the link's reader, one at a time: they
// return at once and do not wait for anything. What they are given aliases the
// read buffer and is gone when they return, except for values of etf.Pid,
// etf.Ref and Target. A message or reason is one encoded term without version
// byte, not validated: its reader checks it, and ignores what stands behind it.
//
// Pids and references that a method is addressed by have the node's own name
// and present creation; senders are of the peer. Whatever else comes is
// dropped and counted before it gets here. Handlers may send on the link and
// may close it; they may not call Wait, Flush, Written or PublishWait.
//
// A link may end while a method runs, and OnDown does not wait for it. What a
// method files for the peer it must file under the lock that OnDown purges
// under, after a look whether the link is still the peer's.
type Handler interface {
	// Send is for a process: SEND, SEND_SENDER and their kin.
	Send(l *Link, to etf.PidView, msg []byte)
	// SendName is for a registered name that this package does not answer for.
	SendName(l *Link, from etf.PidView, name []byte, msg []byte)
	// SendAlias is for an alias, a reference of ours.
	SendAlias(l *Link, to etf.Ref, msg []byte)
	// Limit is the most bytes that a message for the process may have, 0 for
	// Limits.Payload. It is asked for every message to a process, and once
	// before one that comes in fragments is put together.
	Limit(to etf.PidView) int
	// LimitName is Limit for SendName.
	LimitName(name []byte) int
	// Dropped says that a message which was on its way to a process, or to a
	// registered name if name is not nil, was thrown away: it was too long, or
	// its fragments came out of order, too many at once, or not to an end. It
	// is not told of the messages that go down with the link. DropFragmentExpiry
	// comes from the goroutine of Beat.
	Dropped(l *Link, to etf.PidView, name []byte, d Drop)
	// Lives reports whether the process can be monitored and linked to.
	Lives(to etf.PidView) bool
	// LivesName reports the same of a registered name.
	LivesName(name []byte) bool
	// Linked says that from is linked to a process that lives here. When that
	// ends, or has ended since Lives, Link.Exit.
	Linked(l *Link, from, to etf.Pid)
	// Unlinked takes Linked back; there may have been no such link.
	Unlinked(l *Link, from, to etf.Pid)
	// Monitored says that from watches something that lives here. When that
	// ends, Link.MonitorExit with the same three answers.
	Monitored(l *Link, from etf.Pid, target Target, ref etf.Ref)
	// Demonitored takes Monitored back.
	Demonitored(l *Link, from etf.Pid, target Target, ref etf.Ref)
	// MonitorExit says that what was monitored with ref is gone or not there.
	MonitorExit(l *Link, ref etf.Ref, reason []byte)
	// Exit is an exit signal. It ends the link (LINK) between the two, if there
	// is one.
	Exit(l *Link, from, to etf.Pid, reason []byte)
}
