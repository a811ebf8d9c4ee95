package node

import (
	bits "encoding/binary"
	"slices"
	"testing"
	"time"
)

// paced publishes messages of that size to x for a while, some 500 a second, and
// measures how long each call took and when the message came out of s.
func paced(t *testing.T, n *Node, s *Subscription, size int, during time.Duration) (calls, ways []time.Duration, dropped uint64) {
	t.Helper()
	begin := time.Now()
	done := make(chan struct{})
	go func() { // ends with the message of no bytes
		defer close(done)
		for {
			m, err := s.Next(t.Context())
			if err != nil || len(m.Payload) == 0 {
				return
			}
			ways = append(ways, time.Since(begin)-time.Duration(bits.BigEndian.Uint64(m.Payload)))
		}
	}()
	payload, pace := make([]byte, size), time.NewTicker(2*time.Millisecond)
	defer pace.Stop()
	for time.Since(begin) < during {
		at := time.Since(begin)
		bits.BigEndian.PutUint64(payload, uint64(at))
		r, err := n.Publish(t.Context(), "x", payload)
		if err != nil {
			t.Fatal(err)
		}
		calls = append(calls, time.Since(begin)-at)
		dropped += r.Dropped
		<-pace.C
	}
	if _, err := n.Publish(t.Context(), "x", nil); err != nil {
		t.Fatal(err)
	}
	<-done
	slices.Sort(calls)
	slices.Sort(ways)
	return calls, ways, dropped
}

// F14: beside a peer that has stopped reading, another one has its messages as
// soon as before, each Publish waits 100 ms at most, and only the copies for the
// stalled peer are dropped.
func TestStalledPeerAndTheOthers(t *testing.T) {
	a, stalled, v := behindValve(t)
	healthy := testConfig(t, "healthy")
	healthy.NoMesh, healthy.Seeds = true, []string{a.testAddr()}
	b := start(t, healthy)
	subscribe(t, stalled, "x")
	s := subscribe(t, b, "x")
	await(t, a, "x", 2)
	during := time.Second
	if long() {
		during = 20 * time.Second
	}
	const size = 32 << 10
	paced(t, a, s, size, 100*time.Millisecond)
	calls, base, lost := paced(t, a, s, size, during)
	t.Logf("all read: call p50 %v, p99 %v, worst %v; way p50 %v, p99 %v, worst %v of %d", quantile(calls, 50), quantile(calls, 99), quantile(calls, 100),
		quantile(base, 50), quantile(base, 99), quantile(base, 100), len(base))
	if lost > 0 || len(base) != len(calls) {
		t.Fatalf("%d of %d came, %d were dropped, and nobody has stalled", len(base), len(calls), lost)
	}
	v.shut()
	for dropped := uint64(0); dropped == 0; {
		r, err := a.Publish(t.Context(), "x", make([]byte, size))
		if err != nil {
			t.Fatal(err)
		}
		dropped = r.Dropped
		arrived(t, s)
	}
	calls, ways, lost := paced(t, a, s, size, during)
	t.Logf("one stalled: call p50 %v, p99 %v, worst %v; way p50 %v, p99 %v, worst %v of %d, %d dropped", quantile(calls, 50), quantile(calls, 99), quantile(calls, 100),
		quantile(ways, 50), quantile(ways, 99), quantile(ways, 100), len(ways), lost)
	if len(ways) != len(calls) || lost == 0 {
		t.Errorf("%d of %d came, %d copies for the stalled peer were dropped", len(ways), len(calls), lost)
	}
	// The bounds hold alone; what is added is for a machine that does other things.
	if most := 2*quantile(base, 99) + 200*time.Millisecond; quantile(ways, 99) > most {
		t.Errorf("the healthy peer's p99 is %v, at most %v are allowed", quantile(ways, 99), most)
	}
	if most := fullWait + 400*time.Millisecond; quantile(calls, 99) > most {
		t.Errorf("a call took %v, at most %v are allowed", quantile(calls, 99), most)
	}
	lawful(t, "the stalled link", linkTo(t, a, stalled.name))
	v.release() // or Close would wait for it
}
