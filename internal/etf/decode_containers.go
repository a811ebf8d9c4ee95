package etf

import (
	"encoding/binary"
	"slices"
)

func (d *decoder) tuple() (Term, error) {
	from := d.off
	if err := d.enter(); err != nil {
		return nil, err
	}
	n, err := d.TupleHeader()
	if err != nil {
		return nil, err
	}
	if err := d.promise(from, n); err != nil {
		return nil, err
	}
	t, s, err := d.elements(nil, n, sumOf(kindTuple, uint64(n)))
	if err != nil {
		return nil, err
	}
	d.leave()
	d.sum = s
	if n == 0 {
		return emptyTuple, nil
	}
	return d.made(Tuple(t)), nil
}

// elements reads n promised terms behind those in to, and sums them into s.
func (d *decoder) elements(to []Term, n int, s sum) ([]Term, sum, error) {
	if d.build && n > 0 {
		to = room(to, n)
	}
	for range n {
		t, err := d.next()
		if err != nil {
			return nil, s, err
		}
		if d.build {
			to = append(to, t)
		}
		s = s.with(d.sum)
	}
	return to, s, nil
}

// room makes place for n more: exactly, until a list goes on in its tail.
func room(to []Term, n int) []Term {
	if to == nil {
		return make([]Term, 0, n)
	}
	return slices.Grow(to, n)
}

// made is t where values are built; boxing it costs memory.
func (d *decoder) made(t Tuple) Term {
	if !d.build {
		return nil
	}
	return t
}

func (d *decoder) empty() (Term, error) {
	d.off++
	d.sum = emptyListSum
	return emptyList, nil
}

// listWalk is the state of one list while its tails are followed.
type listWalk struct {
	elems []Term
	n     int
	sum   sum
}

// list reads LIST and STRING. A tail that is itself a list goes on with the
// same list, in a loop and not a level deeper: [1 | [2 | "34"]] is [1,2,51,52].
func (d *decoder) list() (Term, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	w := listWalk{sum: emptyListSum}
	for {
		more, err := d.segment(&w)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		switch d.Tag() {
		case tagNil:
			d.owed--
			d.off++
		case tagList, tagString:
			d.owed--
			continue
		default:
			return d.improper(&w)
		}
		break
	}
	d.leave()
	d.sum = w.sum
	switch {
	case w.n == 0:
		return emptyList, nil
	case !d.build:
		return nil, nil
	}
	return List(w.elems), nil
}

// segment reads one LIST up to its tail (more) or one STRING, which has none.
func (d *decoder) segment(w *listWalk) (more bool, err error) {
	if d.Tag() == tagString {
		return false, d.chars(w)
	}
	from := d.off
	n, f := count(d.b[from:], 1)
	if f != nil {
		return false, d.fail(f)
	}
	d.off += 5
	d.owed++ // the tail is promised too
	if err := d.promise(from, n); err != nil {
		return false, err
	}
	w.n += n
	w.elems, w.sum, err = d.elements(w.elems, n, w.sum)
	return true, err
}

// chars reads a STRING: a 16-bit length and that many integers of one byte.
func (d *decoder) chars(w *listWalk) error {
	b := d.b[d.off:]
	if len(b) < 3 || int(binary.BigEndian.Uint16(b[1:])) > len(b)-3 {
		return d.fail(cut)
	}
	n := int(binary.BigEndian.Uint16(b[1:]))
	if n > d.terms {
		return d.fail(tooManyTerms)
	}
	d.terms -= n
	if d.build && n > 0 {
		w.elems = room(w.elems, n)
	}
	for _, c := range d.take(3, n) {
		if d.build {
			w.elems = append(w.elems, int64(c)) // the runtime has these boxed
		}
		if d.hashing {
			w.sum = w.sum.with(sumOf(kindInt, uint64(c)))
		}
	}
	w.n += n
	return nil
}

// improper reads a tail that is not a list. [ | T] of no elements is T.
func (d *decoder) improper(w *listWalk) (Term, error) {
	tail, err := d.next()
	if err != nil {
		return nil, err
	}
	d.leave()
	if w.n == 0 {
		return tail, nil // and the sum is its own
	}
	d.sum = w.sum.with(d.sum).with(improperSum)
	if !d.build {
		return nil, nil
	}
	return ImproperList{Head: w.elems, Tail: tail}, nil
}

var sameKey = &fault{ErrMalformed, "map has a key twice"}

func (d *decoder) mapping() (Term, error) {
	from, outer, base := d.off, d.hashing, len(d.keys)
	if err := d.enter(); err != nil {
		return nil, err
	}
	n, err := d.MapHeader()
	if err != nil {
		return nil, err
	}
	if err := d.promise(from, 2*n); err != nil {
		return nil, err
	}
	m, total, err := d.pairs(n)
	if err != nil {
		return nil, err
	}
	if repeated(d.keys[base:]) {
		return nil, d.failAt(from, sameKey)
	}
	d.leave()
	d.keys, d.hashing = d.keys[:base], outer
	d.sum = total.with(sumOf(kindMap, uint64(n)))
	switch {
	case n == 0:
		return emptyMap, nil
	case !d.build:
		return nil, nil
	}
	return m, nil
}

// pairs reads n promised pairs and pushes their keys' sums. The total does not
// depend on the order of the pairs, as equality of maps does not.
func (d *decoder) pairs(n int) (m Map, total sum, err error) {
	outer := d.hashing
	if d.build && n > 0 {
		m = make(Map, n)
	}
	if n > 1 {
		d.keys = slices.Grow(d.keys, n)
	}
	for i := range n {
		d.hashing = outer || n > 1 // one key alone cannot come twice
		k, err := d.next()
		if err != nil {
			return nil, total, err
		}
		ks := d.sum
		if n > 1 {
			d.keys = append(d.keys, ks)
		}
		d.hashing = outer
		v, err := d.next()
		if err != nil {
			return nil, total, err
		}
		if d.build {
			m[i] = Pair{k, v}
		}
		total = total.plus(ks.with(d.sum))
	}
	return m, total, nil
}
