// Package pg is one scope of OTP's process groups, decided as values: messages
// of peers, links and clock go in, messages to send come out. It does no I/O,
// has no clock, lock or goroutine; its caller owns all of them.
//
// # The play
//
//	link up          we:   {discover, Me} to the name pg          [Scope.LinkUp]
//	                 peer: {discover, P}
//	P unknown        we:   MONITOR_P P, sync to P, {discover, Me} to P
//	P known          we:   sync to P
//	                 peer: {'$gen_cast', {sync, P, [{Group, [Pid]}]}}
//	                 what P said before is replaced by the list
//	                 peer: {join, P, Group, Pid or [Pid]}
//	                 peer: {leave, P, Pid or [Pid], [Group]}
//	                 applied if P is known, counted and ignored otherwise
//	our changes      we:   {join, Me, Group, Pid}, {leave, Me, Pid, [Group]}
//	                 to every scope that was sent a sync
//	P dies           its members are gone; {discover, Me} to the name again
//	link down        P and its members are gone                   [Scope.LinkDown]
//
// A link's reader calls [Parse], which touches no state, and then, under the
// caller's lock, [Scope.Receive]. The caller queues the outs of each call under
// that same lock and in their order: that is what makes a sync and the changes
// after it one story. [Scope.LinkUp] comes before the first message of the link
// is received, and [Scope.Tick] every 250 ms or so.
//
// # What keeps a peer's scope alive
//
// OTP's scope process dies of any message but these five, and of a leave for a
// group in which it holds no member of ours; a few such deaths end its node. All
// that is ever sent is written by the functions of encode.go. All scopes that
// were sent a sync are told the same changes since, so one ledger is the shadow
// of what each of them holds: a leave can be written only by taking an entry
// out of the ledger, a join only by putting one in, and a sync is the ledger.
// A scope not sent a sync is told nothing. discover is the plain 2-tuple, since
// OTP 25 dies of the longer one; we take either and skip what follows the pid.
//
// # When our discover is sent twice and when not
//
// A discover from an unknown P is answered with ours, which P answers with its
// members. On a new link our discover to the name is already under way and will
// most likely be answered by P too, so that asking both would double every
// backfill. Therefore, until a whole interval between two Ticks has passed since
// LinkUp, the one to P waits, and is sent only if P's sync has not come by then.
// A scope that restarts on a link that is up is answered with our discover at once.
//
// # When nobody answers
//
// While no scope is known on a link its name is asked again, at Ticks, with
// pauses of 250 ms doubling to 5 s: a hidden node is never discovered by OTP, and
// a name that is not registered yet swallows the question. A scope that sent its
// sync but no discover within an interval is sent our sync then: it may have
// known us from before a mistaken replacement, and would hold what we were then.
//
// # One scope a link
//
// A node has one process for a scope, so a discover or sync from another pid of
// the same node replaces the one known there. If that was a late message of a
// process that had died before, its monitor fires noproc and the name is asked.
//
// # Limits
//
// A peer may have 262,144 groups and as many members. The threat model this
// follows said 65,536 groups, but with one member a group and node a peer could
// not have 100,000 channels then. The burst is as large, because a peer may
// join all it is allowed to have at once. A group's canonical encoding may take
// 255 bytes and the 5 of a binary's header, whatever kind of term it is. Every
// message is one operation for the rate, a discover too: it makes us send. A sync
// after the link's first counts as one more for each group that it changes and for
// every 16 that it does not, or a peer that sent one of 100,000 groups after the
// other would have the lock under which everybody publishes: the round trip of
// others was then 20 ms, and 0.2 without it. What that costs beyond the burst is
// owed, and ends the link with the next message.
// A message over a limit changes nothing, and its link is to be closed. Only a
// group whose name is too long is left out and counted instead: an Erlang
// program may well use such a term in our scope, and nobody here could join that
// group or publish to it.
//
// # What changed
//
// For those who watch, the scope keeps a journal of each node's first and last
// memberships ([Scope.Take]). It names at most 16 groups of a node and counts the
// rest, so that it takes no more room the longer nobody looks; a sync of more
// than one group is only counted. A link that ends takes its journal along: that
// the node is gone says more.
//
// # Reading leniently
//
// A group that stands twice in a sync has the members of both. A group without
// members, which OTP can be made to send, is no group. A leave of what is no
// member is counted and ignored, the rest of its message applied. A fun in a
// group's name is compared by its bytes.
package pg
