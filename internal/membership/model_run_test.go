package membership

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

var (
	schedulesFlag = flag.Int("schedules", 0, "schedules to run against the oracle; 0 is 100,000, less under -short and -race")
	seedFlag      = flag.Uint64("schedules.seed", 0, "seed of the schedules; 0 draws one")
	firstFlag     = flag.Int("schedules.first", 0, "number of the first schedule, to repeat a failure")
)

// schedules is how many runs the long tests make.
func schedules() int {
	switch {
	case *schedulesFlag > 0:
		return *schedulesFlag
	case raceEnabled:
		return 5_000
	case testing.Short():
		return 10_000
	}
	return 100_000
}

// eachSchedule calls run with a source of choices per schedule, and tells how
// to repeat the one that failed. Each schedule has its own source, so that it
// can be repeated without those before it.
func eachSchedule(t *testing.T, run func(pick func(int) int, log func(string, ...any)) error) {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("%d schedules, -schedules.seed=%d", schedules(), seed)
	for i := *firstFlag; i < *firstFlag+schedules(); i++ {
		if err := run(rand.New(rand.NewPCG(seed, uint64(i))).IntN, func(string, ...any) {}); err != nil {
			t.Errorf("schedule %d: %v\nrepeat: -schedules.seed=%d -schedules.first=%d -schedules=1", i, err, seed, i)
			_ = run(rand.New(rand.NewPCG(seed, uint64(i))).IntN, t.Logf) // the same failure, told step by step
			t.FailNow()
		}
	}
}

// TestModel holds the tracker against the oracle: every delta exact, the laws
// after every step, the same members with and without nudges.
func TestModel(t *testing.T) {
	var s sights
	eachSchedule(t, func(pick func(int) int, log func(string, ...any)) error {
		return newSchedule(pick, log, &s).run()
	})
	t.Logf("%+v", s)
	if *schedulesFlag == 0 && s.vacuous() {
		t.Errorf("a case was never met: %+v", s)
	}
}

// TestModelShrinks is TestModel under rapid, which finds less in the same time
// and shows the shortest schedule that fails. More with -rapid.checks.
func TestModelShrinks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s sights
		if err := newSchedule(rapidPick(t), t.Logf, &s).run(); err != nil {
			t.Fatal(err)
		}
	})
}

func rapidPick(t *rapid.T) func(int) int {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "pick") }
}

// anyTable shows the tracker tables that no sound table would produce: rows
// out of order and twice, generations that stand still, fall or are zero.
func anyTable(pick func(int) int, log func(string, ...any)) error {
	o := newObserved()
	for version := range 1 + pick(12) {
		var s []Entry
		for range pick(6) {
			s = append(s, anyRow(pick))
		}
		if pick(4) == 0 {
			name := modelNames[pick(len(modelNames))]
			log("forget %s: %t", name, o.forget(name))
		}
		d, err := o.poll(Snapshot{uint64(version), s})
		log("rows %+v\n%s", s, shown(d))
		if err != nil {
			return err
		}
		if err := upRowsAreMembers(o.Tracker, s); err != nil {
			return err
		}
	}
	return nil
}

func anyRow(pick func(int) int) Entry {
	return Entry{
		Peer:   Peer{modelNames[pick(len(modelNames))], uint32(pick(3)), uint64(pick(5))},
		Up:     pick(2) == 0,
		Reason: modelReasons[pick(len(modelReasons))],
	}
}

// upRowsAreMembers: of the rows of one name the highest generation decides,
// the later among equals, and it is a member exactly if it is up.
func upRowsAreMembers(t *Tracker, rows []Entry) error {
	last := map[string]Entry{}
	for _, e := range rows {
		if was, ok := last[e.Name]; !ok || e.Generation >= was.Generation {
			last[e.Name] = e
		}
	}
	members := 0
	for _, e := range last {
		members += b2i(e.Up)
	}
	for _, p := range t.Peers() {
		if e := last[p.Name]; !e.Up || e.Peer != p {
			return fmt.Errorf("member %+v, row %+v", p, e)
		}
	}
	if t.Len() != members {
		return fmt.Errorf("%d members, %d rows up", t.Len(), members)
	}
	return nil
}

// TestLawsOnAnyTable: the laws do not depend on the table being sound.
func TestLawsOnAnyTable(t *testing.T) { eachSchedule(t, anyTable) }

// TestLawsOnAnyTableShrinks is the same under rapid.
func TestLawsOnAnyTableShrinks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if err := anyTable(rapidPick(t), t.Logf); err != nil {
			t.Fatal(err)
		}
	})
}
