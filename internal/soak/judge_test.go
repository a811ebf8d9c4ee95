package soak

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTale: what a run judges events by can fail, each rule alone.
func TestTale(t *testing.T) {
	now := time.Now()
	w := &world{begun: now, causes: []cause{
		{"c1", "kill", now, now.Add(time.Second)}, {"s2", "flap", now, now.Add(time.Second)}, {"", "stall", now.Add(time.Minute), now.Add(2 * time.Minute)},
	}}
	at := func(seq uint64, kind, name string, after time.Duration) event {
		return event{Type: kind, Seq: seq, Name: name + host, Time: now.Add(after)}
	}
	up := at(7, "snapshot.peer", "c1", 0)
	up.State = "up"
	for _, c := range []struct {
		name, node string
		events     []event
		want       string // of the only complaint; "" for none
		present    int
	}{
		{"killed", "s1", []event{up, at(8, "peer.down", "c1", 1)}, "", 0},
		{"came back", "s1", []event{up, at(8, "peer.down", "c1", 1), at(8, "bookmark", "", 2), at(9, "peer.rejoin", "c1", 3)}, "", 1},
		{"too late", "s1", []event{up, at(8, "peer.down", "c1", 2*time.Second)}, "without a cause", 0},
		{"the machine", "s1", []event{up, at(8, "peer.down", "c1", 90*time.Second)}, "", 0},
		{"of the other's proxy", "s2", []event{at(1, "peer.join", "c2", 0), at(2, "peer.down", "c2", 1)}, "", 0},
		{"of no proxy", "s1", []event{at(1, "peer.join", "c2", 0), at(2, "peer.leave", "c2", 1)}, "without a cause", 0},
		{"OTP has no proxy", "s2", []event{at(1, "peer.join", "o1", 0), at(2, "peer.down", "o1", 2*time.Second)}, "without a cause", 0},
		{"both dialled", "s2", []event{at(1, "peer.join", "o1", 0), at(2, "peer.down", "o1", time.Second/2)}, "", 0},
		{"a hole", "s1", []event{up, at(9, "peer.down", "c1", 1)}, "event 9 (peer.down) follows 7", 0},
		{"a gap", "s1", []event{up, at(8, "gap", "", 1)}, "event 8 (gap)", 1},
		{"twice", "s1", []event{up, at(8, "peer.rejoin", "c1", 1)}, "which is up: true", 1},
		{"never there", "s1", []event{at(1, "peer.down", "c1", 1)}, "which is up: false", 0},
	} {
		wrong, present := w.tale(c.node, c.events)
		if present != c.present || (c.want == "") != (len(wrong) == 0) || len(wrong) > 1 || !strings.Contains(strings.Join(wrong, ""), c.want) {
			t.Errorf("%s: %q, %d present", c.name, wrong, present)
		}
	}
}

// TestMeasure: a node that grows, or keeps goroutines or descriptors, is found out.
func TestMeasure(t *testing.T) {
	grown := func(each float64, minutes int) nodeReport {
		s := &steady{proc: &proc{name: "s1"}, base: sample{Goroutines: 50, FDs: 20}}
		for i := range minutes*30 + 1 {
			x := sample{At: time.Duration(i) * 2 * time.Second, RSS: 20*mib + each*float64(i), Goroutines: 60, FDs: 25}
			if i < 10*minutes { // the warm-up is not judged
				x.RSS /= 4
			}
			s.samples = append(s.samples, x)
		}
		return s.measure(sample{Goroutines: 51, FDs: 21})
	}
	for _, c := range []struct {
		each    float64 // bytes a sample
		minutes int
		wrong   bool
	}{
		{0, 10, false}, {15_000, 10, false}, {25_000, 10, true}, {-25_000, 10, false}, {1_000_000, 1, false}, {300, 600, false}, {1000, 600, true},
	} {
		n := grown(c.each, c.minutes)
		if got := n.wrong(); (len(got) > 0) != c.wrong {
			t.Errorf("%v bytes each for %d minutes: %q, slope %.1f MiB/h of %.1f", c.each, c.minutes, got, n.Slope.Slope/mib, n.Ceiling/mib)
		}
	}
	n := grown(0, 10)
	n.Goroutines[1], n.FDs[1] = 52, 18
	got := n.wrong()
	slices.Sort(got)
	if want := []string{"s1: 20 descriptors before, 18 after", "s1: 50 goroutines before, 52 after"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
