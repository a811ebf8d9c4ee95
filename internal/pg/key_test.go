package pg

import (
	"bytes"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/etf"
)

// TestKeyIsCanonical: the same group in other bytes has the same key.
func TestKeyIsCanonical(t *testing.T) {
	for name, forms := range map[string][]string{
		"atom":         {"770161", "64000161", "730161", "76000161"},
		"latin-1":      {"7702c3bc", "7301fc", "640001fc", "760002c3bc"},
		"binary":       {"6d0000000161", "4d000000010861"},
		"small int":    {"6105", "6200000005", "6e010005", "6f00000001" + "0005"},
		"tuple":        {"6802" + "6101" + "770162", "6900000002" + "6e010001" + "730162"},
		"string":       {"6b00020102", "6c00000002" + "61016102" + "6a", "6c00000001" + "6101" + "6b000102"},
		"map":          {"7400000002" + "7701616101" + "7701626102", "7400000002" + "7301626102" + "7701616101"},
		"map of maps":  {"7400000001" + "6105" + "74000000026101610261026103", "7400000001" + "6105" + "74000000026102610361016102"},
		"map for key":  {"7400000001" + "74000000026101610261026103" + "6105", "7400000001" + "74000000026102610361016102" + "6105"},
		"map in list":  {"6c00000001" + "74000000026101610261026103" + "6a", "6c00000001" + "74000000026102610361016102" + "6a"},
		"map in tail":  {"6c00000001" + "6101" + "74000000026101610261026103", "6c00000001" + "6101" + "74000000026102610361016102"},
		"map in tuple": {"6801" + "74000000026101610261026103", "6801" + "74000000026102610361016102"},
		"empty list":   {"6a", "6b0000", "6c000000006a"},
		"improper":     {"6c00000001" + "6101" + "6102", "6c00000001" + "6200000001" + "6102"},
	} {
		var first []byte
		for i, f := range forms {
			r := etf.NewReader(unhex(t, f), keyLimits(Limits{}.filled()))
			got, err := appendKey(nil, &r, 260)
			if err != nil || r.Len() > 0 {
				t.Errorf("%s, form %d %s: %v, %d bytes left", name, i, f, err, r.Len())
				continue
			}
			if i == 0 {
				first = got
			}
			if !bytes.Equal(got, first) {
				t.Errorf("%s, form %d %s: key %x, want %x", name, i, f, got, first)
			}
			if !Key(got).whole() {
				t.Errorf("%s: key %x is no term", name, got)
			}
		}
	}
}

func TestKeysThatDiffer(t *testing.T) {
	seen := map[string]string{}
	for name, term := range map[string]etf.Term{
		"atom": etf.Atom("a"), "binary": etf.Binary("a"), "1": int64(1), "1.0": 1.0, "[1]": etf.List{int64(1)},
		"{1}": etf.Tuple{int64(1)}, "bits": etf.BitBinary{Bytes: []byte{0x60}, Bits: 4},
	} {
		r := etf.NewReader(enc(t, term), etf.WireLimits())
		k, err := appendKey(nil, &r, 260)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[string(k)]; ok {
			t.Errorf("%s and %s have one key", name, other)
		}
		seen[string(k)] = name
	}
}

// Groups with names too long are left out and counted; what is beside them in a
// message counts.
func TestKeyLimits(t *testing.T) {
	long := func(n int) etf.Binary { return etf.Binary(strings.Repeat("x", n)) }
	deep := etf.Term(etf.List{})
	for range 300 {
		deep = etf.Tuple{deep}
	}
	for _, c := range []struct {
		name string
		term etf.Term
		want int // groups left
	}{
		{"255", long(255), 1},
		{"256", long(256), 0},
		{"a megabyte", long(1 << 20), 0},
		{"an atom of 255 characters, 510 bytes", etf.Atom(strings.Repeat("ü", 255)), 0},
		{"a tuple of 260 bytes", etf.Tuple{long(253)}, 1},
		{"a tuple of 261 bytes", etf.Tuple{long(254)}, 0},
		{"deep", deep, 0},
		{"many terms", etf.Tuple(make300()), 0},
	} {
		s, p, own := tight(t, Limits{}), pidOf(alice, 1), pidOf(alice, 2)
		before := len(s.Groups())
		receive(t, s, "b", alice, joinTerm(p, c.term, own))
		if got := len(s.Groups()) - before; got != c.want || s.Counters()["pg_long_names"] != uint64(1-c.want) {
			t.Errorf("join of %s: %d groups more and %d counted", c.name, got, s.Counters()["pg_long_names"])
		}
		receive(t, s, "b", alice, leaveTerm(p, own, c.term, etf.Atom("beside")))
		receive(t, s, "b", alice, syncTerm(p, groupTerm(etf.Atom("first"), pidsOf(alice, 3)), groupTerm(c.term, pidsOf(alice, 4, 5)), groupTerm(etf.Atom("last"), pidsOf(alice, 6))))
		if got := s.PeerGroups("b"); len(got) != 2+c.want {
			t.Errorf("sync with %s: %q", c.name, got)
		}
		checkIndex(t, s)
	}
}

func make300() []etf.Term {
	out := make([]etf.Term, 300)
	for i := range out {
		out[i] = etf.Tuple{}
	}
	return out
}
