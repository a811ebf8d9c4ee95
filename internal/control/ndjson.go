package control

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendMessageJSON appends the NDJSON lines of m, as GET /v1/subscribe writes
// them: a drop line if messages were lost right before m, then m itself.
func AppendMessageJSON(dst []byte, m *Message) []byte {
	if m.Lost > 0 {
		dst = append(dst, `{"type":"drop"`...)
		if m.LostOf != "" {
			dst = appendJSONText(append(dst, `,"channel":`...), m.LostOf)
		}
		dst = appendTime(dst, m.Time)
		dst = append(dst, `,"count":`...)
		dst = strconv.AppendUint(dst, m.Lost, 10)
		dst = append(dst, "}\n"...)
	}
	dst = append(dst, `{"type":"message","channel":`...)
	dst = appendJSONText(dst, m.Channel)
	dst = append(dst, `,"from":`...)
	dst = appendJSONText(dst, m.From)
	if m.Seq != 0 {
		dst = append(dst, `,"seq":`...)
		dst = strconv.AppendUint(dst, m.Seq, 10)
	}
	if m.ID != "" {
		dst = append(dst, `,"id":`...)
		dst = appendJSONText(dst, m.ID)
	}
	dst = appendTime(dst, m.Time)
	if m.Encoding != "" {
		dst = append(dst, `,"encoding":`...)
		dst = appendJSONText(dst, m.Encoding)
	}
	return append(appendPayload(dst, m.Payload), "}\n"...)
}

// appendErrorJSON appends the line that says why the stream is about to be cut.
func appendErrorJSON(dst []byte, e *Error) []byte {
	text, err := json.Marshal(e)
	if err != nil { // strings and an int always marshal
		text = []byte("{}")
	}
	dst = append(dst, `{"type":"error","error":`...)
	return append(append(dst, text...), "}\n"...)
}

func appendPayload(dst, p []byte) []byte {
	from := len(dst)
	dst = append(dst, `,"payload":`...)
	if dst, ok := appendJSONString(dst, p, false); ok {
		return dst
	}
	dst = append(dst[:from], `,"payload_base64":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, p)
	return append(dst, '"')
}

// appendTime appends t in UTC with three to six digits after the second. A time
// that JSON's readers would not take (unknown, year 10000) is left out.
func appendTime(dst []byte, t time.Time) []byte {
	if t = t.UTC(); t.IsZero() || t.Year() < 0 || t.Year() > 9999 {
		return dst
	}
	dst = append(dst, `,"time":"`...)
	micros := t.Nanosecond() / 1000
	// Whole seconds take the fast way of package time, other layouts do not.
	dst = t.AppendFormat(dst, time.RFC3339)
	dst[len(dst)-1] = '.' // for the Z
	for unit := 100_000; unit > 0; unit /= 10 {
		dst = append(dst, '0'+byte(micros/unit%10))
	}
	for range 3 {
		if last := len(dst) - 1; dst[last] == '0' {
			dst = dst[:last]
		}
	}
	return append(dst, `Z"`...)
}

// appendJSONText appends s; what is not UTF-8 in it is replaced.
func appendJSONText(dst []byte, s string) []byte {
	dst, _ = appendJSONString(dst, s, true)
	return dst
}

// plain are the bytes that stand in a JSON string as they are.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf-1; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendJSONString appends s in quotes, or says that s is not UTF-8 and not to be
// replaced. All control characters are escaped, those above ASCII too: a
// terminal may obey them.
func appendJSONString[S ~string | ~[]byte](dst []byte, s S, replace bool) (_ []byte, ok bool) {
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); {
		if plain[s[i]] {
			i++
			continue
		}
		dst = append(dst, s[done:i]...)
		r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		if r == utf8.RuneError && n == 1 && !replace {
			return dst, false
		}
		dst = appendJSONRune(dst, r)
		i += n
		done = i
	}
	dst = append(dst, s[done:]...)
	return append(dst, '"'), true
}

// appendJSONRune appends a character that is not plain.
func appendJSONRune(dst []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	switch {
	case r == '"' || r == '\\':
		return append(dst, '\\', byte(r))
	case r == '\n':
		return append(dst, `\n`...)
	case r == '\r':
		return append(dst, `\r`...)
	case r == '\t':
		return append(dst, `\t`...)
	case r < ' ', r >= 0x7f && r < 0xa0, r == '\u2028', r == '\u2029':
		return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
	}
	return utf8.AppendRune(dst, r)
}
