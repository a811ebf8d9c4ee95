package node

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// Metrics is all that a node counts, as a value: what Status says and what is
// measured beside. Counts only rise as long as the node lives, also where a link
// ends or a peer is forgotten.
type Metrics struct {
	Status Status        // every word that a counter can have is there, at 0 too
	Peers  []PeerMetrics // the peers listed, sorted by name
	All    PeerTraffic   // of all there ever were: those of Peers, looks, and the forgotten

	Published      uint64 // messages that this node published
	PublishedBytes uint64 // of their payloads
	Received       uint64 // messages of channels, from here and from links
	Handed         uint64 // copies handed on, to subscribers' queues and to links
	Lost           uint64 // copies that a full queue or link took not

	Pending  int       // inbound handshakes under way
	RTT      Histogram // of probes
	PollLate Histogram // how far behind its time each poll by the clock was

	CertificateEnd time.Time // of the node's own, zero without one
}

// PeerMetrics is what is measured of one peer.
type PeerMetrics struct {
	Name       string
	ID         uint64 // of the record: another one for a peer that was forgotten and came back
	State      State
	Member     bool      // it has a link that was announced
	Joined     bool      // it has been a member
	Left       time.Time // when it ended being one; zero while it is, or never was
	RTT        time.Duration
	Generation uint64

	PeerTraffic
	QueuedMessages, QueuedBytes, ControlBytes int
}

// PeerTraffic counts what went over all links to a peer.
type PeerTraffic struct {
	In, Out, Drops    uint64 // messages of channels
	BytesIn, BytesOut uint64 // all bytes
}

func (t *PeerTraffic) add(o PeerTraffic) {
	t.In += o.In
	t.Out += o.Out
	t.Drops += o.Drops
	t.BytesIn += o.BytesIn
	t.BytesOut += o.BytesOut
}

func trafficOf(l *dist.Link, s dist.Stats) PeerTraffic {
	t := l.Traffic()
	return PeerTraffic{In: t.In, Out: t.Out, Drops: t.Drops, BytesIn: s.BytesIn, BytesOut: s.BytesOut}
}

// Metrics reads everything once. It holds no lock while it works, and costs what
// there is: a look at each subscriber and each link.
func (n *Node) Metrics() Metrics {
	s := n.Status()
	withNames(s.Counters)
	traffic := n.bus.Totals()
	m := Metrics{
		Status: s, Published: n.published.Load(), PublishedBytes: n.bytes.Load(),
		Received: traffic.In, Handed: traffic.Out, Lost: traffic.Drops,
		Pending: n.table.Pending(), RTT: n.rtts.read(), PollLate: n.delays.read(), CertificateEnd: n.certificateEnd(),
	}
	rows, gone := n.measured()
	m.All = gone
	for i := range rows {
		r := &rows[i]
		if r.link != nil {
			r.read()
		}
		m.All.add(r.PeerTraffic)
		if r.listed {
			m.Peers = append(m.Peers, r.PeerMetrics)
		}
	}
	slices.SortFunc(m.Peers, func(a, b PeerMetrics) int { return cmp.Compare(a.Name, b.Name) })
	return m
}

// measuredPeer is a record as it is copied under Node.mu, with the link that is
// still to be read.
type measuredPeer struct {
	PeerMetrics
	listed bool
	link   *dist.Link
}

// measured copies all records, and what is left of those that are no more. A
// record has its ended links in it and names its live one, so that no count is
// there twice or not at all, whenever links end.
func (n *Node) measured() (rows []measuredPeer, gone PeerTraffic) {
	n.mu.Lock()
	defer n.mu.Unlock()
	rows = make([]measuredPeer, 0, len(n.peers))
	for _, p := range n.peers {
		r := measuredPeer{listed: p.listed, link: p.link, PeerMetrics: PeerMetrics{
			Name: p.name, ID: p.id, State: p.state, Member: p.member, Joined: p.was, RTT: p.rtt,
			Generation: p.info.Generation, PeerTraffic: p.past,
		}}
		if !p.member {
			r.Left = p.gone
		}
		rows = append(rows, r)
	}
	late := n.totals.late.Stats()
	gone = n.totals.gone
	gone.Drops += late.Offered // all of it
	gone.BytesOut += late.BytesOut
	return rows, gone
}

// read adds what the live link has done so far.
func (r *measuredPeer) read() {
	s := r.link.Stats()
	r.add(trafficOf(r.link, s))
	r.QueuedMessages, r.QueuedBytes, r.ControlBytes = s.Queued, s.QueuedBytes, s.ControlBytes
}

// withNames adds the words that links have not counted yet.
func withNames(counters map[string]uint64) {
	all := map[string]uint64{"link_offered": 0, "link_written": 0, "link_frames_in": 0, "link_frames_out": 0, "link_bytes_in": 0, "link_bytes_out": 0}
	for _, name := range dist.DropNames() {
		all["link_dropped_"+name] = 0
	}
	for _, name := range dist.RefusalNames() {
		all["link_refused_"+name] = 0
	}
	maps.Copy(all, counters)
	maps.Copy(counters, all)
}
