package cli

import (
	"testing"

	"github.com/liminal-bus/liminal/node"
)

// TestSnapshotSaysWhy: who looks only now learns why a peer is down.
func TestSnapshotSaysWhy(t *testing.T) {
	p := node.Peer{Name: "c@dev", State: node.StateDown, Reason: "tick_timeout", Detail: "no tick for 60 s", Subs: 2}
	e := eventOf(node.Event{Type: node.EventSnapshotPeer, Peer: p}, "7f3a")
	if e.Reason != p.Reason || e.Detail != p.Detail || e.Subs == nil || *e.Subs != 2 {
		t.Errorf("%+v", e)
	}
	if e := eventOf(node.Event{Type: node.EventJoin, Peer: p}, "7f3a"); e.Reason != "" || e.Subs != nil {
		t.Errorf("a join tells of the last link: %+v", e)
	}
}
