package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
)

// hostileFull says that tests run for as long as was promised (LIMINAL_TEST_LONG=1).
func hostileFull() bool { return os.Getenv("LIMINAL_TEST_LONG") == "1" }

// impostors claim a name over and over, without the cookie. Some say no more
// than hello and stay, which holds the name's handshakes; the others go on to a
// wrong digest.
type impostors struct {
	stop  chan struct{}
	tries atomic.Int64
	wg    sync.WaitGroup
}

func impersonate(t *testing.T, n *Node, name string, creation func() uint32) *impostors {
	i := &impostors{stop: make(chan struct{})}
	t.Cleanup(i.end)
	for k := range 6 {
		i.wg.Go(func() {
			for {
				select {
				case <-i.stop:
					return
				default:
					i.try(n, name, creation()+uint32(k%2), k < 2)
				}
			}
		})
	}
	return i
}

func (i *impostors) end() {
	select {
	case <-i.stop:
	default:
		close(i.stop)
	}
	i.wg.Wait()
}

func (i *impostors) try(n *Node, name string, creation uint32, lingers bool) {
	conn, err := net.Dial("tcp", n.testAddr())
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetLinger(0) // no port waits behind it
	local := dist.Local{Name: name, Creation: creation, Flags: dist.Offer(false), Cookie: NewCookie("not the cookie"), Challenges: new(dist.Challenges)}
	hooks := dist.InitiatorHooks{}
	if lingers {
		hooks.Learned = func(dist.Hello) error { // the digest is due; let it be due
			select {
			case <-i.stop:
			case <-time.After(50 * time.Millisecond):
			}
			return io.EOF
		}
	}
	_, _ = dist.Dial(conn, time.Time{}, local, hooks)
	i.tries.Add(1)
}

// S7: impostors that claim the name and the very life of a live peer, in a loop,
// change nothing: no event, not one message lost of those that flow meanwhile;
// and when the true peer starts again, it is up within two polls and a second.
func TestImpostorsChangeNothing(t *testing.T) {
	quietly := func(c Config) Config { c.Logger = slog.New(slog.DiscardHandler); return c }
	a := start(t, quietly(testConfig(t, "a")))
	cb := quietly(testConfig(t, "b"))
	cb.Seeds = []string{a.testAddr()}
	b := start(t, cb)
	first := peerState(t, a, b.name, StateUp)
	sub := subscribe(t, a, "x")
	await(t, b, "x", 1)
	w := a.Watch(a.feed.seq())
	defer w.Close()

	i := impersonate(t, a, b.name, func() uint32 { return first.Creation })
	span := time.Second
	if hostileFull() {
		span = time.Minute
	}
	sent := streamFor(t, b, sub, span)
	tries := i.tries.Load()
	if p := peerState(t, a, b.name, StateUp); p.Generation != 1 || p.Creation != first.Creation {
		t.Errorf("the peer was %+v and is %+v", first, p)
	}
	noMembershipEvent(t, w)
	if tries == 0 || a.counter("links_replaced") != 0 {
		t.Errorf("%d tries, %d links replaced", tries, a.counter("links_replaced"))
	}

	took := restarts(t, a, b, cb)
	i.end()
	slices.Sort(took)
	if limit := 2*250*time.Millisecond + time.Second; took[2] > limit {
		t.Errorf("a restart took %v in the median to be up, worst %v, want %v", took[2], took[4], limit)
	}
	t.Logf("%d tries in %v beside %d messages; a restart is up after %v, worst %v", tries, span, sent, took[2], took[4])
}

// restarts starts b again under its name, as c says, and returns how long each of
// its lives took to be up at a.
func restarts(t *testing.T, a, b *Node, c Config) (took []time.Duration) {
	t.Helper()
	for range 5 {
		b.Close()
		peerState(t, a, b.name, StateLeft)
		begin := time.Now()
		b = start(t, c)
		waitFor(t, a, "the new life is up", func(n *Node) bool {
			info, _ := n.table.Lookup(b.name)
			return info.Up && info.Creation == b.creation && len(n.PeerNames()) == 1
		})
		took = append(took, time.Since(begin))
	}
	return took
}

// streamFor publishes numbers from n to sub for that long and wants all of them,
// in order.
func streamFor(t *testing.T, n *Node, sub *Subscription, span time.Duration) (sent int) {
	t.Helper()
	for end := time.Now().Add(span); time.Now().Before(end); {
		for range 100 {
			r, err := n.Publish(t.Context(), "x", []byte(strconv.Itoa(sent)))
			if err != nil || r.Dropped > 0 {
				t.Fatalf("message %d: %+v, %v", sent, r, err)
			}
			sent++
		}
		for k := sent - 100; k < sent; k++ {
			if m := arrived(t, sub); string(m.Payload) != strconv.Itoa(k) || m.Lost > 0 {
				t.Fatalf("message %q, lost %d, want %d", m.Payload, m.Lost, k)
			}
		}
	}
	return sent
}

// noMembershipEvent reads what w has and wants nothing that a peer came or went.
func noMembershipEvent(t *testing.T, w *Watcher) {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		ev, err := w.Next(ctx)
		cancel()
		if err != nil {
			return
		}
		switch ev.Type {
		case EventSubAdd, EventSubRemove:
		default:
			t.Errorf("event %+v", ev)
		}
	}
}

// S2: names that are only claimed, and names whose digest is wrong, are no peers,
// and no counter is made for them.
func TestClaimedNamesAreNoPeers(t *testing.T) {
	c := testConfig(t, "a")
	c.Logger = slog.New(slog.DiscardHandler)
	n := start(t, c)
	labels := slices.Sorted(maps.Keys(n.Status().Counters))
	i := &impostors{stop: make(chan struct{})}
	const count = 500
	for k := range count {
		i.try(n, fmt.Sprintf("stranger%d@host%d.example", k, k), uint32(k), false)
	}
	waitFor(t, n, "all were refused", func(n *Node) bool { return n.counter("handshakes_failed_in") == count })
	if now := slices.Sorted(maps.Keys(n.Status().Counters)); !slices.Equal(now, labels) {
		t.Errorf("counters were %q and are %q", labels, now)
	}
	if _, rows := n.table.Snapshot(); len(rows)+len(n.Peers())+len(n.known()) > 0 {
		t.Errorf("%d rows, peers %+v", len(rows), n.known())
	}
	if s := n.resolver.Stats(); s.Told > 0 || n.plan.Stats().Targets > 0 {
		t.Errorf("addresses to dial were learned: %+v, %+v", s, n.plan.Stats())
	}
}

// S8: a whole node, dialled by one it dials, who hands each question of either
// handshake to the other: a thousand tries, no link.
func TestNodeIsNoMirror(t *testing.T) {
	c := testConfig(t, "a")
	c.Logger = slog.New(slog.DiscardHandler)
	n := start(t, c)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	evil := ln.Addr().(*net.TCPAddr).AddrPort()
	tries, reflected := 1000, 0
	for range tries {
		dialled := make(chan error, 1)
		go func() {
			_, err := n.table.Dial(t.Context(), within, evil, "")
			dialled <- err
		}()
		throwBack(t, ln, n)
		if err := <-dialled; err == nil {
			t.Fatal("the node has a link to one without the cookie")
		} else if errors.Is(err, dist.ErrReflection) {
			reflected++
		}
	}
	if len(liveLinks(n)) > 0 || len(n.Peers()) > 0 || reflected != tries {
		t.Errorf("%d links, %d peers, %d of %d seen through", len(liveLinks(n)), len(n.Peers()), reflected, tries)
	}
}

// throwBack takes n's dial, dials n itself, and puts n's own question to n.
func throwBack(t *testing.T, ln net.Listener, n *Node) {
	t.Helper()
	in, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := net.Dial("tcp", n.testAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for _, c := range []net.Conn{in, out} {
		_ = c.SetDeadline(time.Now().Add(within))
		_ = c.(*net.TCPConn).SetLinger(0)
	}
	hearRaw(t, in) // its name
	sayRaw(in, []byte("sok"))
	name := "evil@127.0.0.1"
	sayRaw(out, rawGreeting('N', 5, nil, name))
	hearRaw(t, out) // ok
	question := hearRaw(t, out)
	sayRaw(in, rawGreeting('N', 6, question[9:13], name))
	if answer, err := hearRawOr(in); err == nil {
		t.Errorf("the node answered its own question: %x", answer)
	}
}

// rawGreeting is a name message, or with a number a challenge.
func rawGreeting(tag byte, creation uint32, challenge []byte, name string) []byte {
	b := binary.BigEndian.AppendUint64([]byte{tag}, uint64(dist.Offer(false)))
	b = append(b, challenge...)
	b = binary.BigEndian.AppendUint32(b, creation)
	b = binary.BigEndian.AppendUint16(b, uint16(len(name)))
	return append(b, name...)
}

func sayRaw(c net.Conn, m []byte) {
	_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...))
}

func hearRaw(t *testing.T, c net.Conn) []byte {
	t.Helper()
	m, err := hearRawOr(c)
	if err != nil {
		t.Fatal(fmt.Errorf("nothing to hear: %w", err))
	}
	return m
}

func hearRawOr(c net.Conn) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return nil, err
	}
	m := make([]byte, binary.BigEndian.Uint16(head[:]))
	_, err := io.ReadFull(c, m)
	return m, err
}
