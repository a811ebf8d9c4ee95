package pg

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// checkIndex holds the index to its own rules: each slot is in its peer's list
// where it says, totals are sums, nothing is empty.
func checkIndex[L comparable](t rapid.TB, s *Scope[L]) {
	t.Helper()
	slots, members := map[*peer[L]]int{}, map[*peer[L]]int{}
	for k, g := range s.index.groups {
		if g.key != k || len(g.slots) == 0 {
			t.Fatalf("group %x under %x has %d slots", g.key, k, len(g.slots))
		}
		if len(g.slots) > 1 && g.one[0].peer != nil && &g.slots[0] != &g.one[0] {
			t.Fatalf("group %x keeps a slot it moved", k)
		}
		for i := range g.slots {
			v := &g.slots[i]
			if s.peers[v.peer.link] != v.peer || v.peer.groups[v.at] != g || v.count() < 1 {
				t.Fatalf("group %x: slot %d of %v at %d, count %d", k, i, v.peer.link, v.at, v.count())
			}
			slots[v.peer]++
			members[v.peer] += v.count()
			checkBag(t, v.more)
		}
	}
	for _, p := range s.peers {
		if len(p.groups) != slots[p] || p.members != members[p] || p.waiting != p.wants() {
			t.Fatalf("peer %v: %d groups, %d members, waiting %t; slots say %d, %d, %t",
				p.link, len(p.groups), p.members, p.waiting, slots[p], members[p], p.wants())
		}
		if p.waiting != slices.Contains(s.waiting, p) {
			t.Fatalf("peer %v: waiting %t, in the list %t", p.link, p.waiting, !p.waiting)
		}
	}
}

func checkBag(t rapid.TB, b *bag) {
	t.Helper()
	if b == nil {
		return
	}
	total := 0
	for i, c := range b.list {
		total += int(c.n)
		if b.find(c.proc) != i || c.n == 0 {
			t.Fatalf("bag: %v at %d is found at %d", c, i, b.find(c.proc))
		}
	}
	if total != b.total || total < 2 || b.at != nil && len(b.at) != len(b.list) {
		t.Fatalf("bag: total %d, sum %d, index of %d, list of %d", b.total, total, len(b.at), len(b.list))
	}
}

// view is what an oracle keeps: group, peer, process and how often.
type view map[Key]map[string]map[proc]int

func (v view) add(k Key, peer string, p proc, n int) (was bool) {
	if v[k] == nil {
		v[k] = map[string]map[proc]int{}
	}
	if v[k][peer] == nil {
		v[k][peer] = map[proc]int{}
	}
	if was = v[k][peer][p] > 0; was || n > 0 {
		v[k][peer][p] += n
	}
	maps.DeleteFunc(v[k][peer], func(_ proc, n int) bool { return n == 0 })
	if len(v[k][peer]) == 0 {
		delete(v[k], peer)
	}
	if len(v[k]) == 0 {
		delete(v, k)
	}
	return was
}

func (v view) drop(peer string) {
	for k := range v {
		delete(v[k], peer)
		if len(v[k]) == 0 {
			delete(v, k)
		}
	}
}

func (v view) targets(k Key) (out []Target[string]) {
	for peer, procs := range v[k] {
		for p, n := range procs {
			for range n {
				out = append(out, Target[string]{peer, pidOf(peers[peer], p.id)})
			}
		}
	}
	slices.SortFunc(out, compareTargets)
	return out
}

func compareTargets(a, b Target[string]) int {
	return cmp.Or(cmp.Compare(a.Link, b.Link), cmp.Compare(a.Pid.ID, b.Pid.ID))
}

var peers = map[string]Origin{"b": alice, "c": bob, "d": {"d@h", 10}}

// TestReadingAgainstOracle drives syncs, joins, leaves and lost links of three
// peers and compares all that can be read with nested maps.
func TestReadingAgainstOracle(t *testing.T) {
	names := []Key{key(t, "g0"), key(t, "g1"), key(t, ":g1"), key(t, "g2")}
	rapid.Check(t, func(t *rapid.T) {
		s, want := newScope(), view{}
		for _, l := range []string{"b", "c", "d"} {
			o := peers[l]
			s.LinkUp(l, o)
			s.Receive(l, Message{op: opDiscover, from: o, scope: proc{1, 0}})
		}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			before, version := fmt.Sprint(want), s.Version()
			oracleStep(t, s, want, names)
			if changed := before != fmt.Sprint(want); changed && s.Version() == version {
				t.Fatalf("membership changed and version stayed %d", version)
			}
			checkIndex(t, s)
			compareViews(t, s, want, names)
		}
	})
}

func oracleStep(t *rapid.T, s *Scope[string], want view, names []Key) {
	l := rapid.SampledFrom([]string{"b", "c", "d"}).Draw(t, "peer")
	m := Message{from: peers[l], scope: proc{1, 0}}
	switch rapid.SampledFrom([]string{"join", "leave", "sync", "flap", "bulk"}).Draw(t, "what") {
	case "join":
		m.op = opJoin
		drawGroup(t, &m, names)
		enter(want, l, &m)
	case "bulk": // beyond what a bag keeps without index
		m.op = opJoin
		m.add(names[0], proc{7, 0}, proc{7, 0})
		for i := range uint32(20) {
			m.addPid(proc{i, 0})
		}
		enter(want, l, &m)
	case "leave":
		m.op = opLeave
		drawGroup(t, &m, names)
		drawGroup(t, &m, names)
		for i := range m.spans {
			for _, p := range m.pids {
				want.add(m.key(i), l, p, -1)
			}
		}
	case "sync":
		m.op = opSync
		for range rapid.IntRange(0, 4).Draw(t, "groups") {
			drawGroup(t, &m, names)
		}
		want.drop(l)
		enter(want, l, &m)
	case "flap":
		s.LinkUp(l, peers[l])
		m.op = opDiscover
		want.drop(l)
	}
	if _, err := s.Receive(l, m); err != nil {
		t.Fatal(err)
	}
}

func enter(want view, l string, m *Message) {
	for i := range m.spans {
		for _, p := range m.members(i) {
			want.add(m.key(i), l, p, 1)
		}
	}
}

func drawGroup(t *rapid.T, m *Message, names []Key) {
	m.add(rapid.SampledFrom(names).Draw(t, "group"))
	for _, id := range rapid.SliceOfN(rapid.Uint32Range(0, 5), 0, 4).Draw(t, "pids") {
		m.addPid(proc{id, 0})
	}
}

// add appends a group to a message under test.
func (m *Message) add(k Key, procs ...proc) {
	m.names += string(k)
	m.pids = append(m.pids, procs...)
	m.spans = append(m.spans, span{uint32(len(m.names)), uint32(len(m.pids))})
}

// addPid appends a pid to the last group.
func (m *Message) addPid(p proc) {
	m.pids = append(m.pids, p)
	m.spans[len(m.spans)-1].pid++
}

func compareViews(t *rapid.T, s *Scope[string], want view, names []Key) {
	for _, k := range names {
		got := s.Remote(k, nil)
		var links []string
		for _, g := range got {
			if n := len(links); n == 0 || links[n-1] != g.Link {
				links = append(links, g.Link)
			}
		}
		if members, nodes := s.Count(k); members != len(got) || nodes != len(links) || nodes != len(want[k]) {
			t.Fatalf("%x: Count() = %d, %d with targets %v", k, members, nodes, got)
		}
		slices.SortFunc(got, compareTargets)
		if !slices.Equal(got, want.targets(k)) {
			t.Fatalf("%x: targets %v, want %v", k, got, want.targets(k))
		}
		g, ok := s.Group(k)
		if ok != (len(want[k]) > 0) || len(g.Members) != len(want[k]) {
			t.Fatalf("%x: Group() = %v, %t, want %v", k, g, ok, want[k])
		}
	}
	all := s.Groups()
	if len(all) != len(want) || !slices.IsSortedFunc(all, func(a, b Group[string]) int { return cmp.Compare(a.Key, b.Key) }) {
		t.Fatalf("Groups() = %v, want those of %v", all, want)
	}
	for l := range peers {
		var mine []Key
		for k := range want {
			if want[k][l] != nil {
				mine = append(mine, k)
			}
		}
		slices.Sort(mine)
		if got := s.PeerGroups(l); !slices.Equal(got, mine) {
			t.Fatalf("PeerGroups(%s) = %x, want %x", l, got, mine)
		}
	}
}

// TestMemoryComesBack: after a flood the index is as small as before.
func TestMemoryComesBack(t *testing.T) {
	s := newScope()
	for _, l := range []string{"b", "c", "d"} {
		o := peers[l]
		s.LinkUp(l, o)
		m := Message{op: opSync, from: o, scope: proc{1, 0}}
		for i := range 5000 {
			m.add(key(t, fmt.Sprint("g", i)), proc{9, 0})
		}
		if _, err := s.Receive(l, m); err != nil {
			t.Fatal(err)
		}
	}
	for l := range peers {
		s.LinkDown(l)
		checkIndex(t, s)
	}
	if s.index.peak != 0 || len(s.Groups()) != 0 {
		t.Errorf("the map was made for %d groups, %d are left", s.index.peak, len(s.Groups()))
	}
}
