package secure

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is all that Credentials look like, whoever prints them: they hold a key.
const redacted = "[certificate and key]"

// String returns a fixed text.
func (*Credentials) String() string { return redacted }

// GoString returns the same.
func (*Credentials) GoString() string { return redacted }

// Format writes the same for every verb.
func (*Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns the same.
func (*Credentials) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns the same.
func (*Credentials) LogValue() slog.Value { return slog.StringValue(redacted) }
