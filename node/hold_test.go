package node

import (
	"testing"
)

// However the polls fall, no liminal peer is announced as something else.
func TestJoinNamesTheKind(t *testing.T) {
	for range 30 {
		a := start(t, testConfig(t, "a"))
		w := a.Watch(0)
		c := testConfig(t, "b")
		c.Seeds = []string{a.testAddr()}
		polled := make(chan struct{})
		stop := make(chan struct{})
		go func() { // polls at the worst moments
			defer close(polled)
			for {
				select {
				case <-stop:
					return
				default:
					a.PollOnce()
				}
			}
		}()
		b := start(t, c)
		waitFor(t, a, "b is up", hasPeers(b.name))
		close(stop)
		<-polled
		for {
			ev, err := w.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if ev.Type == EventJoin {
				if ev.Peer.Kind != KindLiminal {
					t.Fatalf("joined as %q", ev.Peer.Kind)
				}
				break
			}
		}
		b.Close()
		a.Close()
	}
}

// A peer that could be liminal and never says so joins as other, a little late.
func TestSilentNewcomerIsOther(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	p := newLight(t, "b")
	p.dial(n)
	if got := peerState(t, n, p.name(), StateUp); got.Kind != KindOther {
		t.Errorf("kind %q, want other", got.Kind)
	}
}
