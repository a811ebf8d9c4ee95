package etf

import (
	"encoding/binary"
	"math"
)

func (d *decoder) integer() (Term, error) {
	v, size, f := integerAt(d.b[d.off:], d.lim.BigBytes)
	if f != nil {
		return nil, d.fail(f)
	}
	d.off += size
	if d.hashing {
		d.sum = sumOfInteger(v)
	}
	if !d.build {
		return nil, nil
	}
	return v.term(), nil
}

func (d *decoder) float() (Term, error) {
	v, size, f := floatAt(d.b[d.off:])
	if f != nil {
		return nil, d.fail(f)
	}
	d.off += size
	if d.hashing {
		d.sum = sumOf(kindFloat, math.Float64bits(v))
	}
	if !d.build {
		return nil, nil
	}
	return v, nil
}

func (d *decoder) atom() (Term, error) {
	name, err := d.Atom()
	if err != nil {
		return nil, err
	}
	if d.hashing {
		d.sum = sumOfBytes(kindAtom, name)
	}
	if !d.build {
		return nil, nil
	}
	return d.known.term(name), nil
}

// name gives a copy of an atom's name that is not a term by itself.
func (d *decoder) name(view []byte) Atom {
	if !d.build {
		return ""
	}
	return d.known.term(view).(Atom)
}

func (d *decoder) binary() (Term, error) {
	b, err := d.Binary()
	if err != nil {
		return nil, err
	}
	if d.hashing {
		d.sum = sumOfBytes(kindBinary, b)
	}
	switch {
	case !d.build:
		return nil, nil
	case len(b) == 0:
		return emptyBinary, nil
	}
	return Binary(append(make([]byte, 0, len(b)), b...)), nil
}

var badBits = &fault{ErrMalformed, "bits of the last byte"}

// bitBinary reads BIT_BINARY: length(4) bits(1) bytes. No bytes have no bits.
func (d *decoder) bitBinary() (Term, error) {
	b := d.b[d.off:]
	n, f := u32(b)
	if f != nil || len(b) < 6 || uint64(n) > uint64(len(b)-6) {
		return nil, d.fail(cut)
	}
	bits := b[5]
	if bits > 8 || (bits == 0) != (n == 0) {
		return nil, d.fail(badBits)
	}
	data := d.take(6, int(n))
	if n == 0 {
		d.sum = sumOfBytes(kindBinary, nil)
		return emptyBinary, nil
	}
	last := data[n-1] &^ (0xff >> bits) // unused bits are not part of the term
	if d.hashing {
		d.sum = sumOfBits(data, last, bits)
	}
	if !d.build {
		return nil, nil
	}
	own := append(make([]byte, 0, n), data...)
	own[n-1] = last
	return BitBinary{Bytes: own, Bits: bits}, nil
}

func (d *decoder) pid() (Term, error) {
	v, err := d.PidView()
	if err != nil {
		return nil, err
	}
	if d.hashing {
		s := sumOfBytes(kindPid, v.Node).with(sum{uint64(v.ID), uint64(v.Serial)})
		d.sum = s.with(sum{uint64(v.Creation), 0})
	}
	if !d.build {
		return nil, nil
	}
	return Pid{d.name(v.Node), v.ID, v.Serial, v.Creation}, nil
}

func (d *decoder) port() (Term, error) {
	v, err := d.PortView()
	if err != nil {
		return nil, err
	}
	if d.hashing {
		d.sum = sumOfBytes(kindPort, v.Node).with(sum{v.ID, uint64(v.Creation)})
	}
	if !d.build {
		return nil, nil
	}
	return Port{d.name(v.Node), v.ID, v.Creation}, nil
}

func (d *decoder) ref() (Term, error) {
	v, err := d.RefView()
	if err != nil {
		return nil, err
	}
	if d.hashing {
		s := sumOfBytes(kindRef, v.Node).with(sum{uint64(v.Creation), uint64(v.Len)})
		for _, w := range v.Words {
			s = s.with(sum{uint64(w), 0})
		}
		d.sum = s
	}
	if !d.build {
		return nil, nil
	}
	return Ref{d.name(v.Node), v.Creation, v.Len, v.Words}, nil
}

var badExport = &fault{ErrMalformed, "export of other than atom, atom, arity 0 to 255"}

// export reads EXPORT: module and function atoms and a small arity.
func (d *decoder) export() (Term, error) {
	from, rest := d.off, d.b[d.off+1:]
	module, a, f := atomView(rest)
	if f != nil {
		return nil, d.failAt(from, part(f, badExport))
	}
	function, b, f := atomView(rest[a:])
	if f != nil {
		return nil, d.failAt(from, part(f, badExport))
	}
	arity, c, f := integerAt(rest[a+b:], 8)
	if f != nil {
		return nil, d.failAt(from, part(f, badExport))
	}
	if !arity.fits || arity.value < 0 || arity.value > math.MaxUint8 {
		return nil, d.failAt(from, badExport)
	}
	d.off += 1 + a + b + c
	if d.hashing {
		d.sum = sumOfBytes(kindExport, module).with(sumOfBytes(kindAtom, function)).
			with(sum{uint64(arity.value), 0})
	}
	if !d.build {
		return nil, nil
	}
	return Export{d.name(module), d.name(function), uint8(arity.value)}, nil
}

// part says that the wrong kind of term stood inside another.
func part(f, instead *fault) *fault {
	if f == wrongTag {
		return instead
	}
	return f
}

var badFun = &fault{ErrMalformed, "fun"}

// funFixed is tag, size(4), arity(1), uniq(16), index(4), free(4).
const funFixed = 30

// fun checks NEW_FUN and keeps its bytes: the header above, then module, old
// index, old uniq, pid and the free variables as terms, just size bytes.
func (d *decoder) fun() (Term, error) {
	from, b := d.off, d.b[d.off:]
	size, f := u32(b)
	if f != nil || uint64(size) > uint64(len(b)-1) { // size counts itself, not the tag
		return nil, d.fail(cut)
	}
	if size < funFixed-1 {
		return nil, d.fail(badFun)
	}
	if err := d.funTerms(from, int64(binary.BigEndian.Uint32(b[26:]))); err != nil {
		return nil, err
	}
	if d.off != from+1+int(size) {
		return nil, d.failAt(from, badFun)
	}
	raw := d.b[from:d.off]
	if d.hashing {
		d.sum = sumOfBytes(kindFun, raw)
	}
	if !d.build {
		return nil, nil
	}
	return Fun{Raw: append([]byte(nil), raw...)}, nil
}

// funTerms checks the terms of a fun without building them.
func (d *decoder) funTerms(from int, free int64) error {
	if err := d.enter(); err != nil {
		return err
	}
	if free > math.MaxUint8 {
		return d.failAt(from, badFun)
	}
	build, hashing := d.build, d.hashing
	d.build, d.hashing = false, false
	d.off += funFixed
	if err := d.promise(from, 4+int(free)); err != nil {
		return err
	}
	for i := range 4 + int(free) {
		if i < 4 && !funHead[i](d.Tag()) {
			return d.failAt(from, badFun)
		}
		if _, err := d.next(); err != nil {
			return err
		}
	}
	d.build, d.hashing = build, hashing
	d.leave()
	return nil
}

// funHead holds the tags that may stand in the first four places of a fun.
var funHead = [4]func(tag byte) bool{isAtom, isSmall, isSmall, isPid}

func isAtom(tag byte) bool {
	return tag == tagAtom || tag == tagSmallAtom || tag == tagAtomUTF8 || tag == tagSmallAtomUTF8
}
func isSmall(tag byte) bool { return tag == tagSmallInt || tag == tagInt }
func isPid(tag byte) bool   { return tag == tagNewPid || tag == tagPid }
