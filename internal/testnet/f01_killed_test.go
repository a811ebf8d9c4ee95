package testnet_test

import (
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/otptest"
	"github.com/liminal-bus/liminal/internal/testnet"
)

// F1, F8: a peer that is killed with -9 is down within two polls, for the end of its
// socket and nothing else; its next life under the same name is another creation and
// one generation more, with nothing of the old one.
func TestKilledPeer(t *testing.T) {
	t.Run("liminal", func(t *testing.T) {
		t.Parallel()
		w := testnet.NewWorld(t)
		a := w.Node("a")
		killed(t, a, rounds(5, 200), func() (string, func()) {
			b := w.Node("b", "--seed", a.Addr)
			return b.Name, b.Kill
		})
	})
	t.Run("otp", func(t *testing.T) {
		otptest.Need(t)
		t.Parallel()
		epmd := otptest.NewEPMD(t)
		a := epmdWorld(t, epmd).Node("a")
		killed(t, a, rounds(2, 200), func() (string, func()) {
			b := startOTP(t, otptest.Options{EPMD: epmd})
			connect(t, b, a)
			return b.Name, func() { _ = b.Kill() }
		})
	})
}

// killed starts a peer of one name and kills it, over and over.
func killed(t *testing.T, a *testnet.Node, times int, start func() (name string, kill func())) {
	down := testnet.Figures{What: t.Name() + ": kill -9 to down"}
	var before testnet.Event
	for i := range times {
		mark := a.Mark()
		name, kill := start()
		up := a.Await(t, mark, name, testnet.Joined...)
		if up.Generation != before.Generation+1 || up.Creation == before.Creation {
			t.Errorf("life %d joined as %+v after %+v", i, up, before)
		}
		before, mark = up, a.Mark()
		at := time.Now()
		kill()
		e := a.Await(t, mark, name, testnet.Gone...)
		want(t, e, "eof", "reset")
		if e.Type != "peer.down" || e.Creation != up.Creation || e.Generation != up.Generation {
			t.Errorf("%+v ended as %+v", up, e)
		}
		down.Add(since(at, e))
	}
	a.CheckLaws(t)
	down.Check(t, 0, 2*poll)
}
