package dist

import (
	"bytes"
	"fmt"
	"strings"
)

// maxName is the longest node name, in bytes: an atom holds no more.
const maxName = 255

// nameChars may stand before the @; after it also a colon, for IPv6 addresses.
const nameChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

// CheckName reports why name is not a full node name that we speak to:
// [A-Za-z0-9_.-]+@[A-Za-z0-9_.:-]+, at most 255 bytes. A name goes to logs and
// terminals, so anything else is refused where it comes in. The error wraps
// ErrName.
func CheckName(name string) error {
	if !nameForm([]byte(name)) {
		return fmt.Errorf("%w: %s is not NAME@HOST", ErrName, quoteText(name))
	}
	if len(name) > maxName {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrName, len(name), maxName)
	}
	node, host, _ := strings.Cut(name, "@")
	if !onlyChars(node, nameChars) || !onlyChars(host, nameChars+":") {
		return fmt.Errorf("%w: %s has a character that is not allowed", ErrName, quoteText(name))
	}
	return nil
}

// nameForm reports whether name has exactly one @ with text on both sides.
// OTP hangs up on a name without it, and so do we.
func nameForm(name []byte) bool {
	at := bytes.IndexByte(name, '@')
	return at > 0 && at < len(name)-1 && bytes.IndexByte(name[at+1:], '@') < 0
}

func onlyChars(s, chars string) bool {
	for i := range len(s) {
		if strings.IndexByte(chars, s[i]) < 0 {
			return false
		}
	}
	return true
}

// quoteText shows text from a peer as ASCII without control characters, cut short.
func quoteText(s string) string {
	const most = 64
	if len(s) > most {
		return fmt.Sprintf("%+q...", s[:most])
	}
	return fmt.Sprintf("%+q", s)
}
