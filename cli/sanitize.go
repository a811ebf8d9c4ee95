package cli

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/liminal-bus/liminal/internal/display"
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
		case display.Harmful(r):
			b.WriteString(display.Escape(r))
		default:
			b.WriteRune(r)
		}
		s = s[size:]
	}
	return b.String()
}

func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, display.Harmful) < 0
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
func harmfulInJSON(r rune) bool { return r != '\n' && display.Harmful(r) }

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
