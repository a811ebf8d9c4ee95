package observe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/liminal-bus/liminal/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a node that says what a test wants.
type fake struct {
	mu    sync.Mutex
	m     node.Metrics
	stuck bool
}

func newFake() *fake {
	f := &fake{}
	f.m.Status = node.Status{
		Name: "a@dev.example", State: node.NodeUp, Started: time.Now(), Counters: map[string]uint64{},
		Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9100")},
	}
	return f
}

func (f *fake) Name() string { return "a@dev.example" }

func (f *fake) Status() node.Status { return f.Metrics().Status }

func (f *fake) Metrics() node.Metrics {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.m
}

func (f *fake) Alive(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stuck {
		return errors.New("stuck")
	}
	return ctx.Err()
}

// member is a peer that is up and did that much.
func member(i int, bytes uint64) node.PeerMetrics {
	return node.PeerMetrics{
		Name: fmt.Sprintf("n%05d@dev", i), ID: uint64(i + 1), State: node.StateUp, Member: true, Joined: true,
		RTT: time.Millisecond, Generation: 1, PeerTraffic: node.PeerTraffic{In: bytes, BytesIn: bytes},
	}
}

// crowd is that many members, and the sum of all.
func crowd(count int) (m node.Metrics) {
	m = newFake().m
	for i := range count {
		p := member(i, uint64(i))
		m.Peers = append(m.Peers, p)
		m.All.In += p.In
		m.All.BytesIn += p.BytesIn
	}
	return m
}
