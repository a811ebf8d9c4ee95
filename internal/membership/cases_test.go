package membership

import (
	"reflect"
	"slices"
	"testing"
)

// polls feeds tables to a fresh tracker, each under a new version, with the
// laws checked after each, and returns the tracker and the last delta.
func polls(t *testing.T, tables ...[]Entry) (observed, Delta) {
	t.Helper()
	var d Delta
	var err error
	o := newObserved()
	for i, table := range tables {
		if d, err = o.poll(Snapshot{uint64(i), table}); err != nil {
			t.Fatalf("poll %d: %v", i, err)
		}
	}
	return o, d
}

// TestCrossCases is every way from one row to the next: k is how far the
// generation moved.
func TestCrossCases(t *testing.T) {
	c1g1, c1g4 := Peer{"b@h", 1, 1}, Peer{"b@h", 1, 4}
	for _, tt := range []struct {
		name       string
		was, now   []Entry
		want       Delta
		unnumbered uint64
	}{
		{name: "nobody, nobody"},
		{name: "new", now: rows(up("b@h", 1, 1)),
			want: Delta{Joined: []Joined{{c1g1, 0, false}}}},
		{name: "new, k=4", now: rows(up("b@h", 1, 4)),
			want: Delta{Joined: []Joined{{c1g4, 3, false}}}},
		{name: "new and dead, k=4", now: rows(down("b@h", 1, 4, "eof")),
			want: Delta{Flapped: []Flap{{c1g4, 4, "eof"}}}},
		{name: "stays", was: rows(up("b@h", 1, 1)), now: rows(up("b@h", 1, 1))},
		{name: "only the reason changed", was: rows(up("b@h", 1, 1)),
			now: []Entry{{Peer: c1g1, Up: true, Reason: "eof"}}},
		{name: "same creation, k=3", was: rows(up("b@h", 1, 1)), now: rows(up("b@h", 1, 4)),
			want: Delta{Left: []Left{{c1g1, ""}}, Joined: []Joined{{c1g4, 2, true}}}},
		{name: "creation changed, k=0", was: rows(up("b@h", 1, 1)), now: rows(up("b@h", 2, 1)),
			want:       Delta{Left: []Left{{c1g1, ""}}, Joined: []Joined{{Peer{"b@h", 2, 1}, 0, true}}},
			unnumbered: 1},
		{name: "creation changed, k=1", was: rows(up("b@h", 1, 1)), now: rows(up("b@h", 2, 2)),
			want: Delta{Left: []Left{{c1g1, ""}}, Joined: []Joined{{Peer{"b@h", 2, 2}, 0, true}}}},
		{name: "left", was: rows(up("b@h", 1, 1)), now: rows(down("b@h", 1, 1, "reset")),
			want: Delta{Left: []Left{{c1g1, "reset"}}}},
		{name: "left, k=3", was: rows(up("b@h", 1, 1)), now: rows(down("b@h", 1, 4, "reset")),
			want: Delta{Left: []Left{{c1g1, "reset"}}, Flapped: []Flap{{c1g4, 3, "reset"}}}},
		{name: "row gone", was: rows(up("b@h", 1, 1)),
			want: Delta{Left: []Left{{c1g1, ReasonRemoved}}}},
		{name: "row of nobody gone", was: rows(down("b@h", 1, 1, "eof"))},
		{name: "rejoins, k=3", was: rows(down("b@h", 1, 1, "eof")), now: rows(up("b@h", 1, 4)),
			want: Delta{Joined: []Joined{{c1g4, 2, false}}}},
		{name: "rejoins, k=0", was: rows(down("b@h", 1, 1, "eof")), now: rows(up("b@h", 1, 1)),
			want: Delta{Joined: []Joined{{c1g1, 0, false}}}, unnumbered: 1},
		{name: "generation falls, up", was: rows(up("b@h", 1, 4)), now: rows(up("b@h", 1, 1)),
			want:       Delta{Left: []Left{{c1g4, ""}}, Joined: []Joined{{c1g1, 0, true}}},
			unnumbered: 4},
		{name: "generation falls to 0, up", was: rows(up("b@h", 1, 4)), now: rows(up("b@h", 1, 0)),
			want:       Delta{Left: []Left{{c1g4, ""}}, Joined: []Joined{{Peer{"b@h", 1, 0}, 0, true}}},
			unnumbered: 5},
		{name: "generation falls, down", was: rows(up("b@h", 1, 4)), now: rows(down("b@h", 1, 1, "eof")),
			want:       Delta{Left: []Left{{c1g4, "eof"}}, Flapped: []Flap{{c1g1, 1, "eof"}}},
			unnumbered: 4},
		{name: "two rows of one name, out of order",
			now:  rows(up("c@h", 1, 1), down("b@h", 1, 2, "eof"), up("b@h", 1, 4), down("b@h", 1, 4, "eof"), up("b@h", 1, 4)),
			want: Delta{Joined: []Joined{{c1g4, 3, false}, {Peer{"c@h", 1, 1}, 0, false}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := slices.Clone(tt.now)
			o, d := polls(t, tt.was, tt.now)
			if !reflect.DeepEqual(d, tt.want) {
				t.Errorf("delta:\n%swant:\n%s", shown(d), shown(tt.want))
			}
			if got := o.Counts("b@h").Unnumbered; got != tt.unnumbered {
				t.Errorf("unnumbered %d, want %d", got, tt.unnumbered)
			}
			if !slices.Equal(now, tt.now) {
				t.Errorf("the caller's rows were changed: %+v", tt.now)
			}
		})
	}
}

// TestFlapStorm: k links inside one poll are one pair, k-1 of them coalesced,
// for each k; dead at the poll they are one flap of k.
func TestFlapStorm(t *testing.T) {
	for k := uint64(1); k <= 1000; k++ {
		o, d := polls(t, rows(up("b@h", 1, 1)), rows(up("b@h", 1, 1+k)))
		want := Delta{Left: []Left{{Peer{"b@h", 1, 1}, ""}}, Joined: []Joined{{Peer{"b@h", 1, 1 + k}, k - 1, true}}}
		if !sameDelta(d, want) || o.Counts("b@h").Coalesced != k-1 {
			t.Fatalf("k=%d: %scounts %+v", k, shown(d), o.Counts("b@h"))
		}
		o, d = polls(t, nil, rows(down("b@h", 1, k, "eof")))
		if want := (Delta{Flapped: []Flap{{Peer{"b@h", 1, k}, k, "eof"}}}); !sameDelta(d, want) || o.Len() != 0 {
			t.Fatalf("k=%d: %s", k, shown(d))
		}
	}
}

// TestDelayedPoll: a poll that comes ten intervals late brings what the ten
// would have brought, where each name changed once.
func TestDelayedPoll(t *testing.T) {
	timely, late := newOracle(), newOracle()
	prompt, starved := newObserved(), newObserved()
	names := []string{"a@h", "b@h", "c@h", "d@h", "e@h", "f@h", "g@h", "h@h", "i@h", "j@h"}
	for _, name := range names[:5] {
		timely.born(name, 1)
		late.born(name, 1)
	}
	mustPoll(t, prompt, timely)
	mustPoll(t, starved, late)
	var sum Delta
	for i, name := range names {
		for _, o := range []*oracle{timely, late} {
			if i < 5 {
				o.died(name, "eof")
			} else {
				o.born(name, 2)
			}
		}
		d := mustPoll(t, prompt, timely)
		sum.Left, sum.Joined = append(sum.Left, d.Left...), append(sum.Joined, d.Joined...)
	}
	if d := mustPoll(t, starved, late); !sameDelta(d, sum) || len(d.Left) != 5 || len(d.Joined) != 5 {
		t.Errorf("late:\n%sin time:\n%s", shown(d), shown(sum))
	}
	if !slices.Equal(prompt.Peers(), starved.Peers()) {
		t.Errorf("late %+v, in time %+v", starved.Peers(), prompt.Peers())
	}
}

func mustPoll(t *testing.T, o observed, table *oracle) Delta {
	t.Helper()
	d, err := o.poll(table.snapshot())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestVersion: an unchanged version is not looked at, the first poll always
// is, and a version need not rise to be another one.
func TestVersion(t *testing.T) {
	o := observed{Tracker: new(Tracker), ledger: newLedger()} // the zero value
	for i, tt := range []struct {
		s    Snapshot
		want int
	}{
		{Snapshot{0, rows(up("a@h", 1, 1))}, 1},
		{Snapshot{0, rows(up("a@h", 1, 1), up("b@h", 1, 1))}, 1},
		{Snapshot{7, rows(up("a@h", 1, 1), up("b@h", 1, 1))}, 2},
		{Snapshot{7, nil}, 2},
		{Snapshot{6, nil}, 0},
	} {
		if _, err := o.poll(tt.s); err != nil || o.Len() != tt.want {
			t.Errorf("poll %d: %d members, want %d (%v)", i, o.Len(), tt.want, err)
		}
	}
}

// TestCopies: what was returned stays as it was, whatever comes later.
func TestCopies(t *testing.T) {
	o, d := polls(t, rows(up("a@h", 1, 1), up("b@h", 1, 1)))
	peers, names, joined := o.Peers(), o.Names(), slices.Clone(d.Joined)
	for version := range uint64(4) {
		if _, err := o.poll(Snapshot{10 + version, rows(up("b@h", 1, 2+version))}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(peers, []Peer{{"a@h", 1, 1}, {"b@h", 1, 1}}) || !slices.Equal(names, []string{"a@h", "b@h"}) {
		t.Errorf("peers %+v, names %q", peers, names)
	}
	if !slices.Equal(d.Joined, joined) {
		t.Errorf("delta changed to %+v", d.Joined)
	}
	peers[0].Name, o.Names()[0] = "x@h", "x@h"
	if got := o.Peers(); !slices.Equal(got, []Peer{{"b@h", 1, 5}}) {
		t.Errorf("peers %+v", got)
	}
}
