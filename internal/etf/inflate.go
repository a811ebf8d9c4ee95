package etf

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
)

var (
	badSize  = &fault{ErrMalformed, "compressed: size is not as stated"}
	badZlib  = &fault{ErrMalformed, "compressed: bad zlib data"}
	tooLarge = &fault{ErrLimit, "compressed: too large"}
	surplus  = &fault{ErrMalformed, "compressed: bytes left over inside"}
)

// maxRatio is what deflate can reach: one bit for a match of 258 bytes.
const maxRatio = 1032

// decodeCompressed decodes version(1) 80 size(4) zlib. The stated size must be
// allowed, possible and exact; offsets in errors of the term inside count from
// the start of the inflated bytes.
func decodeCompressed(b []byte, lim Limits) (Term, []byte, error) {
	outer := NewReader(b, lim)
	outer.off = 1
	size, f := u32(b[1:])
	if f != nil {
		return nil, nil, outer.fail(f)
	}
	data := b[6:]
	if int64(size) > int64(lim.MaxInflated) {
		return nil, nil, outer.fail(tooLarge)
	}
	if uint64(size) > maxRatio*uint64(len(data)) {
		return nil, nil, outer.fail(cut)
	}
	plain, rest, f := inflate(data, int64(size))
	if f != nil {
		return nil, nil, outer.fail(f)
	}
	t, left, err := Decode(plain, lim)
	if err == nil && len(left) > 0 {
		err = outer.fail(surplus)
	}
	if err != nil {
		return nil, nil, err
	}
	return t, rest, nil
}

// inflate gives exactly size bytes and what follows the zlib stream in data.
// The buffer grows with what is inflated, not with what was stated.
func inflate(data []byte, size int64) (plain, rest []byte, f *fault) {
	src := bytes.NewReader(data) // an io.ByteReader: flate reads no byte too many
	z, err := zlib.NewReader(src)
	if err != nil {
		return nil, nil, zlibFault(err)
	}
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(z, size+1))
	switch {
	case err != nil:
		return nil, nil, zlibFault(err)
	case n != size:
		return nil, nil, badSize
	}
	return buf.Bytes(), data[len(data)-src.Len():], nil
}

func zlibFault(err error) *fault {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return cut
	}
	return badZlib
}
