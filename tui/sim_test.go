package tui

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// sim is a node with many peers. Behind a control server it is what the screen
// sees of a real one: lists that differ each time, and a stream of events.
type sim struct {
	control.Backend // what only changes a cluster is not there
	now             func() time.Time
	quiet           bool // no messages

	mu       sync.Mutex
	rng      *rand.Rand
	boot     string
	started  time.Time
	peers    []control.Peer // by name
	channels []control.Channel
	events   []control.Event // all, so that any reader can resume
	more     chan struct{}   // closed and replaced when an event comes
}

// newSim makes a node with n peers: of each hundred 94 up, 2 of those flapping,
// 3 down, 2 dialling, 1 that left.
func newSim(n int, now func() time.Time) *sim {
	s := &sim{now: now, rng: rand.New(rand.NewPCG(1, 2)), boot: "7f3a", started: now(), more: make(chan struct{})}
	for i := range n {
		s.peers = append(s.peers, s.peer(i))
	}
	for i := range min(n, 200) {
		s.channels = append(s.channels, control.Channel{
			Name: fmt.Sprintf("channel-%03d", i), Subscribers: i % 7, Nodes: i % 5, InRate: float64(i), OutRate: float64(2 * i),
			Last: ptr(now()), Members: []control.ChannelMember{{Node: "n00001@dev", Subscribers: 2, Kind: "liminal"}},
		})
	}
	return s
}

func (s *sim) peer(i int) control.Peer {
	p := control.Peer{
		Name: fmt.Sprintf("n%05d@dev", i), State: stateUp, Kind: []string{"liminal", "otp"}[i%2],
		Address: ptr(fmt.Sprintf("10.0.%d.%d:9100", i/250, i%250)), Since: ptr(s.started.Add(-time.Duration(i+60) * time.Minute)),
		RTTMicros: ptr(int64(200 + i%3000)), Flaps: i % 5, Hidden: i%50 == 7, Flapping: i%100 == 11 || i%100 == 12,
		Generation: 1, Changed: ptr(s.started.Add(-time.Duration(i+2) * time.Minute)), Subs: i % 4, Version: ptr("0.1.0"),
	}
	switch {
	case i%100 < 3:
		p.State, p.Reason, p.Since, p.RTTMicros = stateDown, ptr("no tick for 60 s"), nil, nil
		p.Note = ptr("connection refused, 3 tries, next in 8 s")
	case i%100 < 5:
		p.State, p.Since, p.RTTMicros = stateDialling, nil, nil
	case i%100 < 6:
		p.State, p.Reason, p.Since, p.RTTMicros = stateLeft, ptr("said goodbye"), nil, nil
	}
	return p
}

func (s *sim) Status(context.Context) (control.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return control.Status{
		Schema: control.SchemaStatus, Node: "a@dev", State: "up", Health: "healthy", Version: "0.1.0", PID: 1, Names: "short",
		Boot: s.boot, Started: s.started, Listen: []string{"127.0.0.1:40121"}, Loopback: true, EventSeq: uint64(len(s.events)),
		Channels: control.ChannelCounts{Channels: len(s.channels), InRate: 31, OutRate: 44},
	}, nil
}

// Peers gives the list with round trip times and traffic that have moved on.
func (s *sim) Peers(_ context.Context, f control.Filter) (control.Peers, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.peers {
		if p := &s.peers[i]; isUp(p.State) {
			p.RTTMicros = ptr(max(*p.RTTMicros+s.rng.Int64N(41)-20, 50))
			if !s.quiet {
				p.In, p.Out = p.In+s.rng.Uint64N(20), p.Out+s.rng.Uint64N(20)
			}
		}
	}
	peers, err := f.Apply(s.peers)
	return control.Peers{Schema: control.SchemaPeers, Node: "a@dev", Time: s.now(), Peers: peers}, err
}

func (s *sim) Channels(context.Context, []string) (control.Channels, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return control.Channels{Schema: control.SchemaChannels, Node: "a@dev", Time: s.now(), Channels: slices.Clone(s.channels)}, nil
}

// Watch emits a snapshot, or what came after r.Since of this boot, and goes on.
func (s *sim) Watch(ctx context.Context, r control.WatchRequest, emit func(control.Event) error) error {
	s.mu.Lock()
	next := len(s.events)
	list := s.snapshot()
	if r.Last > 0 {
		next, list = 0, []control.Event{{Type: control.EventBookmark, Seq: uint64(next), Boot: s.boot, Time: s.now()}}
		if len(s.events) > 0 {
			list = nil
		}
	}
	if r.Resume && r.Boot == s.boot && r.Since <= uint64(next) {
		next, list = int(r.Since), nil
	}
	s.mu.Unlock()
	for {
		for _, e := range list {
			if err := emit(e); err != nil {
				return err
			}
		}
		s.mu.Lock()
		list, next = slices.Clone(s.events[next:]), len(s.events)
		more := s.more
		s.mu.Unlock()
		if len(list) > 0 {
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *sim) snapshot() []control.Event {
	var list []control.Event
	seq, at := uint64(len(s.events)), s.now()
	for _, p := range s.peers {
		e := control.Event{
			Type: control.EventSnapshotPeer, Seq: seq, Boot: s.boot, Time: at, Name: p.Name, State: p.State, Kind: p.Kind,
			Address: *p.Address, RTTMicros: p.RTTMicros, Flaps: ptr(p.Flaps), Generation: p.Generation,
		}
		if p.Reason != nil {
			e.Reason = *p.Reason
		}
		list = append(list, e)
	}
	return append(list, control.Event{Type: control.EventSnapshotEnd, Seq: seq, Boot: s.boot, Time: at, Peers: ptr(len(s.peers))})
}

// happen makes one event at random and gives it: a loss, a return, a subscription.
func (s *sim) happen() control.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &s.peers[s.rng.IntN(len(s.peers))]
	e := control.Event{Seq: uint64(len(s.events) + 1), Boot: s.boot, Time: s.now(), Name: p.Name, Kind: p.Kind, Address: *p.Address}
	switch roll := s.rng.IntN(3); {
	case !isUp(p.State):
		p.State, p.RTTMicros, p.Since, p.Reason, p.Note = stateUp, ptr(int64(300)), ptr(e.Time), nil, nil
		p.Generation++
		e.Type, e.AwayMillis = control.EventRejoin, ptr(int64(4100))
	case roll == 0:
		p.Subs++
		e.Type, e.Channel, e.Subs = control.EventSubAdd, "orders", ptr(p.Subs)
	default:
		p.State, p.RTTMicros, p.Since, p.Reason = stateDown, nil, nil, ptr("no tick for 60 s")
		p.Flaps++
		e.Type, e.Reason, e.Detail = control.EventDown, "tick_timeout", "no tick for 60 s"
	}
	p.Changed = ptr(e.Time)
	e.State, e.Flaps, e.Generation = p.State, ptr(p.Flaps), p.Generation
	s.events = append(s.events, e)
	close(s.more)
	s.more = make(chan struct{})
	return e
}

// serve puts the node behind a control socket until the test ends.
func (s *sim) serve(t testing.TB) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "lim") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(dir, "a.sock")
	ln, err := control.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	server := control.NewServer(s, nil)
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
		os.RemoveAll(dir)
	})
	return socket
}
