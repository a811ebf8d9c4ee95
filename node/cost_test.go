package node

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/perf"
)

// settle waits until all know all, hellos and syncs are out, and no probe is.
func (m *meteredNodes) settle() {
	m.t.Helper()
	for range 100 {
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if m.whole() {
			return
		}
	}
	m.t.Fatal("the nodes do not all know each other after 10 s")
}

func (m *meteredNodes) whole() bool {
	for _, n := range m.nodes {
		up := 0
		for _, p := range n.Peers() {
			if p.State == StateUp {
				up++
			}
		}
		if up != len(m.nodes)-1 {
			return false
		}
	}
	return true
}

// subscribed makes the nodes from the second on subscribers of a channel.
func (m *meteredNodes) subscribed(channel string) (subs []*Subscription) {
	for _, n := range m.nodes[1:] {
		subs = append(subs, subscribe(m.t, n, channel))
	}
	time.Sleep(10 * time.Millisecond) // the first node has heard of them
	return subs
}

func (m *meteredNodes) publisher(channel string) *Publisher {
	p, err := m.nodes[0].Publisher(channel)
	if err != nil {
		m.t.Fatal(err)
	}
	return p
}

func (m *meteredNodes) publish(p *Publisher, payload []byte) {
	if err := p.Publish(m.t.Context(), payload); err != nil {
		m.t.Fatal(err)
	}
}

// A message that comes alone is one write and one read, at once.
func TestCostOfALoneMessage(t *testing.T) {
	metered(t, 2, func(t *testing.T, m *meteredNodes) {
		subs, p := m.subscribed("x"), m.publisher("x")
		defer p.Close()
		before, at := m.sums(), time.Now()
		m.publish(p, make([]byte, 128))
		if _, err := subs[0].Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		after := m.sums()
		if took := time.Since(at); took > time.Millisecond {
			t.Errorf("it took %v, on a network that takes a tenth of a millisecond", took)
		}
		sent, got := after[0].minus(before[0]), after[1].minus(before[1])
		perf.Most(t, "node.lone.writes", float64(sent.writes))
		perf.Most(t, "node.lone.reads", float64(got.reads))
		perf.Most(t, "node.lone.bytes", float64(sent.out-128))
	})
}

// Messages that are published while a write is under way share the next ones.
func TestCostOfABurst(t *testing.T) {
	metered(t, 2, func(t *testing.T, m *meteredNodes) {
		subs, p := m.subscribed("x"), m.publisher("x")
		defer p.Close()
		before := m.sums()
		release := m.meters[0].holdWrites()
		const count = 8_000 // the queue holds them all
		m.publish(p, make([]byte, 128))
		synctest.Wait() // it is in the write that waits
		for range count - 1 {
			m.publish(p, make([]byte, 128))
		}
		release()
		batch := make([]Message, 256)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for got := 0; got < count; {
			k, err := subs[0].Batch(ctx, batch)
			if err != nil {
				t.Fatalf("%v after %d of %d messages: %+v", err, got, count, p.Receipt())
			}
			for _, msg := range batch[:k] {
				got += 1 + int(msg.Lost) // who reads may be slower
			}
		}
		after := m.sums()
		sent := after[0].minus(before[0])
		perf.Most(t, "node.burst.writes", float64(sent.writes))
		perf.Most(t, "node.burst.bytes", float64(sent.out)/count-128)
		perf.Most(t, "node.burst.reads", float64(after[1].minus(before[1]).reads))
	})
}

// A message to eight nodes is eight writes.
func TestCostOfFanOut(t *testing.T) {
	metered(t, 9, func(t *testing.T, m *meteredNodes) {
		subs, p := m.subscribed("x"), m.publisher("x")
		defer p.Close()
		before := m.sums()
		m.publish(p, make([]byte, 128))
		for _, s := range subs {
			if _, err := s.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		sent := m.sums()[0].minus(before[0])
		perf.Most(t, "node.fanout8.writes", float64(sent.writes))
	})
}

// What a newcomer is told of 10,000 channels.
func TestCostOfBackfill(t *testing.T) {
	metered(t, 1, func(t *testing.T, m *meteredNodes) {
		const count = 10_000
		for i := range count {
			subscribe(t, m.nodes[0], channelNumber(i))
		}
		m.add()
		m.settle()
		sent := m.sums()[0]
		perf.Most(t, "node.backfill10k.writes", float64(sent.writes))
		perf.Most(t, "node.backfill10k.bytes", float64(sent.out)/count)
		if known := m.nodes[1].Peers(); len(known) != 1 || known[0].Subs != count {
			t.Fatalf("the newcomer knows %+v", known)
		}
	})
}

func channelNumber(i int) string {
	const digits = "0123456789"
	return "channel-" + string([]byte{digits[i/1000%10], digits[i/100%10], digits[i/10%10], digits[i%10]})
}

// Eight nodes that start at one moment through one seed.
func TestCostOfAJoin(t *testing.T) {
	metered(t, 8, func(t *testing.T, m *meteredNodes) {
		var all asked
		for _, a := range m.sums() {
			all.count(a)
		}
		perf.Most(t, "node.join8.dials", float64(all.dials))
		perf.Most(t, "node.join8.writes", float64(all.writes))
		perf.Most(t, "node.join8.bytes", float64(all.out))
	})
}

func (a *asked) count(b asked) {
	a.dials += b.dials
	a.writes += b.writes
	a.reads += b.reads
	a.out += b.out
	a.in += b.in
}

// A node with seven peers and nothing to do: the first has the smallest name and
// so sends no probe of its own, the last sends all.
func TestCostAtRest(t *testing.T) {
	metered(t, 8, func(t *testing.T, m *meteredNodes) {
		time.Sleep(20 * time.Second) // what joining leaves to do is done
		before, polls := m.sums(), polled(m.nodes[0])
		time.Sleep(time.Minute)
		after := m.sums()
		var all asked
		for i := range after {
			all.count(after[i].minus(before[i]))
		}
		perf.Most(t, "node.rest7.polls", float64(polled(m.nodes[0])-polls))
		perf.Most(t, "node.rest7.writes", float64(all.writes)/8)
		perf.Most(t, "node.rest7.reads", float64(all.reads)/8)
		perf.Most(t, "node.rest7.bytes", float64(all.out)/8)
		perf.Most(t, "node.rest7.dials", float64(all.dials))
	})
}

// polled is how often a node has polled by the clock.
func polled(n *Node) (sum uint64) {
	for _, k := range n.Metrics().PollLate.Counts {
		sum += k
	}
	return sum
}

// A link is three goroutines at most.
func TestCostOfALink(t *testing.T) {
	metered(t, 1, func(t *testing.T, m *meteredNodes) {
		synctest.Wait()
		m.add()
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		alone := runtime.NumGoroutine()
		m.nodes[0].Leave(t.Context())
		time.Sleep(time.Second)
		synctest.Wait()
		perf.Most(t, "node.link.goroutines", float64(alone-runtime.NumGoroutine())/2)
	})
}
