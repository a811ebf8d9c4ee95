package pg

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/liminal-bus/liminal/internal/etf"
	"pgregory.net/rapid"
)

func TestChannelKey(t *testing.T) {
	for name, want := range map[string]string{
		"orders":                       "\x6d\x00\x00\x00\x06orders",
		":orders":                      "\x77\x06orders",
		"grün":                         "\x6d\x00\x00\x00\x05gr\xc3\xbcn",
		":Foo x":                       "\x77\x05Foo x",
		"::x":                          "\x77\x02:x",
		"a:b":                          "\x6d\x00\x00\x00\x03a:b",
		" ":                            "\x6d\x00\x00\x00\x01 ",
		strings.Repeat("x", 255):       "\x6d\x00\x00\x00\xff" + strings.Repeat("x", 255),
		":" + strings.Repeat("x", 255): "\x77\xff" + strings.Repeat("x", 255),
	} {
		k, err := ChannelKey(name)
		if err != nil || string(k) != want {
			t.Errorf("ChannelKey(%q) = %x, %v, want %x", name, k, err, want)
		}
		if back, s := k.Channel(); back != name || s != spellingOf(name) {
			t.Errorf("ChannelKey(%q).Channel() = %q, %s", name, back, s)
		}
	}
}

func spellingOf(name string) Spelling {
	if name[0] == ':' {
		return SpellAtom
	}
	return SpellBinary
}

func TestChannelKeyRefuses(t *testing.T) {
	for name, want := range map[string]string{
		"":                             "is empty",
		":":                            "no atom",
		strings.Repeat("x", 256):       "256 bytes",
		":" + strings.Repeat("x", 256): "256 bytes",
		"a\xff":                        "not UTF-8",
		"a\nb":                         "U+000A",
		"\x00":                         "U+0000",
		"a\x7f":                        "U+007F",
		":a\u0085":                     "U+0085",
		"\u009b31m":                    "U+009B",
	} {
		k, err := ChannelKey(name)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ChannelKey(%q) = %x, %v, want an error with %q", name, k, err, want)
		}
	}
}

func TestKeyOfOtherTerms(t *testing.T) {
	for _, c := range []struct {
		term etf.Term
		kind string
	}{
		{etf.Binary(":x"), "a binary that would read as an atom"},
		{etf.Binary("a\nb"), "a binary with control characters"},
		{etf.Binary{}, "an empty binary"},
		{etf.Binary("\xff"), "a binary that is not UTF-8"},
		{etf.Atom(""), "the empty atom"},
		{etf.Atom("\x1b"), "an atom with control characters"},
		{etf.Tuple{etf.Atom("a"), int64(1)}, "a tuple"},
		{int64(5), "an integer"},
		{etf.List{}, "the empty list"},
	} {
		k := Key(enc(t, c.term))
		name, s := k.Channel()
		if want := string(etf.AppendText(nil, c.term)); s != SpellTerm || name != want {
			t.Errorf("%s: Channel() = %q, %s, want %q as a term", c.kind, name, s, want)
		}
		if other, ok := k.Other(); ok {
			t.Errorf("%s: has another spelling %x", c.kind, other)
		}
	}
	for _, k := range []Key{"", "garbage", "\x6d\x01\x00\x00\x01a", "\x6d\x00\x00\x00\x02a"} {
		if name, s := k.Channel(); s != SpellTerm || name == "" {
			t.Errorf("Key(%x).Channel() = %q, %s", k, name, s)
		}
	}
}

func TestOtherSpelling(t *testing.T) {
	for name, want := range map[string]string{"orders": ":orders", ":orders": "orders", "a:b": ":a:b", "::x": ""} {
		other, ok := key(t, name).Other()
		if ok != (want != "") {
			t.Errorf("%q: Other() ok = %t", name, ok)
		} else if ok && other != key(t, want) {
			t.Errorf("%q: Other() = %x, want the key of %q", name, other, want)
		}
	}
}

// TestChannelIsExact: names and keys stand for each other one to one.
func TestChannelIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`:{0,2}[a-zü\x00]{0,3}`)).Draw(t, "name")
		k, err := ChannelKey(name)
		if err != nil {
			return
		}
		if back, s := k.Channel(); back != name || s != spellingOf(name) || !utf8.ValidString(back) {
			t.Fatalf("%q became %q, %s", name, back, s)
		}
		if other, ok := k.Other(); ok {
			if back, ok := other.Other(); !ok || back != k {
				t.Fatalf("the other spelling of %x leads back to %x, %t", k, back, ok)
			}
		}
	})
}
