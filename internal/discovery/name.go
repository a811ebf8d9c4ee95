package discovery

import (
	"errors"
	"fmt"
	"strings"
)

// MaxName is the longest node name, in bytes: an atom holds no more, and epmd
// takes no more.
const MaxName = 255

// ValidName checks a full node name: [A-Za-z0-9_.-]+@[A-Za-z0-9_.:-]+ and at
// most MaxName bytes. Names from peers end up in logs and on terminals, so
// nothing outside this alphabet is let in.
func ValidName(name string) error {
	short, host, at := strings.Cut(name, "@")
	if !at {
		return fmt.Errorf("node name %q has no @", name)
	}
	if err := checkPart("name", short, isNameByte); err != nil {
		return err
	}
	if err := checkPart("host", host, isHostByte); err != nil {
		return err
	}
	if len(name) > MaxName {
		return fmt.Errorf("node name has %d bytes, at most %d are allowed", len(name), MaxName)
	}
	return nil
}

// SplitName splits a full node name at its @.
func SplitName(name string) (short, host string, err error) {
	if err := ValidName(name); err != nil {
		return "", "", err
	}
	short, host, _ = strings.Cut(name, "@")
	return short, host, nil
}

// IsLong reports whether a host part makes a long node name: a domain name or
// an IP address. Nodes with long and with short names do not talk to each other.
func IsLong(host string) bool { return strings.ContainsAny(host, ".:") }

// checkPart checks that one part of a name is there and of its alphabet.
func checkPart(part, s string, ok func(byte) bool) error {
	if s == "" {
		return errors.New("the " + part + " is missing")
	}
	if len(s) > MaxName {
		return fmt.Errorf("the %s has %d bytes, at most %d are allowed", part, len(s), MaxName)
	}
	for i := range len(s) {
		if !ok(s[i]) {
			return fmt.Errorf("the %s %q may not hold %q", part, s, s[i:i+1])
		}
	}
	return nil
}

func isNameByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' ||
		b == '_' || b == '.' || b == '-'
}

func isHostByte(b byte) bool { return isNameByte(b) || b == ':' }
