package display

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Harmful reports whether a terminal could act on r, show nothing for it or
// disagree on its columns: controls, C1 among them, bidi controls, zero-width
// characters and tags, the byte order mark, line and paragraph separators,
// surrogates, private use, and what is not assigned.
func Harmful(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	if !unicode.IsGraphic(r) {
		return true
	}
	switch r { // blank, yet no space
	case 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x2800, 0x3164, 0xffa0:
		return true
	}
	return unicode.Is(unicode.Variation_Selector, r)
}

// Escape is r as text of ASCII alone: \n, \x1b, \u202e, \U000e0041.
func Escape(r rune) string {
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
