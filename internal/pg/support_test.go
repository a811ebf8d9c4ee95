package pg

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/liminal-bus/liminal/internal/etf"
)

// Terms of a peer's messages, built with the general encoder and not with the
// functions under test.

func enc(t testing.TB, term etf.Term) []byte {
	t.Helper()
	b, err := etf.Append(nil, term)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func pidOf(o Origin, id uint32) etf.Pid {
	return etf.Pid{Node: etf.Atom(o.Node), ID: id, Creation: o.Creation}
}

func pidsOf(o Origin, ids ...uint32) etf.List {
	l := etf.List{}
	for _, id := range ids {
		l = append(l, pidOf(o, id))
	}
	return l
}

func discoverTerm(p etf.Pid) etf.Term { return etf.Tuple{etf.Atom("discover"), p} }

func syncTerm(p etf.Pid, groups ...etf.Term) etf.Term {
	return etf.Tuple{etf.Atom("$gen_cast"), etf.Tuple{etf.Atom("sync"), p, etf.List(groups)}}
}

func groupTerm(name etf.Term, pids etf.List) etf.Term { return etf.Tuple{name, pids} }

func joinTerm(p etf.Pid, group, pids etf.Term) etf.Term {
	return etf.Tuple{etf.Atom("join"), p, group, pids}
}

func leaveTerm(p etf.Pid, pids etf.Term, groups ...etf.Term) etf.Term {
	return etf.Tuple{etf.Atom("leave"), p, pids, etf.List(groups)}
}

// key gives the key of a channel.
func key(t testing.TB, name string) Key {
	t.Helper()
	k, err := ChannelKey(name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// receive parses and receives; the message must be good.
func receive[L comparable](t testing.TB, s *Scope[L], l L, from Origin, term etf.Term) []Out[L] {
	t.Helper()
	m, err := Parse(enc(t, term), from, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	outs, err := s.Receive(l, m)
	if err != nil {
		t.Fatal(err)
	}
	return outs
}

var (
	home  = Origin{"a@h", 7}
	alice = Origin{"b@h", 8}
	bob   = Origin{"c@h", 8} // no creation of its own: the name tells them apart
)

func newScope() *Scope[string] { return New[string](Config{Self: pidOf(home, 100)}) }

// show writes a term as Erlang text for messages of tests.
func show(b []byte) string {
	t, rest, err := etf.Decode(b, etf.FileLimits())
	if err != nil || len(rest) > 0 {
		return fmt.Sprintf("not a term: %x", b)
	}
	return string(etf.AppendText(nil, t))
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// members lists the pids of a group as "link/id" in the order of Remote.
func members(s *Scope[string], k Key) (out []string) {
	for _, t := range s.Remote(k, nil) {
		out = append(out, fmt.Sprintf("%s/%d", t.Link, t.Pid.ID))
	}
	return out
}
