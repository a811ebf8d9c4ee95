package etf

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unicode/utf8"
)

// The functions of this file append one term, or the header of one, to dst
// and return it longer, as the builtin append does. They take what the caller
// knows to be right; Append is for values that must be checked.

// CheckAtom says why name cannot be an atom: not UTF-8, or longer than 255
// characters.
func CheckAtom(name string) error {
	if len(name) > 4*maxAtomChars || utf8.RuneCountInString(name) > maxAtomChars {
		return encodeError("atom longer than %d characters", maxAtomChars)
	}
	if !utf8.ValidString(name) {
		return encodeError("atom is not UTF-8")
	}
	return nil
}

// AppendAtom appends an atom. A name that CheckAtom refuses becomes the empty
// atom: a length cut to its field would let the name write terms of its own.
func AppendAtom(dst []byte, name string) []byte {
	if !plainAtom(name) && CheckAtom(name) != nil {
		name = ""
	}
	if len(name) > math.MaxUint8 {
		dst = binary.BigEndian.AppendUint16(append(dst, tagAtomUTF8), uint16(len(name)))
	} else {
		dst = append(dst, tagSmallAtomUTF8, byte(len(name)))
	}
	return append(dst, name...)
}

// plainAtom says whether a name is surely an atom: nearly all are short and ASCII,
// the names of nodes that each message holds above all.
func plainAtom(name string) bool {
	if len(name) > maxAtomChars {
		return false
	}
	for i := range len(name) {
		if name[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// AppendInt appends an integer in its shortest form.
func AppendInt(dst []byte, v int64) []byte {
	switch {
	case v >= 0 && v <= math.MaxUint8:
		return append(dst, tagSmallInt, byte(v))
	case v >= math.MinInt32 && v <= math.MaxInt32:
		return binary.BigEndian.AppendUint32(append(dst, tagInt), uint32(v))
	case v < 0:
		return appendSmallBig(dst, 1, -uint64(v))
	}
	return appendSmallBig(dst, 0, uint64(v))
}

// AppendUint appends an integer from 0 to 2^64-1 in its shortest form.
func AppendUint(dst []byte, v uint64) []byte {
	if v > math.MaxInt64 {
		return appendSmallBig(dst, 0, v)
	}
	return AppendInt(dst, int64(v))
}

// appendSmallBig appends a magnitude least byte first, without high zeros.
func appendSmallBig(dst []byte, sign byte, mag uint64) []byte {
	n := (bits.Len64(mag) + 7) / 8
	dst = append(dst, tagSmallBig, byte(n), sign)
	for range n {
		dst = append(dst, byte(mag))
		mag >>= 8
	}
	return dst
}

// AppendFloat appends a float, which must be finite: no term is infinite or
// not a number, and every reader refuses the message.
func AppendFloat(dst []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, tagNewFloat), math.Float64bits(v))
}

// AppendTuple appends a tuple's header; arity terms must follow.
func AppendTuple(dst []byte, arity int) []byte {
	if arity <= math.MaxUint8 {
		return append(dst, tagSmallTuple, byte(arity))
	}
	return appendHeader(dst, tagLargeTuple, arity)
}

// AppendListHeader appends a list's header; n terms and AppendNil must follow.
// For n of 0 it appends nothing, since the empty list is NIL alone.
func AppendListHeader(dst []byte, n int) []byte {
	if n == 0 {
		return dst
	}
	return appendHeader(dst, tagList, n)
}

// AppendNil appends the empty list, which also ends a proper list.
func AppendNil(dst []byte) []byte { return append(dst, tagNil) }

// AppendMapHeader appends a map's header; pairs times a key and a value must
// follow, no key twice.
func AppendMapHeader(dst []byte, pairs int) []byte {
	return appendHeader(dst, tagMap, pairs)
}

// AppendBinary appends a binary, shorter than 4 GiB.
func AppendBinary(dst, b []byte) []byte {
	return append(AppendBinaryHeader(dst, len(b)), b...)
}

// AppendBinaryHeader appends a binary's header; n bytes must follow.
func AppendBinaryHeader(dst []byte, n int) []byte {
	return appendHeader(dst, tagBinary, n)
}

func appendHeader(dst []byte, tag byte, n int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, tag), uint32(n))
}

// AppendPid appends a pid; its node is written as AppendAtom would.
func AppendPid(dst []byte, p Pid) []byte {
	dst = AppendAtom(append(dst, tagNewPid), string(p.Node))
	dst = binary.BigEndian.AppendUint32(dst, p.ID)
	dst = binary.BigEndian.AppendUint32(dst, p.Serial)
	return binary.BigEndian.AppendUint32(dst, p.Creation)
}

// AppendPort appends a port, by its id in the tag OTP would use.
func AppendPort(dst []byte, p Port) []byte {
	if p.ID < 1<<28 {
		dst = AppendAtom(append(dst, tagNewPort), string(p.Node))
		dst = binary.BigEndian.AppendUint32(dst, uint32(p.ID))
	} else {
		dst = AppendAtom(append(dst, tagV4Port), string(p.Node))
		dst = binary.BigEndian.AppendUint64(dst, p.ID)
	}
	return binary.BigEndian.AppendUint32(dst, p.Creation)
}

// AppendRef appends a reference; a Len outside 1 to 5 is brought inside.
func AppendRef(dst []byte, r Ref) []byte {
	words := min(max(int(r.Len), 1), len(r.Words))
	dst = binary.BigEndian.AppendUint16(append(dst, tagNewerRef), uint16(words))
	dst = AppendAtom(dst, string(r.Node))
	dst = binary.BigEndian.AppendUint32(dst, r.Creation)
	for _, w := range r.Words[:words] {
		dst = binary.BigEndian.AppendUint32(dst, w)
	}
	return dst
}
