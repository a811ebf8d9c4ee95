package node

import (
	"net/netip"
	"time"
)

// NodeState is what a node is doing as a whole.
type NodeState string

// The states of a node.
const (
	NodeJoining  NodeState = "joining" // listening, no seed has answered yet
	NodeUp       NodeState = "up"
	NodeAlone    NodeState = "alone" // after Leave: inbound links are refused until Join
	NodeStopping NodeState = "stopping"
)

// Status is what a node says of itself. It is a value.
type Status struct {
	Name      string
	State     NodeState
	Hidden    bool
	LongNames bool
	Creation  uint32
	Started   time.Time
	Listen    []netip.AddrPort
	TLS       *TLSInfo // of the certificate in force; nil without TLS
	EPMD      EPMDStatus
	Seeds     []SeedStatus
	Isolated  bool     // seeds are configured, and neither one of them nor any peer is up
	Ill       []Reason // why the node is less than healthy; empty where it is
	Warnings  []string // what makes the node less than healthy or safe, in words
	Channels  ChannelTotals
	Counters  map[string]uint64 // drops, refusals, coalesced; names are a closed set
	EventSeq  uint64
	Accepted  int      // cookies that are accepted besides our own
	Others    []string // peers with Peer.OtherCookie, sorted
	Told      int      // addresses told by peers and kept to try
}

// EPMDStatus says how registration goes.
type EPMDStatus struct {
	Mode       EPMDMode
	Port       int
	Registered bool
	Err        error
}

// SeedStatus is one seed or joined address and how dialling it goes.
type SeedStatus struct {
	Address string
	State   string // up, dialling, waiting, self, refused, stopped
	Joined  bool   // asked for by Join, not configured
	Node    string // the name that answered there, "" while unknown
	Tries   int    // failures since it last answered
	Err     error  // of the last dial
	Why     string // the same in a few words
	Next    time.Time
}

// Left is what Leave did.
type Left struct {
	Told    int // peers that were told goodbye
	Flushed int // messages that were queued for peers, and written before the links closed
}

// Settings are what Reload can change on a running node. A zero value leaves
// the present one.
type Settings struct {
	Seeds       []string // nil leaves them; empty removes all
	DialTimeout time.Duration
	RetryMax    time.Duration
	ForgetAfter time.Duration
	Drain       time.Duration
}
