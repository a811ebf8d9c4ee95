package etf

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"
)

var aFun = leafKinds[len(leafKinds)-1](nil)

var textCases = []struct {
	term Term
	want string
}{
	{Atom("ok"), `ok`},
	{Atom(""), `''`},
	{Atom("Foo bar"), `'Foo bar'`},
	{Atom("it's\n"), `'it\'s\n'`},
	{Atom("a@b_C1"), `a@b_C1`},
	{Atom("_a"), `'_a'`},
	{Atom("1a"), `'1a'`},
	{Atom("ünï×"), `'ünï×'`},
	{Atom("ünïÀ"), `ünïÀ`},
	{Atom("日本"), `'日本'`},
	{Atom("end"), `'end'`},
	{Atom("ends"), `ends`},
	{Atom("a\x00\x1b\x7f\u0080\u009f"), `'a\000\e\d\200\237'`},
	{Atom("\xffa"), "'\ufffda'"}, // no atom at all
	{int64(-5), `-5`},
	{7, `7`},
	{uint64(math.MaxUint64), `18446744073709551615`},
	{true, `true`},
	{new(big.Int).Lsh(big.NewInt(-1), 70), `-1180591620717411303424`},
	{1.0, `1.0`},
	{math.Copysign(0, -1), `-0.0`},
	{1e100, `1.0e100`},
	{100000.0, `1.0e5`},
	{-123456.0, `-123456.0`},
	{0.0012, `0.0012`},
	{5e-324, `5.0e-324`},
	{math.NaN(), `...`},
	{List{}, `[]`},
	{List(nil), `[]`},
	{List{97, 98, 99}, `"abc"`},
	{List{97, 98, 34, 92, 10, 27}, `"ab\"\\\n\e"`},
	{List{97, 127}, `[97,127]`},
	{List{0x65e5, 0xfffe}, `[26085,65534]`},
	{List{0x65e5, 0x2028}, "\"日\u2028\""},
	{List{List{97}, List{}}, `["a",[]]`},
	{List{-1}, `[-1]`},
	{ImproperList{[]Term{97, Atom("b")}, Atom("c")}, `[97,b|c]`},
	{Binary{}, `<<>>`},
	{Binary("abc"), `<<"abc">>`},
	{Binary("it's \"x\""), `<<"it's \"x\"">>`},
	{Binary("grün"), `<<"grün"/utf8>>`},
	{Binary("gr\xfcn"), `<<"grün">>`},
	{Binary{1, 2, 3}, `<<1,2,3>>`},
	{Binary("\x1b[2J"), `<<"\e[2J">>`},
	{Binary("a\x7f"), `<<97,127>>`},
	{Binary("a\u0085"), `<<97,194,133>>`},
	{Binary("a\x85"), `<<97,133>>`},
	{Binary("\ufffe"), `<<239,191,190>>`},
	{Binary("\ufffe\xaf"), `<<"ï¿¾¯">>`},
	{BitBinary{[]byte{1, 2, 3 << 5}, 3}, `<<1,2,3:3>>`},
	{BitBinary{[]byte{0xa0}, 3}, `<<5:3>>`},
	{BitBinary{[]byte("ab"), 8}, `<<"ab">>`},
	{Tuple{}, `{}`},
	{Tuple{Atom("a"), List{120}, Tuple{1}}, `{a,"x",{1}}`},
	{Map{}, `#{}`},
	{Map{{Atom("b"), 1}, {Map{}, 1.5}}, `#{b => 1,#{} => 1.5}`},
	{Pid{"otp@127.0.0.1", 100, 2, 7}, `<otp@127.0.0.1.100.2>`},
	{Pid{"a>b\n", 1, 0, 0}, `<'a>b\n'.1.0>`},
	{Port{"a@b", 5, 1}, `#Port<a@b.5>`},
	{Ref{"a@b", 1, 3, [5]uint32{1, 2, 3}}, `#Ref<a@b.3.2.1>`},
	{Export{"lists", "map", 2}, `fun lists:map/2`},
	{Export{"A b", "C", 3}, `fun 'A b':'C'/3`},
	{aFun, `#Fun<etfvec.4.29173713>`},
	{Fun{[]byte{112}}, `...`},
	{(*big.Int)(nil), `...`},
	{nil, `...`},
	{struct{}{}, `...`},
}

func TestAppendText(t *testing.T) {
	for _, tc := range textCases {
		if got := string(AppendText([]byte("> "), tc.term)); got != "> "+tc.want {
			t.Errorf("%#v is written %s, want %s", tc.term, got, tc.want)
		}
	}
}

// A text cut at any length is the beginning of the whole, and the answer says
// whether it is the whole.
func TestAppendTextLimit(t *testing.T) {
	for _, tc := range textCases {
		for most := -1; most <= len(tc.want)+1; most++ {
			got, whole := AppendTextLimit([]byte("> "), tc.term, most)
			rest, ok := strings.CutPrefix("> "+tc.want, string(got))
			if !ok || !utf8.Valid(got) || len(got)-2 > max(most, 0) {
				t.Fatalf("%s in %d bytes is %q", tc.want, most, got)
			}
			if whole != (rest == "") || !whole && len(rest) > 0 && most-(len(got)-2) >= utf8.UTFMax {
				t.Fatalf("%s in %d bytes is %q, %t", tc.want, most, got, whole)
			}
		}
	}
	if _, whole := AppendTextLimit([]byte("a"), Atom("b"), math.MaxInt); !whole {
		t.Error("the largest limit overflows")
	}
}

func TestTextOfALoop(t *testing.T) {
	loop := List{int64(1), nil}
	loop[1] = loop
	got := string(AppendText(nil, loop))
	if !strings.Contains(got, "[...,...]") || len(got) > 5*maxDepth {
		t.Errorf("%d bytes ending %s", len(got), got[len(got)-20:])
	}
}

// The limit bounds the work too: what is far longer than the limit costs no
// memory of its own size.
func TestTextOfALargeBinary(t *testing.T) {
	for _, b := range []string{"a", "ü", "\xfc", "\x00"} {
		large := Binary(strings.Repeat(b, 16<<20))
		var term Term = large
		dst := make([]byte, 0, 128)
		if n := testing.AllocsPerRun(3, func() { AppendTextLimit(dst, term, 100) }); n > 40 {
			t.Errorf("%q: %v allocations", b, n)
		}
		got, whole := AppendTextLimit(nil, term, 100)
		if whole || len(got) < 99 {
			t.Errorf("%q: %d bytes, whole %t", b, len(got), whole)
		}
	}
}

// clear holds a text to what a log line may have: UTF-8, no control character.
func clear(t interface{ Fatalf(string, ...any) }, text []byte) {
	if !utf8.Valid(text) {
		t.Fatalf("%q is not UTF-8", text)
	}
	for _, r := range string(text) {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			t.Fatalf("%q has a control character", text)
		}
	}
}

func FuzzAppendText(f *testing.F) {
	addVectors(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		term, _, err := Decode(b, WireLimits())
		if err != nil {
			return
		}
		whole := AppendText(nil, term)
		clear(t, whole)
		for _, most := range []int{0, 1, 7, len(whole) / 2, len(whole) - 1, len(whole)} {
			got, ok := AppendTextLimit(nil, term, most)
			clear(t, got)
			if ok != (most >= len(whole)) || !strings.HasPrefix(string(whole), string(got)) || len(got) > most {
				t.Fatalf("%s in %d bytes is %s, %t", whole, most, got, ok)
			}
		}
	})
}
