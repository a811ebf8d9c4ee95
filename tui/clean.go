package tui

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"github.com/liminal-bus/liminal/internal/display"
)

// clean makes text that came from elsewhere (names, reasons, errors) safe for
// one line of the screen: whatever could move the cursor, reorder, hide, or
// take another number of columns than width says becomes a visible escape.
// Text that is safe comes back as it is, so cleaning twice changes nothing.
func clean(s string) string {
	if printableASCII(s) {
		return s
	}
	// A grapheme is judged among its neighbours, and those change where one is
	// escaped: so until nothing does.
	for {
		next := cleanOnce(s)
		if next == s {
			return s
		}
		s = next
	}
}

func cleanOnce(s string) string {
	var b strings.Builder
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case display.Harmful(r):
			b.WriteString(display.Escape(r))
		case r < utf8.RuneSelf && (len(s) == 1 || s[1] < utf8.RuneSelf):
			b.WriteByte(s[0])
		default:
			cluster, _ := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
			size = len(cluster)
			b.WriteString(cleanCluster(cluster))
		}
		s = s[size:]
	}
	return b.String()
}

// maxMarks is how many characters may stand on one base: as many as languages
// need, too few to climb over other lines.
const maxMarks = 2

// cleanCluster keeps one grapheme if terminals agree on its columns, whether
// they count graphemes or characters.
func cleanCluster(c string) string {
	wide := ansi.StringWidth(c)
	// Beside plain text, too: some characters join what stands before them.
	beside := ansi.StringWidth("|" + c + "|")
	safe := wide > 0 && wide == ansi.StringWidthWc(c) && beside == wide+2 && utf8.RuneCountInString(c) <= 1+maxMarks &&
		utf8.ValidString(c) && strings.IndexFunc(c, display.Harmful) < 0
	if safe {
		return c
	}
	var b strings.Builder
	for i, r := range c {
		_, size := utf8.DecodeRuneInString(c[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, c[i])
		case r < utf8.RuneSelf && !display.Harmful(r):
			b.WriteRune(r)
		default:
			b.WriteString(display.Escape(r))
		}
	}
	return b.String()
}

func printableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// asciiOnly shows all above 0x7e as escapes.
func asciiOnly(s string) string {
	if printableASCII(s) {
		return s
	}
	var b strings.Builder
	for _, r := range clean(s) {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			b.WriteString(display.Escape(r))
		}
	}
	return b.String()
}

// width is how many columns s takes, escape sequences none.
func width(s string) int {
	if printableASCII(s) {
		return len(s)
	}
	return ansi.StringWidth(s)
}

// fit gives s exactly w columns: padded, or cut with a mark. right pads on the
// left; ascii lets nothing above 0x7e through. s is text alone, without
// escape sequences, and is made clean here.
func fit(s string, w int, right, ascii bool) string {
	if w <= 0 {
		return ""
	}
	// A column takes at most 12 bytes of what is clean: what is far behind the
	// cut need not be looked at.
	if most := 16 * (w + 2); len(s) > most {
		s = s[:most]
	}
	if s = clean(s); ascii {
		s = asciiOnly(s)
	}
	have := width(s)
	if have > w {
		s = cut(s, w, ascii)
		have = width(s)
	}
	switch pad := strings.Repeat(" ", w-have); {
	case pad == "":
		return s
	case right:
		return pad + s
	default:
		return s + pad
	}
}

// cut shortens s, which is wider than w > 0, to at most w columns with the mark
// of a cut. One column less is left where a wide character does not fit.
func cut(s string, w int, ascii bool) string {
	mark := "…"
	if ascii {
		mark = "~"
	}
	if printableASCII(s) {
		return s[:w-1] + mark
	}
	return ansi.Truncate(s, w, mark)
}
