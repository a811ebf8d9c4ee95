package node

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/liminal-bus/liminal/internal/dist"
)

// reader is what a client makes of a watch: rows by the events alone.
type reader struct {
	t      testing.TB
	w      *Watcher
	at     uint64
	states map[string]State
	subs   map[string]int
	kinds  map[EventType]int // how many there were
	seen   map[State]int     // how often a peer turned so
}

func newReader(t testing.TB, n *Node) *reader {
	r := &reader{t: t, w: n.Watch(0), states: map[string]State{}, subs: map[string]int{}, kinds: map[EventType]int{}, seen: map[State]int{}}
	for {
		ev := take(t, r.w)
		r.apply(ev)
		if ev.Type == EventSnapshotEnd {
			return r
		}
	}
}

func (r *reader) apply(ev Event) {
	r.at = ev.Seq
	r.kinds[ev.Type]++
	name := ev.Peer.Name
	switch ev.Type {
	case EventSnapshotPeer, EventJoin, EventRejoin, EventLeave, EventDown, EventState:
		if _, known := r.states[name]; !known && ev.Type != EventSnapshotPeer && ev.Type != EventJoin && ev.Type != EventState {
			r.t.Errorf("event %d, %s of %s, which was not listed", ev.Seq, ev.Type, name)
		}
		if ev.Type != EventState {
			r.subs[name] = ev.Peer.Subs
		}
		if was := r.states[name]; was == ev.Peer.State && ev.Type == EventState {
			r.t.Errorf("event %d: %s turned from %s to %s", ev.Seq, name, was, was)
		}
		r.states[name] = ev.Peer.State
		r.seen[ev.Peer.State]++
	case EventForget:
		if _, known := r.states[name]; !known {
			r.t.Errorf("event %d forgets %s, which was not listed", ev.Seq, name)
		}
		delete(r.states, name)
		delete(r.subs, name)
	case EventSubAdd, EventSubRemove:
		r.count(ev)
	}
}

// count holds the arithmetic of channels against itself.
func (r *reader) count(ev Event) {
	name, k := ev.Peer.Name, max(int(ev.Count), 1)
	if (ev.Channel == "") != (ev.Count > 0) {
		r.t.Errorf("%+v names a channel and counts, or neither", ev)
	}
	if name != r.w.n.name && r.states[name] != StateUp && r.states[name] != StateSuspect {
		r.t.Errorf("event %d: %s of %s, which is %q", ev.Seq, ev.Type, name, r.states[name])
	}
	if ev.Type == EventSubRemove {
		k = -k
	}
	if r.subs[name]+k != ev.Peer.Subs || ev.Peer.Subs < 0 {
		r.t.Errorf("event %d: %s was in %d channels, and after %+d in %d", ev.Seq, name, r.subs[name], k, ev.Peer.Subs)
	}
	r.subs[name] = ev.Peer.Subs
}

// check compares what was read with what the node lists, at one instant. It is
// the law of the feed, and holds at every moment.
func (r *reader) check() error {
	n := r.w.n
	n.mu.Lock()
	to, want, subs := n.feed.seq(), map[string]State{}, map[string]int{}
	for name, p := range n.peers {
		if p.listed {
			want[name], subs[name] = p.state, p.subs
		}
	}
	n.mu.Unlock()
	for r.at < to {
		r.apply(take(r.t, r.w))
	}
	if !maps.Equal(r.states, want) {
		return fmt.Errorf("after event %d a reader has\n%v, and listed are\n%v", to, r.states, want)
	}
	for name, k := range subs {
		if r.subs[name] != k {
			return fmt.Errorf("after event %d a reader has %s in %d channels, not %d", to, name, r.subs[name], k)
		}
	}
	return nil
}

// follow checks after each event, until ctx ends.
func (r *reader) follow(ctx context.Context) error {
	for {
		ev, err := r.w.Next(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		r.apply(ev)
		if err := r.check(); err != nil {
			return err
		}
	}
}

// stage is a node without a loop, driven step by step: time is what a step says
// it is, and a poll comes when a step asks for one.
type stage struct {
	n      *Node
	lights map[string]*light
	links  map[string]*dist.Link
	seeds  []string
	subs   []*Subscription
}

func newStage(t testing.TB) *stage {
	c := quiet(t, "m")
	c.Poll, c.Tick, c.NoNudge, c.Probe = time.Hour, 1000*time.Hour, true, time.Second
	return &stage{n: start(t, c), lights: map[string]*light{}, links: map[string]*dist.Link{}}
}

func (s *stage) up(t testing.TB, name string) {
	if s.lights[name] == nil {
		s.lights[name] = newLight(t, name, sayingHello)
	}
	if l := s.links[name]; l != nil {
		return
	}
	info, err := s.lights[name].table.Dial(t.Context(), within, s.n.listen[0], s.n.name)
	if err == nil {
		s.links[name] = info.Link
	}
}

func (s *stage) down(name string, reason dist.Reason) {
	if l := s.links[name]; l != nil {
		l.Close(reason, nil)
		<-l.Done()
		delete(s.links, name)
	}
}

// step does one thing that may change what is listed.
func (s *stage) step(t testing.TB, v uint32) {
	name := string(rune('a' + v>>8%5))
	full := name + "@127.0.0.1"
	n := s.n
	switch v % 16 {
	case 0, 1:
		s.up(t, name)
	case 2:
		s.down(name, dist.ReasonReset)
	case 3:
		s.down(name, dist.ReasonReset)
		s.up(t, name)
	case 4:
		if l := s.links[name]; l != nil {
			s.lights[name].say(l, goodbyeMessage)
			<-l.Done()
			delete(s.links, name)
		}
	case 5, 6, 7:
		n.PollOnce()
	case 8:
		n.told("x@127.0.0.1", full, "", 0)
	case 9:
		s.seeds = []string{full}
		_ = n.Reload(Settings{Seeds: s.seeds})
	case 10:
		_ = n.Reload(Settings{Seeds: []string{}})
	case 11: // long enough for two probes to be missed, and not to give up
		n.table.Beat(time.Now())
		n.watchPeers(time.Now().Add(90 * time.Minute))
	case 12:
		n.watchPeers(time.Now()) // who was silent is heard again
	case 13:
		_, _ = n.Forget(full)
	case 14:
		n.forgetOld(time.Now().Add(time.Duration(v>>16%2) * time.Hour))
	case 15:
		s.channels(v >> 16)
	}
}

func (s *stage) channels(v uint32) {
	if v%3 == 0 && len(s.subs) > 0 {
		s.subs[0].Close()
		s.subs = s.subs[1:]
		return
	}
	var names []string
	for i := range v % 40 {
		names = append(names, fmt.Sprint("channel ", (i+v)%50))
	}
	if sub, err := s.n.Subscribe(s.n.ctx, SubscribeOptions{}, append(names, "always")...); err == nil {
		s.subs = append(s.subs, sub)
	}
}

// Whatever happens, who applies the events to a snapshot has what is listed.
func TestFeedLaw(t *testing.T) {
	seen, states := map[EventType]int{}, map[State]int{}
	rapid.Check(t, func(rt *rapid.T) {
		s := newStage(t)
		defer s.n.Close()
		r := newReader(t, s.n)
		for i, v := range rapid.SliceOfN(rapid.Uint32(), 40, 60).Draw(rt, "steps") {
			v = (v ^ uint32(i)*0x85ebca6b) * 0x9e3779b1 // rapid prefers small numbers
			v = (v ^ v>>15) * 0xc2b2ae35
			s.step(t, v^v>>13)
			if err := r.check(); err != nil || t.Failed() {
				rt.Fatal(err)
			}
		}
		for k, c := range r.kinds {
			seen[k] += c
		}
		for s, c := range r.seen {
			states[s] += c
		}
	})
	for _, s := range []State{StateDialling, StateUp, StateSuspect, StateLeft, StateDown} {
		if states[s] == 0 {
			t.Errorf("no run ever had a peer that was %s: %v", s, states)
		}
	}
	for _, k := range []EventType{EventJoin, EventRejoin, EventLeave, EventDown, EventState, EventForget, EventSubAdd, EventSubRemove} {
		if seen[k] == 0 {
			t.Errorf("no run ever had a %s: %v", k, seen)
		}
	}
	t.Log(seen, states)
}

// The same of nodes that live: they come, go, are cut off and forget each other
// while a reader looks at every moment.
func TestFeedLawOfRealNodes(t *testing.T) {
	a := start(t, quiet(t, "a"))
	r := newReader(t, a)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	checked := make(chan error, 1)
	go func() { checked <- r.follow(ctx) }()
	for i := range 4 {
		b, c := start(t, quiet(t, "b", a.testAddr())), start(t, quiet(t, "c", a.testAddr()))
		allKnowAll(t, []*Node{a, b, c})
		subscribe(t, b, "one", "two", fmt.Sprint("round ", i))
		subscribe(t, a, "own")
		for _, l := range liveLinks(a) {
			l.Close(dist.ReasonReset, nil)
		}
		for _, n := range []*Node{a, b, c} {
			n.PollOnce()
		}
		allKnowAll(t, []*Node{a, b, c})
		b.Close()
		waitFor(t, a, "b is gone", hasPeers(c.name))
		a.table.Hold(c.name, time.Minute)
		c.Leave(t.Context())
		waitFor(t, a, "c is gone", hasPeers())
		c.Close()
		a.table.Hold(c.name, 0)
		if _, err := a.Forget("b"); err != nil {
			t.Error(err)
		}
	}
	stop()
	if err := <-checked; err != nil {
		t.Fatal(err)
	}
	a.PollOnce()
	if err := r.check(); err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, p := range a.Peers() {
		listed = append(listed, p.Name)
	}
	if got := slices.Sorted(maps.Keys(r.states)); !slices.Equal(got, listed) {
		t.Errorf("a reader has %v, Peers %v", got, listed)
	}
	for _, k := range []EventType{EventJoin, EventRejoin, EventForget, EventSubAdd} {
		if r.kinds[k] == 0 {
			t.Errorf("no %s: %v", k, r.kinds)
		}
	}
}
