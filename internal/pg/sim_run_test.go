package pg

import (
	"flag"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// TestSixNodes runs random schedules of joins, leaves, cuts, crashes, restarts
// and deliveries; after each, once all is healed, all views are the union.
func TestSixNodes(t *testing.T) {
	schedules(t, 20_000)
	names := []Key{key(t, "a"), key(t, "b"), key(t, ":b")}
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, 6)
		for a := range w.nodes {
			for b := range a {
				w.up(a, b)
			}
		}
		w.disorder = rapid.Bool().Draw(t, "disorder")
		if rapid.Bool().Draw(t, "connected") {
			w.drain()
		}
		n := rapid.SampledFrom([]int{5, 20, 50, 100}).Draw(t, "steps")
		for i, v := range rapid.SliceOfN(rapid.Uint32(), n, n).Draw(t, "schedule") {
			w.step(scatter(v, i), names)
		}
		w.settle()
		w.agree(names)
		for name, n := range w.seen {
			seen[name] += n
		}
	})
	for _, name := range []string{"pg_stale", "pg_downs", "pg_replaced", "pg_late", "pg_leaves", "pg_joins", "pg_syncs"} {
		if seen[name] == 0 {
			t.Errorf("no schedule ever counted %s: they test nothing", name)
		}
	}
}

// schedules sets how many rapid runs, unless the command line says so: a tenth
// under the race detector, a twentieth with -short.
func schedules(t *testing.T, n int) {
	set := false
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == "rapid.checks" })
	if set {
		return
	}
	f := flag.Lookup("rapid.checks")
	before := f.Value.String()
	t.Cleanup(func() { f.Value.Set(before) })
	switch {
	case testing.Short():
		n /= 4 // and rapid itself takes a fifth
	case raceEnabled:
		n /= 10
	}
	if err := f.Value.Set(strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
}

// scatter spreads what rapid draws, which is mostly the same few small numbers.
func scatter(v uint32, i int) uint32 {
	v = (v ^ uint32(i)*0x85ebca6b) * 0x9e3779b1
	v = (v ^ v>>15) * 0xc2b2ae35
	return v ^ v>>13
}

// step decodes one number of a schedule.
func (w *world) step(v uint32, names []Key) {
	n := uint32(len(w.nodes))
	a, b, k := int(v>>8%n), int(v>>16%n), names[v>>24%uint32(len(names))]
	switch v % 32 {
	default:
		for range v >> 24 % 8 {
			w.deliver(a, b)
		}
	case 0, 1, 2, 3, 4, 5:
		w.change(a, k, true)
	case 6, 7, 8, 9, 10:
		w.change(a, k, false)
	case 11:
		w.notice(a, b)
	case 12, 13:
		w.up(a, b)
	case 14:
		w.kill(a)
	case 15, 16, 17:
		w.restart(a)
	case 18:
		w.rare(v, a)
	case 19:
		w.tick()
	case 20:
		w.drain()
	case 21, 22, 23:
		for _, e := range w.nodes[a].ends {
			if w.disorder {
				e.overtake()
			}
		}
	}
}

// rare is what would leave little else to see if it came often.
func (w *world) rare(v uint32, a int) {
	if v>>8&1 == 0 {
		w.crash(a)
		return
	}
	for x := range w.nodes { // about half of the nodes lose sight of the others
		for y := range w.nodes {
			if (v>>9>>x^v>>9>>y)&1 == 1 {
				w.notice(x, y)
			}
		}
	}
}
