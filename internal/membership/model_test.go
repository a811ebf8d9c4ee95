package membership

import (
	"fmt"
	"slices"
	"strings"
)

// oracle is the cluster as it really is: links are born and die one by one,
// and it writes each down. It knows the delta of the next poll from those
// events alone; the tracker gets to see only the rows.
type oracle struct {
	version uint64
	peers   map[string]*truth
}

// truth is one name: its links, and the events since the last poll.
type truth struct {
	row    Entry
	member *Peer // as of the last poll
	ever   bool  // has been a member
	births uint64
	ended  bool // the link that was the member at the last poll has died
}

func newOracle() *oracle { return &oracle{peers: map[string]*truth{}} }

// born is a completed handshake; a link that is still up is replaced.
func (o *oracle) born(name string, creation uint32) {
	o.died(name, "replaced")
	p := o.peers[name]
	if p == nil {
		p = &truth{}
		o.peers[name] = p
	}
	p.row.Peer = Peer{name, creation, p.row.Generation + 1}
	p.row.Up = true
	p.births++
	o.version++
}

// died ends the link, if there is one.
func (o *oracle) died(name, reason string) {
	p := o.peers[name]
	if p == nil || !p.row.Up {
		return
	}
	p.row.Up, p.row.Reason = false, reason
	p.ended = p.ended || p.member != nil && *p.member == p.row.Peer
	o.version++
}

// forget takes a row that is down out of the table.
func (o *oracle) forget(name string) {
	delete(o.peers, name)
	o.version++
}

func (o *oracle) names() []string {
	names := make([]string, 0, len(o.peers))
	for name := range o.peers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (o *oracle) snapshot() Snapshot {
	s := Snapshot{Version: o.version}
	for _, name := range o.names() {
		s.Entries = append(s.Entries, o.peers[name].row)
	}
	return s
}

// poll returns the delta the events since the last poll amount to.
func (o *oracle) poll() Delta {
	var d Delta
	for _, name := range o.names() {
		p := o.peers[name]
		if p.ended {
			d.Left = append(d.Left, Left{*p.member, p.row.Reason})
			p.member = nil
		}
		if p.births > 0 && p.row.Up {
			now := p.row.Peer
			d.Joined = append(d.Joined, Joined{now, p.births - 1, p.ever})
			p.member, p.ever = &now, true
		} else if p.births > 0 {
			d.Flapped = append(d.Flapped, Flap{p.row.Peer, p.births, p.row.Reason})
		}
		p.births, p.ended = 0, false
	}
	return d
}

// members is the set as it really is at this instant.
func (o *oracle) members() []Peer {
	peers := []Peer{}
	for _, name := range o.names() {
		if p := o.peers[name]; p.row.Up {
			peers = append(peers, p.row.Peer)
		}
	}
	return peers
}

// sights counts what a run met. A run that never met one of them proved less
// than it claims, so the tests demand all of them.
type sights struct {
	polls, unchanged, pairs, coalesced, flapped, leftFlapped, rejoined, restarted, forgotten int
}

func (s *sights) note(d Delta) {
	s.polls++
	if d.Empty() {
		s.unchanged++
	}
	for _, j := range d.Joined {
		if i, ok := leftIndex(d, j.Name); ok {
			s.pairs++
			s.restarted += b2i(d.Left[i].Creation != j.Creation)
		}
		s.coalesced += b2i(j.Coalesced > 0)
		s.rejoined += b2i(j.Rejoin)
	}
	for _, f := range d.Flapped {
		_, ok := leftIndex(d, f.Name)
		s.leftFlapped += b2i(ok)
		s.flapped++
	}
}

func leftIndex(d Delta, name string) (int, bool) {
	return slices.BinarySearchFunc(d.Left, name, func(l Left, name string) int {
		return strings.Compare(l.Name, name)
	})
}

func (s *sights) vacuous() bool {
	return min(s.unchanged, s.pairs, s.coalesced, s.flapped, s.leftFlapped, s.rejoined, s.restarted, s.forgotten) == 0
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// schedule is one run: events and polls in an order that pick decides; pick(n)
// is a number below n. Two trackers watch the same table. One is polled when
// the schedule says so, the other is nudged: polled after each event as well.
type schedule struct {
	pick           func(n int) int
	log            func(format string, args ...any)
	truth          *oracle
	polled, nudged observed
	sights         *sights
}

func newSchedule(pick func(int) int, log func(string, ...any), s *sights) *schedule {
	return &schedule{pick, log, newOracle(), newObserved(), newObserved(), s}
}

var (
	modelNames   = []string{"a@h", "b@h", "c@h"}
	modelReasons = []string{"eof", "reset", "tick_timeout", "goodbye"}
)

func (s *schedule) run() error {
	for range 4 + s.pick(28) {
		if err := s.step(); err != nil {
			return err
		}
	}
	if err := s.poll(); err != nil {
		return err
	}
	return s.settled()
}

// step does one thing that can happen; born and died outweigh the others.
func (s *schedule) step() error {
	name := modelNames[s.pick(len(modelNames))]
	switch n := s.pick(16); {
	case n < 6:
		creation := uint32(1 + s.pick(2))
		s.log("link %s c%d", name, creation)
		s.truth.born(name, creation)
	case n < 11:
		reason := modelReasons[s.pick(len(modelReasons))]
		s.log("drop %s %s", name, reason)
		s.truth.died(name, reason)
	case n < 15:
		return s.poll()
	default:
		return s.forget(name, s.pick(2) == 0)
	}
	return s.nudge()
}

// nudge polls the one tracker and checks the other's laws, which an event
// without a poll must leave alone.
func (s *schedule) nudge() error {
	if _, err := s.nudged.poll(s.truth.snapshot()); err != nil {
		return fmt.Errorf("nudged: %w", err)
	}
	return s.polled.ledger.laws(s.polled.Tracker)
}

func (s *schedule) poll() error {
	want := s.truth.poll()
	d, err := s.polled.poll(s.truth.snapshot())
	s.log("poll: %s", shown(d))
	if err != nil {
		return err
	}
	s.sights.note(d)
	if !sameDelta(d, want) {
		return fmt.Errorf("delta:\n%swant:\n%s", shown(d), shown(want))
	}
	return s.nudge()
}

// forget polls, so that nothing is pending, and then forgets a name that is
// down; the record goes before the row or after it.
func (s *schedule) forget(name string, rowFirst bool) error {
	if err := s.poll(); err != nil {
		return err
	}
	p := s.truth.peers[name]
	if p == nil || p.row.Up {
		if s.polled.forget(name) {
			return fmt.Errorf("forgot %s: known %t", name, p != nil)
		}
		return nil
	}
	s.log("forget %s, row first %t", name, rowFirst)
	s.sights.forgotten++
	if rowFirst {
		s.truth.forget(name)
	}
	if !s.polled.forget(name) || !s.nudged.forget(name) {
		return fmt.Errorf("forget %s refused", name)
	}
	if !rowFirst {
		s.truth.forget(name)
	}
	return s.forgotten(name)
}

// forgotten polls both trackers: the name leaves no trace and no delta.
func (s *schedule) forgotten(name string) error {
	for _, o := range []observed{s.polled, s.nudged} {
		d, err := o.poll(s.truth.snapshot())
		if err != nil {
			return err
		}
		if !d.Empty() || o.Counts(name) != (Counts{}) {
			return fmt.Errorf("forgot %s: %+v left, delta %s", name, o.Counts(name), shown(d))
		}
	}
	return s.nudge()
}

// settled holds both trackers against the truth once everything was polled.
func (s *schedule) settled() error {
	want := s.truth.members()
	if got := s.polled.Peers(); !slices.Equal(got, want) {
		return fmt.Errorf("members %+v, want %+v", got, want)
	}
	if got := s.nudged.Peers(); !slices.Equal(got, want) {
		return fmt.Errorf("nudged members %+v, want %+v", got, want)
	}
	for _, name := range modelNames {
		a, b := s.polled.Counts(name), s.nudged.Counts(name)
		if a.Generation != b.Generation || a.Unnumbered+b.Unnumbered != 0 {
			return fmt.Errorf("%s: counts %+v, nudged %+v", name, a, b)
		}
	}
	return nil
}
