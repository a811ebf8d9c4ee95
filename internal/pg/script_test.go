package pg

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/etf"
)

var update = flag.Bool("update", false, "rewrite the transcripts in testdata")

// TestTranscripts runs testdata/*.txt: events in, outs and views indented below
// each. -update writes what happens; a person reads the difference.
//
//	up L NODE                   a link to that node, of creation 8
//	down L | dead L REF         the link ends | a monitor fires
//	L discover ID | L sync ID GROUP=PID,PID ... | L join ID GROUP PID,PID | L leave ID PID,PID GROUP ...
//	join NAME | leave NAME      ours
//	tick MS                     on the clock
//	show NAME | count NAME      remote members; a counter
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("transcripts: %v, %v", files, err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(b))
			if *update {
				if err := os.WriteFile(f, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(b) {
				t.Errorf("got\n%s\nwant\n%s", got, b)
			}
		})
	}
}

type script struct {
	t     *testing.T
	s     *Scope[string]
	links map[string]Origin
}

func runScript(t *testing.T, text string) string {
	r := &script{t, newScope(), map[string]Origin{}}
	var b strings.Builder
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, "\t") {
			continue // what came out last time
		}
		b.WriteString(l)
		if f := strings.Fields(l); len(f) > 0 && f[0] != "#" {
			for _, o := range r.run(f) {
				fmt.Fprintf(&b, "\t%s\n", o)
			}
			checkIndex(t, r.s)
		}
	}
	return b.String()
}

func (r *script) run(f []string) []string {
	switch f[0] {
	case "up":
		r.links[f[1]] = Origin{f[2], 8}
		return r.outs(r.s.LinkUp(f[1], r.links[f[1]]))
	case "down":
		r.s.LinkDown(f[1])
		return nil
	case "dead":
		return r.outs(r.s.Down(f[1], uint64(r.number(f[2]))))
	case "join":
		return r.outs(r.s.Join(key(r.t, f[1]), pidOf(home, 1000)))
	case "leave":
		return r.outs(r.s.Leave(key(r.t, f[1])))
	case "tick":
		return r.outs(r.s.Tick(int64(r.number(f[1]))))
	case "show":
		return []string{cmp.Or(strings.Join(members(r.s, key(r.t, f[1])), " "), "nobody")}
	case "count":
		return []string{strconv.FormatUint(r.s.Counters()[f[1]], 10)}
	}
	return r.message(f)
}

func (r *script) message(f []string) []string {
	o, ok := r.links[f[0]]
	if !ok {
		r.t.Fatalf("no such link or event: %v", f)
	}
	scope := pidOf(o, uint32(r.number(f[2])))
	switch f[1] {
	case "discover":
		return r.outs(receive(r.t, r.s, f[0], o, discoverTerm(scope)))
	case "sync":
		var groups []etf.Term
		for _, g := range f[3:] {
			name, pids, _ := strings.Cut(g, "=")
			groups = append(groups, groupTerm(etf.Binary(name), r.pids(o, pids)))
		}
		return r.outs(receive(r.t, r.s, f[0], o, syncTerm(scope, groups...)))
	case "join":
		return r.outs(receive(r.t, r.s, f[0], o, joinTerm(scope, etf.Binary(f[3]), r.pids(o, f[4]))))
	case "leave":
		var groups []etf.Term
		for _, g := range f[4:] {
			groups = append(groups, etf.Binary(g))
		}
		return r.outs(receive(r.t, r.s, f[0], o, leaveTerm(scope, r.pids(o, f[3]), groups...)))
	}
	r.t.Fatalf("no such message: %v", f)
	return nil
}

func (r *script) pids(o Origin, list string) etf.List {
	out := etf.List{}
	for id := range strings.SplitSeq(list, ",") {
		if id != "" {
			out = append(out, pidOf(o, uint32(r.number(id))))
		}
	}
	return out
}

func (r *script) number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

func (r *script) outs(outs []Out[string]) (lines []string) {
	for _, o := range outs {
		l := o.Link + " " + map[Act]string{SendName: "to the name", SendPid: "to", Monitor: "monitor", Demonitor: "demonitor"}[o.Act]
		if o.Act != SendName {
			l += fmt.Sprintf(" %s.%d", o.To.Node, o.To.ID)
		}
		if o.Ref != 0 {
			l += fmt.Sprintf(" ref %d", o.Ref)
		}
		if o.Msg != nil {
			l += " " + show(o.Msg)
		}
		lines = append(lines, l)
	}
	return lines
}
