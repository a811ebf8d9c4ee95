package tui

import (
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

func badSeed(address string) control.Seed {
	return control.Seed{Address: address, State: "waiting", Tries: 4, Error: of("connection refused")}
}

// TestSeedsOfAnEmptyNode: who is dialled and does not answer is told where the
// peers would be.
func TestSeedsOfAnEmptyNode(t *testing.T) {
	for _, c := range []struct {
		seeds []control.Seed
		want  string
	}{
		{[]control.Seed{badSeed("127.0.0.1:9")}, " Dialling 127.0.0.1:9: connection refused, 4 tries; liminal probe 127.0.0.1:9\n"},
		{[]control.Seed{{Address: "127.0.0.1:9", State: "dialling"}}, " Dialling 127.0.0.1:9 ...; liminal probe 127.0.0.1:9\n"},
		{[]control.Seed{badSeed("a-long-name-of-a-host.example.net:9100")}, " Dialling a-long-name-of-a-host.example.net:9100: connection refused, 4 tries\n     liminal probe a-long"},
		{[]control.Seed{badSeed("1:1"), badSeed("1:2"), badSeed("1:3"), badSeed("1:4"), badSeed("1:5"), badSeed("1:6")}, " and 2 more, see: liminal status\n"},
		{[]control.Seed{badSeed("\x1b[2J:9")}, ` Dialling \x1b[2J:9`},
	} {
		s := newScreen(Options{})
		st := sixStatus()
		st.Seeds = append(c.seeds, control.Seed{Address: "me:1", State: "self"}, control.Seed{Address: "gone:1", State: "stopped"})
		s.status(st)
		s.events(control.Event{Type: control.EventSnapshotEnd, Boot: "7f3a"})
		s.wait(time.Second)
		if f := s.m.frame; !strings.Contains(f, c.want) || strings.Contains(f, "me:1") || strings.Contains(f, "gone:1") {
			t.Errorf("want %q:\n%s", c.want, f)
		}
		s.end(errNobody)
		if f := s.wait(time.Second).m.frame; strings.Contains(f, "is running") || strings.Contains(f, "Dialling") {
			t.Errorf("a node that is gone does nothing:\n%s", f)
		}
	}
}

// TestSeedsBesidePeers: one line, for those that no row stands for.
func TestSeedsBesidePeers(t *testing.T) {
	known, dialled := badSeed("10.0.0.7:9100"), control.Seed{Address: "127.0.0.1:8", State: "dialling"}
	known.Node = of("c@dev")
	for _, c := range []struct {
		seeds []control.Seed
		want  string
	}{
		{[]control.Seed{known, dialled, badSeed("c@dev"), {Address: "x:1", State: "up"}}, ""},
		{[]control.Seed{badSeed("127.0.0.1:9")}, " Seed 127.0.0.1:9 does not answer: connection refused, 4 tries"},
		{[]control.Seed{badSeed("127.0.0.1:9"), known, badSeed("h:1")}, " 2 seeds do not answer, first 127.0.0.1:9: connection refused, 4 tries"},
	} {
		for _, w := range []int{40, 80, 120} {
			s := sixes(Options{}, w, 24)
			st := sixStatus()
			st.Seeds = c.seeds
			s.status(st)
			got := strings.Split(s.top(3), "\n")[2]
			short := strings.TrimSuffix(got, "…")
			if c.want == "" != strings.HasPrefix(got, "  STATE") || c.want != "" && !strings.HasPrefix(c.want, short) && !strings.HasPrefix(got, c.want) {
				t.Errorf("%d columns: %q, want %q", w, got, c.want)
			}
			if w == 120 && c.want != "" && !strings.HasSuffix(got, "; liminal probe 127.0.0.1:9") {
				t.Errorf("without the advice: %q", got)
			}
		}
	}
}
