package etf

import (
	"encoding/binary"
	"unicode/utf8"
)

// maxAtomChars is OTP's limit for an atom, in characters and not in bytes.
const maxAtomChars = 255

var (
	atomTooLong = &fault{ErrLimit, "atom longer than 255 characters"}
	atomNotUTF8 = &fault{ErrMalformed, "atom is not UTF-8"}
)

// atomForm tells the four tags of atoms apart.
type atomForm struct {
	header int // bytes before the name, tag included
	utf8   bool
}

// atomHeader gives the form of the atom at b and the length of its name.
func atomHeader(b []byte) (form atomForm, n int, f *fault) {
	if len(b) == 0 {
		return form, 0, cut
	}
	switch b[0] {
	case tagSmallAtomUTF8, tagSmallAtom:
		form = atomForm{2, b[0] == tagSmallAtomUTF8}
	case tagAtomUTF8, tagAtom:
		form = atomForm{3, b[0] == tagAtomUTF8}
	default:
		return form, 0, wrongTag
	}
	if len(b) < form.header {
		return form, 0, cut
	}
	if n = int(b[1]); form.header == 3 {
		n = int(binary.BigEndian.Uint16(b[1:]))
	}
	if n > len(b)-form.header {
		return form, 0, cut
	}
	return form, n, nil
}

// atomView gives the name of the atom at b in UTF-8 and the bytes it takes in
// all. The name is a view unless Latin-1 had to be transcoded.
func atomView(b []byte) (name []byte, size int, f *fault) {
	form, n, f := atomHeader(b)
	if f != nil {
		return nil, 0, f
	}
	size = form.header + n
	name = b[form.header:size:size]
	if form.utf8 {
		return name, size, checkAtom(name)
	}
	if n > maxAtomChars {
		return nil, 0, atomTooLong
	}
	return fromLatin1(name), size, nil
}

// checkAtom holds an atom's name to OTP's rules.
func checkAtom(name []byte) *fault {
	if !utf8.Valid(name) {
		return atomNotUTF8
	}
	if len(name) > maxAtomChars && utf8.RuneCount(name) > maxAtomChars {
		return atomTooLong
	}
	return nil
}

// fromLatin1 gives name in UTF-8, which is name itself where it is ASCII.
func fromLatin1(name []byte) []byte {
	for i, c := range name {
		if c >= utf8.RuneSelf {
			return transcode(name, i)
		}
	}
	return name
}

func transcode(name []byte, ascii int) []byte {
	out := append(make([]byte, 0, 2*len(name)), name[:ascii]...)
	for _, c := range name[ascii:] {
		out = utf8.AppendRune(out, rune(c))
	}
	return out
}

// Atom reads an atom of any of the four tags and gives its name in UTF-8,
// checked. The name aliases the input except for Latin-1 atoms that are not
// ASCII.
func (r *Reader) Atom() ([]byte, error) {
	name, size, f := atomView(r.b[r.off:])
	if f != nil {
		return nil, r.fail(f)
	}
	r.off += size
	return name, nil
}
