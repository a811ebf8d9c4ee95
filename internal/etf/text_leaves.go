package etf

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// printable reports whether OTP takes r for part of a string: neither a control
// character, save those with an escape of their own, nor what Unicode rules out.
func printable(r rune) bool {
	switch {
	case r < ' ':
		return r >= '\b' && r <= '\r' || r == 0x1b
	case r < 0x7f:
		return true
	}
	return r >= 0xa0 && r < 0xd800 || r > 0xdfff && r < 0xfffe || r > 0xffff && r <= utf8.MaxRune
}

// printableList gives l as text if it is a string for OTP. The empty list is not.
func printableList(l List) (string, bool) {
	if len(l) == 0 || !printableTerm(l[0]) { // most lists are told by their first element
		return "", false
	}
	var b strings.Builder
	for _, t := range l {
		if !printableTerm(t) {
			return "", false
		}
		v, _ := integerOf(t)
		b.WriteRune(rune(v))
	}
	return b.String(), true
}

func printableTerm(t Term) bool {
	v, ok := integerOf(t)
	return ok && v >= 0 && v <= utf8.MaxRune && printable(rune(v))
}

// binary writes b as UTF-8 text if it is that, else as latin1 text if it is
// that, else as bytes.
func (w *text) binary(b []byte) {
	valid, shown := utf8Text(b)
	switch {
	case len(b) == 0:
		w.put("<<>>")
	case valid && shown:
		w.put("<<")
		w.quoted(string(w.within(b)), '"')
		if !ascii(b) {
			w.put("/utf8")
		}
		w.put(">>")
	case !valid && latin1Text(b):
		w.put("<<")
		w.quoted(string(fromLatin1(w.within(b))), '"')
		w.put(">>")
	default:
		w.bytes(b, 8)
	}
}

// within cuts off what there is no room for, leaving more than there is: its
// text is at least as long, so that the limit is still hit.
func (w *text) within(b []byte) []byte {
	n := w.end - len(w.dst) + 1
	for n < len(b) && !utf8.RuneStart(b[n]) {
		n++
	}
	return b[:min(n, len(b))]
}

// utf8Text reports whether all of b is UTF-8 and, if so, whether all of it is
// printable.
func utf8Text(b []byte) (valid, shown bool) {
	if !utf8.Valid(b) {
		return false, false
	}
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if !printable(r) {
			return true, false
		}
		b = b[size:]
	}
	return true, true
}

func latin1Text(b []byte) bool {
	for _, c := range b {
		if !printable(rune(c)) {
			return false
		}
	}
	return true
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// bits writes a binary whose last byte has fewer than 8 bits: never a string.
func (w *text) bits(b BitBinary) {
	if b.Bits >= 8 || b.Bits == 0 || len(b.Bytes) == 0 {
		w.binary(b.Bytes)
		return
	}
	w.bytes(b.Bytes, b.Bits)
}

// bytes writes b, of whose last byte only the high bits count.
func (w *text) bytes(b []byte, bits uint8) {
	w.put("<<")
	for i, c := range b {
		if w.full {
			return
		}
		if i > 0 {
			w.put(",")
		}
		if i == len(b)-1 && bits < 8 {
			w.put(fmt.Sprintf("%d:%d", c>>(8-bits), bits))
		} else {
			w.uint(uint64(c))
		}
	}
	w.put(">>")
}

// escapes are the control characters that have a letter.
var escapes = map[rune]string{
	'\b': `\b`, '\t': `\t`, '\n': `\n`, '\v': `\v`, '\f': `\f`, '\r': `\r`, 0x1b: `\e`, 0x7f: `\d`,
}

// quoted writes s between two quotes, q, escaped as OTP does; what has no
// letter is written with three octal digits.
func (w *text) quoted(s string, q rune) {
	w.put(string(q))
	for len(s) > 0 && !w.full {
		n := plain(s, q)
		w.put(s[:n])
		s = s[n:]
		if len(s) == 0 {
			break
		}
		r, size := utf8.DecodeRuneInString(s)
		w.put(escape(r, q))
		s = s[size:]
	}
	w.put(string(q))
}

// plain gives the length of what s begins with that needs no escape.
func plain(s string, q rune) int {
	n := strings.IndexFunc(s, func(r rune) bool {
		return r == q || r == '\\' || r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError
	})
	if n < 0 {
		return len(s)
	}
	return n
}

func escape(r, q rune) string {
	switch {
	case r == q || r == '\\':
		return `\` + string(r)
	case escapes[r] != "":
		return escapes[r]
	case r < 0xa0:
		return fmt.Sprintf(`\%03o`, r)
	}
	return string(r) // U+FFFD, its own or in place of a byte that is not UTF-8
}

// reserved are the words of the language, which are no atoms without quotes.
// maybe and else, reserved since OTP 27, are plain atoms for OTP 25 and here.
var reserved = map[string]bool{
	"after": true, "and": true, "andalso": true, "band": true, "begin": true, "bnot": true, "bor": true,
	"bsl": true, "bsr": true, "bxor": true, "case": true, "catch": true, "cond": true, "div": true,
	"end": true, "fun": true, "if": true, "let": true, "not": true, "of": true, "or": true, "orelse": true,
	"receive": true, "rem": true, "try": true, "when": true, "xor": true,
}

func (w *text) atom(a Atom) {
	if bare(string(a)) {
		w.put(string(a))
		return
	}
	w.quoted(string(a), '\'')
}

// bare reports whether an atom needs no quotes: a small letter, then letters,
// digits, _ and @, all of latin1.
func bare(s string) bool {
	for i, r := range s {
		small := r >= 'a' && r <= 'z' || r >= 0xdf && r <= 0xff && r != 0xf7
		large := r >= 'A' && r <= 'Z' || r >= 0xc0 && r <= 0xde && r != 0xd7
		if !small && (i == 0 || !large && !(r >= '0' && r <= '9') && r != '_' && r != '@') {
			return false
		}
	}
	return s != "" && !reserved[s]
}

// node writes a node's name inside <> as it is, like a number there; one that
// is not of the usual characters is quoted, or it could end the bracket.
func (w *text) node(a Atom) {
	if a == "" || strings.IndexFunc(string(a), unusualInNode) >= 0 {
		w.quoted(string(a), '\'')
		return
	}
	w.put(string(a))
}

func unusualInNode(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	return !letter && (r < '0' || r > '9') && !strings.ContainsRune("_.:-@", r)
}

// float writes the fewest digits that read back as v, with an exponent where
// OTP 25 does: where that is shorter, and always from 2^53 up.
func (w *text) float(v float64) {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		w.put(dots)
		return
	}
	if math.Signbit(v) {
		w.put("-")
		v = -v
	}
	if v == 0 {
		w.put("0.0")
		return
	}
	mantissa, exp, _ := strings.Cut(strconv.FormatFloat(v, 'e', -1, 64), "e")
	e, _ := strconv.Atoi(exp)
	digits := strings.Replace(mantissa, ".", "", 1)
	if long := positional(digits, e+1); v < 1<<53 && long != "" {
		w.put(long)
		return
	}
	w.put(withPoint(digits, 1) + "e" + strconv.Itoa(e))
}

// positional writes digits with the point after the first place of them,
// filled up with zeros on either side, or nothing if that is longer than an
// exponent would be.
func positional(digits string, place int) string {
	zeros, cost := 0, len(strconv.Itoa(place-1))+len("e.")
	if len(digits) == 1 {
		cost++ // an exponent needs a digit behind the point
	}
	switch {
	case place < 0:
		zeros = -place
	case place > len(digits):
		zeros = place - len(digits)
	}
	switch {
	case place >= 0 && zeros == 0:
	case zeros+len("0.") > cost:
		return ""
	}
	if place <= 0 {
		return "0." + strings.Repeat("0", zeros) + digits
	}
	return withPoint(digits+strings.Repeat("0", zeros), place)
}

// withPoint puts the point after the first place digits; one always follows it.
func withPoint(digits string, place int) string {
	if place == len(digits) {
		digits += "0"
	}
	return digits[:place] + "." + digits[place:]
}
