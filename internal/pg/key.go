package pg

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/liminal-bus/liminal/internal/etf"
)

// Key is a group's name as an encoded term in one canonical form, without
// version byte: equal groups have equal keys however a peer wrote them.
type Key string

// Tags of the external term format that are told apart before they are read.
const (
	tagPid     = 88  // NEW_PID
	tagOldPid  = 103 // PID
	tagString  = 107 // a list of bytes
	tagBinary  = 109
	tagAtom    = 119 // SMALL_ATOM_UTF8
	tagInteger = 97  // SMALL_INTEGER
)

// Bytes before the contents.
const (
	binaryHeader = 5
	atomHeader   = 2
)

// keyLimits bounds the terms a key is made of. In its canonical form each takes
// a byte at least, so more of them than bytes allowed are too many.
func keyLimits(l Limits) etf.Limits {
	w := etf.WireLimits()
	w.Terms, w.BigBytes = l.keyBytes(), l.keyBytes()
	return w
}

// appendKey reads a term and appends its key to dst. Binaries and atoms as OTP
// sends them are canonical; all else is decoded and written by us. After errLong
// the reader may stand anywhere.
func appendKey(dst []byte, r *etf.Reader, most int) ([]byte, error) {
	raw := r.Rest()
	var err error
	switch r.Tag() {
	case tagBinary:
		_, err = r.Binary()
	case tagAtom:
		_, err = r.Atom()
	default:
		return appendOddKey(dst, r, most)
	}
	if err != nil {
		return dst, fmt.Errorf("%w: %w", ErrBad, err)
	}
	if n := len(raw) - r.Len(); n > most {
		return dst, errLong
	}
	return append(dst, raw[:len(raw)-r.Len()]...), nil
}

func appendOddKey(dst []byte, r *etf.Reader, most int) ([]byte, error) {
	t, err := r.Term()
	if errors.Is(err, etf.ErrLimit) {
		return dst, errLong
	}
	if err != nil {
		return dst, fmt.Errorf("%w: %w", ErrBad, err)
	}
	out, _ := etf.Append(dst, canonical(t)) // what was decoded can be encoded
	if n := len(out) - len(dst); n > most {
		return dst, errLong
	}
	return out, nil
}

// errLong is a name over the limit. Its group is left out, see Message.
var errLong = errors.New("pg: name too long")

// canonical puts what one value may be written in several ways into one: the
// pairs of maps by their encoded keys, a bit binary of whole bytes as a binary.
// The other choices are made by etf. It may change t.
func canonical(t etf.Term) etf.Term {
	switch t := t.(type) {
	case etf.Tuple:
		canonicalAll(t)
	case etf.List:
		canonicalAll(t)
	case etf.ImproperList:
		canonicalAll(t.Head)
		t.Tail = canonical(t.Tail)
		return t
	case etf.Map:
		return canonicalMap(t)
	case etf.BitBinary:
		if t.Bits == 8 {
			return etf.Binary(t.Bytes)
		}
	}
	return t
}

func canonicalAll(ts []etf.Term) {
	for i, t := range ts {
		ts[i] = canonical(t)
	}
}

func canonicalMap(m etf.Map) etf.Term {
	type pair struct {
		key []byte
		etf.Pair
	}
	pairs := make([]pair, len(m))
	for i, p := range m {
		p.Key, p.Value = canonical(p.Key), canonical(p.Value)
		key, _ := etf.Append(nil, p.Key) // what was decoded can be encoded
		pairs[i] = pair{key, p}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return bytes.Compare(a.key, b.key) })
	for i, p := range pairs {
		m[i] = p.Pair
	}
	return m
}

// whole reports whether k is one term and nothing else, as all keys are that
// this package gives out. What is sent to peers is checked by it.
func (k Key) whole() bool {
	r := etf.NewReader([]byte(k), etf.WireLimits())
	return r.Skip() == nil && r.Len() == 0
}
