package tui

import (
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/display"
)

func listOf(when time.Time, peers ...control.Peer) control.Peers {
	return control.Peers{Time: when, Peers: peers}
}

func down(name string, when time.Time) control.Event {
	return control.Event{Type: control.EventDown, Name: name, Time: when, State: "down", Boot: "1"}
}

func up(name string, when time.Time, generation uint64) control.Event {
	return control.Event{Type: control.EventRejoin, Name: name, Time: when, State: "up", Boot: "1", Generation: generation}
}

// TestListsAndEvents: a list made before an event does not undo it.
func TestListsAndEvents(t *testing.T) {
	b := control.Peer{Name: "b@dev", State: "up", Generation: 1}
	for _, c := range []struct {
		name   string
		events []control.Event
		list   control.Peers
		want   string // the state of b, "" for no row
	}{
		{"list after", []control.Event{down("b@dev", noon)}, listOf(noon.Add(1), b), "up"},
		{"list before", []control.Event{down("b@dev", noon)}, listOf(noon.Add(-1), b), "down"},
		{"same moment", []control.Event{down("b@dev", noon)}, listOf(noon, b), "down"},
		{"without a time", []control.Event{down("b@dev", noon)}, listOf(time.Time{}, b), "up"},
		{"not listed, after", []control.Event{up("b@dev", noon, 1)}, listOf(noon.Add(1)), ""},
		{"not listed, before", []control.Event{up("b@dev", noon, 1)}, listOf(noon.Add(-1)), "up"},
		{"forgotten, list before", []control.Event{up("b@dev", noon, 1), {Type: control.EventForget, Name: "b@dev", Time: noon.Add(2), Boot: "1"}}, listOf(noon.Add(1), b), ""},
		{"forgotten, list after", []control.Event{up("b@dev", noon, 1), {Type: control.EventForget, Name: "b@dev", Time: noon.Add(2), Boot: "1"}}, listOf(noon.Add(3), b), "up"},
	} {
		d := newData("a@dev")
		for _, e := range c.events {
			d.applyEvent(e, noon)
		}
		d.applyPeers(c.list, noon)
		got := ""
		if r := d.rows["b@dev"]; r != nil {
			got = r.p.State
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestClockSetBack(t *testing.T) {
	d := newData("a@dev")
	d.applyPeers(listOf(noon, control.Peer{Name: "b@dev", State: "up"}), noon)
	d.applyEvent(down("b@dev", noon), noon)
	d.applyPeers(listOf(noon.Add(-time.Hour), control.Peer{Name: "b@dev", State: "up"}), noon)
	if got := d.rows["b@dev"].p.State; got != "up" {
		t.Errorf("after the node's clock was set back: %s", got)
	}
}

// TestFlapShowsAtOnce with the third loss, before a list tells it.
func TestFlapShowsAtOnce(t *testing.T) {
	d := newData("a@dev")
	for i := range 3 {
		when := noon.Add(time.Duration(i) * time.Minute)
		d.applyEvent(down("b@dev", when), when)
		d.applyEvent(up("b@dev", when.Add(time.Second), uint64(i+2)), when)
		want := "up"
		if i == 2 {
			want = "flap"
		}
		if got := state(&d.rows["b@dev"].p); got != want {
			t.Errorf("after %d losses: %s, want %s", i+1, got, want)
		}
	}
}

func TestRates(t *testing.T) {
	d := newData("a@dev")
	ask := func(after time.Duration, generation, in uint64, want float64) {
		t.Helper()
		at := noon.Add(after)
		d.applyPeers(listOf(at, control.Peer{Name: "b@dev", State: "up", Generation: generation, In: in, Out: 2 * in}), at)
		if r := d.rows["b@dev"]; r.in != want || want > 0 && r.out != 2*want {
			t.Errorf("after %v: %v in, %v out, want %v", after, r.in, r.out, want)
		}
	}
	ask(0, 1, 100, -1)
	ask(2*time.Second, 1, 300, 100)
	ask(3*time.Second, 2, 400, -1) // another link
	ask(4*time.Second, 2, 400, 0)
	ask(5*time.Second, 2, 10, -1) // counted anew
}

func TestWasUp(t *testing.T) {
	d := newData("a@dev")
	d.applyPeers(listOf(noon, control.Peer{Name: "b@dev", State: "up", Since: before("1h52m"), Generation: 3}), noon)
	d.applyEvent(down("b@dev", noon.Add(time.Minute)), noon)
	r := d.rows["b@dev"]
	if r.wasUp != time.Hour+53*time.Minute || r.p.Since != nil {
		t.Errorf("was up %v, since %v", r.wasUp, r.p.Since)
	}
}

// TestSubsFilterAsksForNames: names of channels are not in brief lists.
func TestSubsFilterAsksForNames(t *testing.T) {
	s := sixes(Options{}, 80, 24)
	s.press("/")
	if s.m.asking {
		t.Error("asked too early")
	}
	s.press("text:sub:orders")
	if !s.m.asking {
		t.Error("the names of channels were not asked for")
	}
	list := sixPeers()
	list[1].Subscriptions = []string{"chat", "orders"}
	s.now = s.now.Add(time.Second)
	s.peers(list...)
	s.settle()
	if got := s.names(); got != "[b]" {
		t.Errorf("shown: %s", got)
	}
}

// TestCloneStands: what is frozen does not move with what goes on.
func TestDataCloneStands(t *testing.T) {
	d := newData("a@dev")
	d.applyPeers(listOf(noon, control.Peer{Name: "b@dev", State: "up"}), noon)
	d.applyChannels(control.Channels{Channels: []control.Channel{{Name: "chat"}}}, noon)
	c := d.clone()
	d.applyEvent(down("b@dev", noon.Add(1)), noon)
	d.applyPeers(listOf(noon.Add(2)), noon)
	d.applyChannels(control.Channels{}, noon)
	if len(c.rows) != 1 || c.rows["b@dev"].p.State != "up" || c.log.total() != 0 || len(c.channels) != 1 {
		t.Errorf("%d rows, %d events, %d channels", len(c.rows), c.log.total(), len(c.channels))
	}
}

func TestTexts(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{group(5000), "5 000"}, {group(0), "0"}, {group(uint64(1234567)), "1 234 567"}, {group(-1000), "-1 000"},
		{rateText(-1), "-"}, {rateText(0), "0"}, {rateText(0.4), "0.4"}, {rateText(31.4), "31"}, {rateText(123456), "123k"}, {rateText(2e9), "2000M"},
		{rttText(0), "-"}, {rttText(20), "<0.1 ms"}, {rttText(310), "0.3 ms"}, {rttText(48000), "48 ms"}, {rttText(1_200_000), "1.2 s"},
		{display.Up(-time.Second), "0s"}, {display.Up(140 * time.Second), "2m20s"}, {display.Up(133 * time.Minute), "2h13m"}, {display.Up(76 * time.Hour), "3d4h"},
		{agoText(41 * time.Second), "41s ago"}, {agoText(3 * time.Hour), "3h ago"}, {lastText(100 * time.Millisecond), "0.1s ago"},
		{shortName("a@dev"), "a"}, {shortName("a@db1.example.net"), "a@db1.example.net"}, {shortName("a"), "a"},
		{seedAddress("a@dev", "10.0.0.5:9100"), "a@dev:9100"}, {seedAddress("a@dev", "[::1]:9100"), "a@dev:9100"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
