package control

import (
	"context"
	"time"
)

// Schemas of the channel calls.
const (
	SchemaPub      = "liminal.pub/1"
	SchemaChannels = "liminal.channels/1"
)

// How a published body is cut into messages, and how a subscription is written.
const (
	FramingWhole  = "whole"  // the body is one message
	FramingLines  = "lines"  // each line is one, without its ending
	FramingFrames = "frames" // each has its length before it, see AppendFrame

	FormatNDJSON = "ndjson" // one object a line, see AppendMessageJSON
	FormatFrames = "frames" // records, see doc.go
)

// What happens to messages for a subscriber whose queue is full.
const (
	PolicyDropOldest = "drop_oldest" // the oldest go, and are counted
	PolicyBlock      = "block"       // publishers on this node wait
	PolicyDisconnect = "disconnect"  // the subscription ends
)

// What became of a publication's copies for one peer.
const (
	OutcomeWritten     = "written"      // all are with the kernel
	OutcomeQueued      = "queued"       // some were not yet written when the wait ended
	OutcomeDroppedFull = "dropped_full" // the link's queue had no room in time
	OutcomeLinkDown    = "link_down"    // the link ended before they were written
	OutcomeTooLarge    = "too_large"    // the peer takes no message of that size
)

// EncodingErlang marks a payload that is the text of an Erlang term.
const EncodingErlang = "erlang"

// PublishRequest is POST /v1/publish without its body. Query parameters:
// channel, framing, wait, timeout (a duration with a unit), keep_going, empty.
type PublishRequest struct {
	Channel   string
	Framing   string        // one of the framings; empty is whole
	Wait      int           // hold until subscribers and remote members are at least this many
	Timeout   time.Duration // how long Wait may hold; 0 no limit
	KeepGoing bool          // count refused messages and go on
	Empty     bool          // take messages without a byte
}

// Published is the answer to a publish: what was sent and where it went.
type Published struct {
	Schema       string        `json:"schema"`
	Node         string        `json:"node"`
	Channel      string        `json:"channel"`
	ID           string        `json:"id"` // of the last message
	Messages     uint64        `json:"messages"`
	Bytes        uint64        `json:"bytes"` // of their payloads
	Refused      uint64        `json:"refused"`
	FirstRefused *string       `json:"first_refused"` // why, of the first refused
	Subscribers  int           `json:"subscribers"`   // of this node, at the end
	Members      int           `json:"members"`       // remote group members, at the end
	Nodes        int           `json:"nodes"`         // that they live on
	Enqueued     uint64        `json:"enqueued"`      // copies that local subscribers took
	DroppedHere  uint64        `json:"dropped_here"`  // messages that local subscribers lost to make room, or did not take
	Dropped      uint64        `json:"dropped"`       // copies that did not get onto a link or were lost with it
	Peers        []PeerOutcome `json:"peers"`         // never null
	Hint         *ChannelHint  `json:"hint"`
}

// PeerOutcome says how the copies for one peer went.
type PeerOutcome struct {
	Node       string `json:"node"`
	Generation uint64 `json:"generation"` // of its link
	Members    int    `json:"members"`
	Outcome    string `json:"outcome"` // written, queued, dropped_full, link_down, too_large
	Sent       uint64 `json:"sent"`    // copies
	Dropped    uint64 `json:"dropped"` // copies
}

// ChannelHint says that the other spelling of a channel (NAME and :NAME) has
// members while the one that was used has none.
type ChannelHint struct {
	Channel string `json:"channel"`
	Members int    `json:"members"`
}

// SubscribeRequest is GET /v1/subscribe. Query parameters: channel (repeats),
// policy, format.
type SubscribeRequest struct {
	Channels []string
	Policy   string // one of the policies; empty is drop_oldest
	Format   string // one of the formats; the Client always asks for frames
}

// Message is one message of a subscription.
type Message struct {
	Channel  string
	From     string    // the publishing node; empty if unknown
	ID       string    // empty for a bare binary from Erlang
	Seq      uint64    // of the publisher on this channel, from 1; 0 if unknown
	Time     time.Time // when it was published, to the microsecond; zero if unknown
	Payload  []byte
	Encoding string // "", or erlang: the payload is the text of a term
	Lost     uint64 // messages of this subscription lost right before this one
	LostOf   string // their channel; empty if the subscription has several
}

// Channels is GET /v1/channels. Query parameter: name (repeats).
type Channels struct {
	Schema     string    `json:"schema"`
	Node       string    `json:"node"`
	Time       time.Time `json:"time"`
	Channels   []Channel `json:"channels"`
	Incomplete []string  `json:"incomplete"` // nodes that did not tell their counts in time
}

// Channel is one row of Channels. In, Out and Drops count messages since this
// node started.
type Channel struct {
	Name        string          `json:"name"`
	Spelling    string          `json:"spelling"`    // binary, atom, term
	Subscribers int             `json:"subscribers"` // in the cluster
	Local       int             `json:"local"`       // of this node
	Nodes       int             `json:"nodes"`
	InRate      float64         `json:"in_per_s"`
	OutRate     float64         `json:"out_per_s"`
	In          uint64          `json:"in"`
	Out         uint64          `json:"out"`
	Drops       uint64          `json:"drops"`
	Last        *time.Time      `json:"last"` // when a message last came or went
	Members     []ChannelMember `json:"members"`
}

// ChannelMember is one node's part of a channel.
type ChannelMember struct {
	Node        string `json:"node"`
	Subscribers int    `json:"subscribers"`
	Kind        string `json:"kind"` // liminal, otp, other
}

// ChannelCounts is the channels line of a status.
type ChannelCounts struct {
	Channels      int     `json:"channels"`
	Subscriptions int     `json:"subscriptions"` // of this node
	InRate        float64 `json:"in_per_s"`
	OutRate       float64 `json:"out_per_s"`
	Drops         uint64  `json:"drops"`
}

// Publication takes the messages of one publish call, from one goroutine.
type Publication interface {
	// Publish sends one message. payload is good only during the call. It may
	// wait while a link is full. An *Error with Exit 65 refuses this message
	// alone; any other error ends the call.
	Publish(ctx context.Context, payload []byte) error
	// MaxMessage is the largest payload taken, in bytes.
	MaxMessage() int
	// TooLarge refuses a message of that many bytes, or one of unknown size that
	// has more than MaxMessage if size is below 0. Exit is 65.
	TooLarge(size int64) *Error
	// Close waits until what was sent is written, as long as ctx, and gives the
	// totals. It is called exactly once, after errors too.
	Close(ctx context.Context) (Published, error)
}

// Subscription is a stream of messages, read by one goroutine.
type Subscription interface {
	// Batch waits for a message and puts that and what else is there into dst.
	// What it put there is not changed later. An error ends the stream: in
	// order if it is io.EOF or ctx ended, else with a cut.
	Batch(ctx context.Context, dst []Message) (int, error)
	// Close ends the subscription. It is called exactly once.
	Close()
}
