package observe

import (
	"sync"
	"time"

	"github.com/liminal-bus/liminal/node"
)

// The bounds of series that are about single peers.
const (
	MaxPeers = 256             // that have series of their own; the rest is peer="other"
	KeepPeer = 5 * time.Minute // how long after it left a peer has its series
	other    = "other"
)

// ledger says which peers have series of their own, and books what the others
// do under "other", so that each series only rises and that all of them together
// are what all peers did. A place is given to whoever comes first and kept until
// KeepPeer after the peer left, so that a full cluster makes no series come and
// go. It keeps a bounded number of names: those with a place, and those the node
// lists without one.
type ledger struct {
	mu     sync.Mutex
	places map[string]place // at most MaxPeers
	apart  map[string]place // listed without a place: what is booked under other
}

// place is where a peer's own series begin: with what it had done before it got
// them, which stays under other.
type place struct {
	id   uint64 // of the node's record
	base node.PeerTraffic
}

// account is what one peer, or all others, show.
type account struct {
	name    string // "" for the others
	up      bool
	peer    *node.PeerMetrics // nil for the others
	traffic node.PeerTraffic
	queued  int // messages
}

// settle gives places and says what each series shows, those of others last.
func (l *ledger) settle(now time.Time, m *node.Metrics) []account {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept, apart := map[string]place{}, map[string]place{}
	for i := range m.Peers { // first those who have a place
		p := &m.Peers[i]
		if at, ok := l.places[p.Name]; ok && at.id == p.ID && entitled(now, p) {
			kept[p.Name] = at
		}
	}
	for i := range m.Peers {
		p := &m.Peers[i]
		if _, ok := kept[p.Name]; ok {
			continue
		}
		if entitled(now, p) && len(kept) < MaxPeers {
			kept[p.Name] = l.begin(p)
		} else {
			apart[p.Name] = place{p.ID, p.PeerTraffic}
		}
	}
	l.places, l.apart = kept, apart
	return accounts(m, kept)
}

// entitled says whether a peer may have series: it has proved itself, and is up
// or left not long ago.
func entitled(now time.Time, p *node.PeerMetrics) bool {
	return p.Joined && (p.Member || now.Sub(p.Left) < KeepPeer)
}

// begin is the place of a peer that has none now: from 0 if it is seen for the
// first time, else from what is under other already.
func (l *ledger) begin(p *node.PeerMetrics) place {
	if was, ok := l.apart[p.Name]; ok && was.id == p.ID {
		return was
	}
	return place{id: p.ID}
}

// accounts splits what all peers did.
func accounts(m *node.Metrics, places map[string]place) []account {
	var list []account
	rest := account{traffic: m.All}
	for i := range m.Peers {
		p := &m.Peers[i]
		at, ok := places[p.Name]
		if !ok {
			rest.queued += p.QueuedMessages
			continue
		}
		own := less(p.PeerTraffic, at.base)
		rest.traffic = less(rest.traffic, own)
		list = append(list, account{name: p.Name, up: p.Member, peer: p, traffic: own, queued: p.QueuedMessages})
	}
	return append(list, rest)
}

func less(a, b node.PeerTraffic) node.PeerTraffic {
	return node.PeerTraffic{
		In: a.In - b.In, Out: a.Out - b.Out, Drops: a.Drops - b.Drops,
		BytesIn: a.BytesIn - b.BytesIn, BytesOut: a.BytesOut - b.BytesOut,
	}
}

// peerRows are the metrics of single peers. Those that only make sense of one
// peer are left out for the others.
var peerRows = []struct {
	name string
	kind Type
	help string
	read func(a *account) (v float64, ok bool)
}{
	{"liminal_peer_up", Gauge, "1 while the peer is up.", func(a *account) (float64, bool) { return bit(a.up), a.peer != nil }},
	{"liminal_peer_rtt_seconds", Gauge, "The last round trip of a probe.",
		func(a *account) (float64, bool) {
			if a.peer == nil || a.peer.RTT == 0 {
				return 0, false
			}
			return a.peer.RTT.Seconds(), true
		}},
	{"liminal_peer_link_generation", Gauge, "How many links to the peer there have been.",
		func(a *account) (float64, bool) {
			if a.peer == nil {
				return 0, false
			}
			return float64(a.peer.Generation), true
		}},
	{"liminal_peer_messages_received_total", Counter, "Messages of channels that came from the peer.",
		func(a *account) (float64, bool) { return float64(a.traffic.In), true }},
	{"liminal_peer_messages_sent_total", Counter, "Messages of channels that were put on its links.",
		func(a *account) (float64, bool) { return float64(a.traffic.Out), true }},
	{"liminal_peer_messages_dropped_total", Counter, "Messages of channels for it that did not get onto a link.",
		func(a *account) (float64, bool) { return float64(a.traffic.Drops), true }},
	{"liminal_peer_received_bytes_total", Counter, "Bytes that came from the peer.",
		func(a *account) (float64, bool) { return float64(a.traffic.BytesIn), true }},
	{"liminal_peer_sent_bytes_total", Counter, "Bytes that were written to it.",
		func(a *account) (float64, bool) { return float64(a.traffic.BytesOut), true }},
	{"liminal_peer_queued_messages", Gauge, "Messages of channels that wait for its link.",
		func(a *account) (float64, bool) { return float64(a.queued), true }},
}

// families makes the series of single peers.
func (l *ledger) families(now time.Time, m *node.Metrics) []Family {
	list := l.settle(now, m)
	all := make([]Family, len(peerRows))
	for i, r := range peerRows {
		f := Family{Name: r.name, Type: r.kind, Help: r.help}
		for j := range list {
			if v, ok := r.read(&list[j]); ok {
				f.Series = append(f.Series, with("peer", peerLabel(&list[j]), v))
			}
		}
		all[i] = f
	}
	return all
}

// peerLabel: no node is called other, since the name of a node has an @.
func peerLabel(a *account) string {
	if a.peer == nil {
		return other
	}
	return a.name
}
