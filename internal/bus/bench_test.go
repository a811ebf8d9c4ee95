package bus

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

var sizes = []int{16, 128, 1 << 10, 16 << 10}

// BenchmarkDeliver is one deliverer and one subscriber that reads batches.
func BenchmarkDeliver(b *testing.B) { benchSizes(b, 1) }

// BenchmarkFanOut is the same with eight subscribers; one op is one message.
func BenchmarkFanOut8(b *testing.B) { benchSizes(b, 8) }

func benchSizes(b *testing.B, subs int) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) { benchDeliver(b, subs, size) })
	}
}

// benchDeliver delivers no faster than the readers read, by the policy Block,
// so that every message is read: dropping is cheaper.
func benchDeliver(b *testing.B, subs, size int) {
	bus := New(Options{Queue: 16_384})
	var readers sync.WaitGroup
	c := bus.Channel("bench")
	for range subs {
		s := bus.NewSubscriber(SubscriberOptions{Policy: Block})
		bus.Attach(s, "bench")
		readers.Go(func() { readAll(s, 256) })
	}
	m := Incoming{From: "a@h", ID: []byte("0123456789abcdef"), Payload: make([]byte, size)}
	b.ReportAllocs()
	b.SetBytes(int64(size))
	for b.Loop() {
		m.Seq++
		if took, err := c.DeliverWait(context.Background(), m); err != nil || took.Enqueued != subs {
			b.Fatal(took, err)
		}
	}
	bus.Close()
	readers.Wait()
}

// readAll reads until the end and says how many messages there were.
func readAll(s *Subscriber, batch int) (n int) {
	dst := make([]Message, batch)
	for {
		k, err := s.Batch(context.Background(), dst)
		if err != nil {
			return n
		}
		n += k
	}
}

// BenchmarkDeliverFull is a queue that nobody reads.
func BenchmarkDeliverFull(b *testing.B) {
	bus := New(Options{Queue: 1024})
	s := bus.NewSubscriber(SubscriberOptions{})
	c, _ := bus.Attach(s, "bench")
	m := Incoming{From: "a@h", ID: []byte("0123456789abcdef"), Payload: make([]byte, 128)}
	b.ReportAllocs()
	for b.Loop() {
		c.Deliver(m)
	}
}

// BenchmarkDeliverNobody is a channel without subscribers.
func BenchmarkDeliverNobody(b *testing.B) {
	c := New(Options{}).Channel("bench")
	m := Incoming{From: "a@h", ID: []byte("0123456789abcdef"), Payload: make([]byte, 128)}
	b.ReportAllocs()
	for b.Loop() {
		c.Deliver(m)
	}
}

// BenchmarkNext is a deliverer and a reader that take turns in one goroutine.
func BenchmarkNext(b *testing.B) {
	bus := New(Options{})
	s := bus.NewSubscriber(SubscriberOptions{})
	c, _ := bus.Attach(s, "bench")
	m := Incoming{From: "a@h", ID: []byte("0123456789abcdef"), Payload: make([]byte, 128)}
	b.ReportAllocs()
	for b.Loop() {
		c.Deliver(m)
		if _, err := s.Next(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	bus := New(Options{})
	s := bus.NewSubscriber(SubscriberOptions{})
	for i := range 1000 {
		bus.Attach(s, fmt.Sprint(i))
	}
	b.ReportAllocs()
	for i := uint32(0); b.Loop(); i++ {
		if bus.Lookup(firstID+i%1000, 0) == nil {
			b.Fatal(i)
		}
	}
}

// BenchmarkSample is what 10,000 channels at rest cost, and 1,000 in use.
func BenchmarkSample(b *testing.B) {
	bus := New(Options{})
	s := bus.NewSubscriber(SubscriberOptions{})
	var all []*Channel
	for i := range 10_000 {
		c, _ := bus.Attach(s, fmt.Sprint(i))
		all = append(all, c)
	}
	now := time.Unix(0, 0)
	run := func(busy int) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, c := range all[:busy] {
					c.Sent(1)
				}
				now = now.Add(time.Second)
				bus.Sample(now)
			}
		}
	}
	b.Run("idle", run(0))
	b.Run("busy", run(1000))
}

// BenchmarkDetach is the end of all subscribers of one channel, one by one; one op
// is one subscriber.
func BenchmarkDetach(b *testing.B) {
	for _, n := range []int{1, 100, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			bus := New(Options{})
			subs := make([]*Subscriber, n)
			for done := 0; done < b.N; done += n {
				b.StopTimer()
				for i := range subs {
					subs[i] = bus.NewSubscriber(SubscriberOptions{})
					bus.Attach(subs[i], "bench")
				}
				b.StartTimer()
				for _, s := range subs {
					bus.Detach(s)
				}
			}
		})
	}
}
