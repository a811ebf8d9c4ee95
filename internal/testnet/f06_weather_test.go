package testnet_test

import (
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/testnet"
)

// F6: a line that loses packets and lets them overtake each other. Nobody leaves,
// and what is published comes whole and in order.
//
// TCP shows such a line as delay. Where all of a line's small packets are lost
// for longer than a peer's patience, nothing but the length of that silence tells
// it from a dead one: so the promise ends with the loss that is tried here.
func TestBadWeather(t *testing.T) {
	testnet.NeedLine(t)
	t.Parallel()
	a, b := testnet.NewHost(t), testnet.NewHost(t)
	w := testnet.NewWorld(t)
	weather := testnet.Weather{Seed: 6, Loss: 0.1, Delay: 100 * time.Millisecond, Jitter: 50 * time.Millisecond}
	line := testnet.NewLine(a, ipA, b, ipB, weather)
	seed := ipA + ":" + port
	na := w.On(a).Node("a@"+ipA, "--listen", seed)
	nb := w.On(b).Node("b@"+ipB, "--listen", ipB+":"+port, "--seed", seed)
	na.AwaitUp(t, nb.Name)
	nb.AwaitUp(t, na.Name)
	lines, reader := subLines(t, w.On(b), "chat", "b")
	testnet.Until(t, "somebody listens", func() bool { return na.Subscribers(t, "chat") == 1 })
	pub := pubLines(t, w.On(a), "chat", "a")
	lasts := 8 * time.Second
	if testnet.Long() {
		lasts = 2 * time.Minute
	}
	testnet.Watch(lasts, func() { pub.send(12) })
	inOrder(t, lines, pub.sent)
	pub.end(t)
	t.Logf("%d messages in %v; packets: %d passed, %d lost, %d overtaken", pub.sent, lasts, line.Passed.Load(), line.Lost.Load(), line.Overtaken.Load())
	if line.Lost.Load() == 0 || line.Overtaken.Load() == 0 {
		t.Error("the weather was fine")
	}
	for _, n := range []*testnet.Node{na, nb} {
		for _, e := range n.Events() {
			if e.Type == "peer.down" || e.Type == "peer.leave" || e.Type == "peer.rejoin" {
				t.Errorf("%s: %+v", n.Name, e)
			}
		}
		n.CheckLaws(t)
	}
	reader.Kill()
}
