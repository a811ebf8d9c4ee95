package node

import (
	"net/netip"
	"time"
)

// State is how a peer is seen.
type State string

// The states of a Peer. Up and Suspect have a live link.
const (
	StateDialling State = "dialling" // never up yet
	StateUp       State = "up"
	StateSuspect  State = "suspect" // two probes missed; no delta, still a member
	StateLeft     State = "left"    // said goodbye
	StateDown     State = "down"    // lost; also while it is redialled
)

// Kind is what runs at the other end.
type Kind string

// The kinds of a Peer.
const (
	KindLiminal Kind = "liminal" // it sent hello
	KindOTP     Kind = "otp"     // its handshake offered SPAWN
	KindOther   Kind = "other"
)

// Peer is another node as this node sees it now. It is a value: nothing in it
// changes later.
type Peer struct {
	Name       string
	State      State
	Kind       Kind
	Hidden     bool
	Flapping   bool           // three losses within ten minutes
	Addr       netip.AddrPort // where it listens if it told, else the link's other end
	Outgoing   bool           // we dialled it
	Since      time.Time      // when the present link came up; zero without one
	Changed    time.Time      // when State last changed
	RTT        time.Duration  // of the last probe; 0 while unknown
	Flaps      int            // losses since this node started
	Creation   uint32
	Generation uint64
	Version    string // of a liminal peer
	Reason     string // one word, e.g. eof, tick_timeout: how the last link ended
	Detail     string // Reason in words for people
	ToldBy     string // the peer through which we heard of it
	Tries      int    // failed dials since it was last up
	LastError  string // of the last dial
	Next       time.Time
	Subs       int    // channels it has joined
	In         uint64 // messages of channels that came over the present link
	Out        uint64 // messages of channels that were put on it
	// OtherCookie: it is up, and not known to hold our own cookie. Its link was
	// proved with one that we accept, or did, and it has not shown since to hold
	// ours, which only liminal peers do.
	OtherCookie bool
	Drops       uint64 // messages of channels for it that did not get onto the link
	Written     uint64 // of Out: passed to the kernel whole
	Queued      int    // of Out: waiting
}

// EventType names what happened.
type EventType string

// The types of Event.
const (
	EventSnapshotPeer EventType = "snapshot.peer"
	EventSnapshotEnd  EventType = "snapshot.end"
	EventJoin         EventType = "peer.join"
	EventRejoin       EventType = "peer.rejoin"
	EventLeave        EventType = "peer.leave"  // it said goodbye
	EventDown         EventType = "peer.down"   // it was lost
	EventState        EventType = "peer.state"  // heard of (dialling), suspect, up again after it, or down without ever having joined
	EventForget       EventType = "peer.forget" // it is not listed any more
	EventSubAdd       EventType = "sub.add"     // a node has joined a channel, or Count of them
	EventSubRemove    EventType = "sub.remove"  // it has left
	EventStopping     EventType = "node.stopping"
	EventGap          EventType = "gap"      // this watcher was too slow: Missed events are lost to it
	EventBookmark     EventType = "bookmark" // nothing to begin with: what comes follows Seq
)

// Event is one thing a Watcher is told. Seq rises by one with each event of a
// node's life; the events of a snapshot carry the seq they stand at. Who applies
// a snapshot and each peer.* event after it has the names and states of
// Node.Peers; Peer.State is the state, and peer.forget ends the row. In sub.add
// and sub.remove Peer.Subs is how many channels the node is in after it, and
// Peer may be this node itself, without a State. In, Out and Drops are counters,
// which events do not carry.
type Event struct {
	Type      EventType
	Seq       uint64
	Time      time.Time
	Peer      Peer          // as it was right after the event
	Reason    string        // leave, down: one word
	Detail    string        // leave, down: in words
	Away      time.Duration // rejoin: how long it was gone
	Coalesced uint64        // join, rejoin: links that came and went unseen before this one
	Missed    uint64        // gap
	Peers     int           // snapshot.end: how many snapshot.peer came before
	Channel   string        // sub.add, sub.remove: which; "" where Count says how many
	Count     uint64        // sub.add, sub.remove: how many at once
}

// Joined is the answer to Join for one address.
type Joined struct {
	Address string // as asked
	Name    string
	Addr    netip.AddrPort
	RTT     time.Duration
	Already bool // it was up before
	Err     error
}
