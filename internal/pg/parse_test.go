package pg

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/etf"
)

// TestVectors reads what an OTP 25 node and its peer sent each other.
func TestVectors(t *testing.T) {
	kinds := map[op]int{}
	for _, v := range vectors(t) {
		msg, from := v.open(t)
		m, err := Parse(msg, from, Limits{})
		if err != nil {
			t.Errorf("seq %d %s: %v", v.Seq, v.Payload, err)
			continue
		}
		kinds[m.op]++
		v.compare(t, m)
		for n := range msg { // no part of it is a message
			if _, err := Parse(msg[:n], from, Limits{}); err == nil {
				t.Fatalf("seq %d: its first %d bytes pass", v.Seq, n)
			}
		}
	}
	if len(kinds) != 4 {
		t.Errorf("kinds of messages seen: %v", kinds)
	}
}

type vector struct {
	Seq          int
	From         string
	Hex, Payload string
}

func vectors(t testing.TB) (out []vector) {
	b, err := os.ReadFile("testdata/otp25.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(b)) {
		var v vector
		if err := json.Unmarshal([]byte(l), &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// open takes the payload out of its frame: length, 112, then control message and
// payload, each behind its version byte.
func (v vector) open(t testing.TB) ([]byte, Origin) {
	ctl, rest, err := etf.DecodeVersioned(unhex(t, v.Hex)[5:], etf.WireLimits())
	if err != nil || rest[0] != etf.Version {
		t.Fatalf("seq %d: %v", v.Seq, err)
	}
	p := ctl.(etf.Tuple)[1].(etf.Pid)
	return rest[1:], Origin{string(p.Node), p.Creation}
}

// compare holds m to the capture's text, and the encoders to its bytes where
// they can write such a message.
func (v vector) compare(t *testing.T, m Message) {
	msg, from := v.open(t)
	me, pid := pidOf(from, m.scope.id), etf.Pid{}
	if len(m.pids) > 0 {
		pid = pidOf(from, m.pids[0].id)
	}
	var ours []byte
	switch {
	case m.op == opDiscover:
		ours = encodeDiscover(me)
	case m.op == opSync:
		d := newLedger(me)
		for i := range m.spans {
			d.join(m.key(i), pid)
		}
		ours = d.sync()
	case m.op == opJoin && !strings.HasSuffix(v.Payload, "]}"):
		ours = encodeJoin(me, m.key(0), pid)
	case m.op == opLeave && len(m.spans) == 1 && !strings.Contains(v.Payload, ",["+"#"):
		ours = encodeLeave(me, m.key(0), pid)
	default:
		return
	}
	if string(ours) != string(msg) {
		t.Errorf("seq %d %s: we would write\n%x, OTP wrote\n%x", v.Seq, v.Payload, ours, msg)
	}
}

// S18: TestExactBytes pins down everything that is ever sent.
func TestExactBytes(t *testing.T) {
	const me, pid = "58770361406800000064000000000000" + "0007", "587703614068000003e8000000000000" + "0007"
	s := newScope()
	name := s.LinkUp("b", alice)
	empty := receive(t, s, "b", alice, discoverTerm(pidOf(alice, 1)))
	join := s.Join(key(t, "orders"), pidOf(home, 1000))
	atom := s.Join(key(t, ":chat"), pidOf(home, 1000))
	full := receive(t, s, "b", alice, discoverTerm(pidOf(alice, 1)))
	leave := s.Leave(key(t, "orders"))
	orders, chat := "6d000000066f7264657273", "770463686174"
	cast := "680277092467656e5f63617374" + "680377" + "0473796e63"
	for _, c := range []struct {
		what string
		out  Out[string]
		want string
	}{
		{"discover", name[0], "6802" + "7708646973636f766572" + me},
		{"empty sync", empty[1], cast + me + "6a"},
		{"join", join[0], "6804" + "77046a6f696e" + me + orders + pid},
		{"join of an atom", atom[0], "6804" + "77046a6f696e" + me + chat + pid},
		{"sync", full[0], cast + me + "6c00000002" + "6802" + orders + "6c00000001" + pid + "6a" + "6802" + chat + "6c00000001" + pid + "6a" + "6a"},
		{"leave", leave[0], "6804" + "77056c65617665" + me + pid + "6c00000001" + orders + "6a"},
	} {
		if got := fmt.Sprintf("%x", c.out.Msg); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.what, got, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	p, own := pidOf(alice, 1), pidOf(alice, 2)
	stale := etf.Pid{Node: "b@h", ID: 2, Creation: 1}
	g := etf.Binary("g")
	improper := etf.ImproperList{Head: []etf.Term{own}, Tail: own}
	for _, c := range []struct {
		name string
		term etf.Term
		want error
	}{
		{"an atom", etf.Atom("discover"), ErrUnknown},
		{"an empty tuple", etf.Tuple{}, ErrUnknown},
		{"a stranger", etf.Tuple{etf.Atom("update"), p, etf.List{}}, ErrUnknown},
		{"a call", etf.Tuple{etf.Atom("$gen_call"), p, etf.Atom("x")}, ErrUnknown},
		{"another cast", etf.Tuple{etf.Atom("$gen_cast"), etf.Atom("stop")}, ErrUnknown},
		{"a long sync", etf.Tuple{etf.Atom("$gen_cast"), etf.Tuple{etf.Atom("sync"), p, etf.List{}, etf.List{}}}, ErrUnknown},
		{"a short join", etf.Tuple{etf.Atom("join"), p, g}, ErrUnknown},
		{"a long discover", etf.Tuple{etf.Atom("discover"), p, g, g}, ErrUnknown},
		{"a binary for the name", etf.Tuple{etf.Binary("discover"), p}, ErrUnknown},
		{"discover of no pid", etf.Tuple{etf.Atom("discover"), etf.Atom("x")}, ErrBad},
		{"discover of a third node", discoverTerm(pidOf(bob, 1)), ErrForged},
		{"discover of ours", discoverTerm(pidOf(home, 100)), ErrForged},
		{"discover of an older life", discoverTerm(stale), ErrForged},
		{"sync of no list", etf.Tuple{etf.Atom("$gen_cast"), etf.Tuple{etf.Atom("sync"), p, g}}, ErrBad},
		{"sync of a string", etf.Tuple{etf.Atom("$gen_cast"), etf.Tuple{etf.Atom("sync"), p, etf.List{int64(1)}}}, ErrBad},
		{"sync, improper", etf.Tuple{etf.Atom("$gen_cast"), etf.Tuple{etf.Atom("sync"), p, etf.ImproperList{Head: []etf.Term{groupTerm(g, pidsOf(alice, 2))}, Tail: g}}}, ErrBad},
		{"sync of one pid", syncTerm(p, etf.Tuple{g, own}), ErrBad},
		{"sync of triples", syncTerm(p, etf.Tuple{g, pidsOf(alice, 2), g}), ErrBad},
		{"sync of members of another", syncTerm(p, groupTerm(g, pidsOf(alice, 2)), groupTerm(g, pidsOf(bob, 2))), ErrForged},
		{"join of a stranger's pid", joinTerm(p, g, pidOf(bob, 2)), ErrForged},
		{"join in a stranger's name", joinTerm(pidOf(bob, 1), g, own), ErrForged},
		{"join of no pid", joinTerm(p, g, g), ErrBad},
		{"join of bytes", joinTerm(p, g, etf.List{int64(1)}), ErrBad},
		{"join, improper", joinTerm(p, g, improper), ErrBad},
		{"leave, improper", leaveTerm(p, improper, g), ErrBad},
		{"leave of an older life", leaveTerm(p, stale, g), ErrForged},
		{"leave of a stranger's pid", leaveTerm(p, pidsOf(bob, 2), g), ErrForged},
		{"leave of no list", etf.Tuple{etf.Atom("leave"), p, own, g}, ErrBad},
		{"leave of groups, improper", etf.Tuple{etf.Atom("leave"), p, own, etf.ImproperList{Head: []etf.Term{g}, Tail: g}}, ErrBad},
	} {
		m, err := Parse(enc(t, c.term), alice, Limits{})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if m.op != opNone || m.spans != nil {
			t.Errorf("%s: a message came with the error", c.name)
		}
	}
	if _, err := Parse(append(enc(t, discoverTerm(p)), 106), alice, Limits{}); !errors.Is(err, ErrBad) {
		t.Errorf("a byte too many: %v", err)
	}
}

// TestParseTakes: forms that OTP sends, or that newer releases will.
func TestParseTakes(t *testing.T) {
	p, own := pidOf(alice, 1), pidOf(alice, 2)
	features := make(etf.List, 5000) // more terms than a group's name may have
	for i := range features {
		features[i] = etf.Atom("x")
	}
	for _, c := range []struct {
		name   string
		term   etf.Term
		groups []string
		pids   int
	}{
		{"discover with features", etf.Tuple{etf.Atom("discover"), p, etf.Map{{Key: etf.Atom("x"), Value: features}}}, nil, 0},
		{"a group of a small integer", leaveTerm(p, own, int64(1), int64(255)), []string{"1", "255"}, 1},
		{"leave of all groups of a pid", leaveTerm(p, own, etf.Atom("g3"), etf.Atom("g2"), etf.Atom("g2")), []string{":g3", ":g2", ":g2"}, 1},
		{"leave of no groups", leaveTerm(p, own), nil, 1},
		{"join of nobody", joinTerm(p, etf.Atom("g"), etf.List{}), []string{":g"}, 0},
		{"a pid twice", joinTerm(p, etf.Atom("g"), pidsOf(alice, 2, 2)), []string{":g"}, 2},
	} {
		m, err := Parse(enc(t, c.term), alice, Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var groups []string
		for i := range m.spans {
			name, _ := m.key(i).Channel()
			groups = append(groups, name)
		}
		if fmt.Sprint(groups) != fmt.Sprint(c.groups) || len(m.pids) != c.pids {
			t.Errorf("%s: groups %v, %d pids", c.name, groups, len(m.pids))
		}
	}
}

// TestParseKeepsNothing: the message's buffer may be used again.
func TestParseKeepsNothing(t *testing.T) {
	msg := enc(t, syncTerm(pidOf(alice, 1), groupTerm(etf.Binary("orders"), pidsOf(alice, 2))))
	m, err := Parse(msg, alice, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	clear(msg)
	if name, _ := m.key(0).Channel(); name != "orders" {
		t.Errorf("the name became %q", name)
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range vectors(f) {
		msg, _ := v.open(f)
		f.Add(msg)
	}
	f.Add(enc(f, leaveTerm(pidOf(alice, 1), pidOf(alice, 2), int64(1), int64(2))))
	f.Add(enc(f, joinTerm(pidOf(alice, 1), etf.Map{{Key: int64(1), Value: etf.List{}}}, pidsOf(alice, 2, 3))))
	f.Fuzz(func(t *testing.T, msg []byte) {
		from := alice
		for _, o := range []Origin{{"raw@127.0.0.1", 287454020}, {"m@127.0.0.1", 1795421160}} {
			if strings.Contains(string(msg), o.Node) {
				from = o
			}
		}
		m, err := Parse(msg, from, Limits{Groups: 100, Members: 100})
		if err != nil {
			if !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrBad) && !errors.Is(err, ErrForged) && !errors.Is(err, ErrQuota) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		for i := range m.spans {
			checkKey(t, m.key(i))
		}
		s := New[string](Config{Self: pidOf(home, 100)})
		s.LinkUp("l", from)
		for range 2 {
			if _, err := s.Receive("l", m); err != nil {
				t.Fatal(err)
			}
		}
		checkIndex(t, s)
	})
}

// checkKey: a key is a whole term, its own key, and has a name.
func checkKey(t *testing.T, k Key) {
	r := etf.NewReader([]byte(k), keyLimits(Limits{}.filled()))
	again, err := appendKey(nil, &r, 260)
	if err != nil || r.Len() > 0 || Key(again) != k {
		t.Fatalf("the key %x is read as %x, %v", k, again, err)
	}
	name, s := k.Channel()
	if s == SpellTerm {
		return
	}
	if back, err := ChannelKey(name); err != nil || back != k {
		t.Fatalf("the key %x is channel %q, which is %x, %v", k, name, back, err)
	}
}
