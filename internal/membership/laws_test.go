package membership

import (
	"fmt"
	"slices"
	"strings"
)

// ledger is what a consumer of the deltas would write down: it sees no
// snapshot, so whatever it believes was learned from deltas alone.
type ledger struct {
	members map[string]Peer
	counts  map[string]Counts
}

func newLedger() *ledger {
	return &ledger{members: map[string]Peer{}, counts: map[string]Counts{}}
}

// book applies a delta and says where it contradicts the ones before it.
func (l *ledger) book(d Delta) error {
	if err := sortedDelta(d); err != nil {
		return err
	}
	for _, x := range d.Left {
		if err := l.left(x); err != nil {
			return err
		}
	}
	for _, x := range d.Flapped {
		c := l.counts[x.Name]
		c.Flapped += x.Count
		l.counts[x.Name] = c
		if _, member := l.members[x.Name]; member || x.Count == 0 {
			return fmt.Errorf("flapped %+v: member %t", x, member)
		}
	}
	for _, x := range d.Joined {
		if err := l.joined(x); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledger) left(x Left) error {
	if was, ok := l.members[x.Name]; !ok || was != x.Peer {
		return fmt.Errorf("left %+v: member %t as %+v", x, ok, was)
	}
	delete(l.members, x.Name)
	c := l.counts[x.Name]
	c.Left++
	l.counts[x.Name] = c
	return nil
}

func (l *ledger) joined(x Joined) error {
	c := l.counts[x.Name]
	if was, ok := l.members[x.Name]; ok || x.Rejoin != (c.Joined > 0) {
		return fmt.Errorf("joined %+v: member %t as %+v, counts %+v", x, ok, was, c)
	}
	l.members[x.Name] = x.Peer
	c.Joined++
	c.Coalesced += x.Coalesced
	l.counts[x.Name] = c
	return nil
}

// sortedDelta checks that each list has a name once, in order.
func sortedDelta(d Delta) error {
	ok := ascending(d.Left, func(x Left) string { return x.Name }) &&
		ascending(d.Joined, func(x Joined) string { return x.Name }) &&
		ascending(d.Flapped, func(x Flap) string { return x.Name })
	if !ok {
		return fmt.Errorf("delta not sorted: %+v", d)
	}
	if d.Empty() != (len(d.Left)+len(d.Joined)+len(d.Flapped) == 0) {
		return fmt.Errorf("Empty is %t for %+v", d.Empty(), d)
	}
	return nil
}

func ascending[T any](list []T, name func(T) string) bool {
	for i := 1; i < len(list); i++ {
		if name(list[i-1]) >= name(list[i]) {
			return false
		}
	}
	return true
}

// laws checks the three laws for every name, and that the tracker and the
// ledger agree on everything. It is called after every step of every test.
func (l *ledger) laws(t *Tracker) error {
	peers, names := t.Peers(), t.Names()
	if len(peers) != t.Len() || len(names) != t.Len() || len(l.members) != t.Len() {
		return fmt.Errorf("%d peers, %d names, Len %d, want %d", len(peers), len(names), t.Len(), len(l.members))
	}
	if !ascending(peers, func(p Peer) string { return p.Name }) {
		return fmt.Errorf("peers not sorted: %+v", peers)
	}
	for i, p := range peers {
		if l.members[p.Name] != p || names[i] != p.Name {
			return fmt.Errorf("peer %+v, name %q, deltas say %+v", p, names[i], l.members[p.Name])
		}
	}
	for name, want := range l.counts {
		if err := l.law(t, name, want); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledger) law(t *Tracker, name string, want Counts) error {
	c := t.Counts(name)
	if c.Joined != want.Joined || c.Left != want.Left || c.Coalesced != want.Coalesced || c.Flapped != want.Flapped {
		return fmt.Errorf("%s: counts %+v, deltas say %+v", name, c, want)
	}
	present := uint64(0)
	if _, ok := l.members[name]; ok {
		present = 1
	}
	if c.Joined-c.Left != present {
		return fmt.Errorf("%s: joined %d - left %d, want %d", name, c.Joined, c.Left, present)
	}
	if c.Generation+c.Unnumbered != c.Joined+c.Coalesced+c.Flapped {
		return fmt.Errorf("%s: generation law broken: %+v", name, c)
	}
	return nil
}

// observed is a tracker whose every poll is booked and checked.
type observed struct {
	*Tracker
	ledger *ledger
	asked  map[string]bool // names Forget said yes to, still known
}

func newObserved() observed { return observed{New(), newLedger(), map[string]bool{}} }

func (o observed) poll(s Snapshot) (Delta, error) {
	d := o.Poll(s)
	if err := o.ledger.book(d); err != nil {
		return d, err
	}
	for name := range o.asked {
		o.settle(name)
	}
	return d, o.ledger.laws(o.Tracker)
}

func (o observed) forget(name string) bool {
	ok := o.Forget(name)
	if ok {
		o.asked[name] = true
		o.settle(name)
	}
	return ok
}

// settle strikes a name from the ledger once the tracker has dropped it. Only
// names that were asked to go may: any other that is gone breaks the laws.
func (o observed) settle(name string) {
	if _, known := o.find(name); !known {
		delete(o.ledger.counts, name)
		delete(o.asked, name)
	}
}

func sameDelta(a, b Delta) bool {
	return slices.Equal(a.Left, b.Left) && slices.Equal(a.Joined, b.Joined) && slices.Equal(a.Flapped, b.Flapped)
}

// shown writes a delta the way the transcripts do, one line a fact.
type shown Delta

func (d shown) String() string {
	if Delta(d).Empty() {
		return "nothing\n"
	}
	var b strings.Builder
	for _, x := range d.Left {
		fmt.Fprintf(&b, "left    %s reason %s\n", showPeer(x.Peer), orNone(x.Reason))
	}
	for _, x := range d.Flapped {
		fmt.Fprintf(&b, "flapped %s count %d reason %s\n", showPeer(x.Peer), x.Count, orNone(x.Reason))
	}
	for _, x := range d.Joined {
		fmt.Fprintf(&b, "joined  %s coalesced %d", showPeer(x.Peer), x.Coalesced)
		if x.Rejoin {
			b.WriteString(" rejoin")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func showPeer(p Peer) string {
	return fmt.Sprintf("%s creation %d generation %d", p.Name, p.Creation, p.Generation)
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// up and down build rows.
func up(name string, creation uint32, generation uint64) Entry {
	return Entry{Peer: Peer{name, creation, generation}, Up: true}
}

func down(name string, creation uint32, generation uint64, reason string) Entry {
	return Entry{Peer: Peer{name, creation, generation}, Reason: reason}
}

func rows(e ...Entry) []Entry { return e }
