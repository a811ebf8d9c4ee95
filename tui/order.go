package tui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// order is one way to sort a list. Ties are by name, whichever way round.
type order[T any] struct {
	name string
	cmp  func(a, b T) int
}

// sortBy sorts in place. What is nearly in order already is cheap.
func sortBy[T any](list []T, o order[T], reverse bool, name func(T) string) {
	sign := 1
	if reverse {
		sign = -1
	}
	slices.SortFunc(list, func(a, b T) int {
		if c := o.cmp(a, b); c != 0 {
			return sign * c
		}
		return strings.Compare(name(a), name(b))
	})
}

// peerOrders are the columns that s goes through; numbers begin with the
// greatest, since that is what one looks for.
var peerOrders = []order[*row]{
	{"trouble first", func(a, b *row) int { return trouble(&a.p) - trouble(&b.p) }},
	{"name", func(a, b *row) int { return strings.Compare(a.p.Name, b.p.Name) }},
	{"kind", func(a, b *row) int { return strings.Compare(kind(&a.p), kind(&b.p)) }},
	{"up", func(a, b *row) int { return since(b).Compare(since(a)) }},
	{"rtt", func(a, b *row) int { return cmp.Compare(rtt(b), rtt(a)) }},
	{"flaps", func(a, b *row) int { return b.p.Flaps - a.p.Flaps }},
	{"subs", func(a, b *row) int { return b.p.Subs - a.p.Subs }},
	{"address", func(a, b *row) int { return strings.Compare(text(a.p.Address), text(b.p.Address)) }},
	{"in/s", func(a, b *row) int { return cmp.Compare(b.in, a.in) }},
	{"out/s", func(a, b *row) int { return cmp.Compare(b.out, a.out) }},
}

// trouble ranks states: down, flap, suspect, dialling, up, left.
func trouble(p *control.Peer) int {
	switch state(p) {
	case stateDown:
		return 0
	case stateFlap:
		return 1
	case stateSuspect:
		return 2
	case stateDialling:
		return 3
	case stateLeft:
		return 5
	}
	return 4
}

// since is when the state shown began.
func since(r *row) time.Time {
	t := r.p.Changed
	if isUp(r.p.State) {
		t = r.p.Since
	}
	return or2(t, time.Time{})
}

// rtt is the round trip time in microseconds of a peer that answers, else -1.
func rtt(r *row) int64 {
	if r.p.State != stateUp {
		return -1
	}
	return micros(r.p.RTTMicros)
}

func micros(us *int64) int64 {
	if us == nil {
		return -1
	}
	return *us
}

var channelOrders = []order[*channelRow]{
	{"rate", func(a, b *channelRow) int { return cmp.Compare(b.InRate+b.OutRate, a.InRate+a.OutRate) }},
	{"name", func(a, b *channelRow) int { return strings.Compare(a.Name, b.Name) }},
	{"subs", func(a, b *channelRow) int { return b.Subscribers - a.Subscribers }},
	{"nodes", func(a, b *channelRow) int { return b.Nodes - a.Nodes }},
	{"in/s", func(a, b *channelRow) int { return cmp.Compare(b.InRate, a.InRate) }},
	{"out/s", func(a, b *channelRow) int { return cmp.Compare(b.OutRate, a.OutRate) }},
	{"last msg", func(a, b *channelRow) int {
		return or2(b.Last, time.Time{}).Compare(or2(a.Last, time.Time{}))
	}},
	{"drops", func(a, b *channelRow) int { return cmp.Compare(b.Drops, a.Drops) }},
}

// counts is how many peers are in each state shown.
type counts struct{ all, up, flap, suspect, dialling, left, down int }

func (c *counts) add(p *control.Peer) {
	c.all++
	switch state(p) {
	case stateUp:
		c.up++
	case stateFlap:
		c.flap++
	case stateSuspect:
		c.suspect++
	case stateDialling:
		c.dialling++
	case stateLeft:
		c.left++
	case stateDown:
		c.down++
	}
}

// lists are the rows in the order and choice of the screen. They are made again
// only when something they hang on has changed.
type lists struct {
	peers    []*row
	all      counts
	shown    counts
	channels []*channelRow
	events   []int // ages of entries, see log.entry

	of       *data // what they were made of, and when
	members  uint64
	changes  uint64
	logged   uint64
	everyone []*row // all rows, in order
}

// choice is what decides about the lists beside the data.
type choice struct {
	filter filter
	sort   [views]int
	back   [views]bool // reversed
}

// stale reports whether the data have moved on.
func (l *lists) stale(d *data) bool {
	return l.of != d || l.changes != d.changes || l.logged != d.log.total()
}

// makeLists builds the lists anew.
func makeLists(old lists, d *data, c choice) lists {
	l := lists{of: d, members: d.members, changes: d.changes, logged: d.log.total(), everyone: old.everyone}
	if old.of != d || old.members != d.members {
		l.everyone = make([]*row, 0, len(d.rows))
		for _, r := range d.rows {
			l.everyone = append(l.everyone, r)
		}
	}
	sortBy(l.everyone, peerOrders[c.sort[viewPeers]], c.back[viewPeers], func(r *row) string { return r.p.Name })
	l.choosePeers(c.filter)
	l.chooseChannels(d, c)
	l.chooseEvents(d, c)
	return l
}

func (l *lists) choosePeers(f filter) {
	for _, r := range l.everyone {
		l.all.add(&r.p)
	}
	if f.empty() {
		l.peers, l.shown = l.everyone, l.all
		return
	}
	for _, r := range l.everyone {
		if f.peer(r.p) {
			l.peers = append(l.peers, r)
			l.shown.add(&r.p)
		}
	}
}

func (l *lists) chooseChannels(d *data, c choice) {
	for i := range d.channels {
		if ch := &d.channels[i]; c.filter.empty() || c.filter.channel(ch.Channel) {
			l.channels = append(l.channels, ch)
		}
	}
	sortBy(l.channels, channelOrders[c.sort[viewChannels]], c.back[viewChannels], func(r *channelRow) string { return r.Name })
}

func (l *lists) chooseEvents(d *data, c choice) {
	for i := range d.log.len() {
		if c.filter.empty() || c.filter.event(d.log.entry(i)) {
			l.events = append(l.events, i)
		}
	}
	if c.back[viewEvents] {
		slices.Reverse(l.events)
	}
}
