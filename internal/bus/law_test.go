package bus

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// ledger is what one reader saw.
type ledger struct {
	read, lost uint64
	lastOf     [8]uint64 // by publisher: last Seq
	inversions int
	err        error
}

// note holds each message against the one before from the same publisher.
func (l *ledger) note(all []Message) {
	for _, m := range all {
		p := m.Payload[0]
		if m.Seq <= l.lastOf[p] || binary.BigEndian.Uint64(m.Payload[1:]) != m.Seq {
			l.inversions++
		}
		l.lastOf[p] = m.Seq
		l.read++
		l.lost += m.Lost
	}
}

// publish delivers n messages as publisher p, numbered from 1.
func publish(c *Channel, p byte, n int, send func(Incoming)) {
	payload := make([]byte, 9, 9+200)
	for seq := uint64(1); seq <= uint64(n); seq++ {
		payload[0] = p
		binary.BigEndian.PutUint64(payload[1:], seq)
		send(Incoming{From: "a@h", Payload: payload[:9+seq%200], Seq: seq})
	}
}

// F19: TestLaw is two million messages in bursts over queues of 1 MiB and less,
// read by readers that stall at random: what was accepted and what was dropped
// is what was offered, exactly, and what survives is in order.
func TestLaw(t *testing.T) {
	const publishers, subscribers = 4, 4
	each := 2_000_000 / publishers
	if raceEnabled || testing.Short() {
		each /= 40
	}
	b := New(Options{QueueBytes: 1 << 20})
	var subs []*Subscriber
	ledgers := make([]ledger, subscribers)
	var readers, writers sync.WaitGroup
	for i := range subscribers {
		s := subscribe(b, SubscriberOptions{Queue: 100 << (2 * i)}, "nums")
		subs = append(subs, s)
		readers.Go(func() { ledgers[i].slowly(s, uint64(i)) })
	}
	nums := b.Channel("nums")
	var enqueued, dropped atomic.Int64
	for p := range publishers {
		writers.Go(func() {
			publish(nums, byte(p), each, func(m Incoming) {
				took := nums.Deliver(m)
				enqueued.Add(int64(took.Enqueued))
				dropped.Add(int64(took.Dropped))
			})
		})
	}
	writers.Wait()
	b.Close()
	readers.Wait()
	total := uint64(publishers * each)
	var allDropped uint64
	for i, s := range subs {
		l := &ledgers[i]
		offered, taken, lost, queued := checkLaw(t, s)
		if offered != total || queued != 0 || taken != l.read || l.inversions != 0 || l.err != ErrClosed {
			t.Errorf("subscriber %d: offered %d of %d, queued %d, taken %d, read %d with %d inversions, %v",
				i, offered, total, queued, taken, l.read, l.inversions, l.err)
		}
		if s.lost != 0 || l.lost != lost {
			t.Errorf("subscriber %d: %d lost by the marks and %d after the last, but %d dropped", i, l.lost, s.lost, lost)
		}
		allDropped += lost
	}
	if allDropped == 0 {
		t.Error("nothing was dropped: the readers were not slow")
	}
	if e, d := uint64(enqueued.Load()), uint64(dropped.Load()); e != subscribers*total || d != allDropped {
		t.Errorf("deliverers were told of %d queued and %d dropped, want %d and %d", e, d, subscribers*total, allDropped)
	}
	checkCounters(t, b, map[string]uint64{"bus_offered": subscribers * total, "bus_dropped_oldest": allDropped, "bus_queued": 0})
	if i, _ := b.Info("nums"); i.In != total || i.Out != subscribers*total || i.Drops != allDropped || i.Queued != 0 {
		t.Errorf("the channel is %+v", i)
	}
}

// slowly reads batches of random size and now and then lets others go first
// many times.
func (l *ledger) slowly(s *Subscriber, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	dst := make([]Message, 512)
	for {
		n, err := s.Batch(context.Background(), dst[:1+r.IntN(len(dst))])
		if err != nil {
			l.err = err
			return
		}
		l.note(dst[:n])
		for range r.IntN(50) {
			runtime.Gosched()
		}
	}
}

// TestOrder is 8 publishers and 8 subscribers: no pair sees an inversion, and
// with publishers that wait nothing is lost.
func TestOrder(t *testing.T) {
	const publishers, subscribers = 8, 8
	each := 100_000
	if raceEnabled || testing.Short() {
		each /= 40
	}
	b := New(Options{Queue: 4096})
	ledgers := make([]ledger, subscribers)
	var readers, writers sync.WaitGroup
	for i := range subscribers {
		s := subscribe(b, SubscriberOptions{Policy: Block}, "nums")
		readers.Go(func() { ledgers[i].slowly(s, uint64(i)) })
	}
	nums := b.Channel("nums")
	for p := range publishers {
		writers.Go(func() {
			publish(nums, byte(p), each, func(m Incoming) {
				if _, err := nums.DeliverWait(context.Background(), m); err != nil {
					t.Error(err)
				}
			})
		})
	}
	writers.Wait()
	b.Close()
	readers.Wait()
	for i := range ledgers {
		if l := &ledgers[i]; l.read != publishers*uint64(each) || l.lost != 0 || l.inversions != 0 {
			t.Errorf("subscriber %d: %d read, %d lost, %d inversions", i, l.read, l.lost, l.inversions)
		}
	}
}

// TestComeAndGo attaches, detaches and closes while messages are delivered and
// publishers wait; the counters have to add up afterwards.
func TestComeAndGo(t *testing.T) {
	rounds := 2000
	if raceEnabled || testing.Short() {
		rounds = 200
	}
	var ran atomic.Int64
	var b *Bus
	b = New(Options{Queue: 16, Ended: func(s *Subscriber) { ran.Add(1); b.Detach(s) }})
	names := []string{"a", "b", "c"}
	stop, cancel := context.WithCancel(context.Background())
	var writers, visitors sync.WaitGroup
	for p := range 3 {
		writers.Go(func() {
			for seq := uint64(1); stop.Err() == nil; seq++ {
				if seq%64 == 0 {
					runtime.Gosched() // bursts, and yet a CPU for the visitors
				}
				c := b.Channel(names[seq%3])
				if p == 0 {
					c.Deliver(say(seq))
				} else {
					c.DeliverWait(stop, say(seq))
				}
			}
		})
	}
	for v := range 6 {
		visitors.Go(func() {
			for i := range rounds {
				visit(b, SubscriberOptions{Policy: Policy((v + i) % 3)}, names[:1+i%3])
			}
		})
	}
	visitors.Wait()
	last := subscribe(b, SubscriberOptions{Policy: Block}, "a")
	b.Close()
	cancel()
	writers.Wait()
	b.Detach(last)
	got := b.Counters()
	checkCounters(t, b, map[string]uint64{"bus_subscribers": 0, "bus_queued": 0})
	if got["bus_taken"] == 0 || got["bus_dropped_closed"] == 0 || got["bus_dropped_oldest"] == 0 || ran.Load() == 0 {
		t.Errorf("this tried too little: %v, %d disconnected", got, ran.Load())
	}
	for _, i := range b.List() {
		if i.Queued != 0 || i.Subscribers != 0 {
			t.Errorf("left over: %+v", i)
		}
	}
}

// visit reads a little and leaves, with a reader that Detach has to wake.
func visit(b *Bus, o SubscriberOptions, names []string) {
	s := subscribe(b, o, names...)
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			if _, err := s.Next(context.Background()); err != nil {
				return
			}
		}
	})
	for range 20 {
		runtime.Gosched()
	}
	b.Detach(s)
	reader.Wait()
}
