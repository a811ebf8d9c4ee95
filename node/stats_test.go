package node

import (
	"slices"
	"testing"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
)

// lawOf gives what links were offered, and what they account for.
func lawOf(m Metrics) (offered, accounted uint64) {
	c := m.Status.Counters
	return c["link_offered"], c["link_written"] + c["link_dropped_full"] + c["link_dropped_too_large"] +
		c["link_dropped_link_down"] + c["link_dropped_in_flight"]
}

// F1: a publisher that has not noticed yet that a link has ended, and been added to
// the sum of all, loses its message with a counter.
func TestLateOffersAreCounted(t *testing.T) {
	a := start(t, quiet(t, "a"))
	b := start(t, quiet(t, "b", a.testAddr()))
	subscribe(t, b, "orders")
	await(t, a, "orders", 1)
	publish(t, a, "orders", "in time")
	l := linkTo(t, a, b.name)
	l.Close(dist.ReasonReset, nil)
	waitFor(t, a, "another link is up", func(*Node) bool {
		live := liveLinks(a)
		return len(live) == 1 && !slices.Contains(live, l) && a.Status().Counters["link_offered"] > 0
	})
	before := a.Metrics()
	if _, drop := l.Publish(etf.Pid{Node: etf.Atom(b.name), ID: 7, Creation: 1}, []byte{106}); drop != dist.DropLinkDown {
		t.Fatalf("drop %v", drop)
	}
	after := a.Metrics()
	was, _ := lawOf(before)
	offered, accounted := lawOf(after)
	if offered != was+1 || offered != accounted || after.All.Drops != before.All.Drops+1 {
		t.Errorf("offered %d, then %d, which account for %d; %d drops, then %d", was, offered, accounted, before.All.Drops, after.All.Drops)
	}
}
