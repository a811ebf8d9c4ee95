package etf

import (
	"encoding/binary"
	"math"
	"math/big"
)

// Append appends t in the form OTP itself would write. Besides the types of
// Term it takes int, int32, uint8, uint32, uint64 and bool (the atoms true and
// false). It does not look for keys that come twice in a Map. On an error dst
// is returned as it was.
func Append(dst []byte, t Term) ([]byte, error) {
	out, err := appendTerm(dst, t, maxDepth)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// AppendVersioned is Append behind a version byte.
func AppendVersioned(dst []byte, t Term) ([]byte, error) {
	out, err := appendTerm(append(dst, Version), t, maxDepth)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// appendTerm goes at most depth levels down: a slice may contain itself.
func appendTerm(dst []byte, t Term, depth int) ([]byte, error) {
	if depth == 0 {
		return nil, encodeError("nested too deeply")
	}
	if v, ok := integerOf(t); ok {
		return AppendInt(dst, v), nil
	}
	switch t := t.(type) {
	case Tuple:
		return appendTuple(dst, t, depth-1)
	case List:
		return appendList(dst, t, depth-1)
	case ImproperList:
		return appendImproper(dst, t, depth-1)
	case Map:
		return appendMap(dst, t, depth-1)
	}
	return appendLeaf(dst, t)
}

// integerOf gives the integer in t where it fits an int64.
func integerOf(t Term) (int64, bool) {
	switch t := t.(type) {
	case int64:
		return t, true
	case int:
		return int64(t), true
	case int32:
		return int64(t), true
	case uint8:
		return int64(t), true
	case uint32:
		return int64(t), true
	case uint64:
		return int64(t), t <= math.MaxInt64
	case *big.Int:
		if t != nil && t.IsInt64() {
			return t.Int64(), true
		}
	}
	return 0, false
}

func appendLeaf(dst []byte, t Term) ([]byte, error) {
	switch t := t.(type) {
	case Atom:
		return appendAtom(dst, t)
	case Binary:
		return appendBytes(dst, t)
	case Pid:
		return AppendPid(dst, t), CheckAtom(string(t.Node))
	case Ref:
		return appendRef(dst, t)
	case Port:
		return AppendPort(dst, t), CheckAtom(string(t.Node))
	case float64:
		return appendFloat(dst, t)
	case BitBinary:
		return appendBits(dst, t)
	case *big.Int:
		return appendBig(dst, t)
	case uint64:
		return AppendUint(dst, t), nil
	case bool:
		if t {
			return AppendAtom(dst, "true"), nil
		}
		return AppendAtom(dst, "false"), nil
	case Export:
		return appendExport(dst, t)
	case Fun:
		return appendFun(dst, t)
	}
	return nil, encodeError("a value of Go type %T", t)
}

// checkLen holds a length to the 32 bits it is written in.
func checkLen(n int) error {
	if uint64(n) > math.MaxUint32 {
		return encodeError("%d elements or bytes in one term", n)
	}
	return nil
}

func appendTuple(dst []byte, t Tuple, depth int) ([]byte, error) {
	if err := checkLen(len(t)); err != nil {
		return nil, err
	}
	return appendAll(AppendTuple(dst, len(t)), t, depth)
}

func appendAll(dst []byte, ts []Term, depth int) (_ []byte, err error) {
	for _, t := range ts {
		if dst, err = appendTerm(dst, t, depth); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func appendList(dst []byte, l List, depth int) ([]byte, error) {
	if err := checkLen(len(l)); err != nil {
		return nil, err
	}
	if isString(l) {
		return appendString(dst, l), nil
	}
	dst, err := appendAll(AppendListHeader(dst, len(l)), l, depth)
	if err != nil {
		return nil, err
	}
	return AppendNil(dst), nil
}

// isString reports whether OTP would write l with tag 107.
func isString(l List) bool {
	if len(l) == 0 || len(l) > math.MaxUint16 {
		return false
	}
	for _, t := range l {
		if v, ok := integerOf(t); !ok || v < 0 || v > math.MaxUint8 {
			return false
		}
	}
	return true
}

func appendString(dst []byte, l List) []byte {
	dst = binary.BigEndian.AppendUint16(append(dst, tagString), uint16(len(l)))
	for _, t := range l {
		v, _ := integerOf(t)
		dst = append(dst, byte(v))
	}
	return dst
}

func appendImproper(dst []byte, l ImproperList, depth int) ([]byte, error) {
	if len(l.Head) == 0 {
		return nil, encodeError("improper list without elements")
	}
	switch l.Tail.(type) {
	case List, ImproperList:
		return nil, encodeError("improper list whose tail is a list")
	}
	if err := checkLen(len(l.Head)); err != nil {
		return nil, err
	}
	dst, err := appendAll(AppendListHeader(dst, len(l.Head)), l.Head, depth)
	if err != nil {
		return nil, err
	}
	return appendTerm(dst, l.Tail, depth)
}

func appendMap(dst []byte, m Map, depth int) (_ []byte, err error) {
	if err := checkLen(len(m)); err != nil {
		return nil, err
	}
	dst = AppendMapHeader(dst, len(m))
	for _, p := range m {
		if dst, err = appendTerm(dst, p.Key, depth); err != nil {
			return nil, err
		}
		if dst, err = appendTerm(dst, p.Value, depth); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func appendAtom(dst []byte, a Atom) ([]byte, error) {
	return AppendAtom(dst, string(a)), CheckAtom(string(a))
}

func appendBytes(dst, b []byte) ([]byte, error) {
	if err := checkLen(len(b)); err != nil {
		return nil, err
	}
	return AppendBinary(dst, b), nil
}

func appendRef(dst []byte, r Ref) ([]byte, error) {
	if r.Len < 1 || int(r.Len) > len(r.Words) {
		return nil, encodeError("reference of %d words", r.Len)
	}
	return AppendRef(dst, r), CheckAtom(string(r.Node))
}

func appendFloat(dst []byte, v float64) ([]byte, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, encodeError("float %v", v)
	}
	return AppendFloat(dst, v), nil
}

// appendBits zeroes the unused bits, as the format asks.
func appendBits(dst []byte, v BitBinary) ([]byte, error) {
	if len(v.Bytes) == 0 || v.Bits < 1 || v.Bits > 8 {
		return nil, encodeError("bit binary of %d bytes, %d bits in the last", len(v.Bytes), v.Bits)
	}
	if err := checkLen(len(v.Bytes)); err != nil {
		return nil, err
	}
	dst = append(appendHeader(dst, tagBitBinary, len(v.Bytes)), v.Bits)
	dst = append(dst, v.Bytes...)
	dst[len(dst)-1] &^= 0xff >> v.Bits
	return dst, nil
}

// appendBig appends an integer outside int64, least byte first.
func appendBig(dst []byte, v *big.Int) ([]byte, error) {
	if v == nil {
		return nil, encodeError("a nil *big.Int")
	}
	n, sign := (v.BitLen()+7)/8, byte(0)
	if v.Sign() < 0 {
		sign = 1
	}
	if n <= math.MaxUint8 {
		dst = append(dst, tagSmallBig, byte(n), sign)
	} else {
		dst = append(appendHeader(dst, tagLargeBig, n), sign)
	}
	mag := v.Bytes()
	for i := len(mag) - 1; i >= 0; i-- {
		dst = append(dst, mag[i])
	}
	return dst, nil
}

func appendExport(dst []byte, e Export) ([]byte, error) {
	dst, err := appendAtom(append(dst, tagExport), e.Module)
	if err != nil {
		return nil, err
	}
	if dst, err = appendAtom(dst, e.Function); err != nil {
		return nil, err
	}
	return append(dst, tagSmallInt, e.Arity), nil
}

// appendFun echoes a fun, which must be one whole term.
func appendFun(dst []byte, f Fun) ([]byte, error) {
	r := NewReader(f.Raw, FileLimits())
	if r.Tag() != tagNewFun || r.Skip() != nil || r.Len() != 0 {
		return nil, encodeError("fun that is not one whole NEW_FUN")
	}
	return append(dst, f.Raw...), nil
}
