package dist

import (
	"crypto/md5"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"strconv"
)

// redacted is all that any form of a Cookie ever shows.
const redacted = "[redacted]"

// Cookie is the secret that the nodes of one cluster share. It proves itself
// by digests and never shows its text: not by any fmt verb, not by
// encoding/json, encoding/xml or log/slog, and not to code that walks values
// by reflection. The zero value is an empty cookie.
type Cookie struct {
	// The text stands behind a closure because fmt prints plain fields even
	// where a type has a Format method: for %p, and for unexported fields of
	// a struct around it.
	text func() string
}

// NewCookie makes a Cookie of text as it is; trimming a trailing newline is
// the affair of whoever reads the file.
func NewCookie(text string) Cookie {
	return Cookie{text: func() string { return text }}
}

// Empty reports whether the cookie has no text.
func (c Cookie) Empty() bool { return c.Len() == 0 }

// Len is the number of bytes in the text, for warnings about short cookies.
func (c Cookie) Len() int { return len(c.reveal()) }

func (c Cookie) reveal() string {
	if c.text == nil {
		return ""
	}
	return c.text()
}

// digest answers a challenge: MD5 over the cookie and the challenge as
// unsigned decimal text, no separator (OTP distribution protocol, handshake).
func (c Cookie) digest(challenge uint32) [digestSize]byte {
	text := c.reveal()
	b := make([]byte, 0, len(text)+10)
	b = append(b, text...)
	b = strconv.AppendUint(b, uint64(challenge), 10)
	return md5.Sum(b)
}

// proves reports in constant time whether digest answers challenge.
func (c Cookie) proves(challenge uint32, digest [digestSize]byte) bool {
	want := c.digest(challenge)
	return subtle.ConstantTimeCompare(want[:], digest[:]) == 1
}

// digestSize is the length of an MD5 digest.
const digestSize = md5.Size

// String returns "[redacted]".
func (Cookie) String() string { return redacted }

// GoString returns "[redacted]".
func (Cookie) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (Cookie) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "[redacted]".
func (Cookie) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns the string "[redacted]".
func (Cookie) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue returns "[redacted]".
func (Cookie) LogValue() slog.Value { return slog.StringValue(redacted) }
