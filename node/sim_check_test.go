package node

import (
	"slices"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/links"
	"github.com/liminal-bus/liminal/internal/membership"
)

// simLink is what the checker remembers of a link.
type simLink struct {
	peer string
	over bool
	in   uint64 // messages that had come when it was over
	subs int    // groups of the peer
}

// check holds one life against the laws, while nobody has anything to do.
func (l *simLife) check() {
	n := l.now()
	if n == nil || n.ctx.Err() != nil {
		return
	}
	_, rows := n.table.Snapshot()
	l.checkTracker(n, rows)
	l.checkGroups(n, rows)
	l.checkLinks(n, rows)
	for _, s := range l.subs {
		s.check()
	}
	l.watch.check()
}

// checkTracker: joined and left of each name alternate, and every link that ever
// was is counted once.
func (l *simLife) checkTracker(n *Node, rows []links.Info) {
	n.pollMu.Lock()
	defer n.pollMu.Unlock()
	members := n.tracker.Names()
	for _, r := range rows {
		c := n.tracker.Counts(r.Name)
		present := uint64(0)
		if slices.Contains(members, r.Name) {
			present = 1
		}
		if c.Joined-c.Left != present || c.Generation+c.Unnumbered != c.Joined+c.Coalesced+c.Flapped {
			l.w.fail("%s: the counts of %s break a law: %+v, member %d", l.spot.name, r.Name, c, present)
		}
		if c.Generation > r.Generation {
			l.w.fail("%s: %s has had %d links, the tracker counts %d", l.spot.name, r.Name, r.Generation, c.Generation)
		}
	}
	l.checkMembers(n, members)
}

func (l *simLife) checkMembers(n *Node, members []string) {
	if now := n.PeerNames(); !slices.Equal(now, members) {
		l.w.fail("%s: members %v, the tracker has %v", l.spot.name, now, members)
	}
}

// checkGroups: who is in a group here has a live link.
func (l *simLife) checkGroups(n *Node, rows []links.Info) {
	up := map[*dist.Link]links.Info{}
	for _, r := range rows {
		if r.Up {
			up[r.Link] = r
		}
	}
	n.groups.mu.RLock()
	defer n.groups.mu.RUnlock()
	for link, m := range n.groups.links {
		if r, ok := up[link]; !ok || r.Name != m.name || r.Generation != m.generation {
			l.w.fail("%s: the scope has a link to %s/%d that is not up", l.spot.name, m.name, m.generation)
		}
	}
	for _, g := range n.groups.scope.Groups() {
		for _, m := range g.Members {
			if n.groups.links[m.Link.link] != m.Link {
				l.w.fail("%s: a member of %x by a link to %s that is gone", l.spot.name, g.Key, m.Link.name)
			}
		}
	}
	for link := range up {
		if down, _, _ := link.Down(); down != "" {
			l.w.fail("%s: a link to %s is up in the table and has ended: %s", l.spot.name, up[link].Name, down)
		}
	}
}

// checkLinks: what was offered to a link is somewhere, and nothing comes over one
// that has ended.
func (l *simLife) checkLinks(n *Node, rows []links.Info) {
	for _, r := range rows {
		if r.Up && l.links[r.Link] == nil {
			l.links[r.Link] = &simLink{peer: r.Name}
		}
	}
	for link, k := range l.links {
		s := link.Stats()
		if lost := publishDrops(s); s.Offered != s.Written+uint64(s.Queued)+lost {
			l.w.fail("%s to %s: offered %d = written %d + queued %d + dropped %d", l.spot.name, k.peer, s.Offered, s.Written, s.Queued, lost)
		}
		down, _, _ := link.Down()
		in := link.Traffic().In
		switch {
		case k.over && in != k.in:
			l.w.fail("%s: %d messages came from %s over a link that had ended", l.spot.name, in-k.in, k.peer)
		case k.over:
		case down == "":
			k.subs = l.groupsOf(n, link)
		default:
			k.over, k.in = true, in
			if k.subs > 0 {
				l.w.saw("purge")
			}
		}
	}
}

func (l *simLife) groupsOf(n *Node, link *dist.Link) int {
	n.groups.mu.RLock()
	defer n.groups.mu.RUnlock()
	if m := n.groups.links[link]; m != nil {
		return n.groups.scope.PeerSize(m)
	}
	return 0
}

// agrees says what keeps this life's view from being what it should be, "" if
// nothing does.
func (l *simLife) agrees(all []*simLife) string {
	n := l.now()
	if n == nil {
		return l.spot.name + " does not listen yet"
	}
	select {
	case <-l.up:
	default:
		return l.spot.name + " is still starting"
	}
	if want, have := len(all)-1, len(n.PeerNames()); have != want {
		return l.spot.name + " has not all members: " + simNames(n.PeerNames())
	}
	for _, o := range all {
		if why := l.agreesOn(n, o); o != l && why != "" {
			return l.spot.name + ": " + why
		}
	}
	return ""
}

// agreesOn compares what a life knows of another with what is true.
func (l *simLife) agreesOn(n *Node, o *simLife) string {
	row, ok := n.table.Lookup(o.spot.name)
	far := o.now()
	switch {
	case far == nil:
		return o.spot.name + " does not listen yet"
	case !ok || !row.Up || row.Creation != o.number:
		return "no link to this life of " + o.spot.name
	}
	n.pollMu.Lock()
	peers := n.tracker.Peers()
	n.pollMu.Unlock()
	if !slices.Contains(peers, membership.Peer{Name: row.Name, Creation: row.Creation, Generation: row.Generation}) {
		return "it has not polled its link to " + o.spot.name
	}
	back, _ := far.table.Lookup(l.spot.name)
	if !back.Up || back.Link.LocalAddr().String() != row.Link.RemoteAddr().String() || back.Link.RemoteAddr().String() != row.Link.LocalAddr().String() {
		return "its link to " + o.spot.name + " is not that one's link back"
	}
	if have, want := l.channelsOf(n, row.Link), far.joinedChannels(); !slices.Equal(have, want) {
		return o.spot.name + " is in " + simNames(want) + ", known is " + simNames(have)
	}
	return ""
}

// channelsOf are the groups that the peer behind a link is in.
func (l *simLife) channelsOf(n *Node, link *dist.Link) (all []string) {
	n.groups.mu.RLock()
	defer n.groups.mu.RUnlock()
	for _, g := range n.groups.scope.Groups() {
		for _, m := range g.Members {
			if m.Link.link == link {
				name, _ := g.Key.Channel()
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	return all
}

// joinedChannels are the channels with a subscriber on this node.
func (n *Node) joinedChannels() (all []string) {
	for _, i := range n.bus.List() {
		if i.Subscribers > 0 {
			all = append(all, i.Name)
		}
	}
	slices.Sort(all)
	return all
}

// sane says whether a link may have brought a message of a life at this moment.
func (l *simLife) sane(n *Node, from *simLife, now time.Time) bool {
	row, ok := n.table.Lookup(from.spot.name)
	return ok && (row.Up && row.Creation == from.number || row.Ended.Equal(now) || row.Since.Equal(now))
}
