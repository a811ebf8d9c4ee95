package node

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// simWatch follows one life's events and holds them against the laws. Only its
// own goroutine writes; the checker reads when that has nothing to do.
type simWatch struct {
	l       *simLife
	n       *Node
	seq     uint64
	listed  map[string]State
	members map[string]Peer // as they joined
	last    map[string]Peer // the last member of a name
	down    Event           // the last peer.down
}

func newSimWatch(l *simLife, n *Node) *simWatch {
	s := &simWatch{l: l, n: n, listed: map[string]State{}, members: map[string]Peer{}, last: map[string]Peer{}}
	w := n.Watch(0)
	go func() {
		for {
			ev, err := w.Next(context.Background())
			if err != nil {
				return
			}
			s.take(ev)
		}
	}()
	return s
}

func (s *simWatch) fail(ev Event, format string, args ...any) {
	s.l.w.fail("%s: event %d %s of %s: %s", s.l.spot.name, ev.Seq, ev.Type, ev.Peer.Name, fmt.Sprintf(format, args...))
}

// simEvents are the laws of each event.
var simEvents = map[EventType]func(*simWatch, Event){
	EventSnapshotPeer: func(s *simWatch, ev Event) { s.listed[ev.Peer.Name] = ev.Peer.State },
	EventSnapshotEnd:  func(*simWatch, Event) {},
	EventJoin:         (*simWatch).joined,
	EventRejoin:       (*simWatch).joined,
	EventLeave:        (*simWatch).left,
	EventDown:         (*simWatch).left,
	EventState:        (*simWatch).state,
	EventForget:       (*simWatch).forgotten,
	EventSubAdd:       (*simWatch).subs,
	EventSubRemove:    (*simWatch).subs,
	EventStopping:     func(*simWatch, Event) {},
	EventGap: func(s *simWatch, ev Event) {
		s.l.w.saw("watcher gap")
		clear(s.listed)
		clear(s.members)
	},
}

func (s *simWatch) take(ev Event) {
	row, ok := simEvents[ev.Type]
	if !ok {
		s.fail(ev, "unknown")
		return
	}
	if numbered := ev.Type != EventSnapshotPeer && ev.Type != EventSnapshotEnd; numbered && ev.Type != EventGap && ev.Seq != s.seq+1 {
		s.fail(ev, "after %d", s.seq)
	}
	s.seq = ev.Seq
	if ev.Type != EventSubAdd && ev.Type != EventSubRemove {
		s.l.w.note("  %s (%d): %d %s %s/%d/%d %s %s %s", s.l.spot.name, s.l.number, ev.Seq, ev.Type, ev.Peer.Name, ev.Peer.Creation, ev.Peer.Generation, ev.Peer.State, ev.Reason, ev.Detail)
	}
	row(s, ev)
}

// joined: never twice, and never an old generation again.
func (s *simWatch) joined(ev Event) {
	name := ev.Peer.Name
	if m, ok := s.members[name]; ok {
		s.fail(ev, "it is a member already, as %d/%d", m.Creation, m.Generation)
	}
	last, known := s.last[name]
	if known && ev.Peer.Generation <= last.Generation {
		s.fail(ev, "generation %d after %d", ev.Peer.Generation, last.Generation)
	}
	if (ev.Type == EventRejoin) != known {
		s.fail(ev, "known before is %t", known)
	}
	if s.down.Seq == ev.Seq-1 && s.down.Peer.Name == name && s.down.Reason == "replaced" {
		s.l.w.saw("replaced")
		if s.down.Peer.Creation != ev.Peer.Creation {
			s.l.w.saw("takeover by a new life")
		}
	}
	s.listed[name], s.members[name], s.last[name] = ev.Peer.State, ev.Peer, ev.Peer
}

// left: only members leave, as who they joined.
func (s *simWatch) left(ev Event) {
	name := ev.Peer.Name
	m, ok := s.members[name]
	if !ok {
		s.fail(ev, "it is no member")
	}
	if ev.Peer.Generation != m.Generation || ev.Peer.Creation != m.Creation {
		s.fail(ev, "it leaves as %d/%d and joined as %d/%d", ev.Peer.Creation, ev.Peer.Generation, m.Creation, m.Generation)
	}
	if s.listed[name] == StateSuspect {
		s.l.w.saw("suspect, then down")
	}
	s.l.w.saw("left: " + ev.Reason)
	delete(s.members, name)
	s.listed[name], s.down = ev.Peer.State, ev
}

func (s *simWatch) state(ev Event) {
	name := ev.Peer.Name
	if s.listed[name] == StateSuspect && ev.Peer.State == StateUp {
		s.l.w.saw("suspect, then up")
	}
	if _, ok := s.members[name]; ok != (ev.Peer.State == StateUp || ev.Peer.State == StateSuspect) {
		s.fail(ev, "state %s, member is %t", ev.Peer.State, ok)
	}
	s.listed[name] = ev.Peer.State
}

func (s *simWatch) forgotten(ev Event) {
	if _, ok := s.members[ev.Peer.Name]; ok {
		s.fail(ev, "it is a member")
	}
	s.l.w.saw("peer forgotten")
	delete(s.listed, ev.Peer.Name)
	delete(s.last, ev.Peer.Name) // its generations start over
}

// subs: the channels of a peer are told after its join and before its end.
func (s *simWatch) subs(ev Event) {
	if _, ok := s.members[ev.Peer.Name]; !ok && ev.Peer.Name != s.n.name {
		s.fail(ev, "it is no member")
	}
}

// check compares what the events add up to with what the node says.
func (s *simWatch) check() {
	said := map[string]State{}
	for _, p := range s.n.Peers() {
		said[p.Name] = p.State
	}
	if !maps.Equal(said, s.listed) {
		s.l.w.fail("%s: events say %v, Peers %v", s.l.spot.name, s.listed, said)
	}
	if names := slices.Sorted(maps.Keys(s.members)); !slices.Equal(names, s.n.PeerNames()) {
		s.l.w.fail("%s: events say members %v, PeerNames %v", s.l.spot.name, names, s.n.PeerNames())
	}
}
