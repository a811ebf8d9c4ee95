package node

import (
	"context"
	bits "encoding/binary"
	"slices"
	"strings"
	"sync"
	"time"
)

// simChannels are few, so that they are shared.
var simChannels = []string{"a", "b", ":c"}

// simSource is one publisher on one channel: among its messages there is an order.
// Between channels there is none, since a long message is overtaken by short ones
// to other processes.
type simSource struct {
	life    uint32
	channel string
}

// simSub is a subscription and its reader.
type simSub struct {
	l     *simLife
	s     *Subscription
	names []string
	slow  time.Duration // between two messages; 0 reads at once

	mu        sync.Mutex
	got, lost uint64
	last      map[simSource]uint64 // number of the last message
	heard     map[uint32]int       // last words, by life
}

func (l *simLife) subscribe(n *Node, slow time.Duration, names ...string) *simSub {
	o := SubscribeOptions{}
	if slow > 0 {
		o.Queue = 4
	}
	sub, err := n.Subscribe(context.Background(), o, names...)
	if err != nil {
		if n.ctx.Err() == nil {
			l.w.fail("%s: subscribe: %v", l.spot.name, err)
		}
		return nil
	}
	s := &simSub{l: l, s: sub, names: names, slow: slow, last: map[simSource]uint64{}, heard: map[uint32]int{}}
	go s.readLoop(n)
	return s
}

func (s *simSub) readLoop(n *Node) {
	for {
		m, err := s.s.Next(context.Background())
		if err != nil {
			return
		}
		s.take(n, m)
		if s.slow > 0 {
			time.Sleep(s.slow)
		}
	}
}

// take: no message twice, none out of order, none over a link that is gone.
func (s *simSub) take(n *Node, m Message) {
	w, now := s.l.w, time.Now()
	number, count := bits.BigEndian.Uint32(m.Payload), bits.BigEndian.Uint64(m.Payload[4:])
	w.mu.Lock()
	from := w.lives[number]
	w.mu.Unlock()
	switch {
	case from == nil || from.spot.name != m.From:
		w.fail("%s: a message of life %d came from %s", s.l.spot.name, number, m.From)
		return
	case from != s.l && s.slow == 0 && !s.l.sane(n, from, now):
		row, _ := n.table.Lookup(m.From)
		w.fail("%s: message %d of %s/%d came without a link: %+v", s.l.spot.name, count, m.From, number, row)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	source := simSource{number, m.Channel}
	if count <= s.last[source] {
		w.fail("%s: message %d of %s/%d to %s came after %d", s.l.spot.name, count, m.From, number, m.Channel, s.last[source])
	}
	s.last[source] = count
	s.got, s.lost = s.got+1, s.lost+m.Lost
	if len(m.Payload) == lastWord {
		s.heard[number]++
	}
	if m.Lost > 0 {
		w.saw("subscriber gap")
	}
	if len(m.Payload) > 64<<10 && from != s.l {
		w.saw("message in fragments")
	}
}

// check: what a subscription was offered is somewhere.
func (s *simSub) check() {
	offered, taken, dropped, queued := s.s.Stats()
	if offered != taken+dropped+uint64(queued) {
		s.l.w.fail("%s: a subscription was offered %d = taken %d + dropped %d + queued %d", s.l.spot.name, offered, taken, dropped, queued)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if taken != s.got || s.lost > dropped {
		s.l.w.fail("%s: a subscription gave out %d, %d came; it lost %d, %d were told", s.l.spot.name, taken, s.got, dropped, s.lost)
	}
}

// simOrder asks a life to publish.
type simOrder struct {
	channel string
	size    int
	times   int
}

// ask queues an order, unless the publisher is far behind.
func (l *simLife) ask(o simOrder) {
	select {
	case l.orders <- o:
		l.asked.Add(1)
	default:
	}
}

// publishLoop is the one publisher of a life.
func (l *simLife) publishLoop() {
	count := uint64(0)
	for o := range l.orders {
		n := l.now()
		for i := 0; i < o.times && n != nil; i++ {
			count++
			payload := make([]byte, max(o.size, 12))
			bits.BigEndian.PutUint32(payload, l.number)
			bits.BigEndian.PutUint64(payload[4:], count)
			r, err := n.Publish(context.Background(), o.channel, payload)
			if err != nil {
				break // it is closing
			}
			l.account(r)
		}
		l.asked.Add(-1)
	}
}

// account: a receipt names what became of each copy.
func (l *simLife) account(r Receipt) {
	for _, p := range r.Peers {
		if p.Sent+p.Dropped != uint64(p.Members) || p.Members != 1 {
			l.w.fail("%s: published to %s: %+v", l.spot.name, p.Node, p)
		}
		l.w.saw("publish: " + string(p.Outcome))
	}
}

func simNames(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(slices.Clone(names), " ")
}
