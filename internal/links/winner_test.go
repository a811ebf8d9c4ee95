package links

import (
	"testing"

	"github.com/liminal-bus/liminal/internal/dist"
)

// F17: of two attempts that cross, that of the greater name survives. Two of ours
// would agree on the smaller one as well; an Erlang node would not.
func TestGreaterNameWins(t *testing.T) {
	e := open(t, "m@h", 1, nil)
	for peer, want := range map[string]dist.Status{
		"a@h": dist.StatusNOK, "l@h": dist.StatusNOK, "m@g": dist.StatusNOK,
		"n@h": dist.StatusOKSimultaneous, "m@ha": dist.StatusOKSimultaneous,
	} {
		e.mu.Lock()
		e.out[peer] = &attempt{named: true} // our own, which the peer has heard of
		got := e.judge(dist.Hello{Name: peer, Creation: 7})
		delete(e.out, peer)
		e.mu.Unlock()
		if got != want {
			t.Errorf("m@h dials %s and is dialled by it: %v, want %v", peer, got, want)
		}
	}
}

// S20: a link that has ended makes room for another one.
func TestPlaceComesBack(t *testing.T) {
	hub := open(t, "hub@h", 1, func(c *Config) { c.MaxPeers = 1 })
	for i, name := range []string{"a@h", "b@h", "c@h"} {
		e := open(t, name, uint32(2+i), nil)
		e.mustDial(t, hub, "")
		hub.await(t, name).Link.Close(dist.ReasonClosed, nil)
		hub.downs(t, i+1)
		if hub.Up(name) {
			t.Fatalf("%s is up after its Down", name)
		}
	}
}
