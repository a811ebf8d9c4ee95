package node

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// valve is a way to a node on which what is sent to it can be held up, as a
// peer does that has stopped reading. What the node sends itself passes.
type valve struct {
	t    testing.TB
	addr string // to be dialled
	ln   net.Listener
	to   string
	wg   sync.WaitGroup

	mu    sync.Mutex
	open  chan struct{} // closed while the valve is open
	conns []net.Conn
}

func newValve(t testing.TB) *valve {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &valve{t: t, addr: ln.Addr().String(), ln: ln, open: make(chan struct{})}
	close(v.open)
	t.Cleanup(func() {
		ln.Close()
		v.release()
		v.cut()
		v.wg.Wait()
	})
	return v
}

// leadTo names the node behind the valve.
func (v *valve) leadTo(n *Node) {
	v.to = n.testAddr()
	v.wg.Go(func() {
		for {
			in, err := v.ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", v.to)
			if err != nil {
				in.Close()
				continue
			}
			v.mu.Lock()
			v.conns = append(v.conns, in, out)
			v.mu.Unlock()
			v.wg.Go(func() { v.copy(out, in, v.gate) })
			v.wg.Go(func() { v.copy(in, out, func() <-chan struct{} { return closedChan }) })
		}
	})
}

var closedChan = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (v *valve) copy(to, from net.Conn, gate func() <-chan struct{}) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		k, err := from.Read(buf)
		<-gate()
		if k > 0 {
			if _, err := to.Write(buf[:k]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (v *valve) gate() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.open
}

// shut holds up what goes to the node, but for what has passed already.
func (v *valve) shut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.open = make(chan struct{})
}

func (v *valve) release() {
	v.mu.Lock()
	defer v.mu.Unlock()
	select {
	case <-v.open:
	default:
		close(v.open)
	}
}

// cut ends the connections; what was held up is lost.
func (v *valve) cut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.conns {
		c.Close()
	}
	v.conns = nil
}

// behindValve is two nodes whose only way to each other is a's through a valve.
func behindValve(t testing.TB, change ...func(*Config)) (a, b *Node, v *valve) {
	t.Helper()
	v = newValve(t)
	ca, cb := testConfig(t, "a"), testConfig(t, "b")
	for _, c := range []*Config{&ca, &cb} {
		c.NoMesh, c.Probe, c.ProbeTimeout = true, time.Minute, time.Hour // a valve that is shut is no dead peer
		for _, f := range change {
			f(c)
		}
	}
	a, b = start(t, ca), start(t, cb)
	v.leadTo(b)
	v.join(a)
	return a, b, v
}

func (v *valve) join(a *Node) {
	v.t.Helper()
	if j := a.Join(v.t.Context(), v.addr); j.Err != nil {
		v.t.Fatal(j.Err)
	}
}

// part cuts the link between a and b for as long as it takes both to see it;
// what the valve holds up is lost.
func (v *valve) part(a, b *Node) {
	v.t.Helper()
	l := linkTo(v.t, a, b.name)
	a.table.Hold(b.name, time.Hour)
	l.Close(dist.ReasonReset, nil)
	v.cut()
	waitFor(v.t, b, "the link is gone there too", hasPeers())
	waitFor(v.t, a, "the link is gone", hasPeers())
	v.release()
	a.table.Hold(b.name, 0)
}

// linkTo is the live link of n to a peer.
func linkTo(t testing.TB, n *Node, peer string) *dist.Link {
	t.Helper()
	row, ok := n.table.Lookup(peer)
	if !ok || !row.Up {
		t.Fatalf("%s has no link to %s", n.name, peer)
	}
	return row.Link
}

// lawful checks that all that a link was offered is accounted for.
func lawful(t testing.TB, what string, l *dist.Link) dist.Stats {
	t.Helper()
	s := l.Stats()
	if sum := s.Written + uint64(s.Queued) + publishDrops(s); s.Offered != sum {
		t.Errorf("%s: offered %d, but written %d + queued %d + dropped %v", what, s.Offered, s.Written, s.Queued, s.Dropped)
	}
	return s
}

// publishDrops are what a link dropped of what it was offered.
func publishDrops(s dist.Stats) (sum uint64) {
	for _, d := range []dist.Drop{dist.DropFull, dist.DropTooLarge, dist.DropLinkDown, dist.DropInFlight} {
		sum += s.Dropped[fmt.Sprint(d)]
	}
	return sum
}
