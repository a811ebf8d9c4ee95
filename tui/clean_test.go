package tui

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"", ""},
		{"c@dev", "c@dev"},
		{`back\slash`, `back\slash`},
		{"größe", "größe"},
		{"日本", "日本"},
		{"e\u0301", "e\u0301"},
		{"a\x1b[2Jb", `a\x1b[2Jb`},
		{"a\nb\rc\td\x00\x7f", `a\nb\rc\td\x00\x7f`},
		{"\u009b2J", `\u009b2J`},
		{"\xff\xc3", `\xff\xc3`},
		{"a\u202eb\u2066c\u2069", `a\u202eb\u2066c\u2069`},
		{"a\u200bb\ufeffc\u00ad", `a\u200bb\ufeffc\u00ad`},
		{"a\u2028b\u2029", `a\u2028b\u2029`},
		{"\ue000\U000e0041\u0378", `\ue000\U000e0041\u0378`},
		{"x\ufe0f", `x\ufe0f`},
		{"\u0301x", `\u0301x`}, // nothing of ours for it to stand on
		{"e\u0301\u0302\u0303", `e\u0301\u0302\u0303`},
		{"\U0001f468\u200d\U0001f469", `\U0001f468\u200d\U0001f469`},
		{"\U0001f44d\U0001f3fd", `\U0001f44d\U0001f3fd`}, // one picture, or two
	} {
		if got := clean(tc.in); got != tc.want {
			t.Errorf("clean(%q) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestFit(t *testing.T) {
	for _, tc := range []struct {
		in           string
		w            int
		right, ascii bool
		want         string
	}{
		{"abc", 5, false, false, "abc  "},
		{"abc", 5, true, false, "  abc"},
		{"abc", 3, false, false, "abc"},
		{"abcd", 3, false, false, "ab…"},
		{"abcd", 3, false, true, "ab~"},
		{"abcd", 1, false, false, "…"},
		{"abcd", 0, false, false, ""},
		{"abcd", -4, false, false, ""},
		{"", 2, false, false, "  "},
		{"日本語", 6, false, false, "日本語"},
		{"日本語", 5, false, false, "日本…"},
		{"日本語", 4, false, false, "日… "},
		{"日本語", 4, true, false, " 日…"},
		{"日", 8, false, true, `\u65e5  `},
		{"a\x1bb", 6, false, false, `a\x1bb`},
		{"a\x1bb", 4, false, false, `a\x…`},
		{"ascii é", 7, false, true, `ascii ~`},
	} {
		if got := fit(tc.in, tc.w, tc.right, tc.ascii); got != tc.want {
			t.Errorf("fit(%q, %d, %t, %t) = %q, want %q", tc.in, tc.w, tc.right, tc.ascii, got, tc.want)
		}
	}
}

// checkFit holds what a column of a table rests on.
func checkFit(t interface{ Errorf(string, ...any) }, in string, w int, right, ascii bool) {
	got := fit(in, w, right, ascii)
	if n := ansi.StringWidth(got); n != max(w, 0) {
		t.Errorf("fit(%q, %d) = %q has %d columns", in, w, got, n)
	}
	if n := ansi.StringWidthWc(got); n != max(w, 0) {
		t.Errorf("fit(%q, %d) = %q has %d columns by characters", in, w, got, n)
	}
	if !utf8.ValidString(got) || strings.IndexFunc(got, func(r rune) bool { return !unicode.IsGraphic(r) }) >= 0 {
		t.Errorf("fit(%q, %d) = %q", in, w, got)
	}
	if ascii && !printableASCII(got) {
		t.Errorf("fit(%q, %d) = %q in ASCII", in, w, got)
	}
	// What stands beside it does not change it.
	if beside := "|" + got + " |"; ansi.StringWidth(beside) != max(w, 0)+3 {
		t.Errorf("%q has %d columns, want %d", beside, ansi.StringWidth(beside), w+3)
	}
	if again := clean(clean(in)); again != clean(in) {
		t.Errorf("clean(clean(%q)) = %q, not %q", in, again, clean(in))
	}
}

func TestFitHoldsColumns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom(awkward))).Draw(t, "text")
		checkFit(t, in, rapid.IntRange(-1, 40).Draw(t, "w"), rapid.Bool().Draw(t, "right"), rapid.Bool().Draw(t, "ascii"))
	})
}

// awkward are characters that stretch, join or hide.
var awkward = []rune("a@ \x1b\x9b\u0301\u20dd日ｗ\u1100\u1161\u11a8\U0001f1e9\U0001f469\U0001f3fd\u200d\ufe0f\u0915\u094d\u0937\u0e33\u0d4e\u0600\u2028\ufffd\U0001f600\ua8f2\u115f")

func FuzzFit(f *testing.F) {
	f.Add("c@dev", 4, false, false)
	f.Add("日本語\x1b[31m", 7, true, false)
	f.Add(string(awkward), 30, false, true)
	f.Fuzz(func(t *testing.T, in string, w int, right, ascii bool) {
		checkFit(t, in, w%300, right, ascii)
	})
}
