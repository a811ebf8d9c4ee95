package node

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/liminal-bus/liminal/internal/bus"
	"github.com/liminal-bus/liminal/internal/pg"
)

// group is a group as the scope lists it.
type group = pg.Group[*memberLink]

// Channels lists channels: those named, else all that have a member anywhere
// or were used here lately, sorted by name. Liminal peers are asked how many
// subscribers stand behind their one member; those that do not tell all within
// a second are named in incomplete, and count by their members. The error wraps
// ErrBadChannel.
func (n *Node) Channels(ctx context.Context, names ...string) (list []Channel, incomplete []string, err error) {
	groups, infos, err := n.channelParts(names)
	if err != nil {
		return nil, nil, err
	}
	counts := n.askCounts(ctx, groups, len(names) > 0)
	all := channelTable{}
	for _, i := range infos {
		all.local(i)
	}
	for _, g := range groups {
		n.addMembers(all.group(g), g, counts)
	}
	return all.sorted(), counts.incomplete(), nil
}

// channelParts is what the scope and the bus know of the channels named, or of
// all.
func (n *Node) channelParts(names []string) (groups []group, infos []bus.Info, err error) {
	g := n.groups
	g.mu.RLock()
	defer g.mu.RUnlock()
	if len(names) == 0 {
		return g.scope.Groups(), n.bus.List(), nil
	}
	keys, err := channelKeys(names)
	for i, k := range keys {
		if group, ok := g.scope.Group(k); ok {
			groups = append(groups, group)
		}
		if info, ok := n.bus.Info(names[i]); ok {
			infos = append(infos, info)
		}
	}
	return groups, infos, err
}

// channelTable is a list in the making. The text of a term may read like the
// name of a binary.
type channelTable map[channelID]*Channel

type channelID struct {
	name string
	term bool
}

func (t channelTable) row(id channelID, s pg.Spelling) *Channel {
	c := t[id]
	if c == nil {
		c = &Channel{Name: id.name, Spelling: string(s)}
		t[id] = c
	}
	return c
}

// local adds what the bus knows of a channel.
func (t channelTable) local(i bus.Info) {
	key, err := pg.ChannelKey(i.Name)
	if err != nil {
		return
	}
	_, s := key.Channel()
	c := t.row(channelID{i.Name, false}, s)
	c.Local = i.Subscribers
	c.In, c.Out, c.InRate, c.OutRate, c.Drops, c.Last = i.In, i.Out, i.InRate, i.OutRate, i.Drops, i.Last
	if c.Local > 0 {
		c.Subscribers, c.Nodes = c.Local, 1
	}
}

func (t channelTable) group(g group) *Channel {
	name, s := g.Key.Channel()
	return t.row(channelID{name, s == pg.SpellTerm}, s)
}

func (t channelTable) sorted() []Channel {
	list := make([]Channel, 0, len(t))
	for _, c := range t {
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b Channel) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Spelling, b.Spelling))
	})
	return list
}

// addMembers adds the nodes that have joined a group. An Erlang process counts
// as one subscriber; behind a member on a liminal node there may be many.
func (n *Node) addMembers(c *Channel, g group, counts *counts) {
	for _, m := range g.Members {
		k, told := counts.of(m.Link, g.Key)
		if !told {
			k = m.Count
		}
		c.Members = append(c.Members, ChannelMember{Node: m.Link.name, Kind: counts.kinds[m.Link.link], Subscribers: k})
		c.Subscribers += k
		c.Nodes++
	}
	if c.Local > 0 {
		c.Members = append(c.Members, ChannelMember{Node: n.name, Kind: KindLiminal, Subscribers: c.Local})
	}
	slices.SortFunc(c.Members, func(a, b ChannelMember) int { return cmp.Compare(a.Node, b.Node) })
}

// Subscriptions lists the channels that a peer has joined, sorted.
func (n *Node) Subscriptions(peer string) []string {
	var names []string
	for _, m := range n.groups.members() {
		if m.name == peer {
			names = append(names, n.groups.channelsOf(m)...)
		}
	}
	slices.Sort(names)
	return names
}

// AllSubscriptions lists the channels that each peer has joined, sorted. Peers
// that have joined none are not in it.
func (n *Node) AllSubscriptions() map[string][]string {
	all := map[string][]string{}
	for _, m := range n.groups.members() {
		if names := n.groups.channelsOf(m); len(names) > 0 {
			all[m.name] = append(all[m.name], names...)
		}
	}
	for _, names := range all {
		slices.Sort(names)
	}
	return all
}

// members are the links that the scope knows now.
func (g *groups) members() []*memberLink {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return slices.Collect(maps.Values(g.links))
}

// channelsOf names the channels of one link's node. The lock is held for that
// one only: who publishes waits for it.
func (g *groups) channelsOf(m *memberLink) []string {
	g.mu.RLock()
	keys := g.scope.PeerGroups(m)
	g.mu.RUnlock()
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i], _ = k.Channel()
	}
	return names
}

// channelCounters are those of scope and bus.
func (n *Node) channelCounters() map[string]uint64 {
	all := n.groups.counters()
	maps.Copy(all, n.bus.Counters())
	return all
}

// channelTotals sums what Status says of channels.
func (n *Node) channelTotals() ChannelTotals {
	g := n.groups
	g.mu.RLock()
	size := g.scope.Size()
	g.mu.RUnlock()
	t := n.bus.Totals()
	return ChannelTotals{Channels: size, Subscriptions: t.Subscribers, InRate: t.InRate, OutRate: t.OutRate, Drops: t.Drops}
}
