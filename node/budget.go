package node

import "time"

// How many events of channels there may be, of all nodes together, so that the
// ring keeps who came and went for some minutes whatever the channels do.
const (
	subsBurst = 256
	subsRate  = 16 // a second
)

// subsBudget bounds the events of channels. What it has no room to name is told
// as one count in each direction; what it has no room for at all waits, in the
// journals of the scope or, of this node's own, in owed. So nothing is lost in
// count. What a newcomer brings along is free: there are no more of these than
// joins. Guarded by Node.pollMu.
type subsBudget struct {
	room     float64
	reserved float64 // of it, for those that were chosen and have not paid
	at       time.Time
	owed     change // of this node; empty if Own is not set
}

func newSubsBudget(now time.Time) subsBudget { return subsBudget{room: subsBurst, at: now} }

// folded is what a change costs at most once it is folded.
const folded = 2

// choose takes those off ready for whom there is no room, and says whether there
// were any. Links come in the order in which they changed, so each has its turn.
func (b *subsBudget) choose(now time.Time, links []*memberLink, ready map[*memberLink]bool) (held bool) {
	b.room = min(subsBurst, b.room+now.Sub(b.at).Seconds()*subsRate)
	b.at, b.reserved = now, folded // for this node
	for _, m := range links {
		switch {
		case !ready[m] || !m.met:
		case b.room-b.reserved < folded:
			delete(ready, m)
			held = true
		default:
			b.reserved += folded
		}
	}
	return held
}

// pay takes what a change costs, and folds it if it costs too much. It is not ok
// where nothing is to be told now.
func (b *subsBudget) pay(c change) (_ change, ok bool) {
	newcomer := !c.Own && !c.Link.met
	if c.Own {
		c, b.owed = plus(c, b.owed), change{}
	} else {
		c.Link.met = true
	}
	if !newcomer {
		b.reserved -= folded
	}
	if cost := events(c); cost > folded && cost > b.room-b.reserved {
		c = fold(c)
	}
	cost := events(c)
	switch {
	case newcomer && cost <= folded:
		return c, true
	case c.Own && cost > b.room:
		b.owed = c
		return c, false
	}
	b.room -= cost
	return c, true
}

// settle gives what this node has waited with, if there is room now.
func (b *subsBudget) settle() (change, bool) {
	if !b.owes() || b.room < folded {
		return change{}, false
	}
	return b.pay(change{Own: true, Groups: b.owed.Groups})
}

func (b *subsBudget) owes() bool { return b.owed.Own }

// events is how many tell of a change.
func events(c change) float64 {
	k := len(c.Added) + len(c.Removed)
	for _, more := range []int{c.MoreAdded, c.MoreRemoved} {
		if more > 0 {
			k++
		}
	}
	return float64(k)
}

// fold makes counts of what is named.
func fold(c change) change {
	c.MoreAdded, c.MoreRemoved = c.MoreAdded+len(c.Added), c.MoreRemoved+len(c.Removed)
	c.Added, c.Removed = nil, nil
	return c
}

// plus adds what was to be told before a change to it, in counts.
func plus(c, before change) change {
	if !before.Own {
		return c
	}
	c, before = fold(c), fold(before)
	c.MoreAdded += before.MoreAdded
	c.MoreRemoved += before.MoreRemoved
	return c
}
