package cli

import (
	"context"
	"sync"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// view tells the events of one node of the demo as that node sees them.
type view struct {
	service *service
	cancel  context.CancelFunc
	group   sync.WaitGroup
}

// end stops the telling and waits for it.
func (v *view) end() {
	v.cancel()
	v.group.Wait()
}

// demoEvent is one line of `liminal demo --json`.
type demoEvent struct {
	Observer string `json:"observer"`
	control.Event
}

func (d *demo) watch(name string, s *service) *view {
	ctx, cancel := context.WithCancel(context.Background())
	v := &view{service: s, cancel: cancel}
	w := s.Watch(0)
	v.group.Go(func() {
		defer w.Close()
		boot := bootText(s.Creation())
		for {
			e, err := w.Next(ctx)
			if err != nil {
				return // ended by us, or the node is closed
			}
			d.show(name, eventOf(e, boot))
		}
	})
	return v
}

// show prints the event before it counts as seen, so that the story never runs
// ahead of what can be read.
func (d *demo) show(observer string, e control.Event) {
	if d.out.form == formJSON {
		_ = d.out.json(demoEvent{observer, e}) // an Event always encodes
	} else {
		_ = d.out.event(e, observer)
	}
	d.seen.note(observer, e)
}

// pair is one node as another sees it, by short names.
type pair struct{ observer, other string }

// sightings are what each node last said of each other one.
type sightings struct {
	mu      sync.Mutex
	last    map[pair]string // join or leave
	changed chan struct{}   // closed and replaced at each change
}

func newSightings() *sightings {
	return &sightings{last: map[pair]string{}, changed: make(chan struct{})}
}

// sighted says what an event type amounts to for the story.
var sighted = map[node.EventType]string{
	node.EventJoin: "join", node.EventRejoin: "join", node.EventLeave: "leave", node.EventDown: "down",
}

func (s *sightings) note(observer string, e control.Event) {
	verb, ok := sighted[node.EventType(e.Type)]
	if e.Type == string(node.EventSnapshotPeer) && (e.State == "up" || e.State == "suspect") {
		verb, ok = "join", true
	}
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last[pair{observer, nameOf(e.Name)}] = verb
	close(s.changed)
	s.changed = make(chan struct{})
}

// forget drops what a node saw, since it is no more.
func (s *sightings) forget(observer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.last {
		if p.observer == observer {
			delete(s.last, p)
		}
	}
}

// missing gives the pairs of which verb was not the last word, and a channel
// that tells of the next change.
func (s *sightings) missing(verb string, pairs []pair) ([]pair, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var missing []pair
	for _, p := range pairs {
		if s.last[p] != verb {
			missing = append(missing, p)
		}
	}
	return missing, s.changed
}
