package cli

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzWords: words that are typed as advice shows them are split into the same
// words, and no line that can be split holds more than it said.
func FuzzWords(f *testing.F) {
	for _, s := range []string{"a b", "it's", `"x\y"`, "$(x) `y`", "", "a\x00b", "\\", "'", "日本 x", "\xff"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		if !utf8.ValidString(first) || !utf8.ValidString(second) {
			return // a line is shown, and what is no text is not repeated
		}
		words := []string{first, second}
		line := typedWords(words)
		if got, err := splitWords(line); err != nil || !slices.Equal(got, words) {
			t.Fatalf("%q is typed %q, and that is %q, %v", words, line, got, err)
		}
		got, err := splitWords(first)
		if err == nil && len(strings.Join(got, "")) > len(first) {
			t.Fatalf("%q is split into %q", first, got)
		}
	})
}

// FuzzRoff: text of any kind stays text in a manual page: no line of it is a
// request, and no escape is other than ours.
func FuzzRoff(f *testing.F) {
	for _, s := range []string{"a", ".TH x", "'x", `\fBx`, "a-b 'c' `d` ^~\"", " .x", "--flag=\\n", "", "(a,b),.c"} {
		f.Add(s)
	}
	escapes := []string{`\&`, `\e`, `\-`, `\(aq`, `\(ga`, `\(ha`, `\(ti`, `\(dq`, `\%`, `\:`}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(s, "\n\r") {
			return // help is given by lines
		}
		for _, text := range []string{escapeRoff(s), fillRoff(s)} {
			if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
				t.Fatalf("%q is written %q, which is a request", s, text)
			}
			for rest := text; ; {
				at := strings.IndexByte(rest, '\\')
				if at < 0 {
					break
				}
				i := slices.IndexFunc(escapes, func(e string) bool { return strings.HasPrefix(rest[at:], e) })
				if i < 0 {
					t.Fatalf("%q is written %q, with %.4q", s, text, rest[at:])
				}
				rest = rest[at+len(escapes[i]):]
			}
			if got := unroff(text); got != s {
				t.Fatalf("%q is written %q, and that reads %q", s, text, got)
			}
		}
	})
}

// unroff is what a reader sees of escaped text.
func unroff(s string) string {
	return strings.NewReplacer(`\&`, "", `\%`, "", `\:`, "", `\e`, `\`, `\-`, "-", `\(aq`, "'", `\(ga`, "`", `\(ha`, "^", `\(ti`, "~", `\(dq`, `"`).Replace(s)
}

// FuzzDurationText: a duration is written as one that is read as the same.
func FuzzDurationText(f *testing.F) {
	for _, d := range []time.Duration{0, 1, time.Second, time.Minute, time.Hour, 90 * time.Minute, -time.Hour, 1<<63 - 1, -1 << 63, 61 * time.Minute} {
		f.Add(int64(d))
	}
	f.Fuzz(func(t *testing.T, n int64) {
		d := time.Duration(n)
		if got, err := time.ParseDuration(durationText(d)); err != nil || got != d {
			t.Fatalf("%v is written %q, and that is %v, %v", d, durationText(d), got, err)
		}
	})
}
