package control

import "time"

// Version is the number of the control calls. A client sends it in the header
// Liminal-Control; a server of another number answers with code
// control_version.
const Version = 1

// Header carries Version in both directions.
const Header = "Liminal-Control"

// Schemas name the documents. Within one number fields are only added.
const (
	SchemaPeers  = "liminal.peers/1"
	SchemaStatus = "liminal.status/1"
	SchemaJoin   = "liminal.join/1"
	SchemaLeave  = "liminal.leave/1"
	SchemaForget = "liminal.forget/1"
)

// Status is what one node says about itself: GET /v1/status.
type Status struct {
	Schema    string        `json:"schema"`
	Node      string        `json:"node"`
	State     string        `json:"state"`          // joining, up, alone (after leave), stopping
	Health    string        `json:"health"`         // healthy, or degraded with the reasons in Warnings
	Reasons   []string      `json:"health_reasons"` // why it is degraded, one word each of a closed set
	Version   string        `json:"version"`
	PID       int           `json:"pid"`
	Names     string        `json:"names"` // short or long
	Hidden    bool          `json:"hidden"`
	Boot      string        `json:"boot"` // our creation in hex
	Started   time.Time     `json:"started"`
	Listen    []string      `json:"listen"`   // every bound address, IP:PORT
	Loopback  bool          `json:"loopback"` // all of Listen is on this machine only
	Socket    string        `json:"socket"`
	HTTP      []string      `json:"http"` // where health, readiness and metrics are served, IP:PORT
	EPMD      EPMD          `json:"epmd"`
	Cookie    string        `json:"cookie"` // where it came from and its length, never its value
	Seeds     []Seed        `json:"seeds"`
	Peers     PeerCounts    `json:"peers"`
	Channels  ChannelCounts `json:"channels"`
	Down      []string      `json:"down"` // names of peers that are down
	Warnings  []string      `json:"warnings"`
	Counters  []NamedCount  `json:"counters"` // drops, refusals, coalesced; sorted by name
	Epoch     string        `json:"epoch"`    // same as Boot; events carry it
	EventSeq  uint64        `json:"event_seq"`
	MeshPeers int           `json:"mesh_addresses"` // addresses told by peers and kept to try
	TLS       *TLS          `json:"tls"`            // null: links are in the clear

	CookiesAccepted int      `json:"cookies_accepted"` // besides our own
	OtherCookie     []string `json:"other_cookie"`     // peers that are up and not known to hold our own cookie
}

// EPMD says whether the node is registered with the local epmd.
type EPMD struct {
	Mode       string  `json:"mode"` // auto, require, off
	Port       int     `json:"port"`
	Registered bool    `json:"registered"`
	Error      *string `json:"error"`
}

// Seed is one configured or joined address and how dialling it goes.
type Seed struct {
	Address string     `json:"address"`
	State   string     `json:"state"` // up, dialling, waiting, self, refused, stopped
	Node    *string    `json:"node"`  // the name that answered there
	Tries   int        `json:"tries"` // failures since it last answered
	Error   *string    `json:"error"`
	Next    *time.Time `json:"next"` // when it is dialled again
}

// PeerCounts counts listed peers by state. Who only looks from outside (peers
// --attach) is no peer: the counter looks says how many do now.
type PeerCounts struct {
	Up       int `json:"up"`
	Suspect  int `json:"suspect"`
	Dialling int `json:"dialling"`
	Left     int `json:"left"`
	Down     int `json:"down"`
}

// NamedCount is one counter.
type NamedCount struct {
	Name  string `json:"name"`
	Value uint64 `json:"value"`
}

// Peer is one row of GET /v1/peers.
type Peer struct {
	Name          string     `json:"name"`
	State         string     `json:"state"`   // dialling, up, suspect, left, down
	Kind          string     `json:"kind"`    // liminal, otp, other
	Address       *string    `json:"address"` // IP:PORT of the link, or where it was last
	Since         *time.Time `json:"since"`   // of the present link
	RTTMicros     *int64     `json:"rtt_us"`
	Flaps         int        `json:"flaps"`         // losses since this node started
	Subscriptions []string   `json:"subscriptions"` // null where the list was asked for briefly
	Version       *string    `json:"version"`       // of a liminal peer
	Reason        *string    `json:"reason"`        // why it is not up, or how the last link ended
	Hidden        bool       `json:"hidden"`
	Flapping      bool       `json:"flapping"`  // 3 losses within 10 min
	Direction     *string    `json:"direction"` // in: it dialled us; out: we dialled it
	Creation      uint32     `json:"creation"`
	Generation    uint64     `json:"generation"`
	Changed       *time.Time `json:"changed"`      // when the state last changed
	ToldBy        *string    `json:"told_by"`      // the peer through which we heard of it
	Note          *string    `json:"note"`         // e.g. "connection refused, 3 tries, next in 8 s"
	Subs          int        `json:"subs"`         // how many channels it has joined
	In            uint64     `json:"in"`           // messages of channels that came over the present link
	Out           uint64     `json:"out"`          // messages of channels that were put on it
	Drops         uint64     `json:"drops"`        // messages of channels for it that did not get onto the link
	OtherCookie   bool       `json:"other_cookie"` // it is up, and not known to hold our own cookie
	Written       uint64     `json:"written"`      // of out: passed to the kernel whole
	Queued        int        `json:"queued"`       // of out: waiting
}

// Peers is GET /v1/peers. Query parameters: name, state and kind, which repeat,
// and brief=true.
type Peers struct {
	Schema string    `json:"schema"`
	Node   string    `json:"node"`
	Time   time.Time `json:"time"`
	Peers  []Peer    `json:"peers"`
}

// JoinRequest is the body of POST /v1/join.
type JoinRequest struct {
	Addresses []string `json:"addresses"`
}

// Join is the answer: one result an address, in the order asked.
type Join struct {
	Schema  string       `json:"schema"`
	Node    string       `json:"node"`
	Results []JoinResult `json:"results"`
}

// JoinResult says how one address went. Error is nil on success.
type JoinResult struct {
	Address   string  `json:"address"` // as typed
	Name      *string `json:"name"`
	Endpoint  *string `json:"endpoint"` // IP:PORT
	RTTMicros *int64  `json:"rtt_us"`
	Already   bool    `json:"already"` // it was up before
	Error     *Error  `json:"error"`
}

// LeaveRequest is the body of POST /v1/leave.
type LeaveRequest struct {
	Stop bool `json:"stop"` // end the node too
}

// Leave is the answer.
type Leave struct {
	Schema  string `json:"schema"`
	Node    string `json:"node"`
	Told    int    `json:"told"`    // peers that were told goodbye
	Flushed int    `json:"flushed"` // messages written before the links closed
	Stopped bool   `json:"stopped"`
}

// ForgetRequest is the body of POST /v1/forget. A name is a peer's, with or
// without its host, or an address as it was joined.
type ForgetRequest struct {
	Names []string `json:"names"`
}

// Forget is the answer: one result a name, in the order asked.
type Forget struct {
	Schema  string         `json:"schema"`
	Node    string         `json:"node"`
	Results []ForgetResult `json:"results"`
}

// ForgetResult says what was forgotten under one name. Error is nil on success.
type ForgetResult struct {
	Asked   string  `json:"asked"`   // as typed
	Name    *string `json:"name"`    // of the peer, if it had one
	State   *string `json:"state"`   // that the peer was in
	Address *string `json:"address"` // that is not dialled any more
	Error   *Error  `json:"error"`
}

// WatchRequest is GET /v1/watch. Query parameters: since, a seq, with boot, the
// boot it belongs to; or last, a duration with a unit. The zero value begins
// with a snapshot.
type WatchRequest struct {
	Resume bool          // after Since
	Since  uint64        // the seq of the last event seen
	Boot   string        // the boot of that event; "" is not compared
	Last   time.Duration // begin with what is kept of the events of this time
}

// The types of Event.
const (
	EventSnapshotPeer = "snapshot.peer"
	EventSnapshotEnd  = "snapshot.end"
	EventJoin         = "peer.join"
	EventRejoin       = "peer.rejoin"
	EventLeave        = "peer.leave"    // it said goodbye
	EventDown         = "peer.down"     // it was lost
	EventState        = "peer.state"    // dialling, suspect, or up again after suspect: no join and no leave
	EventForget       = "peer.forget"   // it is not listed any more
	EventSubAdd       = "sub.add"       // a node has joined a channel, or Count of them
	EventSubRemove    = "sub.remove"    // it has left
	EventStopping     = "node.stopping" // the last one
	EventGap          = "gap"           // Missed events are lost to this reader
	EventBookmark     = "bookmark"      // nothing new; resume here
)

// EventTypes are those that a reader may ask for by name, in the order of help.
var EventTypes = []string{
	EventJoin, EventRejoin, EventLeave, EventDown, EventState, EventForget, EventSubAdd, EventSubRemove, EventStopping,
}

// Event is one line of GET /v1/watch (NDJSON): first the snapshot, then what
// happens, in order.
type Event struct {
	Type       string    `json:"type"` // one of the types above; readers pass over those they do not know
	Seq        uint64    `json:"seq"`
	Boot       string    `json:"boot"`
	Time       time.Time `json:"time"`
	Name       string    `json:"name,omitempty"`
	State      string    `json:"state,omitempty"`
	Kind       string    `json:"kind,omitempty"`
	Address    string    `json:"address,omitempty"`
	RTTMicros  *int64    `json:"rtt_us,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	Detail     string    `json:"detail,omitempty"` // the reason in words
	ToldBy     string    `json:"told_by,omitempty"`
	Flaps      *int      `json:"flaps,omitempty"`
	AwayMillis *int64    `json:"away_ms,omitempty"`
	Coalesced  uint64    `json:"coalesced,omitempty"`
	Missed     uint64    `json:"missed,omitempty"` // gap: events this reader did not get
	Peers      *int      `json:"peers,omitempty"`  // snapshot.end
	Creation   uint32    `json:"creation,omitempty"`
	Generation uint64    `json:"generation,omitempty"`
	Channel    string    `json:"channel,omitempty"` // sub.add, sub.remove of one channel
	Count      uint64    `json:"count,omitempty"`   // sub.add, sub.remove of several at once
	Subs       *int      `json:"subs,omitempty"`    // snapshot.peer, sub.add, sub.remove: channels it is in after it
}

// Error is what people and scripts get when something fails: what, why and
// what to type next, under a stable code with its exit status.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Why     string `json:"why"`
	Try     string `json:"try"`
	Exit    int    `json:"exit"`
}

func (e *Error) Error() string { return e.Message }

// Failure is the document of a failed call: {"error": {...}}.
type Failure struct {
	Error *Error `json:"error"`
}
