package control

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeNode is a Backend that behaves: it keeps peers and a log of events.
type fakeNode struct {
	mu     sync.Mutex
	peers  []Peer
	events []Event
	more   chan struct{} // closed and replaced when an event comes
	ended  chan struct{} // closed when the node ends
	joins  []JoinRequest
	leaves []LeaveRequest
	err    error                       // what calls fail with
	hold   func(context.Context) error // what Join waits for
	gone   int                         // watches that have returned
	fakeBus
}

func newFakeNode() *fakeNode {
	return &fakeNode{more: make(chan struct{}), ended: make(chan struct{})}
}

func (n *fakeNode) Status(context.Context) (Status, error) {
	return Status{Schema: SchemaStatus, Node: "a@dev", State: "up", Boot: "7f3a", Counters: []NamedCount{{"zz", 1}}}, n.err
}

func (n *fakeNode) Peers(_ context.Context, f Filter) (Peers, error) {
	peers, err := f.Apply(n.peers)
	return Peers{Schema: SchemaPeers, Node: "a@dev", Peers: peers}, errors.Join(err, n.err)
}

func (n *fakeNode) Join(ctx context.Context, r JoinRequest) (Join, error) {
	n.mu.Lock()
	n.joins = append(n.joins, r)
	n.mu.Unlock()
	if n.hold != nil {
		if err := n.hold(ctx); err != nil {
			return Join{}, err
		}
	}
	j := Join{Schema: SchemaJoin, Node: "a@dev"}
	for _, a := range r.Addresses {
		j.Results = append(j.Results, JoinResult{Address: a})
	}
	return j, n.err
}

func (n *fakeNode) Leave(_ context.Context, r LeaveRequest) (Leave, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.leaves = append(n.leaves, r)
	return Leave{Schema: SchemaLeave, Node: "a@dev", Told: 2, Stopped: r.Stop}, n.err
}

// say adds an event of the next seq.
func (n *fakeNode) say(typ string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, Event{Type: typ, Seq: uint64(len(n.events) + 1), Boot: "7f3a"})
	close(n.more)
	n.more = make(chan struct{})
}

func (n *fakeNode) Forget(_ context.Context, r ForgetRequest) (Forget, error) {
	f := Forget{Schema: SchemaForget, Node: "a@dev"}
	for _, name := range r.Names {
		f.Results = append(f.Results, ForgetResult{Asked: name})
	}
	return f, n.err
}

func (n *fakeNode) Watch(ctx context.Context, r WatchRequest, emit func(Event) error) error {
	since, has := r.Since, r.Resume
	defer func() { n.mu.Lock(); n.gone++; n.mu.Unlock() }()
	if !has {
		n.mu.Lock()
		since = uint64(len(n.events))
		n.mu.Unlock()
		for _, typ := range []string{"snapshot.peer", "snapshot.end"} {
			if err := emit(Event{Type: typ, Seq: since, Boot: "7f3a"}); err != nil {
				return err
			}
		}
	}
	for {
		n.mu.Lock()
		rest, more := slices.Clone(n.events[min(since, uint64(len(n.events))):]), n.more
		n.mu.Unlock()
		for _, e := range rest {
			if err := emit(e); err != nil {
				return err
			}
			since = e.Seq
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-n.ended:
			return nil
		case <-more:
		}
	}
}

// socketDir is a directory of mode 0700 with a path short enough for sockets,
// which t.TempDir with a long test name is not.
func socketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lim")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// serve runs a server of n and gives it with a client.
func serve(t testing.TB, n Backend) (*Server, *Client) {
	t.Helper()
	path := filepath.Join(socketDir(t), "a.sock")
	ln, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(n, nil)
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return s, &Client{Socket: path}
}

// within fails the test if cond does not come true soon.
func within(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !cond(); {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 10 s", what)
		}
		<-time.After(time.Millisecond)
	}
}

func raw(t testing.TB, c *Client) net.Conn {
	t.Helper()
	nc, err := net.Dial("unix", c.Socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return nc
}

func ctxFor(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// counter reads one of the server's counters.
func counter(s *Server, name string) uint64 {
	for _, c := range s.Counters() {
		if c.Name == name {
			return c.Value
		}
	}
	return 1 << 63 // no such counter: no test expects this
}
