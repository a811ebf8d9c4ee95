package etf

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
)

var (
	outOfRange = &fault{ErrLimit, "integer does not fit 64 bits"}
	bigTooLong = &fault{ErrLimit, "integer too long"}
	notFinite  = &fault{ErrMalformed, "float is not finite"}
	badText    = &fault{ErrMalformed, "float in text"}
)

// integer is a parsed integer of any tag: value where it fits, else sign and
// magnitude, least significant byte first, no zero bytes at its end.
type integer struct {
	fits  bool
	value int64
	neg   bool
	mag   []byte
}

// integerAt parses the integer at b and gives the bytes it takes.
func integerAt(b []byte, maxBytes int) (v integer, size int, f *fault) {
	if len(b) == 0 {
		return v, 0, cut
	}
	switch b[0] {
	case tagSmallInt:
		if len(b) < 2 {
			return v, 0, cut
		}
		return integer{fits: true, value: int64(b[1])}, 2, nil
	case tagInt:
		n, f := u32(b)
		return integer{fits: true, value: int64(int32(n))}, 5, f
	case tagSmallBig, tagLargeBig:
		return bigAt(b, maxBytes)
	}
	return v, 0, wrongTag
}

// bigAt parses SMALL_BIG and LARGE_BIG: length, sign, magnitude.
func bigAt(b []byte, maxBytes int) (v integer, size int, f *fault) {
	header := 3
	if b[0] == tagLargeBig {
		header = 6
	}
	if len(b) < header {
		return v, 0, cut
	}
	n := uint32(b[1])
	if header == 6 {
		n = binary.BigEndian.Uint32(b[1:])
	}
	if uint64(n) > uint64(len(b)-header) {
		return v, 0, cut
	}
	if int(n) > maxBytes {
		return v, 0, bigTooLong
	}
	size = header + int(n)
	return newInteger(b[header-1] != 0, b[header:size]), size, nil
}

func newInteger(neg bool, mag []byte) integer {
	for len(mag) > 0 && mag[len(mag)-1] == 0 {
		mag = mag[:len(mag)-1]
	}
	v := integer{neg: neg, mag: mag}
	if len(mag) > 8 {
		return v
	}
	var u uint64
	for i, c := range mag {
		u |= uint64(c) << (8 * i)
	}
	switch {
	case !neg && u <= math.MaxInt64:
		v.fits, v.value = true, int64(u)
	case neg && u <= 1<<63:
		v.fits, v.value = true, -int64(u) // -2^63 is its own negative
	}
	return v
}

// term gives an int64, or a *big.Int with memory of its own.
func (v integer) term() Term {
	if v.fits {
		return v.value
	}
	be := make([]byte, len(v.mag))
	for i, c := range v.mag {
		be[len(be)-1-i] = c
	}
	n := new(big.Int).SetBytes(be)
	if v.neg {
		n.Neg(n)
	}
	return n
}

// Int reads an integer of any tag; ErrLimit if it does not fit.
func (r *Reader) Int() (int64, error) {
	if b := r.b[r.off:]; len(b) >= 2 && b[0] == tagSmallInt { // each op number
		r.off += 2
		return int64(b[1]), nil
	}
	v, size, f := integerAt(r.b[r.off:], r.lim.BigBytes)
	if f == nil && !v.fits {
		f = outOfRange
	}
	if f != nil {
		return 0, r.fail(f)
	}
	r.off += size
	return v.value, nil
}

// Uint reads an integer from 0 to 2^64-1, such as the id of UNLINK_ID.
func (r *Reader) Uint() (uint64, error) {
	v, size, f := integerAt(r.b[r.off:], r.lim.BigBytes)
	if f == nil && (v.fits && v.value < 0 || !v.fits && (v.neg || len(v.mag) > 8)) {
		f = outOfRange
	}
	if f != nil {
		return 0, r.fail(f)
	}
	r.off += size
	if v.fits {
		return uint64(v.value), nil
	}
	return binary.LittleEndian.Uint64(v.mag), nil // beyond int64 means 8 bytes
}

// floatAt parses the float at b, in either form.
func floatAt(b []byte) (v float64, size int, f *fault) {
	if len(b) == 0 {
		return 0, 0, cut
	}
	switch b[0] {
	case tagFloat:
		return textFloatAt(b)
	case tagNewFloat:
	default:
		return 0, 0, wrongTag
	}
	if len(b) < 9 {
		return 0, 0, cut
	}
	v = math.Float64frombits(binary.BigEndian.Uint64(b[1:]))
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, 0, notFinite
	}
	return v, 9, nil
}

// textFloatAt parses FLOAT: 31 bytes of "%.20e", padded with NUL.
func textFloatAt(b []byte) (float64, int, *fault) {
	if len(b) < 32 {
		return 0, 0, cut
	}
	text, pad, _ := bytes.Cut(b[1:32], []byte{0})
	if len(bytes.Trim(pad, "\x00")) > 0 || !decimal(text) {
		return 0, 0, badText
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return 0, 0, notFinite
	}
	return v, 32, nil
}

// decimal reports whether text is [sign] digits . digits [e [sign] digits]:
// strconv alone would also take inf, hexadecimal and underscores.
func decimal(text []byte) bool {
	text = afterDigits(afterSign(text))
	if len(text) == 0 || text[0] != '.' {
		return false
	}
	if text = afterDigits(text[1:]); len(text) == 0 {
		return text != nil
	}
	if text[0] != 'e' && text[0] != 'E' {
		return false
	}
	text = afterDigits(afterSign(text[1:]))
	return text != nil && len(text) == 0
}

func afterSign(s []byte) []byte {
	if len(s) > 0 && (s[0] == '+' || s[0] == '-') {
		return s[1:]
	}
	return s
}

// afterDigits skips one digit or more; nil if there is none.
func afterDigits(s []byte) []byte {
	i := 0
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	if i == 0 {
		return nil
	}
	return s[i:]
}

// Float reads a float in either form.
func (r *Reader) Float() (float64, error) {
	v, size, f := floatAt(r.b[r.off:])
	if f != nil {
		return 0, r.fail(f)
	}
	r.off += size
	return v, nil
}
