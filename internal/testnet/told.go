package testnet

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Status is what `liminal status --json` says, as far as the rig asks.
type Status struct {
	Node, State, Health string
	Listen              []string
	Seeds               []struct {
		Address, State string
		Tries          int
	}
	Warnings []string
	Counters []struct {
		Name  string
		Value uint64
	}
	Channels struct{ Channels, Subscriptions int }
}

// Counter is one by name; 0 if it is not told.
func (s Status) Counter(name string) uint64 {
	for _, c := range s.Counters {
		if c.Name == name {
			return c.Value
		}
	}
	return 0
}

// Peer is one row of `liminal peers --json`, as far as the rig asks.
type Peer struct {
	Name, State, Kind string
	Creation          uint32
	Generation        uint64
	Flaps, Subs       int
	Subscriptions     []string
	RTT               *int64 `json:"rtt_us"`
}

// Receipt is what `liminal pub --json` says, as far as the rig asks.
type Receipt struct {
	Messages, Dropped, Refused uint64
	Members, Nodes             int
	Peers                      []struct {
		Node, Outcome string
		Sent, Dropped uint64
	}
}

// Publish sends one message through the node.
func (n *Node) Publish(t testing.TB, channel, message string) (r Receipt) {
	t.Helper()
	n.w.JSON(&r, "pub", channel, message, "--node", n.Short())
	return r
}

// Status asks the node.
func (n *Node) Status(t testing.TB) (s Status) {
	t.Helper()
	n.Get(t, "/v1/status", &s) // the command would exit with 1 for a node that is not well
	return s
}

// Peers asks the node.
func (n *Node) Peers(t testing.TB) []Peer {
	t.Helper()
	var doc struct{ Peers []Peer }
	n.w.JSON(&doc, "peers", "--node", n.Short())
	return doc.Peers
}

// Subscribers asks the node how many stand behind a channel in the cluster.
func (n *Node) Subscribers(t testing.TB, channel string) int {
	t.Helper()
	var doc struct{ Channels []struct{ Subscribers int } }
	out, _, err := n.w.Try("channels", channel, "--json", "--node", n.Short())
	if err != nil {
		return 0 // unknown: nobody ever listened
	}
	if err := decode(out, &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Channels) == 0 {
		return 0
	}
	return doc.Channels[0].Subscribers
}

// Until polls for a condition; the machine may be slow.
func Until(t testing.TB, what string, ok func() bool) time.Duration {
	t.Helper()
	begin := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Since(begin) > Patience {
			t.Fatalf("not within %v: %s", Patience, what)
		}
		<-tick.C
	}
	return time.Since(begin)
}

// Watch calls f again and again for a while, at most twenty times a second.
func Watch(lasts time.Duration, f func()) {
	pace := time.NewTicker(50 * time.Millisecond)
	defer pace.Stop()
	for begin := time.Now(); time.Since(begin) < lasts; <-pace.C {
		f()
	}
}

// CheckLaws holds what the node has told against the laws of membership: per name
// joined and left alternate, joined first; present is joined less left; and the
// links there have been are those joined, coalesced and flapped. It is for nodes
// that have forgotten no peer. Quiet must have come before: no link is changing.
func (n *Node) CheckLaws(t testing.TB) {
	t.Helper()
	var peers []Peer
	Until(t, "what the node has told and lists agree", func() bool { // its output is a pipe, and may be behind
		peers = n.Peers(t)
		events := n.Events()
		return !slices.ContainsFunc(peers, func(p Peer) bool {
			return member(events, p.Name) != (p.State == "up" || p.State == "suspect")
		})
	})
	for _, wrong := range Alternate(n.Events()) {
		t.Errorf("%s: %s\n%s", n.Name, wrong, n.story())
	}
	var links, present uint64
	for _, p := range peers {
		links += p.Generation
		if p.State == "up" || p.State == "suspect" {
			present++
		}
	}
	s := n.Status(t)
	joined, left := s.Counter("peers_joined"), s.Counter("peers_left")
	if joined-left != present {
		t.Errorf("%s: %d joined, %d left, %d present", n.Name, joined, left, present)
	}
	if sum := joined + s.Counter("links_coalesced") + s.Counter("links_flapped"); sum != links {
		t.Errorf("%s: %d links, of which %d joined, %d coalesced, %d flapped", n.Name, links, joined,
			s.Counter("links_coalesced"), s.Counter("links_flapped"))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.bad != nil {
		t.Errorf("%s: %v", n.Name, n.bad)
	}
}

// Alternate says where the events of a name do not take turns, or their numbers
// have a hole.
func Alternate(events []Event) (wrong []string) {
	up, last := map[string]Event{}, uint64(0)
	for _, e := range events {
		if e.Type == "node.ready" {
			continue
		}
		if e.Seq != last+1 && last != 0 && !strings.HasPrefix(e.Type, "snapshot.") && e.Type != "gap" && e.Type != "bookmark" {
			wrong = append(wrong, fmt.Sprintf("event %d (%s) follows %d", e.Seq, e.Type, last))
		}
		last = max(last, e.Seq)
		before, is := up[e.Name]
		switch {
		case e.Type == "snapshot.peer" && e.State == "up":
			up[e.Name] = e
		case slices.Contains(Joined, e.Type):
			if is {
				wrong = append(wrong, fmt.Sprintf("%s joined twice, at %d and %d", e.Name, before.Seq, e.Seq))
			}
			if e.Generation <= before.Generation {
				wrong = append(wrong, fmt.Sprintf("%s joined with generation %d after %d", e.Name, e.Generation, before.Generation))
			}
			up[e.Name] = e
		case slices.Contains(Gone, e.Type):
			if !is {
				wrong = append(wrong, fmt.Sprintf("%s left at %d without having joined", e.Name, e.Seq))
			}
			delete(up, e.Name)
		}
	}
	return wrong
}
