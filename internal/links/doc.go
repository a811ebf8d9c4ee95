// Package links is the connection table: which peers this node has a link to,
// and the sockets behind them. There is one live link a peer.
//
// # What it owns
//
// Every socket of the distribution protocol and every goroutine that reads or
// writes one: the listeners, the handshakes that are under way in either
// direction, and the links themselves. Nobody else dials or accepts. What to
// dial, and when, is decided elsewhere (package discovery); so is what a
// changed table means (package membership).
//
// # The row
//
// A row belongs to a name, since the name is what the handshake proves. It
// holds the creation of the peer's present life, the generation (how many
// authenticated links to that name this table has had, counted from one), the
// address, the direction, since when, the agreed flags, and why the last link
// ended. A name without a link keeps its row until Forget, so that a poll can
// tell how many links came and went unseen. Names that only claimed something
// in a handshake leave no row.
//
// # Two observers
//
// Snapshot is read by the poll loop; its version makes a poll of an unchanged
// table free. Config.Down is called at once, by the goroutine that ended the
// link: what a peer had here is purged then, not a poll later. For one link Up
// is always called before Down, and for one name the Down of a link has
// returned before the Up of its successor is called, whichever goroutine ended
// it. Close returns after the last Down.
//
// # One link a peer
//
// Two nodes may dial each other at the same moment. As in OTP's net_kernel the
// attempt of the node with the greater name survives, and the loser by name
// ends before it has sent its digest: from the digest on the peer may make a
// link of it, and what was made would have to be replaced. Each step of a dial
// is held against the inbound handshakes of the same name:
//
//	before our name       a dial by name waits for an inbound one to end
//	name of the peer      nok, if our greater attempt by name has sent its name
//	                      ok_simultaneous, if our smaller one has; it ends by
//	                      the peer's nok, or at the next step
//	                      nok, whoever is greater, if our digest is out
//	before our digest     the smaller name waits for an inbound one of the same
//	                      creation to end
//	link                  ends our own attempt to the same life of that name
//
// A dial under a label has no name before the challenge; up to there the peer's
// handshake is answered as if there were no dial. Two waiting dials cannot wait
// for each other, since only one side is smaller and a wait ends after
// yieldTime. A dial that has lost patience goes on; should both digests then
// be out at once, the greater name's wins at both ends. The tests try every
// order of the messages of two handshakes, with and without patience: there is
// one link, the first that either node has.
//
// OTP closes its own attempt as soon as the peer's name comes in. We let it
// stand back, because a name is only a claim: a stranger that says hello under
// the name of a peer, over and over, can delay our dial to that peer by yieldTime
// in all, not end it.
//
// What remains. When the dialler gives up at the moment its digest is taken,
// the acceptor has a link that ends at once and may have told the dialler's
// node that its own dial is not needed: for a moment there is no link, both
// sides know it, and the next dial gets through. The same can happen when we
// dial an OTP node of a smaller name under a label while it dials us: it drops
// its attempt for ours even after its digest, which we may have taken already.
//
// # Replacing a link
//
// An inbound handshake may come for a name that has a live link, since the
// peer may know already that the old link is dead. It is answered alive, and
// the old link is left alone until the digest has been checked. If the peer
// insists, or has a new creation, the new link replaces the old one at once.
// More than maxTakeovers by other creations within takeoverTime mean that two
// nodes use one name: then the link that is up stays, and other creations are
// refused for takeoverTime.
//
// # Holding off
//
// A peer that was parted from for what it did would be back at once, by its own
// dial or by ours. Hold keeps a name out for a while, in both directions. A
// handshake that is past its name message by then fails where it would become a
// link, after the digest: the peer may take that for another cookie, and tries
// again later.
//
// # Forgetting for good
//
// Forget drops a row, no more. Disown also remembers the name, for a person who
// wants to see the peer no more though others speak of it: that life of it is
// not let in. Another life is, since it is a restart, and so is one that is
// dialled from here: what leads to a name that was disowned is not dialled
// unless somebody asks for it.
//
// # Several cookies
//
// A set of cookies (SetCookies) belongs to the handshakes that begin after it is
// set; links stay. A dial proves one cookie a connection and, where the peer hangs
// up on its digest, tries the next at once: at most dist.MaxCookies connections,
// after which it has failed as with one cookie, and whoever dials pauses. The row
// remembers which cookie fitted, and the next dial begins with that, so that a
// peer on another cookie than our own logs no error each time. It does so as long
// as it is remembered: who makes another cookie its own does not try it on a peer
// that takes the old one, unless the peer has shown to hold it too (Holds).
//
// That a peer hung up on an attempt for reasons of its own (see One link a peer)
// is found out before another cookie is tried. Where that cannot be told, as with
// a peer that holds us off, a cookie is tried in vain.
//
// # TLS
//
// With Config.TLS every socket is put under TLS on its way to a handshake (tls.go),
// in both directions, and there is none in the clear: neither side falls back. The
// handshake of TLS is the first part of dist.Accept and dist.Dial, within their
// time; a stranger that drips it holds one of the places below like any other.
//
// A link is replaced only by a newcomer whose certificate is good for the same
// identity, and that identity is the host of the name, which dist has checked in
// both roles before a name is answered. Nothing else of a certificate would do: its
// key and serial number change with each renewal, its issuer with a new authority,
// and the nodes of one host may share it. Who has a certificate for the host is
// that host: it is told from another life of the node no better than a restart is,
// and has the takeovers that anybody has. So the table compares no certificates.
//
// # Strangers
//
// At most MaxPending handshakes that others began are under way, each for
// dist.SetupTime in all. The newcomer evicts the oldest of the busiest address,
// where all of an IPv6 /64 are one address. A handshake that has become a link
// is out of reach of eviction and of CloseListeners from that very moment.
//
// The last 32 descriptors of the process (of a low limit the last quarter) are
// not for strangers: a connection that would take one is closed at once and
// counted in accept_errors, and the listener rests. So the node can be asked how
// it is, and can dial, while somebody floods it.
package links
