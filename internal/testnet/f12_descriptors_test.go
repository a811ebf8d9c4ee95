package testnet_test

import (
	"net"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/testnet"
)

// F12: no descriptors are left for those who dial in. Links that are up stay, the
// control socket answers at once, and who comes after the flood joins soon.
func TestDescriptorsRunOut(t *testing.T) {
	t.Parallel()
	w := testnet.NewWorld(t)
	a := w.Node("a")
	b := w.Node("b", "--seed", a.Addr)
	a.AwaitUp(t, b.Name)
	sub := w.Start("sub", "chat", "--node", "b")
	testnet.Until(t, "somebody listens", func() bool { return a.Subscribers(t, "chat") == 1 })
	a.LimitDescriptors(t, 96)

	flood := &flood{addr: a.Addr}
	flood.dial(150)
	testnet.Until(t, "connections are turned away", func() bool { return a.Status(t).Counter("accept_errors") > 0 })
	worksInFlood(t, a, flood)

	c := w.Node("c")
	a.LimitDescriptors(t, 1024)
	flood.hangUp(len(flood.conns))
	begin := time.Now()
	w.Run("join", a.Addr, "--node", "c")
	back := testnet.Figures{What: "descriptors back to joined"}
	back.Add(time.Since(begin))
	back.Check(t, 0, time.Second+2*poll)
	for _, e := range a.Events() {
		if e.Type == "peer.down" || e.Type == "peer.leave" {
			t.Errorf("%+v", e)
		}
	}
	a.AwaitUp(t, c.Name)
	a.CheckLaws(t)
	sub.Kill()
}

// worksInFlood publishes for a while; connections that are tired make room for
// new ones.
func worksInFlood(t *testing.T, a *testnet.Node, f *flood) {
	t.Helper()
	lasts := time.Second
	if testnet.Long() {
		lasts = 2 * time.Minute
	}
	slowest, asked := time.Duration(0), 0
	testnet.Watch(lasts, func() {
		begin := time.Now()
		publish(t, a, "chat", 1)
		slowest, asked = max(slowest, time.Since(begin)), asked+1
		f.hangUp(5)
		f.dial(5)
	})
	t.Logf("%d publishes meanwhile, the slowest took %v; %d connections turned away; %d descriptors", asked, slowest,
		a.Status(t).Counter("accept_errors"), a.Descriptors(t))
	if asked == 0 {
		t.Error("nothing was published meanwhile")
	}
}

// flood is connections that say nothing.
type flood struct {
	addr  string
	conns []net.Conn
}

func (f *flood) dial(count int) {
	for range count {
		if c, err := net.DialTimeout("tcp", f.addr, time.Second); err == nil {
			f.conns = append(f.conns, c)
		}
	}
}

// hangUp ends the oldest.
func (f *flood) hangUp(count int) {
	count = min(count, len(f.conns))
	for _, c := range f.conns[:count] {
		c.Close()
	}
	f.conns = f.conns[count:]
}
