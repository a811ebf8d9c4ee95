package node

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/liminal-bus/liminal/internal/testnet"
)

// meter is a host of the network in memory that counts what its node asks of the
// kernel.
type meter struct {
	*testnet.MemHost

	mu   sync.Mutex
	sum  asked
	hold chan struct{} // writes wait until it is closed; nil: they do not
}

// asked is what a node asked of the kernel.
type asked struct{ dials, writes, reads, out, in int }

func (a asked) minus(b asked) asked {
	return asked{a.dials - b.dials, a.writes - b.writes, a.reads - b.reads, a.out - b.out, a.in - b.in}
}

func (m *meter) count(a asked) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sum.dials += a.dials
	m.sum.writes += a.writes
	m.sum.reads += a.reads
	m.sum.out += a.out
	m.sum.in += a.in
}

func (m *meter) read() asked {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sum
}

// holdWrites makes writes wait until the function that it returns is called.
func (m *meter) holdWrites() (release func()) {
	hold := make(chan struct{})
	m.mu.Lock()
	m.hold = hold
	m.mu.Unlock()
	return func() {
		m.mu.Lock()
		m.hold = nil
		m.mu.Unlock()
		close(hold)
	}
}

func (m *meter) held() chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hold
}

func (m *meter) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	l, err := m.MemHost.Listen(ctx, network, address)
	return meterListener{l, m}, err
}

func (m *meter) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	m.count(asked{dials: 1})
	c, err := m.MemHost.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return meterConn{c, m}, nil
}

type meterListener struct {
	net.Listener
	m *meter
}

func (l meterListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return meterConn{c, l.m}, nil
}

type meterConn struct {
	net.Conn
	m *meter
}

func (c meterConn) Write(b []byte) (int, error) {
	c.m.count(asked{writes: 1, out: len(b)})
	if hold := c.m.held(); hold != nil {
		<-hold
	}
	return c.Conn.Write(b)
}

func (c meterConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.m.count(asked{reads: 1, in: n})
	return n, err
}

// meteredNodes are nodes of a network in memory; all but the first know the first.
type meteredNodes struct {
	t      *testing.T
	net    *testnet.Mem
	nodes  []*Node
	meters []*meter
}

// metered runs f with count nodes that all know each other, in a bubble of its own.
func metered(t *testing.T, count int, f func(t *testing.T, m *meteredNodes)) {
	synctest.Test(t, func(t *testing.T) {
		m := &meteredNodes{t: t, net: testnet.NewMem(1)}
		defer func() {
			for _, n := range m.nodes {
				n.Close()
			}
		}()
		for range count {
			m.add()
		}
		m.settle()
		f(t, m)
	})
}

// add starts one more node, and waits for nothing but that.
func (m *meteredNodes) add() {
	m.t.Helper()
	k := len(m.nodes) + 1
	addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(k)}), 4370)
	host := &meter{MemHost: m.net.Host(addr.Addr())}
	c := Config{
		Name: fmt.Sprintf("n%d@%v", k, addr.Addr()), Listen: addr.String(), Cookie: NewCookie("a cookie for these tests"),
		EPMD: EPMDOff, Logger: slog.New(slog.DiscardHandler),
		seams: seams{net: host, rand: func() float64 { return 0.5 }, creation: uint32(1000 + k)},
	}
	if k > 1 {
		c.Seeds = []string{"10.0.0.1:4370"}
	}
	n, err := Start(m.t.Context(), c)
	if err != nil {
		m.t.Fatal(err)
	}
	m.nodes, m.meters = append(m.nodes, n), append(m.meters, host)
}

// sums are the counts of each node so far, when all of them rest.
func (m *meteredNodes) sums() []asked {
	synctest.Wait()
	all := make([]asked, len(m.meters))
	for i, x := range m.meters {
		all[i] = x.read()
	}
	return all
}
