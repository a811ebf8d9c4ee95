package node

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/membership"
)

// F7: a peer whose links come and go faster than the poll. How often the node
// looks may change how the links are told apart into joined, coalesced and
// flapped, and never their sum.
func TestFlapFasterThanPoll(t *testing.T) {
	for _, c := range []struct {
		nudges bool
		poll   time.Duration
		hello  bool
		endUp  bool
	}{
		{nudges: true, hello: true, endUp: true},
		{nudges: true, hello: false, endUp: false},
		{nudges: false, hello: true, endUp: true},
		{nudges: false, hello: true, endUp: false},
		{nudges: false, poll: 2 * time.Millisecond, endUp: true},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			cfg := testConfig(t, "a")
			cfg.Poll, cfg.NoNudge, cfg.Logger = c.poll, !c.nudges, slog.New(slog.DiscardHandler)
			n := start(t, cfg)
			w := n.Watch(0)
			defer w.Close()
			var opts []lightOption
			if c.hello {
				opts = append(opts, sayingHello)
			}
			p := newLight(t, "b", opts...)
			made, lost := flap(p, n, 1000, c.endUp)
			settleFlaps(t, n, p.name(), made, c.endUp)
			checkLaws(t, n, w, p.name(), made, lost)
		})
	}
}

// Several nodes under one name: whoever joins one of them is told that, and not
// that it cannot be reached.
func TestJoinOfATwin(t *testing.T) {
	n := start(t, testConfig(t, "a"))
	const takeovers = 3 // as many as a name is let off with
	for i := range 1 + takeovers {
		newLight(t, "twin", ofLife(uint32(100+i))).dial(n)
	}
	third := start(t, testConfig(t, "twin"))
	j := n.Join(t.Context(), third.testAddr())
	var dial *DialError
	if !errors.Is(j.Err, ErrTwins) || errors.Is(j.Err, ErrUnreachable) || !errors.As(j.Err, &dial) || dial.Peer != third.name {
		t.Errorf("join: %v, of %+v", j.Err, dial)
	}
}

// flap makes links and closes them at once; the last one may stay.
func flap(p *light, n *Node, links int, endUp bool) (made, lost uint64) {
	for i := range links {
		l := p.dial(n)
		made++
		if endUp && i == links-1 {
			return made, lost
		}
		l.Close(dist.ReasonClosed, nil)
		<-l.Done()
		lost++
	}
	return made, lost
}

// settleFlaps waits until the last link is as it should be, and polled.
func settleFlaps(t *testing.T, n *Node, name string, made uint64, up bool) {
	t.Helper()
	waitFor(t, n, "the last link is as the peer left it", func(n *Node) bool {
		info, _ := n.table.Lookup(name)
		return info.Generation == made && info.Up == up
	})
	n.PollOnce()
	waitFor(t, n, "the poll has seen it", func(n *Node) bool { // a first link without hello is held for a while
		return n.trackerCounts(name).Generation == made && (len(n.PeerNames()) == 1) == up
	})
}

// sums are what a watcher can add up from the events of one name.
type sums struct{ joined, left, coalesced uint64 }

func checkLaws(t *testing.T, n *Node, w *Watcher, name string, made, lost uint64) {
	t.Helper()
	seen := readFlaps(t, n, w)
	counts := n.trackerCounts(name)
	counters := n.Status().Counters
	want := membership.Counts{
		Joined: counters["peers_joined"], Left: counters["peers_left"], Coalesced: counters["links_coalesced"],
		Flapped: counters["links_flapped"], Generation: made,
	}
	if counts != want {
		t.Errorf("tracker %+v\nstatus  %+v", counts, want)
	}
	if seen != (sums{counts.Joined, counts.Left, counts.Coalesced}) {
		t.Errorf("events %+v\ntracker %+v", seen, counts)
	}
	if sum := seen.joined + seen.coalesced + counters["links_flapped"]; sum != made {
		t.Errorf("%d joined + %d coalesced + %d flapped = %d of %d links", seen.joined, seen.coalesced, counters["links_flapped"], sum, made)
	}
	p := n.Peers()[0]
	if uint64(p.Flaps) != lost || p.Generation != made {
		t.Errorf("Flaps %d and Generation %d, want %d and %d", p.Flaps, p.Generation, lost, made)
	}
	if !p.Flapping {
		t.Error("it is not shown as flapping")
	}
	t.Logf("%d links: %d joined, %d coalesced, %d flapped", made, seen.joined, seen.coalesced, counters["links_flapped"])
}

func (n *Node) trackerCounts(name string) membership.Counts {
	n.pollMu.Lock()
	defer n.pollMu.Unlock()
	return n.tracker.Counts(name)
}

// readFlaps reads what there is and checks the order: joined first, then in
// turns, each leave with the identity that had joined.
func readFlaps(t *testing.T, n *Node, w *Watcher) (s sums) {
	t.Helper()
	var member bool
	var last, seq uint64 // generation, event
	if ev, err := w.Next(t.Context()); err != nil || ev.Type != EventSnapshotEnd || ev.Peers != 0 {
		t.Fatalf("the watch begins with %+v, %v", ev, err)
	}
	for seq < n.feed.seq() {
		ev, err := w.Next(t.Context())
		if err != nil || ev.Seq != seq+1 {
			t.Fatalf("event %d after %d: %v", ev.Seq, seq, err)
		}
		seq = ev.Seq
		if ev.Type == EventState { // down at once: flapped before it ever joined
			continue
		}
		arrived := ev.Type == EventJoin || ev.Type == EventRejoin
		if arrived == member {
			t.Fatalf("%+v while member is %t", ev, member)
		}
		member = arrived
		if !arrived {
			s.left++
			if ev.Type != EventDown || ev.Peer.Generation != last || ev.Reason == "" {
				t.Fatalf("left as %+v, joined with generation %d", ev, last)
			}
			continue
		}
		if (ev.Type == EventRejoin) != (s.joined > 0) || ev.Peer.Generation < last+1+ev.Coalesced {
			t.Fatalf("join %d is %+v, the last generation was %d", s.joined, ev, last)
		}
		last = ev.Peer.Generation
		s.joined++
		s.coalesced += ev.Coalesced
	}
	return s
}

// Links that are replaced while they are up, as by a peer that knows sooner
// that the old one is dead: one live link at the end, and none lost.
func TestReplacedAtOnce(t *testing.T) {
	cfg := testConfig(t, "a")
	cfg.Logger = slog.New(slog.DiscardHandler)
	n := start(t, cfg)
	const made = 100
	for range made {
		newLight(t, "b", sayingHello, ofLife(7)).dial(n)
	}
	name := "b@127.0.0.1"
	settleFlaps(t, n, name, made, true)
	peerState(t, n, name, StateUp)
	c := n.trackerCounts(name)
	if c.Joined+c.Coalesced+c.Flapped != made || c.Joined-c.Left != 1 {
		t.Errorf("%d links counted as %+v", made, c)
	}
	waitFor(t, n, "hello was taken from the live link", func(n *Node) bool { return n.Peers()[0].Kind == KindLiminal })
}
