package node

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
)

// S4: what is decoded at one time is bounded for all links together, a message
// over 1 MiB has the decoder to itself, nobody starves, and short ones pass.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(gate)
		rng := rand.New(rand.NewPCG(1, 2))
		var inside, bytes, most, long atomic.Int64
		var readers sync.WaitGroup
		for i := range 200 {
			size := 1 + rng.IntN(300<<10)
			if i%20 == 0 {
				size = gateSize + rng.IntN(60<<20)
			}
			pause := time.Duration(rng.IntN(50)) * time.Millisecond
			readers.Go(func() {
				time.Sleep(pause)
				defer g.enter(size)()
				if size < gateFree {
					return
				}
				n, sum := inside.Add(1), bytes.Add(int64(size))
				most.Store(max(most.Load(), n))
				if size > gateSize {
					long.Add(1)
				}
				if sum > gateSize && n > 1 {
					t.Errorf("%d messages of %d bytes are decoded at once", n, sum)
				}
				time.Sleep(time.Duration(size>>10) * time.Microsecond)
				bytes.Add(-int64(size))
				inside.Add(-1)
			})
		}
		readers.Wait()
		if g.used != 0 || most.Load() < 3 || long.Load() != 10 {
			t.Errorf("%d bytes are still booked; at most %d at once, %d long ones", g.used, most.Load(), long.Load())
		}
		leave := g.enter(gateSize)
		g.enter(gateFree - 1)() // would wait for ever
		leave()
	})
}

// A message that is long waits for those before it, and those after it for it:
// who comes first is served first.
func TestGateKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(gate)
		leave := g.enter(gateSize / 2)
		var mu sync.Mutex
		var order []int
		var readers sync.WaitGroup
		for i, size := range []int{gateSize, gateFree, gateSize / 4} {
			readers.Go(func() {
				defer g.enter(size)()
				mu.Lock()
				order = append(order, i) // the first has it to itself, the others share it
				mu.Unlock()
				time.Sleep(time.Second)
			})
			synctest.Wait()
		}
		if len(order) > 0 {
			t.Fatalf("%v went past the one that waits for room", order)
		}
		leave()
		readers.Wait()
		if len(order) != 3 || order[0] != 0 {
			t.Errorf("served in the order %v", order)
		}
	})
}

// pubTerm is {pub, Channel, Payload} as an Erlang process sends it.
func pubTerm(t testing.TB, channel string, payload []byte) []byte {
	t.Helper()
	msg, err := etf.Append(nil, etf.Tuple{etf.Atom("pub"), etf.Binary(channel), etf.Binary(payload)})
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// What a peer may have published is counted in copies, by a clock that may stand
// still, and each link has its own account.
func TestPubRates(t *testing.T) {
	n, l := linkedNode(t)
	other := idleLink(t, n, "c@127.0.0.1")
	var p pubRates
	now := time.Unix(1000, 0)
	spent := func(l *dist.Link, copies int) (taken int, told bool) {
		for {
			ok, first := p.take(l, copies, now)
			if !ok {
				return taken, first
			}
			taken++
		}
	}
	for i, c := range []struct {
		l      *dist.Link
		pass   time.Duration
		copies int
		taken  int
		told   bool
	}{
		{l, 0, 1000, pubBurst / 1000, true},
		{l, 0, 1, 0, false},
		{other, 0, 300, (pubBurst + 299) / 300, true},
		{l, 10 * time.Millisecond, 100, pubRate / 100 / 100, false},
		{l, time.Second, 2 * pubRate, 1, false}, // more than there is room for, and taken
		{l, time.Second, 1, 0, false},           // pays for it
		{l, time.Second, 100, pubRate / 100, false},
		{l, -time.Hour, 1, 0, false},
		{l, 2 * time.Hour, 100, pubBurst / 100, true},
	} {
		now = now.Add(c.pass)
		if taken, told := spent(c.l, c.copies); taken != c.taken || told != c.told {
			t.Errorf("%d: %d were taken, told %t, want %d and %t", i, taken, told, c.taken, c.told)
		}
	}
	p.drop(l)
	p.drop(other)
	l.Close(dist.ReasonEOF, nil)
	if ok, _ := p.take(l, 1, now); ok || len(p.of) != 0 {
		t.Errorf("a link that has ended: taken %t, %d accounts", ok, len(p.of))
	}
}

// S20: a peer that floods us with messages to publish gets its share and no more;
// what is dropped is counted, told once, and another peer is not held to it.
func TestPubFloodIsBounded(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	s, err := n.Subscribe(t.Context(), SubscribeOptions{Queue: 10}, "x")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	p, other := newLight(t, "flood", sayingHello), newLight(t, "other", sayingHello)
	l, lo := p.dial(n), other.dial(n)
	waitFor(t, n, "both are up", hasPeers(p.name(), other.name()))
	n.pubs.take(linkTo(t, n, p.name()), pubBurst-100, time.Now()) // as if they were published
	const sent = 3_000
	msg := pubTerm(t, "x", []byte("one"))
	begin := time.Now()
	drain := func() uint64 { return info(n, "x").In + n.Status().Counters["dropped_pub_rate"] }
	n.pubs.mu.Lock() // no time passes for the account while it is emptied
	a := n.pubs.of[linkTo(t, n, p.name())]
	a.at = begin.Add(time.Hour)
	n.pubs.mu.Unlock()
	for range sent {
		p.say(l, msg)
	}
	waitFor(t, n, "all are accounted for", func(*Node) bool { return drain() == sent })
	if got := n.Status().Counters["dropped_pub_rate"]; got != sent-100 && got != sent-101 {
		t.Errorf("%d of %d were dropped, want all but about a hundred", got, sent)
	}
	for range 500 {
		other.say(lo, msg)
	}
	waitFor(t, n, "the other's are published", func(*Node) bool { return drain() == sent+500 })
	if got := n.Status().Counters["dropped_pub_rate"]; got > sent-100 {
		t.Errorf("some of the other peer's messages were dropped: %d in all", got)
	}
	l.Close(dist.ReasonClosed, nil)
	waitFor(t, n, "the flood has gone", hasPeers(other.name()))
	n.pubs.mu.Lock()
	defer n.pubs.mu.Unlock()
	if len(n.pubs.of) != 1 {
		t.Errorf("%d accounts after the end of one link", len(n.pubs.of))
	}
}
