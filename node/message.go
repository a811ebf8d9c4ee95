package node

import "time"

// Policy says what becomes of messages that a subscription has no room for.
type Policy string

// The policies. A link's reader never waits, so PolicyBlock holds up publishers
// on this node only; what comes from peers to a full queue drops the oldest.
const (
	PolicyDropOldest Policy = "drop_oldest" // the default; Message.Lost marks the place
	PolicyBlock      Policy = "block"
	PolicyDisconnect Policy = "disconnect" // Next gives ErrSlow
)

// SubscribeOptions is what a subscription may choose. The zero value is good.
type SubscribeOptions struct {
	Policy Policy // "" is PolicyDropOldest
	Queue  int    // messages; 0 is Config.Queue
}

// Encodings of Message.Payload.
const (
	EncodingBytes  = ""       // as they were published
	EncodingErlang = "erlang" // the text of a term that an Erlang process sent
)

// Message is one message as a subscription gets it. It is a value; its Payload
// must not be changed.
type Message struct {
	Channel  string
	From     string // the node that sent it here
	ID       string // unique in the publishing node's life; "" where an Erlang process sent a bare term
	Seq      uint64 // of the publishing node on this channel, from 1; 0 as above
	At       time.Time
	Payload  []byte
	Encoding string
	Lost     uint64 // messages that this subscription lost right before this one
}

// Outcome is what became of the copies for one peer.
type Outcome string

// The outcomes. None of them says that the peer, let alone a subscriber, has
// the message: the protocol does not tell.
const (
	OutcomeQueued   Outcome = "queued"       // waits on the link
	OutcomeWritten  Outcome = "written"      // passed to the kernel whole
	OutcomeFull     Outcome = "dropped_full" // the link had no room for too long
	OutcomeLinkDown Outcome = "link_down"    // the link ended before it was written
	OutcomeTooLarge Outcome = "too_large"    // the peer takes nothing of that size
)

// PeerReceipt says what became of the copies for one peer. Several members of
// one node get a copy each.
type PeerReceipt struct {
	Node       string
	Generation uint64 // of the link
	Members    int
	Outcome    Outcome // why copies were dropped, if any were
	Sent       uint64  // copies that the link took, and did not lose with its end
	Dropped    uint64  // the others
}

// Receipt names what happened to a publish: facts, not hopes.
type Receipt struct {
	Channel     string
	ID          string // of the last message
	Messages    uint64
	Bytes       uint64 // of payload
	Subscribers int    // local ones that it was offered to; of many messages, the most that one was
	Members     int    // remote group members that it was sent to; likewise
	Nodes       int    // they live on
	Enqueued    uint64 // copies that local subscribers took
	DroppedHere uint64 // messages that local subscribers lost to make room for these, or did not take
	Dropped     uint64 // copies for peers that their links did not take, or had not written when they ended
	Peers       []PeerReceipt
	Hint        *Hint // nobody is there, but the other spelling has members
}

// Hint names the channel that was perhaps meant: ":orders" in place of
// "orders", or the reverse.
type Hint struct {
	Channel string
	Members int
}

// Channel is a group that somebody has joined, or a channel that was used here
// lately.
type Channel struct {
	Name            string
	Spelling        string // binary, atom, or term: then Name is its Erlang text, and it cannot be published to here
	Local           int    // subscribers on this node
	Subscribers     int    // in the cluster
	Nodes           int    // that have one, this one included
	In, Out         uint64 // messages that came here, copies that went on to subscribers and peers
	InRate, OutRate float64
	Drops           uint64
	Last            time.Time // of the last message here, to the second
	Members         []ChannelMember
}

// ChannelMember is one node's share of a channel.
type ChannelMember struct {
	Node        string
	Kind        Kind
	Subscribers int
}

// ChannelTotals sums the channels of this node.
type ChannelTotals struct {
	Channels        int // with a subscriber here or a member elsewhere
	Subscriptions   int // of this node
	InRate, OutRate float64
	Drops           uint64
}
