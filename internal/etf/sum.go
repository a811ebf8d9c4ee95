package etf

import (
	"cmp"
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// sum is a keyed 128-bit sum of a term's value, the same for every way to
// write that value. Equal sums are taken for equal terms: the key is drawn
// anew in each process, so nobody can aim at a collision, and chance needs
// some 2^64 keys in one map.
type sum struct{ a, b uint64 }

var (
	seedA, seedB = maphash.MakeSeed(), maphash.MakeSeed()
	mixA0, mixA1 = rand.Uint64(), rand.Uint64()
	mixB0, mixB1 = rand.Uint64(), rand.Uint64()
	emptyListSum = sumOf(kindList, 0)
	improperSum  = sumOf(kindList, 1)
)

// maxPairwise is where sorting begins to beat comparing all pairs.
const maxPairwise = 16

// Kinds keep values of different types apart.
const (
	kindInt = iota + 1
	kindBig
	kindFloat
	kindAtom
	kindBinary
	kindPid
	kindPort
	kindRef
	kindExport
	kindFun
	kindTuple
	kindList
	kindMap
)

func fold(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x, y)
	return hi ^ lo
}

// with mixes in what comes next; the order matters.
func (s sum) with(n sum) sum {
	return sum{fold(s.a^mixA0, n.a^mixA1), fold(s.b^mixB0, n.b^mixB1)}
}

// plus adds; the order does not matter.
func (s sum) plus(n sum) sum { return sum{s.a + n.a, s.b + n.b} }

func sumOf(kind, v uint64) sum { return sum{kind, kind}.with(sum{v, v}) }

func sumOfBytes(kind uint64, b []byte) sum {
	return sum{kind, kind}.with(sum{maphash.Bytes(seedA, b), maphash.Bytes(seedB, b)})
}

func sumOfInteger(v integer) sum {
	switch {
	case v.fits:
		return sumOf(kindInt, uint64(v.value))
	case v.neg:
		return sumOfBytes(kindBig, v.mag).with(sum{1, 1})
	}
	return sumOfBytes(kindBig, v.mag)
}

// sumOfBits sums a bit binary whose last byte is last with bits bits. One of 8
// bits is a plain binary and must have the sum of one.
func sumOfBits(data []byte, last, bits uint8) sum {
	if bits == 8 {
		return sumOfBytes(kindBinary, data)
	}
	return sumOfBytes(kindBinary, data[:len(data)-1]).with(sum{uint64(last), uint64(bits)})
}

// repeated reports whether a sum occurs twice; it may reorder keys.
func repeated(keys []sum) bool {
	if len(keys) <= maxPairwise {
		for i, k := range keys {
			if slices.Contains(keys[:i], k) {
				return true
			}
		}
		return false
	}
	slices.SortFunc(keys, func(x, y sum) int { return cmp.Compare(x.a, y.a) })
	return adjacent(keys)
}

// adjacent looks for two equal sums in keys sorted by their first half.
func adjacent(keys []sum) bool {
	for i, k := range keys {
		for j := i + 1; j < len(keys) && keys[j].a == k.a; j++ {
			if keys[j].b == k.b {
				return true
			}
		}
	}
	return false
}
