package etf

import (
	"bytes"
	"errors"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
)

// The table of exact bytes: what Decode makes of each tag and form.
func TestDecodeForms(t *testing.T) {
	node := "770161"
	for _, c := range []struct {
		hex  string
		want Term
	}{
		{"61ff", int64(255)},
		{"62ffffffff", int64(-1)},
		{"6e08000000000000000080", new(big.Int).Lsh(big.NewInt(1), 63)},
		{"6e08010000000000000080", int64(math.MinInt64)},
		{"6e0000", int64(0)},
		{"6e0101" + "00", int64(0)},
		{"6e03000500" + "00", int64(5)},
		{"6f0000000200" + "0001", int64(256)},
		{"463ff8000000000000", 1.5},
		{"7301e9", Atom("é")},
		{"640002" + "e941", Atom("éA")},
		{"6800", Tuple{}},
		{"6900000001" + "6a", Tuple{List{}}},
		{"6a", List{}},
		{"6b0000", List{}},
		{"6c00000000" + "6a", List{}},
		{"6c00000001" + "6101" + "6b00020203", List{int64(1), int64(2), int64(3)}},
		{"6c00000001" + "6101" + "6c00000001" + "6102" + "6a", List{int64(1), int64(2)}},
		{"6c00000000" + "6105", int64(5)},
		{"6c00000000" + "6c00000001" + "6101" + "6102", ImproperList{[]Term{int64(1)}, int64(2)}},
		{"6c00000001" + "6101" + "6102", ImproperList{[]Term{int64(1)}, int64(2)}},
		{"6d00000000", Binary{}},
		{"6d00000002" + "0102", Binary{1, 2}},
		{"4d0000000103ff", BitBinary{[]byte{0xe0}, 3}},
		{"4d0000000108ff", BitBinary{[]byte{0xff}, 8}},
		{"4d0000000000", Binary{}},
		{"7400000000", Map{}},
		{"7400000002" + "6101" + "6a" + "463ff0000000000000" + "6a", Map{{int64(1), List{}}, {1.0, List{}}}},
		{"58" + node + "000000010000000200000003", Pid{"a", 1, 2, 3}},
		{"67" + node + "000000010000000203", Pid{"a", 1, 2, 3}},
		{"59" + node + "0000000100000002", Port{"a", 1, 2}},
		{"66" + node + "0000000102", Port{"a", 1, 2}},
		{"78" + node + "000000010000000000000002", Port{"a", 1 << 32, 2}},
		{"5a0002" + node + "000000090000000100000002", Ref{"a", 9, 2, [5]uint32{1, 2}}},
		{"720001" + node + "0300000001", Ref{"a", 3, 1, [5]uint32{1}}},
		{"65" + node + "0000000103", Ref{"a", 3, 1, [5]uint32{1}}},
		{"71" + node + node + "61ff", Export{"a", "a", 255}},
		{"71" + node + node + "62000000ff", Export{"a", "a", 255}},
	} {
		got, rest, err := Decode(append(unhex(c.hex), 0xaa), WireLimits())
		if err != nil || len(rest) != 1 || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %#v, %d left, %v; want %#v", c.hex, got, len(rest), err, c.want)
		}
	}
}

// Every way to write a key counts as the same key.
func TestSameKeyInAnotherForm(t *testing.T) {
	for _, keys := range [][2]string{
		{"6101", "6200000001"}, {"6101", "6e010001"}, {"6e09000000000000000000" + "01", "6f0000000a00" + "0000000000000000" + "0100"},
		{"770161", "640001" + "61"}, {"7702c3a9", "7301e9"}, {"6b00020102", "6c00000002610161026a"},
		{"6a", "6b0000"}, {"6d00000001ff", "4d0000000108ff"}, {"4d0000000103ff", "4d0000000103e0"},
		{"463ff0000000000000", "63312e3030303030303030303030303030303030303030652b30300000000000"},
		{"58770161000000010000000200000003", "67770161000000010000000203"}, {"59770161000000010000000" + "2", "66770161" + "0000000102"},
		{"68016101", "69000000016101"}, {"5a0001770161" + "0000000300000001", "65770161" + "0000000103"},
		{"7400000002" + "61016a" + "61026a", "7400000002" + "61026a" + "61016a"},
		{"6c0000000161016102", "6c000000006c0000000161016102"},
	} {
		b := append(unhex("7400000002"+keys[0]+"6a"+keys[1]), tagNil)
		if _, _, err := Decode(b, WireLimits()); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s and %s: %v, want a key twice", keys[0], keys[1], err)
		}
		agree(t, b, WireLimits())
	}
}

// And keys that only look alike are two.
func TestKeysThatDiffer(t *testing.T) {
	for _, keys := range [][2]string{
		{"6101", "463ff0000000000000"}, {"460000000000000000", "468000000000000000"},
		{"770161", "6d0000000161"}, {"6800", "6a"}, {"6800", "7400000000"}, {"4d0000000103e0", "4d0000000104e0"},
		{"4d0000000103e0", "6d00000001e0"}, {"6c0000000161016102", "6b00020102"},
		{"6e0900000000000000000001", "6e0901000000000000000001"},
		{"58770161000000010000000200000003", "58770161000000010000000200000004"},
		{"7400000001" + "6101" + "6102", "7400000001" + "6102" + "6101"},
		{"7400000001" + "6a6a", "7400000001" + "6a6800"},
		{"6802770178" + "7400000001" + "6101" + "6a", "6802770178" + "7400000001" + "6102" + "6a"},
	} {
		b := append(unhex("7400000002"+keys[0]+"6a"+keys[1]), tagNil)
		if _, _, err := Decode(b, WireLimits()); err != nil {
			t.Errorf("%s and %s: %v", keys[0], keys[1], err)
		}
	}
}

func TestReaderInPlace(t *testing.T) {
	b, err := Append(nil, Tuple{
		int64(22), Pid{"a@h", 1, 2, 3}, Ref{"a@h", 9, 2, [5]uint32{1, 2}}, Binary("bytes"), Atom("ok"),
		List{Atom("x"), Atom("y")}, List{}, List{int64(104), int64(105)}, Map{{Atom("k"), int64(-7)}}, 1.5,
		uint64(math.MaxUint64), Tuple{Atom("skipped")}, Atom("end"),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := NewReader(b, WireLimits())
	check := func(what string, got any, err error, want any) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %#v, %v; want %#v", what, got, err, want)
		}
	}
	n, err := r.TupleHeader()
	check("arity", n, err, 13)
	op, err := r.Int()
	check("op", op, err, int64(22))
	pid, err := r.PidView()
	check("pid", pid.Pid(), err, Pid{"a@h", 1, 2, 3})
	ref, err := r.RefView()
	check("ref", ref.Ref(), err, Ref{"a@h", 9, 2, [5]uint32{1, 2}})
	bin, err := r.Binary()
	check("binary", string(bin), err, "bytes")
	check("not this atom", r.AtomIs("no"), nil, false)
	check("this atom", r.AtomIs("ok"), nil, true)
	n, err = r.ListHeader()
	check("list", n, err, 2)
	check("x", r.AtomIs("x"), nil, true)
	check("end of a list too early", errors.Is(r.ListEnd(), ErrTag), nil, true)
	check("y", r.AtomIs("y"), nil, true)
	check("end of list", r.ListEnd(), nil, error(nil))
	n, err = r.ListHeader()
	check("empty list", n, err, 0)
	check("end of empty list", r.ListEnd(), nil, error(nil))
	_, err = r.ListHeader()
	check("string is no list of terms", errors.Is(err, ErrTag), nil, true)
	s, err := r.Bytes()
	check("string", string(s), err, "hi")
	n, err = r.MapHeader()
	check("map", n, err, 1)
	k, err := r.Atom()
	check("key", string(k), err, "k")
	v, err := r.Int()
	check("value", v, err, int64(-7))
	f, err := r.Float()
	check("float", f, err, 1.5)
	_, err = r.Int()
	check("too large for Int", errors.Is(err, ErrLimit), nil, true)
	u, err := r.Uint()
	check("uint", u, err, uint64(math.MaxUint64))
	check("skip", r.Skip(), nil, error(nil))
	raw, err := r.Raw()
	check("raw", raw, err, []byte{119, 3, 'e', 'n', 'd'})
	check("left", r.Len(), nil, 0)
	check("tag at the end", r.Tag(), nil, byte(0))
	check("skip at the end", errors.Is(r.Skip(), ErrTruncated), nil, true)
}

// A method for another kind of term, or one that is cut, leaves the cursor.
func TestReaderErrorsDoNotMove(t *testing.T) {
	methods := map[string]func(*Reader) error{
		"TupleHeader": func(r *Reader) error { _, err := r.TupleHeader(); return err },
		"ListHeader":  func(r *Reader) error { _, err := r.ListHeader(); return err },
		"ListEnd":     func(r *Reader) error { return r.ListEnd() },
		"MapHeader":   func(r *Reader) error { _, err := r.MapHeader(); return err },
		"Atom":        func(r *Reader) error { _, err := r.Atom(); return err },
		"Int":         func(r *Reader) error { _, err := r.Int(); return err },
		"Uint":        func(r *Reader) error { _, err := r.Uint(); return err },
		"Float":       func(r *Reader) error { _, err := r.Float(); return err },
		"Binary":      func(r *Reader) error { _, err := r.Binary(); return err },
		"Bytes":       func(r *Reader) error { _, err := r.Bytes(); return err },
		"PidView":     func(r *Reader) error { _, err := r.PidView(); return err },
		"PortView":    func(r *Reader) error { _, err := r.PortView(); return err },
		"RefView":     func(r *Reader) error { _, err := r.RefView(); return err },
		"Skip":        func(r *Reader) error { return r.Skip() },
	}
	for name, method := range methods {
		for tag := range 256 {
			r := NewReader([]byte{0, byte(tag)}, Limits{})
			r.off = 1
			err := method(&r)
			if one := byte(tag) == tagNil; one { // the only whole term of one byte
				continue
			}
			var e *Error
			if !errors.As(err, &e) || e.Offset != 1 || e.Tag != byte(tag) || r.Offset() != 1 {
				t.Errorf("%s of tag %d: %v, now at %d", name, tag, err, r.Offset())
			}
		}
		if r := NewReader(nil, Limits{}); !errors.Is(method(&r), ErrTruncated) {
			t.Errorf("%s of nothing is not truncated", name)
		}
	}
}

func TestUintRange(t *testing.T) {
	for _, v := range []uint64{0, 255, 256, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64} {
		r := NewReader(AppendUint(nil, v), WireLimits())
		if got, err := r.Uint(); err != nil || got != v {
			t.Errorf("%d: %d, %v", v, got, err)
		}
	}
	for _, b := range [][]byte{AppendInt(nil, -1), unhex("6e0900000000000000000001"), unhex("6e08010000000000000090")} {
		r := NewReader(b, WireLimits())
		if _, err := r.Uint(); !errors.Is(err, ErrLimit) {
			t.Errorf("%x: %v, want out of range", b, err)
		}
	}
}

// Decoded terms live on when the buffer is used again.
func TestDecodedTermsShareNoMemory(t *testing.T) {
	for _, v := range vectors(t, "etf.jsonl") {
		b := bytes.Clone(v.bytes)
		term, _, err := DecodeVersioned(b, FileLimits())
		if err != nil {
			t.Fatal(err)
		}
		before, _ := Append(nil, term)
		for i := range b {
			b[i] = 0xa5
		}
		if after, err := Append(nil, term); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%.60s changed with its input", v.Term)
		}
	}
}

// Views end where their contents end: appending to one must not write on.
func TestViewsCannotGrow(t *testing.T) {
	b := append(AppendBinary(nil, []byte("abc")), "behind"...)
	r := NewReader(b, WireLimits())
	v, err := r.Binary()
	if err != nil || cap(v) != 3 {
		t.Fatalf("view of capacity %d, %v", cap(v), err)
	}
	if string(r.Rest()) != "behind" {
		t.Errorf("rest is %q", r.Rest())
	}
}

func TestErrorText(t *testing.T) {
	_, _, err := DecodeVersioned(unhex("8368017702c328"), WireLimits())
	if want := "etf: malformed term: atom is not UTF-8 (tag 119 at offset 3)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	for b, want := range map[string]error{"": ErrTruncated, "82": ErrVersion, "8383": ErrTag, "8379": ErrTag, "83": ErrTruncated} {
		if _, _, err := DecodeVersioned(unhex(b), WireLimits()); !errors.Is(err, want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %v", b, err, want)
		}
	}
}
