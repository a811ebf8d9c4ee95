package node

import (
	"context"
	bits "encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/liminal-bus/liminal/internal/dist"
)

// slowReader reads a subscription in its own time until ctx ends, and counts.
type slowReader struct {
	s         *Subscription
	seed      uint64
	got, lost uint64
}

func (r *slowReader) run(ctx context.Context, t testing.TB) {
	rnd := rand.New(rand.NewPCG(r.seed, 1))
	batch := make([]Message, 64)
	last := map[byte]uint64{} // of each sender
	for {
		k, err := r.s.Batch(ctx, batch[:1+rnd.IntN(len(batch))])
		if err != nil {
			return
		}
		for _, m := range batch[:k] {
			r.got++
			r.lost += m.Lost
			from, number := m.Payload[0], bits.BigEndian.Uint64(m.Payload[1:])
			if number <= last[from] {
				t.Errorf("reader %d: sender %d has sent %d after %d", r.seed, from, number, last[from])
			}
			last[from] = number
		}
		for range rnd.IntN(200) {
			runtime.Gosched()
		}
	}
}

// sender is one publisher of the conservation test.
type sender struct {
	id   byte
	n    *Node
	p    *Publisher
	sent uint64
}

func (s *sender) send(t testing.TB, count int) {
	payload := make([]byte, 100)
	payload[0] = s.id
	for range count {
		s.sent++
		bits.BigEndian.PutUint64(payload[1:], s.sent)
		if err := s.p.Publish(t.Context(), payload); err != nil {
			t.Error(err)
			return
		}
	}
}

// F19: publishers on two nodes, slow readers with short queues on two others, and one
// link that is reset in the middle: nothing is lost without a count, and all
// counts agree.
func TestConservation(t *testing.T) {
	nodes := cluster(t, "p1", "p2", "s1", "s2")
	pubs, subs := nodes[:2], nodes[2:]
	var readers []*slowReader
	for i, n := range []*Node{subs[0], subs[0], subs[1], subs[1]} {
		s, err := n.Subscribe(t.Context(), SubscribeOptions{Queue: 20 + 100*i}, "x")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		readers = append(readers, &slowReader{s: s, seed: uint64(i)})
	}
	var senders []*sender
	for i := range 4 {
		n := pubs[i%2]
		await(t, n, "x", 2)
		p, err := n.Publisher("x")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		senders = append(senders, &sender{id: byte(i), n: n, p: p})
	}
	before := map[[2]string]*dist.Link{}
	for _, from := range pubs {
		for _, to := range subs {
			before[[2]string{from.name, to.name}] = linkTo(t, from, to.name)
		}
	}
	over := []*Subscription{subscribe(t, subs[0], "over"), subscribe(t, subs[1], "over")}
	var reading sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for _, r := range readers {
		reading.Go(func() { r.run(ctx, t) })
	}

	half := 10_000 // of each sender
	if longTests {
		half = 250_000
	}
	reset := [2]string{pubs[0].name, subs[0].name}
	publishHalf(t, senders, half, func() { before[reset].Close(dist.ReasonReset, nil) })
	for _, s := range senders {
		await(t, s.n, "x", 2)
	}
	publishHalf(t, senders, half, func() {})
	for _, s := range senders {
		if err := s.p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range pubs {
		await(t, n, "over", 2)
		publish(t, n, "over", "it comes behind all else")
	}
	for _, s := range over {
		arrived(t, s)
		arrived(t, s)
	}
	for _, r := range readers {
		waitFor(t, subs[0], "all is read", func(*Node) bool { _, _, _, queued := r.s.Stats(); return queued == 0 })
	}
	stop()
	reading.Wait()
	checkLinks(t, pubs, subs, senders, before, reset)
	checkReaders(t, readers, subs)
}

// publishHalf has all senders publish at once, and calls meanwhile in the middle
// of it.
func publishHalf(t testing.TB, senders []*sender, count int, meanwhile func()) {
	t.Helper()
	var wg sync.WaitGroup
	for i, s := range senders {
		wg.Go(func() {
			s.send(t, count/2)
			if i == 0 {
				meanwhile()
			}
			s.send(t, count-count/2)
		})
	}
	wg.Wait()
}

// checkLinks compares links with receipts and receivers.
func checkLinks(t testing.TB, pubs, subs []*Node, senders []*sender, before map[[2]string]*dist.Link, reset [2]string) {
	t.Helper()
	for _, to := range subs {
		sure, perhaps := uint64(0), uint64(0) // what must have come, and what may have
		for _, from := range pubs {
			way := [2]string{from.name, to.name}
			old, now := before[way], linkTo(t, from, to.name)
			if err := now.Flush(t.Context()); err != nil { // what has come may not be booked yet
				t.Fatal(err)
			}
			stats := lawful(t, fmt.Sprint(way), now)
			offered, lost := stats.Offered-1, publishDrops(stats) // the last one was on another channel
			sure += stats.Written - 1
			if (old != now) != (way == reset) {
				t.Errorf("%v: replaced is %t", way, old != now)
			}
			if old != now {
				gone := lawful(t, fmt.Sprint(way, " before"), old)
				offered += gone.Offered
				perhaps += gone.Written + gone.Dropped["in_flight"]
				lost += publishDrops(gone)
				t.Logf("%v: %d written, %v dropped before the reset, %d written after", way, gone.Written, gone.Dropped, stats.Written)
			}
			receiptsAgree(t, from, to, senders, offered, lost, old == now)
		}
		info, _ := to.bus.Info("x")
		if info.In < sure || info.In > sure+perhaps {
			t.Errorf("%s: %d came in, want %d, and up to %d more", to.name, info.In, sure, perhaps)
		}
	}
}

// receiptsAgree compares what was offered to the links from one node to another,
// and lost by them, with the receipts of its publishers.
func receiptsAgree(t testing.TB, from, to *Node, senders []*sender, offered, lost uint64, whole bool) {
	t.Helper()
	told, dropped, down := uint64(0), uint64(0), false
	for _, s := range senders {
		if s.n != from {
			continue
		}
		o := outcomeFor(t, s.p.Receipt(), to.name)
		told += o.Sent + o.Dropped
		dropped += o.Dropped
		down = down || o.Outcome == OutcomeLinkDown
		if whole && (o.Sent != s.sent || o.Outcome != OutcomeWritten) {
			t.Errorf("%s to %s: %+v, want %d sent and written", from.name, to.name, o, s.sent)
		}
	}
	if told != offered || dropped != lost || down != (lost > 0) {
		t.Errorf("%s to %s: the links were offered %d and dropped %d, receipts say %d and %d, link_down is %t",
			from.name, to.name, offered, lost, told, dropped, down)
	}
}

func outcomeFor(t testing.TB, r Receipt, peer string) PeerReceipt {
	t.Helper()
	for _, o := range r.Peers {
		if o.Node == peer {
			return o
		}
	}
	t.Fatalf("no %s in %+v", peer, r)
	return PeerReceipt{}
}

// checkReaders compares what each subscription says with what was read from it.
func checkReaders(t testing.TB, readers []*slowReader, subs []*Node) {
	t.Helper()
	dropped := uint64(0)
	for i, r := range readers {
		offered, out, lost, queued := r.s.Stats()
		info, _ := subs[i/2].bus.Info("x")
		if offered != info.In || offered != out+lost+uint64(queued) || queued != 0 {
			t.Errorf("reader %d: %d came in, offered %d = taken %d + dropped %d + queued %d", i, info.In, offered, out, lost, queued)
		}
		if out != r.got || lost != r.lost {
			t.Errorf("reader %d: took %d and was told of %d lost, want %d and %d", i, r.got, r.lost, out, lost)
		}
		dropped += lost
	}
	if dropped == 0 {
		t.Error("no reader was too slow: this proves little")
	}
}
