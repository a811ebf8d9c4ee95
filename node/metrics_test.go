package node

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// sumOf adds what a look at the metrics says of traffic.
func sumOf(m Metrics) (t PeerTraffic) {
	for i := range m.Peers {
		t.add(m.Peers[i].PeerTraffic)
	}
	return t
}

// TestCountersOnlyRise: while links end, peers fall, come back and are forgotten,
// no counter ever falls, and none is lost with the record of a peer.
func TestCountersOnlyRise(t *testing.T) {
	c := quiet(t, "a")
	c.ForgetAfter, c.Poll = time.Millisecond, 5*time.Millisecond
	n := start(t, c)
	stop, looked := make(chan struct{}), make(chan int)
	go func() { looked <- watchRise(t, n, stop) }()
	rounds := 40
	if testing.Short() {
		rounds = 10
	}
	for i := range rounds {
		p := newLight(t, fmt.Sprintf("p%d", i%4), sayingHello)
		l := p.dial(n)
		waitFor(t, n, "it is up", func(n *Node) bool { return len(n.PeerNames()) == 1 })
		l.Close(dist.ReasonReset, nil)
		waitFor(t, n, "it is forgotten", func(n *Node) bool { return len(n.PeerNames()) == 0 && (i%2 == 0 || len(n.Peers()) == 0) })
	}
	waitFor(t, n, "all are forgotten", func(n *Node) bool { return len(n.Peers()) == 0 })
	close(stop)
	looks := <-looked
	m := n.Metrics()
	if len(m.Peers) != 0 || m.All.BytesIn == 0 || m.All.BytesIn != m.Status.Counters["link_bytes_in"] || m.All.BytesOut != m.Status.Counters["link_bytes_out"] {
		t.Errorf("nobody is left: %d peers, %+v, links: %d in, %d out", len(m.Peers), m.All, m.Status.Counters["link_bytes_in"], m.Status.Counters["link_bytes_out"])
	}
	left := uint64(0)
	for name, v := range m.Status.Counters {
		if strings.HasPrefix(name, "peers_left_") {
			left += v
		}
	}
	if left != m.Status.Counters["peers_left"] || left != uint64(rounds) {
		t.Errorf("%d peers left by their reasons, %d in all, %d in truth", left, m.Status.Counters["peers_left"], rounds)
	}
	t.Logf("%d looks", looks)
}

// gauges are the values among the counters that may fall.
var gauges = map[string]bool{"looks": true, "bus_queued": true, "bus_subscribers": true, "bus_channels": true}

// watchRise reads the metrics over and over, and says how often it did.
func watchRise(t *testing.T, n *Node, stop <-chan struct{}) (looks int) {
	last := map[string]uint64{}
	for {
		m := n.Metrics()
		looks++
		now := m.Status.Counters
		now["all_in"], now["all_out"] = m.All.BytesIn, m.All.BytesOut
		for name, v := range now {
			if v < last[name] && !gauges[name] {
				t.Errorf("%s fell from %d to %d", name, last[name], v)
			}
			last[name] = v
		}
		if own := sumOf(m); own.BytesIn > m.All.BytesIn {
			t.Errorf("peers listed had %d bytes, all only %d", own.BytesIn, m.All.BytesIn)
		}
		select {
		case <-stop:
			return looks
		default:
		}
	}
}

// TestMetricsOfTraffic: what is published shows once, in messages and bytes, and
// with the peer it went to.
func TestMetricsOfTraffic(t *testing.T) {
	a := start(t, quiet(t, "a"))
	b := start(t, quiet(t, "b", a.testAddr()))
	sub := subscribe(t, b, "orders")
	await(t, a, "orders", 1)
	for range 3 {
		if _, err := a.Publish(t.Context(), "orders", []byte("seven77")); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if _, err := sub.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	m := a.Metrics()
	if m.Published != 3 || m.PublishedBytes != 21 || len(m.Peers) != 1 || m.Peers[0].Out != 3 || m.All.Out != 3 {
		t.Errorf("the publisher: %d messages, %d bytes, %+v", m.Published, m.PublishedBytes, m.Peers)
	}
	if m.PollLate.Bounds == nil || m.RTT.Bounds == nil || m.Peers[0].Generation != 1 || !m.Peers[0].Member || !m.Peers[0].Joined {
		t.Errorf("%+v, %+v", m.PollLate, m.Peers[0])
	}
	if m = b.Metrics(); m.Received != 3 || m.Peers[0].In != 3 {
		t.Errorf("the subscriber: %d, %+v", m.Received, m.Peers)
	}
	for _, name := range []string{"link_dropped_full", "link_refused_SPAWN_REQUEST", "handshakes_failed_in_cookie", "peers_left_quota"} {
		if _, ok := m.Status.Counters[name]; !ok {
			t.Errorf("%s is not there from the start", name)
		}
	}
}
