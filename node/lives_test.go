package node

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/etf"
)

// longTests asks for the full sizes.
var longTests = os.Getenv("LIMINAL_TEST_LONG") == "1"

// F8: a peer restarts under its name between two polls, over and over. Each time
// exactly left and joined, in one batch, and of the old life neither a
// subscription nor a message is left.
func TestRestartsBetweenPolls(t *testing.T) {
	c := quiet(t, "a")
	c.NoNudge, c.Poll, c.Tick = true, 30*time.Second, 300*time.Second
	a := start(t, c)
	words := subscribe(t, a, "words")
	w := watchFromNothing(t, a)
	var last Event
	lives := 25
	if longTests {
		lives = 500
	}
	for i := range lives {
		channel := fmt.Sprint("life ", i)
		b := start(t, quiet(t, "b", a.testAddr()))
		subscribe(t, b, channel)
		await(t, a, channel, 1)
		a.PollOnce()
		if i == 0 {
			last = takeMember(t, w)
		} else {
			last = takeRestart(t, w, last)
		}
		if subs := a.Subscriptions(b.name); !slices.Equal(subs, []string{channel}) {
			t.Fatalf("life %d has joined %q", i, subs)
		}
		speaks(t, b, words, i)
		b.table.Close(dist.ReasonReset) // as kill -9: no goodbye
		b.Close()
		waitFor(t, a, "the link is down", func(n *Node) bool { return !n.table.Up(b.name) })
	}
	counts := a.trackerCounts("b@127.0.0.1")
	if counts.Joined != uint64(lives) || counts.Coalesced+counts.Flapped != 0 || counts.Left != counts.Joined-1 {
		t.Errorf("%d lives are %+v", lives, counts)
	}
}

// watchFromNothing watches a node that has no peer yet.
func watchFromNothing(t *testing.T, n *Node) *Watcher {
	t.Helper()
	w := n.Watch(0)
	t.Cleanup(w.Close)
	if ev := take(t, w); ev.Type != EventSnapshotEnd || ev.Peers != 0 {
		t.Fatalf("it begins with %+v", ev)
	}
	return w
}

// takeRestart takes the end of a life and the join of the next from one batch.
func takeRestart(t *testing.T, w *Watcher, last Event) Event {
	t.Helper()
	down, up := takeMember(t, w), takeMember(t, w)
	if down.Type != EventDown || down.Peer.Generation != last.Peer.Generation || down.Peer.Creation != last.Peer.Creation {
		t.Fatalf("%+v\nended as %+v", last, down)
	}
	if up.Type != EventRejoin || !up.Time.Equal(down.Time) || up.Peer.Creation == last.Peer.Creation ||
		up.Peer.Generation != last.Peer.Generation+1 || up.Coalesced != 0 {
		t.Fatalf("after %+v\ncame %+v", last, up)
	}
	return up
}

// speaks lets a life say its number: the next message that comes is this one.
func speaks(t *testing.T, b *Node, words *Subscription, life int) {
	t.Helper()
	await(t, b, "words", 1)
	if _, err := b.Publish(t.Context(), "words", fmt.Append(nil, life)); err != nil {
		t.Fatal(err)
	}
	if m := arrived(t, words); string(m.Payload) != fmt.Sprint(life) || m.Seq != 1 {
		t.Fatalf("life %d: %+v", life, m)
	}
}

// F18: 199 peers join one node at the same moment, and each asks for its groups.
// 199 joined and nothing else, all known soon, each served, memory in bounds.
func TestCrowdJoinsAtOnce(t *testing.T) {
	hub := start(t, quiet(t, "hub"))
	groups := 500
	if longTests {
		groups = 10_000
	}
	names := make([]string, groups)
	for i := range names {
		names[i] = fmt.Sprint("channel ", i)
	}
	subscribe(t, hub, names...)
	w := watchFromNothing(t, hub)
	peers, served := newCrowd(t, 199, groups)
	begin := time.Now()
	joinAll(t, hub, peers)
	for joined := map[string]bool{}; len(joined) < len(peers); {
		ev := takeMember(t, w)
		if ev.Type != EventJoin || joined[ev.Peer.Name] {
			t.Fatalf("%+v", ev)
		}
		joined[ev.Peer.Name] = true
	}
	took := time.Since(begin)
	for range peers {
		select {
		case <-served:
		case <-time.After(within):
			t.Fatal("not all have been told the groups")
		}
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	t.Logf("%d joined after %v, all were told %d groups after %v; %d MiB", len(peers), took, groups, time.Since(begin), mem.Sys>>20)
	if limit := 5*time.Second + 500*time.Millisecond; took > limit+2*time.Second { // of a busy machine
		t.Errorf("all known only after %v", took)
	}
	if mem.Sys > 512<<20 && !raceEnabled {
		t.Errorf("%d MiB", mem.Sys>>20)
	}
	c := hub.Status().Counters
	if c["peers_joined"] != uint64(len(peers)) || c["peers_left"]+c["links_flapped"]+c["links_coalesced"]+c["handshakes_evicted"] != 0 {
		t.Errorf("counters %v", c)
	}
}

// newCrowd makes light peers; served hears of each that was told that many
// groups.
func newCrowd(t *testing.T, size, groups int) (peers []*light, served chan string) {
	served = make(chan string, size)
	for i := range size {
		p := newLight(t, fmt.Sprintf("p%03d", i), sayingHello)
		var once sync.Once
		p.handle = func(_ *dist.Link, msg []byte) {
			if isSync(msg, groups) {
				once.Do(func() { served <- p.name() })
			}
		}
		peers = append(peers, p)
	}
	return peers, served
}

// joinAll dials a node from all peers at once; each greets its scope.
func joinAll(t *testing.T, hub *Node, peers []*light) {
	var joining sync.WaitGroup
	defer joining.Wait()
	for _, p := range peers {
		joining.Go(func() {
			info, err := p.table.Dial(t.Context(), within, hub.listen[0], hub.name)
			var msg []byte
			if err == nil {
				msg, err = etf.Append(nil, etf.Tuple{etf.Atom("discover"), p.scopePid()})
			}
			if err == nil {
				err = info.Link.SendName(p.scopePid(), "pg", msg)
			}
			if err != nil {
				t.Errorf("%s: %v", p.name(), err)
			}
		})
	}
}

// isSync says whether a message is a sync of that many groups.
func isSync(msg []byte, groups int) bool {
	r := etf.NewReader(msg, etf.WireLimits())
	if arity, err := r.TupleHeader(); err != nil || arity != 2 || !r.AtomIs("$gen_cast") {
		return false
	}
	if arity, err := r.TupleHeader(); err != nil || arity != 3 || !r.AtomIs("sync") || r.Skip() != nil {
		return false
	}
	count, err := r.ListHeader()
	return err == nil && count == groups
}
