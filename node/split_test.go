package node

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/otptest"
)

// split cuts every link between nodes of different sides, and keeps it cut
// until heal.
func split(t testing.TB, sides ...[]*Node) {
	t.Helper()
	each(sides, func(n, other *Node) { n.table.Hold(other.name, time.Hour) })
	each(sides, func(n, other *Node) {
		if row, ok := n.table.Lookup(other.name); ok && row.Up {
			row.Link.Close(dist.ReasonReset, nil)
		}
	})
	for i, side := range sides {
		for _, n := range side {
			waitFor(t, n, "its side is all it sees", hasPeers(others(sides[i], n)...))
		}
	}
}

// heal lets the sides find each other again.
func heal(sides ...[]*Node) {
	each(sides, func(n, other *Node) { n.table.Hold(other.name, 0) })
	each(sides, func(n, other *Node) { go n.Join(n.ctx, other.testAddr()) })
}

// each calls f for every two nodes of different sides, both ways.
func each(sides [][]*Node, f func(n, other *Node)) {
	for i, side := range sides {
		for j, other := range sides {
			if i == j {
				continue
			}
			for _, n := range side {
				for _, o := range other {
					f(n, o)
				}
			}
		}
	}
}

func others(nodes []*Node, n *Node) []string {
	var list []string
	for _, o := range nodes {
		if o != n {
			list = append(list, o.name)
		}
	}
	return list
}

// view is all that a node knows of who has joined what.
func (n *Node) viewOfGroups() string {
	list, _, err := n.Channels(n.ctx)
	var b strings.Builder
	for _, c := range list {
		if c.Subscribers > 0 {
			fmt.Fprintln(&b, c.Name, c.Members)
		}
	}
	if err != nil {
		return err.Error()
	}
	return b.String()
}

// Splits of three and four nodes, with joins and leaves while they last: after
// healing all views are the union, within a second of the links.
func TestSplitsHeal(t *testing.T) {
	for _, shape := range [][]int{{1, 1}, {1, 2}, {1, 1, 1}, {2, 2}, {1, 3}, {1, 1, 2}, {1, 1, 1, 1}} {
		t.Run(fmt.Sprint(shape), func(t *testing.T) {
			t.Parallel()
			var names []string
			for _, k := range shape {
				for range k {
					names = append(names, string(rune('a'+len(names))))
				}
			}
			nodes := cluster(t, names...)
			var sides [][]*Node
			rest := nodes
			for _, k := range shape {
				sides, rest = append(sides, rest[:k:k]), rest[k:]
			}
			before := make([]*Subscription, len(nodes))
			for i, n := range nodes {
				before[i] = subscribe(t, n, "common", "before "+n.name)
				subscribe(t, n, "common")
			}
			split(t, sides...)
			for i, n := range nodes {
				before[i].Close()
				subscribe(t, n, "during", "during "+n.name)
			}
			heal(sides...)
			for _, n := range nodes {
				waitFor(t, n, "all are back", hasPeers(others(nodes, n)...))
			}
			healed := time.Now()
			want := func(n *Node) bool {
				v := n.viewOfGroups()
				return v == nodes[0].viewOfGroups() && strings.Count(v, "\n") == 2+len(nodes) && !strings.Contains(v, "before")
			}
			for _, n := range nodes {
				waitFor(t, n, "the union is its view", want)
			}
			t.Logf("equal %v after the last link", time.Since(healed))
			s := subscribe(t, nodes[0], "during")
			for _, n := range nodes[1:] {
				await(t, n, "during", len(nodes))
				publish(t, n, "during", n.name)
				if m := arrived(t, s); string(m.Payload) != n.name {
					t.Errorf("message %s, want %s", m.Payload, n.name)
				}
			}
		})
	}
}

// The same with OTP nodes in the splits: their own pg is the judge.
func TestOTPSplitsHeal(t *testing.T) {
	otptest.Need(t)
	for _, count := range []int{2, 3} { // with one of ours: three and four nodes
		t.Run(fmt.Sprintf("%d OTP nodes", count), func(t *testing.T) {
			t.Parallel()
			epmd := otptest.NewEPMD(t)
			// Where two OTP nodes part, global would part others too.
			args := append(slices.Clone(explicit), "-kernel", "prevent_overlapping_partitions", "false")
			var otps []*otptest.Node
			for i := range count {
				otps = append(otps, otptest.Start(t, otptest.Options{EPMD: epmd, Name: fmt.Sprint("otp", i), Args: args}))
				for _, o := range otps[:i] {
					otps[i].Eval(t, "net_kernel:connect_node('"+o.Name+"').")
				}
			}
			n := start(t, otpConfig(t, "a", otps[0]))
			for _, o := range otps {
				if j := n.Join(t.Context(), o.Name); j.Err != nil {
					t.Fatal(j.Err)
				}
				o.Eval(t, "register(holder, spawn(fun() -> receive stop -> ok end end)), pg:join(<<\"common\">>, whereis(holder)).")
			}
			subscribe(t, n, "common")
			whole := fmt.Sprint(count + 1)
			for _, o := range otps {
				o.WaitEval(t, members("common"), whole, within)
			}
			for round := range 3 {
				splitOTP(t, n, otps)
				late := fmt.Sprint("round ", round)
				subscribe(t, n, late)
				healOTP(t, n, otps)
				for _, o := range otps {
					o.WaitEval(t, members("common"), whole, within)
					o.WaitEval(t, members(late), "1", within)
				}
				await(t, n, "common", count+1)
			}
		})
	}
}

// splitOTP parts our node from the first OTP node, and that from the others.
func splitOTP(t *testing.T, n *Node, otps []*otptest.Node) {
	t.Helper()
	first := otps[0]
	n.table.Hold(first.Name, time.Hour)
	if row, ok := n.table.Lookup(first.Name); ok && row.Up {
		row.Link.Close(dist.ReasonReset, nil)
	}
	for _, o := range otps[1:] {
		first.Eval(t, "erlang:disconnect_node('"+o.Name+"').")
	}
	first.WaitEval(t, members("common"), "1", within)
	for _, o := range otps[1:] {
		o.WaitEval(t, members("common"), fmt.Sprint(len(otps)), within)
	}
}

func healOTP(t *testing.T, n *Node, otps []*otptest.Node) {
	t.Helper()
	first := otps[0]
	n.table.Hold(first.Name, 0)
	if j := n.Join(t.Context(), first.Name); j.Err != nil {
		t.Fatal(j.Err)
	}
	for _, o := range otps[1:] {
		first.WaitEval(t, "ets:member(sys_dist, '"+o.Name+"') orelse net_kernel:connect_node('"+o.Name+"').", "true", within)
		first.WaitEval(t, "lists:member('"+o.Name+"', nodes()) orelse net_kernel:connect_node('"+o.Name+"').", "true", within)
	}
}

// Ten thousand channels, synced to eight newcomers at once.
func TestHerd(t *testing.T) {
	a := start(t, testConfig(t, "a"))
	const channels = 10_000
	names := make([]string, channels)
	for i := range names {
		names[i] = fmt.Sprint("channel ", i)
	}
	subscribe(t, a, names...)
	configs := meshConfigs(t, a.testAddr(), 8)
	begin := time.Now()
	nodes := startAll(t, configs)
	for _, n := range nodes {
		waitFor(t, n, "all channels of a", func(n *Node) bool { return len(n.Subscriptions(a.name)) == channels })
	}
	t.Logf("%d channels at 8 newcomers after %v", channels, time.Since(begin))
	for _, n := range nodes {
		if got := n.Subscriptions(a.name); !slices.IsSorted(got) || len(slices.Compact(got)) != channels {
			t.Errorf("%s has %d channels of a", n.name, len(got))
		}
	}
}
