package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/epmd"
	"github.com/liminal-bus/liminal/internal/perf"
)

func codes(ill []Reason) (list []Illness) {
	for _, r := range ill {
		list = append(list, r.Code)
	}
	return list
}

// TestJudge is the table of what makes a node ill, and for how long.
func TestJudge(t *testing.T) {
	now := time.Now()
	rose := func(which int, ago time.Duration) (v vitals) {
		v.moved[which] = moment{7, now.Add(-ago)}
		return v
	}
	for _, c := range []struct {
		name string
		v    vitals
		want []Illness
		says string
	}{
		{"well", vitals{}, nil, ""},
		{"cut off", vitals{isolated: true}, []Illness{IllIsolated}, "no seed answers"},
		{"epmd required and lost", vitals{epmd: EPMDStatus{Mode: EPMDRequire}}, []Illness{IllEPMD}, "required"},
		{"epmd required and there", vitals{epmd: EPMDStatus{Mode: EPMDRequire, Registered: true}}, nil, ""},
		{"epmd not asked for", vitals{epmd: EPMDStatus{Mode: EPMDAuto, Err: epmd.ErrNoEPMD}}, nil, ""},
		{"our name is another's", vitals{epmd: EPMDStatus{Mode: EPMDAuto, Err: epmd.ErrNameInUse}}, []Illness{IllDuplicate}, "epmd"},
		{"two nodes of one name", rose(onDuplicate, 0), []Illness{IllDuplicate}, "7 since the start"},
		{"two of one name, long ago", rose(onDuplicate, RecentTime), nil, ""},
		{"no descriptors", rose(onAccept, RecentTime-1), []Illness{IllAccept}, "descriptors"},
		{"no descriptors, long ago", rose(onAccept, RecentTime), nil, ""},
		{"wrong cookie", rose(onCookie, time.Minute), []Illness{IllCookie}, "cookie"},
		{"wrong certificate", rose(onCertificate, time.Minute), []Illness{IllCertificate}, "certificate"},
		{"full", rose(onFull, time.Minute), []Illness{IllFull}, "as many peers"},
		{"a peer takes nothing", rose(onOverflow, time.Minute), []Illness{IllOverflow}, "control messages"},
		{"suspended", rose(onLate, time.Minute), []Illness{IllLate}, "stood still"},
		{"certificate for long", vitals{certificate: now.Add(ExpiryTime + time.Minute)}, nil, ""},
		{"certificate ends", vitals{certificate: now.Add(49 * time.Hour)}, []Illness{IllExpiring}, "in 2 days"},
		{"certificate over", vitals{certificate: now.Add(-time.Hour)}, []Illness{IllExpiring}, "expired on"},
		{"several", vitals{isolated: true, certificate: now}, []Illness{IllIsolated, IllExpiring}, ""},
	} {
		c.v.now = now
		got := judge(c.v)
		if !slices.Equal(codes(got), c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if c.says != "" && !strings.Contains(fmt.Sprint(got), c.says) {
			t.Errorf("%s: %v does not say %q", c.name, got, c.says)
		}
		for _, r := range got {
			if !slices.Contains(Illnesses(), r.Code) {
				t.Errorf("%s: %s is none of Illnesses", c.name, r.Code)
			}
		}
	}
}

// TestPulse: only a rise is an event, whoever reads first.
func TestPulse(t *testing.T) {
	var p pulse
	start := time.Now()
	at := func(s int, count uint64) time.Time {
		return p.feel(start.Add(time.Duration(s)*time.Second), [momentCount]uint64{onCookie: count})[onCookie].at
	}
	if got := at(0, 0); !got.IsZero() {
		t.Errorf("never: %v", got)
	}
	if got := at(1, 2); !got.Equal(start.Add(time.Second)) {
		t.Errorf("first: %v", got)
	}
	if got := at(9, 2); !got.Equal(start.Add(time.Second)) {
		t.Errorf("unchanged: %v", got)
	}
	if got := at(10, 1); !got.Equal(start.Add(time.Second)) {
		t.Errorf("a reader that was overtaken: %v", got)
	}
	if got := at(11, 3); !got.Equal(start.Add(11 * time.Second)) {
		t.Errorf("again: %v", got)
	}
}

// TestCostOfWatching: the poll loop does it every second.
func TestCostOfWatching(t *testing.T) {
	n := start(t, quiet(t, "a"))
	perf.Most(t, "node.pulse.allocs", testing.AllocsPerRun(100, func() { n.pulse.feel(time.Now(), n.watched()) }))
}

// TestHealthOfARefusedPeer: both sides of a handshake that fails for the cookie
// count it under that cause; ill is the side that dialled.
func TestHealthOfARefusedPeer(t *testing.T) {
	a := start(t, quiet(t, "a"))
	if ill := a.Status().Ill; len(ill) != 0 {
		t.Fatalf("at the start: %v", ill)
	}
	c := quiet(t, "b")
	c.Cookie = NewCookie("another cookie than theirs")
	b := start(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	if joined := b.Join(ctx, a.testAddr()); joined.Err == nil {
		t.Fatal("joined")
	}
	for n, direction := range map[*Node]string{a: "in", b: "out"} {
		waitFor(t, n, "the refusal is counted", func(n *Node) bool {
			return n.Status().Counters["handshakes_failed_"+direction+"_cookie"] > 0
		})
		s := n.Status()
		warned := slices.ContainsFunc(s.Warnings, func(w string) bool { return strings.Contains(w, "refuse the cookie") })
		if ill := slices.Contains(codes(s.Ill), IllCookie); ill != (n == b) || warned != ill {
			t.Errorf("%s: ill %v, warnings %v", n.name, s.Ill, s.Warnings)
		}
	}
}
