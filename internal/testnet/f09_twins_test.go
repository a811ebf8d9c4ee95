package testnet_test

import (
	"slices"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/testnet"
)

// F9: two nodes of one name, on two machines. They replace each other a few times
// and no more than that: the one that is there stays, and the other is refused.
func TestTwins(t *testing.T) {
	t.Parallel()
	a := testnet.NewWorld(t).Node("a")
	for range 2 {
		testnet.NewWorld(t).Node("twin", "--seed", a.Addr)
	}
	testnet.Until(t, "one of them is refused", func() bool { return a.Status(t).Counter("handshakes_refused_name") > 0 })
	minutes := 1
	if testnet.Long() {
		minutes = 5
		testnet.Watch(time.Duration(minutes)*time.Minute, func() {})
	}
	pairs := 0
	for _, e := range a.Events() {
		if slices.Contains(testnet.Gone, e.Type) {
			pairs++
			want(t, e, "replaced")
		}
	}
	t.Logf("%d pairs in %d minutes", pairs, minutes)
	if pairs == 0 || pairs > 4*minutes {
		t.Errorf("%d pairs of left and joined in %d minutes, want at most 4 a minute", pairs, minutes)
	}
	if !slices.ContainsFunc(a.Peers(t), func(p testnet.Peer) bool { return p.Name == "twin@127.0.0.1" && p.State == "up" }) {
		t.Errorf("neither is there: %+v", a.Peers(t))
	}
	a.CheckLaws(t)
}
