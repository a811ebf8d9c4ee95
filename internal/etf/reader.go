package etf

import (
	"bytes"
	"encoding/binary"
)

// Reader is a cursor over external terms. Each method reads the next term, or
// its header, and moves past it; after an error the cursor stands where it
// stood. Views alias the input and are valid as long as it is.
//
// The limits hold for each call of Skip, Raw and Term by itself, so a long
// stream of terms under a header is not bounded as a whole: the one who loops
// over a header's elements bounds them.
type Reader struct {
	b   []byte
	off int
	lim Limits
}

// NewReader reads the terms in b, which begins at a tag (no version byte).
func NewReader(b []byte, lim Limits) Reader {
	return Reader{b: b, lim: lim.filled()}
}

// Len is the count of bytes not read yet.
func (r *Reader) Len() int { return len(r.b) - r.off }

// Rest is the input not read yet.
func (r *Reader) Rest() []byte { return r.b[r.off:] }

// Offset is the count of bytes read.
func (r *Reader) Offset() int { return r.off }

// Tag peeks at the next term's tag; 0 at the end of the input.
func (r *Reader) Tag() byte {
	if r.off >= len(r.b) {
		return 0
	}
	return r.b[r.off]
}

// fault is a cause without its place; fail adds that.
type fault struct {
	err  error
	what string
}

var (
	cut      = &fault{ErrTruncated, ""}
	wrongTag = &fault{ErrTag, ""}
)

func (r *Reader) fail(f *fault) error { return r.failAt(r.off, f) }

func (r *Reader) failAt(off int, f *fault) error {
	e := &Error{Offset: off, What: f.what, Err: f.err}
	if off < len(r.b) {
		e.Tag = r.b[off]
	} else {
		e.Err = ErrTruncated // no tag is not a wrong tag
	}
	return e
}

// u32 reads the four bytes after the tag.
func u32(b []byte) (uint32, *fault) {
	if len(b) < 5 {
		return 0, cut
	}
	return binary.BigEndian.Uint32(b[1:]), nil
}

// count reads a count of elements of at least unit bytes each. It is compared
// before it is converted, and never exceeds what the bytes left can hold.
func count(b []byte, unit int) (int, *fault) {
	n, f := u32(b)
	if f != nil {
		return 0, f
	}
	if uint64(n)*uint64(unit) > uint64(len(b)-5) {
		return 0, cut
	}
	return int(n), nil
}

// tupleHeader gives arity and size of the header of the tuple at b.
func tupleHeader(b []byte) (arity, size int, f *fault) {
	switch {
	case len(b) == 0:
		return 0, 0, cut
	case b[0] == tagLargeTuple:
		n, f := count(b, 1)
		return n, 5, f
	case b[0] != tagSmallTuple:
		return 0, 0, wrongTag
	case len(b) < 2 || int(b[1]) > len(b)-2:
		return 0, 0, cut
	}
	return int(b[1]), 2, nil
}

// TupleHeader reads a tuple's header; arity terms follow.
func (r *Reader) TupleHeader() (arity int, err error) {
	n, size, f := tupleHeader(r.b[r.off:])
	if f != nil {
		return 0, r.fail(f)
	}
	r.off += size
	return n, nil
}

// ListHeader reads a list's header: n terms follow, then ListEnd must be
// called, for the empty list too (its NIL is left for ListEnd).
//
// A list in the form of a string (tag 107) has no terms inside and is refused
// with ErrTag; where lists of small integers may come, see Tag and use Bytes
// or Term.
func (r *Reader) ListHeader() (n int, err error) {
	switch r.Tag() {
	case tagNil:
		return 0, nil
	case tagList:
		n, f := count(r.b[r.off:], 1)
		if f != nil {
			return 0, r.fail(f)
		}
		r.off += 5
		return n, nil
	}
	return 0, r.fail(wrongTag)
}

// ListEnd reads the NIL that ends a proper list. A list that goes on in its
// tail, which OTP reads but never writes, is an error here; Term takes it.
func (r *Reader) ListEnd() error {
	if r.Tag() != tagNil {
		return r.fail(&fault{ErrTag, "want the end of a list"})
	}
	r.off++
	return nil
}

// MapHeader reads a map's header; pairs times a key and a value follow. Keys
// that come twice are seen by Skip, Raw and Term, not by who walks the pairs.
func (r *Reader) MapHeader() (pairs int, err error) {
	if r.Tag() != tagMap {
		return 0, r.fail(wrongTag)
	}
	n, f := count(r.b[r.off:], 2)
	if f != nil {
		return 0, r.fail(f)
	}
	r.off += 5
	return n, nil
}

// Binary reads a binary of whole bytes and gives a view of them.
func (r *Reader) Binary() ([]byte, error) {
	if r.Tag() != tagBinary {
		return nil, r.fail(wrongTag)
	}
	n, f := count(r.b[r.off:], 1)
	if f != nil {
		return nil, r.fail(f)
	}
	return r.take(5, n), nil
}

// Bytes reads a list of bytes as OTP writes it: tag 107, or NIL, which gives
// an empty view.
func (r *Reader) Bytes() ([]byte, error) {
	switch r.Tag() {
	case tagNil:
		return r.take(1, 0), nil
	case tagString:
		b := r.b[r.off:]
		if len(b) < 3 || int(binary.BigEndian.Uint16(b[1:])) > len(b)-3 {
			return nil, r.fail(cut)
		}
		return r.take(3, int(binary.BigEndian.Uint16(b[1:]))), nil
	}
	return nil, r.fail(wrongTag)
}

// take moves past a header of size bytes and n bytes of contents and gives a
// view of the contents that cannot grow into the bytes behind them.
func (r *Reader) take(size, n int) []byte {
	from := r.off + size
	r.off = from + n
	return r.b[from:r.off:r.off]
}

// Skip checks the next term, whatever it is, under the limits and moves past
// it. It accepts exactly what Decode accepts.
func (r *Reader) Skip() error {
	_, err := r.walk(false)
	return err
}

// Raw does what Skip does and gives a view of the term's bytes.
func (r *Reader) Raw() ([]byte, error) {
	from := r.off
	if _, err := r.walk(false); err != nil {
		return nil, err
	}
	return r.b[from:r.off:r.off], nil
}

// Term builds the next term; it shares no memory with the input.
func (r *Reader) Term() (Term, error) { return r.walk(true) }

// AtomIs reads the next term if it is the atom name and reports whether it
// was; otherwise the cursor does not move.
func (r *Reader) AtomIs(name string) bool {
	b := r.b[r.off:]
	if len(b) >= 2 && b[0] == tagSmallAtomUTF8 { // the form OTP sends
		end := 2 + int(b[1])
		if end > len(b) || string(b[2:end]) != name {
			return false
		}
		r.off += end
		return true
	}
	a, size, f := atomView(b)
	if f != nil || !bytes.Equal(a, []byte(name)) {
		return false
	}
	r.off += size
	return true
}
