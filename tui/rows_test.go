package tui

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// TestBriefListKeepsNames: a list that does not tell the channels does not say
// that there are none.
func TestBriefListKeepsNames(t *testing.T) {
	d := newData("a@dev")
	at := noon
	list := func(p control.Peer) []string {
		at = at.Add(time.Second)
		p.Name, p.State = "b@dev", "up"
		d.applyPeers(listOf(at, p), at)
		return d.rows["b@dev"].p.Subscriptions
	}
	for i, c := range []struct {
		p    control.Peer
		want string
	}{
		{control.Peer{Generation: 1, Subs: 1, Subscriptions: []string{"orders"}}, "[orders]"},
		{control.Peer{Generation: 1, Subs: 1}, "[orders]"},
		{control.Peer{Generation: 1, Subs: 2, Subscriptions: []string{"chat", "jobs"}}, "[chat jobs]"},
		{control.Peer{Generation: 2, Subs: 2}, "[]"}, // another link
		{control.Peer{Generation: 2, Subs: 1, Subscriptions: []string{"orders"}}, "[orders]"},
		{control.Peer{Generation: 2}, "[]"}, // it has left all
	} {
		if got := fmt.Sprint(list(c.p)); got != c.want {
			t.Errorf("list %d: %s, want %s", i+1, got, c.want)
		}
	}
}

// briefNode names channels only where it is asked to.
type briefNode struct {
	fakeNode
	brief []bool // what each call asked for
}

func (f *briefNode) Peers(_ context.Context, q control.Filter) (control.Peers, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.brief = append(f.brief, q.Brief)
	p := control.Peer{Name: "b@dev", State: "up", Subs: 1}
	if !q.Brief {
		p.Subscriptions = []string{"orders"}
	}
	return control.Peers{Node: "a@dev", Time: time.Now(), Peers: []control.Peer{p}}, nil
}

// TestPollAsksAsItIsNow: a list that was put off before the filter was typed is
// asked for with names.
func TestPollAsksAsItIsNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &briefNode{}
		m := newModel(Options{Node: "a@dev"}, newWire(t.Context(), f, time.Now))
		defer m.w.close()
		off := m.w.peers(time.Second, false)
		m.press("/sub:orders")
		off()
		m.setFilter("")
		m.w.peers(0, false)()
		if fmt.Sprint(f.brief) != "[false true]" {
			t.Errorf("asked for brief lists: %v", f.brief)
		}
		if m.live.rows["b@dev"] != nil {
			t.Error("a command has changed the model")
		}
	})
}

// press types on the model itself.
func (m *model) press(text string) {
	for _, r := range text {
		m.onKey(keyNamed(string(r)))
	}
}

// TestNamesGoWithTheFilter: nobody keeps them true after it.
func TestNamesGoWithTheFilter(t *testing.T) {
	s := sixes(Options{}, 80, 24)
	s.press("/", "text:sub:orders")
	list := sixPeers()
	list[1].Subscriptions = []string{"orders"}
	s.now = s.now.Add(time.Second)
	s.peers(list...)
	s.press("esc", "/", "text:orders")
	s.settle()
	if got := s.names(); got != "" {
		t.Errorf("names of before are looked through: %s", got)
	}
}

// TestKeysGoToWhatIsSeen: a pane that has no room keeps no key.
func TestKeysGoToWhatIsSeen(t *testing.T) {
	for _, c := range []struct {
		keys []string
		from [2]int
		w, h int
	}{
		{[]string{"tab"}, [2]int{80, 24}, 80, 12},
		{[]string{"tab"}, [2]int{80, 24}, 40, 8},
		{[]string{"enter", "tab", "tab"}, [2]int{120, 40}, 80, 24},
		{[]string{"2", "tab", "tab", "1"}, [2]int{120, 40}, 80, 10},
	} {
		s := sixes(Options{}, c.from[0], c.from[1])
		s.press(c.keys...)
		s.size(c.w, c.h)
		before := s.m.frame
		if s.press("j"); s.m.frame == before {
			t.Errorf("%v, then %dx%d: j does nothing\n%s", c.keys, c.w, c.h, before)
		}
	}
}

// TestEnterOpensTheSelectedEvent whatever the order and the filter of the list.
func TestEnterOpensTheSelectedEvent(t *testing.T) {
	for _, c := range []struct {
		keys string
		at   int // of the event in the pane
	}{
		{"tab enter", 0},
		{"tab j enter", 1},
		{"3 S 1 tab enter", 0},
		{"3 S 1 tab j j enter", 2},
		{"3 S 1 tab G enter", 7},
		{"/ n a m e : j o b s enter tab enter", 0},
	} {
		s := sixes(Options{}, 80, 24)
		want := s.m.logKey(c.at)
		s.press(strings.Fields(c.keys)...)
		if e, _ := s.m.selectedEvent(); entryKey(e) != want || !s.m.detail {
			t.Errorf("%s: opened %q, selected was %q", c.keys, entryKey(e), want)
		}
	}
	s := newScreen(Options{}).size(80, 24)
	s.press("/", "text:b", "enter", "tab", "enter")
	if s.m.input.value() != "b" {
		t.Error("without any event the filter went")
	}
}

// TestIgnoredTermIsTold after the filter is kept, too.
func TestIgnoredTermIsTold(t *testing.T) {
	for typed, want := range map[string]string{
		"bogus:x":          "bogus: ignored",
		"kind:otp bogus:x": "bogus: ignored",
		"flap:yes":         "flap: ignored",
		"kind:otp":         "",
	} {
		for _, w := range []int{40, 80, 120} {
			s := sixes(Options{}, w, 24)
			s.press("/", "text:"+typed, "enter")
			tabs := strings.Split(s.m.frame, "\n")[1]
			if strings.Contains(tabs, "ignored") != (want != "") || !strings.Contains(tabs, want) {
				t.Errorf("%q in %d columns: %s", typed, w, tabs)
			}
		}
	}
}

// TestPeerNeverReached: it has no kind yet, and why it is not reached stands
// where nothing was measured.
func TestPeerNeverReached(t *testing.T) {
	never := control.Peer{Name: "z@dev", State: stateDialling, Kind: kindOther, Address: of("10.0.0.8:9100"), Note: of("no route to host, 4 tries, next in 8 s")}
	for w, want := range map[int]string{
		60:  "-",
		80:  "-       no route to host, 4 tries  ",
		120: "no route to host, 4 tries  ",
	} {
		s := sixes(Options{}, w, 24)
		s.now = s.now.Add(time.Second)
		s.peers(append(sixPeers(), never)...)
		s.press("/", "text:z@dev", "enter")
		if l := s.lineOf("> ~ dial"); !strings.Contains(l, want) || strings.Contains(l, kindOther) {
			t.Errorf("%d columns: %q, want %q", w, l, want)
		}
		s.press("enter", "w")
		if w == 120 {
			if l := s.lineOf("> ~ dial"); !strings.Contains(l, "no route to host") {
				t.Errorf("wide: %q", l)
			}
		}
		if !strings.Contains(strings.Join(strings.Fields(s.m.frame), " "), "10.0.0.8:9100, no route to host, 4 tries") {
			t.Errorf("not in the detail:\n%s", s.m.frame)
		}
	}
	if was := (control.Peer{State: stateDown, Kind: kindOther, Generation: 3}); kind(&was) != kindOther {
		t.Error("what was reached has a kind")
	}
}

// TestCommandsAreWhole: each on a line of its own, as it is typed.
func TestCommandsAreWhole(t *testing.T) {
	for name, want := range map[string][]string{
		"c@dev": {" See why   liminal probe 10.0.0.7:9100", " Drop it   liminal forget c@dev"},
		"a-rather-long-name-of-a-node@dev": {" See why   liminal probe 10.0.0.7:9100",
			" Drop it", "   liminal forget a-rather-long-name-of-a-node@dev"},
	} {
		s := newScreen(Options{}).size(120, 40)
		p := sixPeers()[3]
		p.Name = name
		s.peers(p)
		s.press("enter")
		var got []string
		for l := range strings.SplitSeq(s.m.frame, "\n") {
			l, _, _ = strings.Cut(l, "│")
			got = append(got, strings.TrimRight(l, " "))
		}
		if !strings.Contains(strings.Join(got, "\n"), strings.Join(want, "\n")) {
			t.Errorf("want %q:\n%s", want, s.m.frame)
		}
	}
}

// TestSumOfListenersIsWhole where two panes stand side by side.
func TestSumOfListenersIsWhole(t *testing.T) {
	s := sixes(Options{}, 100, 30)
	s.press("2")
	s.send(channelsMsg{answer: answer[control.Channels]{at: s.now, doc: control.Channels{Channels: []control.Channel{
		{Name: "orders", In: 12_481_000_000, Out: 3_240_000_000, Drops: 77},
	}}}})
	s.wait(time.Second)
	if l := s.lineOf("dropped 77"); l == "" {
		t.Errorf("cut:\n%s", s.m.frame)
	}
}

// TestUpStandsStill: after ten minutes a row does not change each second.
func TestUpStandsStill(t *testing.T) {
	for d, want := range map[time.Duration]string{
		9*time.Minute + 59*time.Second:  "9m59s",
		10*time.Minute + 59*time.Second: "10m",
		59*time.Minute + 59*time.Second: "59m",
		time.Hour:                       "1h0m",
		30 * time.Hour:                  "1d6h",
	} {
		if got := upText(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	s := newScreen(Options{}).size(80, 24)
	s.peers(control.Peer{Name: "b@dev", State: "up", Since: before("12m10s")})
	s.wait(time.Second)
	was := s.lineOf("b@dev")
	if s.wait(time.Second); s.lineOf("b@dev") != was {
		t.Errorf("%q, a second later %q", was, s.lineOf("b@dev"))
	}
}
