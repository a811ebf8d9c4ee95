package node

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/discovery"
	"github.com/liminal-bus/liminal/internal/dist"
)

func lookAt(targets ...*Node) LookConfig {
	c := LookConfig{Cookie: NewCookie("a cookie for these tests"), EPMD: EPMDOff}
	for _, n := range targets {
		c.Addresses = append(c.Addresses, n.testAddr())
	}
	return c
}

// twoNodes are a and b, which know each other.
func twoNodes(t *testing.T) (a, b *Node) {
	a = start(t, testConfig(t, "a"))
	c := testConfig(t, "b")
	c.Seeds = []string{a.testAddr()}
	b = start(t, c)
	waitFor(t, a, "b is up", hasPeers(b.name))
	return a, b
}

func TestLookAtLiminal(t *testing.T) {
	a, b := twoNodes(t)
	n := look(t, lookAt(a))
	if got, want := seen(n), "a@127.0.0.1 up liminal, b@127.0.0.1 up liminal"; got != want {
		t.Errorf("seen %s, want %s", got, want)
	}
	for _, p := range n.Peers() {
		if p.RTT <= 0 || p.Hidden || p.Flaps > 0 {
			t.Errorf("%+v", p)
		}
	}
	for _, o := range []*Node{a, b} {
		looksAt(t, o, 1)
		if got := len(listed(o)) + len(o.PeerNames()); got != 2 {
			t.Errorf("%s has %v and lists %v: the look is no peer", o.name, o.PeerNames(), listed(o))
		}
		o.groups.mu.Lock()
		if len(o.groups.links) != 1 {
			t.Errorf("the scope of %s has %d links, the look's among them", o.name, len(o.groups.links))
		}
		o.groups.mu.Unlock()
	}
	name := n.name
	n.Close()
	for _, o := range []*Node{a, b} {
		forgets(t, o, name)
	}
}

// looksAt waits until so many looks are at a node.
func looksAt(t *testing.T, o *Node, want uint64) {
	t.Helper()
	waitFor(t, o, fmt.Sprintf("%d look at it", want), func(o *Node) bool { return o.counter("looks") == want })
}

// A node that nobody but a look is connected to is as isolated as before.
func TestLookIsNoPeer(t *testing.T) {
	a := start(t, quiet(t, "a"))
	b := start(t, quiet(t, "b", a.testAddr()))
	a.Close()
	waitFor(t, b, "a is gone", hasPeers())
	r := newReader(t, b)
	n := look(t, lookAt(b))
	looksAt(t, b, 1)
	b.PollOnce()
	if s := b.Status(); !s.Isolated {
		t.Errorf("a look is company: %v", s.Warnings)
	}
	n.Close()
	looksAt(t, b, 0)
	b.PollOnce()
	if err := r.check(); err != nil || len(r.kinds) != 2 {
		t.Errorf("the look made events: %v, %v", r.kinds, err)
	}
}

// Two addresses of one node are one target, whichever is first.
func TestLookAtTwoAddresses(t *testing.T) {
	c := testConfig(t, "a")
	c.Listen = "0.0.0.0:0"
	a := start(t, c)
	for range 10 {
		at := lookAt()
		for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
			at.Addresses = append(at.Addresses, fmt.Sprintf("%s:%d", host, a.listen[0].Port()))
		}
		n := look(t, at)
		if n.name != "liminal-look-0@127.0.0.1" || seen(n) != "a@127.0.0.1 up liminal" {
			t.Errorf("%s sees %s", n.name, seen(n))
		}
		up := 0
		for _, s := range n.Status().Seeds {
			if s.State == "up" {
				up++
			} else if !errors.Is(s.Err, ErrSeen) {
				t.Errorf("the other address: %+v", s)
			}
		}
		if up == 0 {
			t.Errorf("no address is up: %+v", n.Status().Seeds)
		}
		n.Close()
		looksAt(t, a, 0)
	}
}

// forgets waits until a node has nothing left of a look that has ended.
func forgets(t *testing.T, o *Node, name string) {
	t.Helper()
	waitFor(t, o, "the look is forgotten", func(o *Node) bool {
		_, row := o.table.Lookup(name)
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.peers[name] == nil && !row
	})
	if o.knows(name) {
		t.Errorf("%s dials %s", o.name, name)
	}
	w := o.Watch(1)
	defer w.Close()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		ev, err := w.Next(ctx)
		cancel()
		if err != nil {
			return
		}
		if ev.Peer.Name == name {
			t.Errorf("%s tells of the look: %+v", o.name, ev)
		}
	}
}

// A look that is killed says nothing, and one may come and go between two polls.
func TestLookEndsAnyhow(t *testing.T) {
	for _, poll := range []time.Duration{0, 5 * time.Second} {
		t.Run(fmt.Sprint(poll), func(t *testing.T) {
			c := testConfig(t, "a")
			c.Poll, c.NoNudge = poll, poll > 0
			a := start(t, c)
			n := look(t, lookAt(a))
			looksAt(t, a, 1)
			for _, l := range liveLinks(a) {
				l.Close(dist.ReasonReset, nil)
			}
			name := n.name
			n.Close()
			waitFor(t, a, "the link is gone", func(a *Node) bool { return !a.table.Up(name) })
			a.PollOnce()
			a.beat(time.Now(), 0)
			forgets(t, a, name)
		})
	}
}

// What takes part in a cluster does not work through a look.
func TestLookTakesNoPart(t *testing.T) {
	a := start(t, testConfig(t, "a"))
	n := look(t, lookAt(a))
	l := liveLinks(a)[0]
	_ = l.SendName(a.self, selfName, encodePeers([]told{{name: "x@127.0.0.1", kind: KindLiminal}}))
	_ = l.SendName(a.self, "pg", []byte{131})
	if j := n.Join(t.Context(), a.name); j.Err != nil || !j.Already {
		t.Errorf("join what is looked at: %+v", j)
	}
	waitFor(t, n, "it has counted the messages", func(n *Node) bool {
		c := n.Status().Counters
		return c["dropped_unknown_tag"] > 0 && c["dropped_unknown_name"] > 0
	})
	if got, want := seen(n), "a@127.0.0.1 up liminal"; got != want {
		t.Errorf("seen %s, want %s", got, want)
	}
}

// A name that the target has a link for is left alone, as is one that another
// process of this machine has claimed.
func TestLookTakesTheNextName(t *testing.T) {
	a := start(t, testConfig(t, "a"))
	first := look(t, lookAt(a))
	before, _ := a.table.Lookup(first.name)
	second := look(t, lookAt(a))
	if first.name != "liminal-look-0@127.0.0.1" || second.name != "liminal-look-1@127.0.0.1" {
		t.Errorf("the looks are %s and %s", first.name, second.name)
	}
	if after, _ := a.table.Lookup(first.name); after.Generation != before.Generation || !after.Up {
		t.Errorf("the first look's link was replaced: %+v", after)
	}
	claims := map[string]int{}
	c := lookAt(a)
	c.Claim = func(name string) (func(), error) {
		if name < "liminal-look-4" {
			return nil, fmt.Errorf("%w: %s", ErrLooks, name)
		}
		claims[name]++
		return func() { claims[name]-- }, nil
	}
	third := look(t, c)
	if third.name != "liminal-look-4@127.0.0.1" || claims["liminal-look-4"] != 1 {
		t.Errorf("the third look is %s, claims %v", third.name, claims)
	}
	third.Close()
	if claims["liminal-look-4"] != 0 {
		t.Error("the claim outlives the look")
	}
	c.Claim = func(string) (func(), error) { return nil, ErrLooks }
	if _, err := Look(t.Context(), c); !errors.Is(err, ErrLooks) {
		t.Errorf("with no name free: %v", err)
	}
}

// One that allows nobody is asked twice, not sixteen times.
func TestLookIsRefused(t *testing.T) {
	a := start(t, testConfig(t, "a"))
	if _, err := a.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := Look(t.Context(), lookAt(a))
	if !errors.Is(err, ErrRefused) {
		t.Errorf("look at a node that has left: %v", err)
	}
	if got := a.Status().Counters["handshakes_refused_alone"]; got > 2*maxRefusals {
		t.Errorf("%d handshakes", got)
	}
}

func TestLookAddresses(t *testing.T) {
	for _, list := range [][]string{nil, {"b@@x"}} {
		if _, err := Look(t.Context(), LookConfig{Addresses: list, Cookie: NewCookie("x")}); !errors.Is(err, ErrBadAddress) {
			t.Errorf("%q: %v", list, err)
		}
	}
	if _, err := Look(t.Context(), LookConfig{Addresses: []string{"b@127.0.0.1:1"}}); !errors.Is(err, ErrNoCookie) {
		t.Errorf("without a cookie: %v", err)
	}
}

func TestLookHost(t *testing.T) {
	short := hostBeside(t.Context(), "")
	for _, c := range []struct {
		address string
		long    bool
		want    string // "" for any of the form
	}{
		{"b", false, short},
		{"b@dev", false, short},
		{"b@dev:9100", false, short},
		{"b@127.0.0.1", true, "127.0.0.1"},
		{"b@127.0.1.1:9100", true, "127.0.1.1"},
		{"b@localhost", false, "localhost"},
		{"b@[::1]:9100", true, "::1"},
		{"b@192.0.2.7", true, ""},
		{"b@db1.example.invalid", true, ""},
		{"127.0.0.1:9100", false, short},
		{"[::1]:9100", false, short},
		{"dev:9100", false, short},
		{"192.0.2.7:9100", true, ""},
	} {
		a, err := discovery.ParseAddress(c.address)
		if err != nil {
			t.Fatal(err)
		}
		got := lookHost(t.Context(), a)
		if discovery.IsLong(got) != c.long || c.want != "" && got != c.want || discovery.ValidName("a@"+got) != nil {
			t.Errorf("%s: our host is %q, want %q", c.address, got, c.want)
		}
	}
}
