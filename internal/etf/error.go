package etf

import (
	"errors"
	"fmt"
)

// What an Error may wrap; callers branch on these with errors.Is.
var (
	// ErrTruncated: the input ends before the term does.
	ErrTruncated = errors.New("input ends too early")
	// ErrLimit: the term exceeds the Limits or what a Go type here can hold.
	ErrLimit = errors.New("limit exceeded")
	// ErrTag: unknown or refused tag, or not the kind of term asked for.
	ErrTag = errors.New("unexpected tag")
	// ErrMalformed: a known tag with contents that no term has.
	ErrMalformed = errors.New("malformed term")
	// ErrVersion: the input does not begin with the version byte.
	ErrVersion = errors.New("no version byte 131")
	// ErrEncode: the value given to Append has no external form.
	ErrEncode = errors.New("cannot encode")
)

// Error says where decoding stopped and why. It unwraps to one of the
// sentinels of this package.
type Error struct {
	Offset int    // of the term's tag, in bytes from the start of the input
	Tag    byte   // that tag, 0 at the end of the input
	What   string // the field or the rule, may be empty
	Err    error  // the sentinel
}

// Error gives one line with offset, tag and cause.
func (e *Error) Error() string {
	if e.What == "" {
		return fmt.Sprintf("etf: %v (tag %d at offset %d)", e.Err, e.Tag, e.Offset)
	}
	return fmt.Sprintf("etf: %v: %s (tag %d at offset %d)", e.Err, e.What, e.Tag, e.Offset)
}

// Unwrap gives the sentinel.
func (e *Error) Unwrap() error { return e.Err }

func encodeError(format string, args ...any) error {
	return fmt.Errorf("etf: %w: %s", ErrEncode, fmt.Sprintf(format, args...))
}
