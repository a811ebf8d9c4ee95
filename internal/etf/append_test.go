package etf

import (
	"bytes"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
)

func TestAppendForms(t *testing.T) {
	long := strings.Repeat("é", 128)
	for _, c := range []struct {
		term Term
		want string
	}{
		{0, "6100"}, {255, "61ff"}, {256, "6200000100"}, {-1, "62ffffffff"},
		{int32(-5), "62fffffffb"}, {uint8(7), "6107"}, {uint32(math.MaxUint32), "6e0400ffffffff"},
		{uint64(math.MaxUint64), "6e0800ffffffffffffffff"}, {int64(math.MinInt64), "6e08010000000000000080"},
		{big.NewInt(3), "6103"}, {new(big.Int).Lsh(big.NewInt(-1), 64), "6e0901000000000000000001"},
		{true, "770474727565"}, {false, "770566616c7365"}, {Atom(""), "7700"},
		{List(nil), "6a"}, {Tuple(nil), "6800"}, {Binary(nil), "6d00000000"}, {Map(nil), "7400000000"},
		{List{1, uint8(2)}, "6b00020102"}, {List{1, 256}, "6c00000002" + "6101" + "6200000100" + "6a"},
		{BitBinary{[]byte{0xff}, 3}, "4d0000000103e0"},
		{Port{"a", 1<<28 - 1, 1}, "59" + "770161" + "0fffffff" + "00000001"},
		{Port{"a", 1 << 28, 1}, "78" + "770161" + "0000000010000000" + "00000001"},
		{Export{"m", "f", 2}, "71" + "77016d" + "770166" + "6102"},
		{math.Copysign(0, -1), "468000000000000000"},
		{Atom(long), "760100" + hexOf(long)},
	} {
		got, err := Append([]byte{9}, c.term)
		if want := append([]byte{9}, unhex(c.want)...); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%#v: %x, %v; want %s", c.term, got[1:], err, c.want)
		}
	}
}

func hexOf(s string) string {
	var out strings.Builder
	for i := range len(s) {
		out.WriteString(string("0123456789abcdef"[s[i]>>4]) + string("0123456789abcdef"[s[i]&15]))
	}
	return out.String()
}

func TestAppendRefuses(t *testing.T) {
	endless := List{nil}
	endless[0] = endless
	for name, term := range map[string]Term{
		"nil":                     nil,
		"a Go string":             "text",
		"a nil big.Int":           (*big.Int)(nil),
		"NaN":                     math.NaN(),
		"infinity":                math.Inf(-1),
		"an atom of 256":          Atom(strings.Repeat("x", 256)),
		"an atom not UTF-8":       Atom("\xff"),
		"a node not UTF-8":        Pid{Node: "\xff"},
		"a port's node":           Port{Node: "\xff"},
		"a reference's node":      Ref{Node: "\xff", Len: 1},
		"a reference of no words": Ref{Node: "a"},
		"a reference of 6 words":  Ref{Node: "a", Len: 6},
		"an export's module":      Export{Module: "\xff"},
		"an export's function":    Export{Function: "\xff"},
		"no head":                 ImproperList{Tail: 1},
		"a list for a tail":       ImproperList{Head: []Term{1}, Tail: List{}},
		"a bad tail":              ImproperList{Head: []Term{1}, Tail: "text"},
		"bits without bytes":      BitBinary{Bits: 1},
		"no bits":                 BitBinary{[]byte{1}, 0},
		"9 bits":                  BitBinary{[]byte{1}, 9},
		"half a fun":              Fun{unhex("70000000ff")},
		"a fun that is none":      Fun{unhex("6a")},
		"something deep inside":   Tuple{List{Map{{1, "text"}}}},
		"a bad key":               Map{{"text", 1}},
		"a list inside itself":    endless,
	} {
		dst := []byte{1, 2, 3}
		for _, f := range []func([]byte, Term) ([]byte, error){Append, AppendVersioned} {
			if got, err := f(dst, term); !errors.Is(err, ErrEncode) || !bytes.Equal(got, dst) {
				t.Errorf("%s: %x, %v", name, got, err)
			}
		}
	}
}

// A name nobody checked cannot write terms of its own.
func TestAppendAtomOfAnyName(t *testing.T) {
	for _, name := range []string{"", "x", strings.Repeat("é", 255), strings.Repeat("x", 256), strings.Repeat("x", 1<<16+3), "\xff"} {
		r := NewReader(AppendAtom(nil, name), WireLimits())
		got, err := r.Atom()
		want := name
		if CheckAtom(name) != nil {
			want = ""
		}
		if err != nil || string(got) != want || r.Len() != 0 {
			t.Errorf("%.20q: %.20q, %d left, %v", name, got, r.Len(), err)
		}
	}
}

// The pieces make the same bytes as the whole.
func TestAppendPieces(t *testing.T) {
	pid, ref, port := Pid{"a@h", 1, 2, 3}, Ref{"a@h", 4, 3, [5]uint32{5, 6, 7}}, Port{"a@h", 8, 9}
	want, err := Append(nil, Tuple{int64(6), pid, Atom("pg"), List{ref, port}, List{}, Map{{Binary("k"), 2.5}}})
	if err != nil {
		t.Fatal(err)
	}
	b := AppendTuple(nil, 6)
	b = AppendInt(b, 6)
	b = AppendPid(b, pid)
	b = AppendAtom(b, "pg")
	b = AppendNil(AppendPort(AppendRef(AppendListHeader(b, 2), ref), port))
	b = AppendNil(AppendListHeader(b, 0))
	b = AppendFloat(append(AppendBinaryHeader(AppendMapHeader(b, 1), 1), 'k'), 2.5)
	if !bytes.Equal(b, want) {
		t.Errorf("pieces %x\nwhole  %x", b, want)
	}
	for _, n := range []int{255, 256} {
		header := AppendTuple(nil, n)
		r := NewReader(append(header, bytes.Repeat([]byte{tagNil}, n)...), WireLimits())
		if got, err := r.TupleHeader(); err != nil || got != n {
			t.Errorf("tuple of %d: %d, %v", n, got, err)
		}
	}
}
