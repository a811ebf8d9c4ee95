package cli

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// clean makes text that came from elsewhere (a peer, a file, an error) safe to
// print: whatever could move the cursor, hide, reorder or start an escape
// sequence becomes a visible escape. Text of one printable line comes back as
// it is.
func clean(s string) string {
	if printable(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case harmful(r):
			b.WriteString(visible(r))
		default:
			b.WriteRune(r)
		}
		s = s[size:]
	}
	return b.String()
}

func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, harmful) < 0
}

// harmful reports whether a terminal could act on r or show nothing for it:
// C0, DEL, C1 (all Cc), bidi controls, zero-width characters, tags and the byte
// order mark (all Cf), line and paragraph separators, surrogates, and what
// Unicode leaves to private agreement or has not assigned.
func harmful(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Cs, unicode.Co) {
		return true
	}
	// Characters without a glyph of their own that are not in Cf.
	switch r {
	case 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x2800, 0x3164, 0xffa0:
		return true
	}
	return unicode.Is(unicode.Variation_Selector, r)
}

func visible(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r <= 0x7f:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// cleanJSON does the same for an encoded JSON document. encoding/json escapes
// C0 but neither DEL nor C1 nor the bidi controls; those can only stand inside
// strings, where \u escapes mean the same, so the document keeps its value.
func cleanJSON(doc []byte) []byte {
	text := string(doc)
	if strings.IndexFunc(text, harmfulInJSON) < 0 {
		return doc
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !harmfulInJSON(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return []byte(b.String())
}

// harmfulInJSON leaves the newline that ends a document alone.
func harmfulInJSON(r rune) bool { return r != '\n' && harmful(r) }

// styled is text of our own that may hold colour; say prints it as it is.
type styled string

// say is fmt.Sprintf for lines that people read: each argument that can carry
// foreign text goes through clean, and the format is always ours.
func say(format string, args ...any) string {
	for i, arg := range args {
		switch arg := arg.(type) {
		case styled:
		case string:
			args[i] = clean(arg)
		case error:
			args[i] = clean(arg.Error())
		case fmt.Stringer:
			args[i] = clean(arg.String())
		}
	}
	return fmt.Sprintf(format, args...)
}
