package node

import (
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/links"
	"github.com/liminal-bus/liminal/internal/membership"
)

// The rule for Peer.Flapping.
const (
	flapLosses = 3
	flapWindow = 10 * time.Minute
)

// peer is what the node knows of another. Guarded by Node.mu.
type peer struct {
	name    string
	listed  bool       // shown, and every change of state an event; a newcomer's link alone does not list it
	link    *dist.Link // live now, as the table's hooks told; a poll may not have seen it
	info    links.Info // of the last link, live or not
	parting bool       // we said goodbye over link: however it ends, we ended it
	saidBye bool       // the last link ended by the peer's goodbye, and none came since
	member  bool       // announced as joined, not yet as left
	number  uint64     // generation that was announced last
	was     bool       // has been a member before
	state   State
	kind    Kind
	reason  string
	detail  string
	changed time.Time // of state
	gone    time.Time // when it was last announced as left
	flaps   int
	losses  []time.Time // the last flapLosses
	subs    int         // channels it is in, as events have told
	toldBy  string
	target  bool      // of a look: it was asked to look there
	failed  error     // of a look: why the last dial came to nothing
	retryAt time.Time // of a look: when it is dialled again although it was given up

	proofs   []dist.Proof // of the cookies it holds, as it told on this link; nil: it did not
	greeted  bool         // it has said hello on this link
	version  string
	addr     netip.AddrPort // where it listens, as hello said
	host     string         // the host hello said, "" if none
	answered bool           // has answered a probe on this link
	rtt      time.Duration
	srtt     time.Duration // smoothed
	probed   time.Time     // when the last probe went out
	probeN   uint64        // its number
	pending  bool          // it was not answered yet

	id   uint64      // of this record: a name that was forgotten comes back under another
	past PeerTraffic // of its links that have ended
}

// record finds or makes the record of a name. The caller holds n.mu.
func (n *Node) record(name string) *peer {
	p := n.peers[name]
	if p == nil {
		n.recorded++
		p = &peer{id: n.recorded, name: name, state: StateDialling, kind: KindOther, changed: time.Now()}
		n.peers[name] = p
	}
	return p
}

func (p *peer) setState(s State, now time.Time) {
	if p.state != s {
		p.state, p.changed = s, now
	}
}

// list finds or makes the record of a name and shows it. The caller holds n.mu.
func (n *Node) list(name string) *peer {
	p := n.record(name)
	if !p.listed {
		p.listed = true
		n.emit(time.Now(), p, Event{Type: EventState})
	}
	return p
}

// turn changes a peer's state where neither a join nor a leave tells of it. The
// caller holds n.mu.
func (n *Node) turn(p *peer, s State, now time.Time) {
	if p.state == s && p.listed {
		return
	}
	p.listed = p.listed || !p.looks()
	p.setState(s, now)
	n.emit(now, p, Event{Type: EventState})
}

// unlist ends the record of a peer, and says so. The caller holds n.mu.
func (n *Node) unlist(now time.Time, p *peer) {
	delete(n.peers, p.name)
	n.totals.gone.add(p.past)
	p.subs = 0
	n.emit(now, p, Event{Type: EventForget})
}

// logLine is a line for the log, written once Node.mu is free.
type logLine struct {
	level slog.Level
	text  string
	attrs []any
}

// apply turns a delta into events and log lines.
func (n *Node) apply(now time.Time, rows []links.Info, d membership.Delta) {
	lines, members := n.change(now, rows, d)
	for _, l := range lines {
		n.log.Log(n.ctx, l.level, l.text, append(l.attrs, "peers", members)...)
	}
}

// change makes the events of a delta, and is the only place that does: no other
// makes or ends a member. It returns what to log of them, and the members after it.
func (n *Node) change(now time.Time, rows []links.Info, d membership.Delta) (lines []logLine, members []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state == NodeStopping {
		return nil, nil // node.stopping is the last event
	}
	for _, l := range d.Left {
		lines = append(lines, n.left(now, l, row(rows, l.Name)))
	}
	for _, j := range d.Joined {
		lines = append(lines, n.joined(now, j, row(rows, j.Name)))
	}
	for _, f := range d.Flapped {
		lines = append(lines, n.flapped(now, f, row(rows, f.Name)))
	}
	return lines, n.memberNames()
}

// row finds a name in a snapshot, which is sorted by name.
func row(rows []links.Info, name string) links.Info {
	i, found := slices.BinarySearchFunc(rows, name, func(r links.Info, name string) int { return strings.Compare(r.Name, name) })
	if !found {
		return links.Info{Name: name}
	}
	return rows[i]
}

// joined is called with n.mu held, as are left and flapped.
func (n *Node) joined(now time.Time, j membership.Joined, r links.Info) logLine {
	p := n.record(j.Name)
	ev := Event{Type: EventJoin, Coalesced: j.Coalesced}
	if p.was {
		ev.Type, ev.Away = EventRejoin, now.Sub(p.gone)
	}
	p.info = r
	p.member, p.was, p.listed = true, true, p.listed || !p.looks()
	p.number, p.subs = j.Generation, 0
	p.state, p.changed = StateUp, r.Since
	p.lost(now, j.Coalesced)
	n.counts.joined.Add(1)
	n.counts.coalesced.Add(j.Coalesced)
	if n.redials(p) {
		_ = n.plan.AddPeer(p.name) // full or our own name: nothing to redial
	}
	n.emit(now, p, ev)
	return logLine{p.partingLevel(), "peer joined", []any{LogEvent, ev.Type, "peer", p.name, "kind", p.kind, "addr", r.Addr}}
}

// redials says whether the peer is ours to call again when its link ends. It may
// have said goodbye since the snapshot that showed it as up.
func (n *Node) redials(p *peer) bool {
	return !p.passing() && !p.saidBye && n.state != NodeAlone && n.state != NodeStopping
}

// passing says whether p is a short visit, such as that of erl_call.
func (p *peer) passing() bool {
	return p.kind == KindOther && !p.info.Offered.Has(dist.FlagPublished) && !p.info.Outgoing
}

func (n *Node) left(now time.Time, l membership.Left, r links.Info) logLine {
	p := n.record(l.Name)
	p.member, p.gone, p.subs = false, now, 0
	p.reason, p.detail = l.Reason, r.Detail
	if p.parting {
		p.reason, p.detail = string(dist.ReasonClosed), dist.ReasonClosed.Text()
	}
	// Its successor's link may be in the record already.
	was := Peer{Creation: l.Creation, Generation: l.Generation}
	ev := Event{Type: EventDown, Reason: p.reason, Detail: p.detail, Peer: was}
	n.counts.left.Add(1)
	n.leftBy[dist.Reason(p.reason)]++
	if parted(dist.Reason(p.reason)) || p.looks() {
		ev.Type = EventLeave
		p.setState(StateLeft, now)
		n.emit(now, p, ev)
		n.lookEnded(now, p)
		return logLine{p.partingLevel(), "peer left", []any{LogEvent, ev.Type, "peer", p.name, "reason", p.detail}}
	}
	p.lost(now, 1)
	p.setState(StateDown, now)
	n.emit(now, p, ev)
	level := slog.LevelWarn
	if p.passing() {
		level = slog.LevelInfo
	}
	return logLine{level, "peer down", []any{LogEvent, ev.Type, "peer", p.name, "reason", l.Reason, "detail", p.detail}}
}

// lookEnded takes a look off the list as soon as it has left.
func (n *Node) lookEnded(now time.Time, p *peer) {
	if p.looks() {
		n.emit(now, p, Event{Type: EventForget})
		p.listed, p.was = false, false
	}
}

// partingLevel is how loudly comings and goings are told: who only looks is not
// what an operator's log is for.
func (p *peer) partingLevel() slog.Level {
	if p.looks() {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// parted says whether a link ended because one side said so.
func parted(r dist.Reason) bool { return r == dist.ReasonGoodbye || r == dist.ReasonClosed }

// flapped counts links that came and went between two polls.
func (n *Node) flapped(now time.Time, f membership.Flap, r links.Info) logLine {
	p := n.record(f.Name)
	p.info, p.reason, p.detail = r, f.Reason, r.Detail
	p.lost(now, f.Count)
	n.counts.flapped.Add(f.Count)
	if p.state == StateDialling {
		n.turn(p, StateDown, now)
	}
	level := slog.LevelWarn
	if p.looks() {
		level = slog.LevelDebug
	}
	return logLine{level, "peer flapped between two polls", []any{"peer", p.name, "links", f.Count, "reason", f.Reason}}
}

// lost counts losses for Flaps and Flapping; that a look ends is none.
func (p *peer) lost(now time.Time, k uint64) {
	if p.looks() {
		return
	}
	p.flaps += int(k)
	for ; k > 0 && len(p.losses) <= 2*flapLosses; k-- {
		p.losses = append(p.losses, now)
	}
	p.losses = p.losses[max(0, len(p.losses)-flapLosses):]
}

func (p *peer) flapping(now time.Time) bool {
	return len(p.losses) == flapLosses && now.Sub(p.losses[0]) < flapWindow
}

// memberNames lists the members, sorted; looks are none that count. The caller holds n.mu.
func (n *Node) memberNames() []string {
	var names []string
	for name, p := range n.peers {
		if p.member && p.listed {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
