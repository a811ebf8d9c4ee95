package config

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzSize: a size is what arithmetic without bounds makes of it, and what is
// written for it is read as the same.
func FuzzSize(f *testing.F) {
	for _, s := range []string{"1000", "64KiB", "1MiB", "9GiB", "9223372036854775807", "9999999999999999999KiB", "", "KiB", "1KB", "-1", "1 KiB", "0x10", "٣KiB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := parseSize(s)
		want, wantOK := sizeOf(s)
		if ok != wantOK || ok && (want.IsInt64() && want.Int64() != n || !want.IsInt64() && n != math.MaxInt64) {
			t.Fatalf("%q is %d, %t; want %v, %t", s, n, ok, want, wantOK)
		}
		if !ok {
			return
		}
		if again, ok := parseSize(formatSize(n)); !ok || again != n {
			t.Fatalf("%d is written %q, and that is read as %d, %t", n, formatSize(n), again, ok)
		}
	})
}

// sizeOf is parseSize by other means.
func sizeOf(s string) (*big.Int, bool) {
	unit := int64(1)
	for i, suffix := range []string{"GiB", "MiB", "KiB", "B"} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = rest, int64(1)<<(10*(3-i))
			break
		}
	}
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return nil, false
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, false
	}
	return n.Mul(n, big.NewInt(unit)), true
}

// FuzzCookie: what is taken for a cookie is one line of printable ASCII of the
// length a peer takes, whatever ends the line; and nothing that is said of a file
// repeats what stands in it.
func FuzzCookie(f *testing.F) {
	for _, s := range []string{"secret\n", "secret", "sec ret \r\n", "\n", "", "a\nb", "\xff", "\x00", strings.Repeat("x", maxCookie+1), "a\r\r\n \n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := &Values{}
		c, err := v.finish(Cookie{Source: "FILE"}, text)
		line, _, _ := strings.Cut(strings.ReplaceAll(text, "\r", "\n"), "\n")
		said := c.Warning
		if err != nil {
			said += fmt.Sprintf("%v %+v", err, err)
		}
		// A few characters may stand in any sentence; a line of ten does not by chance.
		if len(line) >= 10 && strings.Contains(said, line) {
			t.Fatalf("%q is told: %s", line, said)
		}
		good := line != "" && len(line) <= maxCookie && strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) < 0 &&
			strings.Trim(text[len(line):], "\r\n ") == ""
		if good != (err == nil) || err == nil && c.Length != len(line) {
			t.Fatalf("%q: %v, length %d", text, err, c.Length)
		}
	})
}

// FuzzSettings: whatever a variable of the environment says, it is taken or
// refused by its name, in words that a terminal can bear; and what is taken comes
// back the same from the file that would be written for it.
func FuzzSettings(f *testing.F) {
	for i, s := range []string{"1s", "0", "-1s", "1h30m", "1", "", "9999999h", "1e9s", "a,b", "\x1b[2J", "1MiB", "true", "a@b", "\u202e", `a"b\`, ":9100", "drop_oldest"} {
		f.Add(uint8(i*3), s)
	}
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		name := settings[int(which)%len(settings)].Env
		if name == "" || strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
			return // no environment can hold it, or no file in TOML
		}
		v, err := Load(Options{Environ: []string{name + "=" + text}})
		if err != nil {
			if said := err.Error(); strings.ContainsFunc(said, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }) {
				t.Fatalf("%s=%q: %q", name, text, said)
			}
			return
		}
		found, problems := parse([]byte(v.Show()))
		if len(problems) > 0 {
			t.Fatalf("%s=%q: what is shown cannot be read: %v", name, text, problems)
		}
		l := loader{v: &Values{}, given: map[string]Origin{}}
		l.defaults()
		for i := range settings {
			if g, ok := found[settings[i].Key]; ok {
				l.put(i, g, Origin{Source: SourceFile, Line: g.line})
			}
		}
		l.together()
		if len(l.problems) > 0 || !reflect.DeepEqual(l.v.fields, v.fields) {
			t.Fatalf("%s=%q: settings were %+v and are %+v after the file, %v", name, text, v.fields, l.v.fields, l.problems)
		}
	})
}
