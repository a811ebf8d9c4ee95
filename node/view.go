package node

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/discovery"
	"github.com/liminal-bus/liminal/internal/dist"
)

// Peers returns every peer that is listed, sorted by name: members, those that
// left or fell within Config.ForgetAfter, and those being dialled by name.
func (n *Node) Peers() []Peer {
	subs := n.groups.sizes()
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	targets := n.targets()
	rows := n.listedPeers()
	list := make([]Peer, len(rows))
	for i, p := range rows {
		list[i] = n.view(now, p, targets[p.name])
		list[i].measure(p.link, subs)
	}
	return list
}

// listedPeers gives the records that are shown, sorted by name. The caller holds
// n.mu.
func (n *Node) listedPeers() []*peer {
	rows := make([]*peer, 0, len(n.peers))
	for _, p := range n.peers {
		if p.listed {
			rows = append(rows, p)
		}
	}
	slices.SortFunc(rows, func(a, b *peer) int { return strings.Compare(a.name, b.name) })
	return rows
}

// measure fills in what a live link has counted.
func (v *Peer) measure(l *dist.Link, subs map[*dist.Link]int) {
	v.Subs = subs[l]
	if l != nil {
		t := l.Traffic()
		v.In, v.Out, v.Drops = t.In, t.Out, t.Drops
		v.Written, v.Queued = t.Written, t.Queued
	}
}

// PeerNames returns the names of the members, sorted.
func (n *Node) PeerNames() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.memberNames()
}

// targets finds for each name the dial that comes next. The caller holds n.mu.
func (n *Node) targets() map[string]discovery.TargetStatus {
	byName := map[string]discovery.TargetStatus{}
	for _, t := range n.plan.Status() {
		if t.Name == "" {
			continue
		}
		old, known := byName[t.Name]
		if !known || t.Tries > old.Tries {
			byName[t.Name] = t
		}
	}
	return byName
}

// view is a peer as the outside sees it. The caller holds n.mu.
func (n *Node) view(now time.Time, p *peer, t discovery.TargetStatus) Peer {
	v := Peer{
		Name: p.name, State: p.state, Kind: p.kind,
		Hidden:   p.info.Offered != 0 && !p.info.Offered.Has(dist.FlagPublished),
		Flapping: p.flapping(now), Addr: p.info.Addr, Outgoing: p.info.Outgoing,
		Changed: p.changed, RTT: p.rtt, Flaps: p.flaps,
		Creation: p.info.Creation, Generation: p.info.Generation,
		Version: p.version, Reason: p.reason, Detail: p.detail, ToldBy: p.toldBy,
		Tries: t.Tries, Next: t.Next, Subs: p.subs, OtherCookie: n.onOtherCookie(p),
	}
	if p.addr.IsValid() && p.addr.Port() != 0 {
		v.Addr = p.addr // where it listens, not the port it dialled from
	}
	if p.member {
		v.Since, v.Reason, v.Detail = p.info.Since, "", ""
	}
	if t.Err != nil {
		v.LastError = brief(t.Err)
	} else if p.failed != nil {
		v.LastError = brief(p.failed)
	}
	return v
}

// Status says how the node is.
func (n *Node) Status() Status {
	channels, counted := n.channelTotals(), n.channelCounters() // they take their time
	moved := n.pulse.feel(time.Now(), n.watched())
	n.mu.Lock()
	s := n.statusNow(channels, counted)
	n.totals.addEnded(s.Counters)
	live := n.liveLinks()
	n.mu.Unlock()
	for _, l := range live { // readers wait for n.mu, and there may be a thousand
		addStats(s.Counters, l.Stats())
	}
	s.Ill = judge(vitals{
		now: time.Now(), isolated: s.Isolated, epmd: s.EPMD, moved: moved, certificate: n.certificateEnd(),
	})
	for _, r := range s.Ill {
		s.Warnings = append(s.Warnings, r.Text)
	}
	return s
}

// statusNow is Status without what links count and health. The caller holds n.mu.
func (n *Node) statusNow(channels ChannelTotals, counted map[string]uint64) Status {
	s := Status{
		Name: n.name, State: n.state, Hidden: n.cfg.Hidden, LongNames: discovery.IsLong(n.host),
		Creation: n.creation, Started: n.started, Listen: n.ListenAddr(), TLS: n.tls.info(),
		EPMD: n.epmdStatus(), Seeds: n.seedStatus(), Counters: n.counters(counted),
		Channels: channels, EventSeq: n.feed.seq(), Told: n.resolver.Stats().Told,
		Accepted: len(n.table.Cookies()) - 1, Others: n.otherCookies(),
	}
	s.Isolated = n.state == NodeUp && len(n.memberNames()) == 0 && slices.ContainsFunc(s.Seeds, missing)
	s.Warnings = n.warnings(s)
	return s
}

func (n *Node) epmdStatus() EPMDStatus {
	s := EPMDStatus{Mode: n.cfg.EPMD, Port: n.cfg.EPMDPort}
	if n.epmd != nil {
		state := n.epmd.State()
		s.Registered, s.Err = state.Registered, state.Err
	}
	return s
}

// seedStatus lists configured and joined addresses. The caller holds n.mu.
func (n *Node) seedStatus() []SeedStatus {
	var list []SeedStatus
	all := n.plan.Status()
	for _, t := range all {
		if t.Role&(discovery.RoleSeed|discovery.RoleJoined) == 0 {
			continue
		}
		if n.cfg.look && seenTwice(t, all) {
			t.Err = &DialError{Address: t.Address.String(), Err: &causeError{ErrSeen, ErrSeen}}
		}
		list = append(list, SeedStatus{
			Address: t.Address.String(), State: n.seedState(t), Node: t.Name,
			Tries: t.Tries, Err: t.Err, Next: t.Next, Why: brief(t.Err),
			Joined: !t.Role.Has(discovery.RoleSeed),
		})
	}
	return list
}

// missing says whether a seed is configured to be another node, and is not up.
func missing(s SeedStatus) bool { return !s.Joined && s.State != "self" && s.State != "up" }

// seedState is the plan's word in the words of Status.
func (n *Node) seedState(t discovery.TargetStatus) string {
	switch {
	case t.State == discovery.StateLinked:
		return "up"
	case t.State == discovery.StateAside && (t.Name == n.name || errors.Is(t.Err, ErrSelf)):
		return "self"
	case t.State == discovery.StateAside:
		return "stopped"
	case t.State == discovery.StateWaiting && t.Err != nil && refused(t.Err):
		return "refused"
	case t.State == discovery.StateWaiting:
		return "waiting"
	}
	return "dialling"
}

// shortCookie is the length below which a cookie can be guessed offline.
const shortCookie = 16

// warnings lists what an operator should know. The caller holds n.mu.
func (n *Node) warnings(s Status) []string {
	var w []string
	w = append(w, n.tlsFaults()...)
	if slices.ContainsFunc(n.table.Cookies(), func(c Cookie) bool { return c.Len() < shortCookie }) {
		w = append(w, "a cookie is short: one recorded handshake is enough to find it by trying")
	}
	return w
}

// exposed says whether others than this machine can reach the listener.
func (n *Node) exposed() bool {
	return slices.ContainsFunc(n.listen, func(ap netip.AddrPort) bool { return !ap.Addr().IsLoopback() })
}
