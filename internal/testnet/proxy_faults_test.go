package testnet_test

import (
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/testnet"
)

// proxied are two nodes that reach each other through proxies alone.
type proxied struct {
	a, b     *testnet.Node
	toA, toB *testnet.Proxy
}

func newProxied(t *testing.T) *proxied {
	t.Helper()
	p := &proxied{toA: testnet.NewProxy(t), toB: testnet.NewProxy(t)}
	w := testnet.NewWorld(t)
	p.a = w.Node("a", "--advertise", p.toA.Addr)
	p.toA.Target(p.a.Addr)
	p.b = testnet.NewWorld(t).Node("b", "--advertise", p.toB.Addr, "--seed", p.toA.Addr) // a world of its own: no short cut
	p.toB.Target(p.b.Addr)
	sub := w.Start("sub", "chat", "--node", "a")
	t.Cleanup(sub.Kill)
	p.together(t)
	return p
}

func (p *proxied) together(t *testing.T) {
	t.Helper()
	p.a.AwaitUp(t, p.b.Name)
	p.b.AwaitUp(t, p.a.Name)
	testnet.Until(t, "the member is known", func() bool { return subscribed(t, p.b, "chat") == 1 })
}

// clog stops what goes to a and to b.
func (p *proxied) clog(toA, toB bool) {
	p.toA.Clog(toA, toB)
	p.toB.Clog(toB, toA)
}

// F4, F5: where there are no namespaces: a proxy that is clogged both ways, or
// one; and a reset and a half-closed connection are found at once.
func TestFaultsByProxy(t *testing.T) {
	t.Parallel()
	silent := 3*time.Second + 2*poll
	for _, c := range []struct {
		name     string
		breaks   func(p *proxied)
		here     time.Duration // until a knows, at most
		there    time.Duration // until b does
		reasonsA []string
	}{
		{"both ways", func(p *proxied) { p.clog(true, true) }, silent, silent, []string{"probe_timeout"}},
		{"to a", func(p *proxied) { p.clog(true, false) }, silent, 2 * silent, []string{"probe_timeout"}},
		{"to b", func(p *proxied) { p.clog(false, true) }, 2 * silent, silent, []string{"probe_timeout", "eof", "reset"}},
		{"reset", func(p *proxied) { p.toA.Reset(); p.toB.Reset() }, 2 * poll, 2 * poll, []string{"reset", "eof"}},
		{"half closed", func(p *proxied) { p.toA.HalfClose(); p.toB.HalfClose() }, silent, silent, []string{"eof", "reset"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProxied(t)
			markA, markB := p.a.Mark(), p.b.Mark()
			p.toA.Refuse(true)
			p.toB.Refuse(true)
			at := time.Now()
			c.breaks(p)
			here := testnet.Figures{What: c.name + ", to down at a"}
			there := testnet.Figures{What: c.name + ", to down at b"}
			down := p.a.Await(t, markA, p.b.Name, testnet.Gone...)
			want(t, down, c.reasonsA...)
			here.Add(since(at, down))
			there.Add(since(at, p.b.Await(t, markB, p.a.Name, testnet.Gone...)))
			if n := subscribed(t, p.b, "chat"); n != 0 {
				t.Errorf("%d members of a peer that is down", n)
			}
			here.Check(t, 0, c.here)
			there.Check(t, 0, c.there)
			at = time.Now()
			p.clog(false, false)
			p.toA.Refuse(false)
			p.toB.Refuse(false)
			p.together(t)
			back := testnet.Figures{What: c.name + ", mended to joined"}
			back.Add(time.Since(at))
			back.Check(t, 0, 7*time.Second+2*poll)
			p.a.CheckLaws(t)
			p.b.CheckLaws(t)
		})
	}
}
