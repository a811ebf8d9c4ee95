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
// is always called before Down, and for one name the Down of a replaced link
// before the Up of its successor.
//
// # One link a peer
//
// Two nodes may dial each other at the same moment. As in OTP's net_kernel the
// attempt of the node with the greater name survives. Three places see to it:
// Admit, for an inbound handshake while we dial the same name; learned, for an
// outbound one that finds out only from the challenge whom it dialled; and
// install, for two that are both through. An inbound handshake may also come
// for a name that has a live link, since the peer may know already that the
// old link is dead. It is answered alive, and the old link is left alone until
// the digest has been checked.
package links
