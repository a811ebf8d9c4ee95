package node

import (
	"testing"

	"github.com/liminal-bus/liminal/internal/bus"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/perf"
)

// The way of a message allocates nothing but slabs for many payloads at once: from
// the link's reader to who subscribes, and from who publishes to the link.
func TestCostOfMessages(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	n := start(t, testConfig(t, "a"))
	p := newLight(t, "b", sayingHello)
	p.dial(n)
	waitFor(t, n, "b is up", hasPeers(p.name()))
	l := liveLinks(n)[0]
	s := subscribe(t, n, "x")
	id, serial := n.bus.Channel("x").Number()
	to := etf.PidView{Node: []byte(n.name), ID: id, Serial: serial, Creation: n.creation}
	e := newEnvelope(p.name(), "x")
	msg := e.seal(nil, &bus.Incoming{ID: []byte("12345678-abcdef"), Payload: make([]byte, 128), At: 1_700_000_000_000_000, Seq: 70_000})
	batch := make([]Message, 256)
	const each = 1000
	perMessage(t, "node.receive.allocs", each, func() {
		for range each {
			handler{n}.Send(l, to, msg)
		}
		for got := 0; got < each; {
			k, err := s.Batch(t.Context(), batch)
			if err != nil {
				t.Fatal(err)
			}
			got += k
		}
	})
	s.Close()

	pub, err := n.Publisher("y")
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close()
	p.tellScope(firstLink(p), syncTerm(p.scopePid(), etf.List{etf.Tuple{etf.Binary("y"), etf.List{p.scopePid()}}}))
	await(t, n, "y", 1)
	payload := make([]byte, 128)
	perMessage(t, "node.publish.allocs", each, func() {
		for range each {
			if err := pub.Publish(t.Context(), payload); err != nil {
				t.Fatal(err)
			}
		}
		if err := pub.Flush(t.Context()); err != nil { // a full link makes who waits for it allocate
			t.Fatal(err)
		}
	})
	if r := pub.Receipt(); r.Dropped != 0 || r.Members != 1 {
		t.Errorf("receipt %+v", r)
	}
}

// firstLink is the light peer's own end.
func firstLink(p *light) *dist.Link {
	_, rows := p.table.Snapshot()
	return rows[0].Link
}

// perMessage measures what f allocates for each of its messages.
func perMessage(t *testing.T, row string, each int, f func()) {
	t.Helper()
	f() // buffers grow
	perf.Most(t, row, testing.AllocsPerRun(20, f)/float64(each))
}
