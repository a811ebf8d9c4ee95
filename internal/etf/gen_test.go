package etf

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// seed gives the seed of a random test: LIMINAL_TEST_SEED, or the time. It is
// printed, so that a failure can be repeated.
func seed(tb testing.TB) (uint64, uint64) {
	tb.Helper()
	n, err := strconv.ParseUint(os.Getenv("LIMINAL_TEST_SEED"), 10, 64)
	if err != nil {
		n = uint64(time.Now().UnixNano())
	}
	tb.Logf("LIMINAL_TEST_SEED=%d", n)
	return n, 0
}

// randomTerm makes a term of every kind, at most depth levels deep.
func randomTerm(rng *rand.Rand, depth int) Term {
	kinds := len(leafKinds)
	if depth > 0 {
		kinds += 4
	}
	k := rng.IntN(kinds)
	if k < len(leafKinds) {
		return leafKinds[k](rng)
	}
	return randomContainer(rng, k-len(leafKinds), depth-1)
}

func randomContainer(rng *rand.Rand, kind, depth int) Term {
	elems := make([]Term, rng.IntN(5))
	for i := range elems {
		elems[i] = randomTerm(rng, depth)
	}
	switch kind {
	case 0:
		return Tuple(elems)
	case 1:
		return List(elems)
	case 2:
		return ImproperList{Head: append(elems, int64(1)), Tail: leafKinds[rng.IntN(len(leafKinds))](rng)}
	}
	m := Map{} // keys that differ for sure
	for i, e := range elems {
		m = append(m, Pair{Tuple{int64(i), e}, randomTerm(rng, depth)})
	}
	return m
}

var atomPool = []Atom{"", "ok", "a", "é", "日本", "a@127.0.0.1", "b@host.example", "$gen_call"}

func randomAtom(rng *rand.Rand) Atom { return atomPool[rng.IntN(len(atomPool))] }

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// leafKinds has one function a type; no leaf is a list, so each may be a tail.
var leafKinds = []func(*rand.Rand) Term{
	func(r *rand.Rand) Term { return int64(r.Uint64()) >> r.IntN(64) },
	func(r *rand.Rand) Term { return r.NormFloat64() },
	func(r *rand.Rand) Term { return randomAtom(r) },
	func(r *rand.Rand) Term { return Binary(randomBytes(r, r.IntN(9))) },
	func(r *rand.Rand) Term { return randomBig(r) },
	func(r *rand.Rand) Term { return randomBits(r) },
	func(r *rand.Rand) Term { return Pid{randomAtom(r), r.Uint32(), r.Uint32(), r.Uint32()} },
	func(r *rand.Rand) Term { return Port{randomAtom(r), r.Uint64() >> r.IntN(64), r.Uint32()} },
	func(r *rand.Rand) Term { return randomRef(r) },
	func(r *rand.Rand) Term { return Export{randomAtom(r), randomAtom(r), byte(r.Uint32())} },
	func(r *rand.Rand) Term {
		return Fun{unhex("70000000480037a4f03ec01947571ac64439379e5b7b0000000400000000770665746676656361046201bd27" +
			"d158770d" + "6e6f6d6f6465406e6f686f7374" + "0000000b0000000000000000")}
	},
}

func randomBig(r *rand.Rand) Term {
	n := new(big.Int).SetBytes(append([]byte{1}, randomBytes(r, 8+r.IntN(300))...))
	if r.IntN(2) == 0 {
		n.Neg(n)
	}
	return n
}

func randomBits(r *rand.Rand) Term {
	b, bits := randomBytes(r, 1+r.IntN(4)), uint8(1+r.IntN(7))
	b[len(b)-1] &^= 0xff >> bits
	return BitBinary{b, bits}
}

func randomRef(r *rand.Rand) Term {
	ref := Ref{Node: randomAtom(r), Creation: r.Uint32(), Len: uint8(1 + r.IntN(5))}
	for i := range ref.Len {
		ref.Words[i] = r.Uint32()
	}
	return ref
}

// mutator makes strings near the border between a term and none.
type mutator struct {
	rng         *rand.Rand
	corpus      [][]byte
	withoutFuns bool
}

func newMutator(tb testing.TB, rng *rand.Rand) *mutator {
	m := &mutator{rng: rng}
	for _, v := range append(vectors(tb, "etf.jsonl"), vectors(tb, "etf-reject.jsonl")...) {
		if len(v.bytes) < 512 {
			m.corpus = append(m.corpus, v.bytes)
		}
	}
	return m
}

func (m *mutator) next() []byte {
	if m.rng.IntN(10) == 0 {
		return append([]byte{Version}, randomBytes(m.rng, m.rng.IntN(40))...)
	}
	b := m.base()
	for m.withoutFuns && bytes.Contains(b, []byte{tagNewFun, 0, 0}) {
		b = m.base()
	}
	for range m.rng.IntN(4) {
		b = m.change(b)
	}
	return b
}

// base is a term that is whole, or one that OTP was already asked about.
func (m *mutator) base() []byte {
	if m.rng.IntN(2) == 0 {
		b, _ := AppendVersioned(nil, randomTerm(m.rng, 3))
		return b
	}
	return slices.Clone(m.corpus[m.rng.IntN(len(m.corpus))])
}

// tagBytes are the bytes worth writing somewhere.
var tagBytes = []byte{70, 77, 80, 88, 89, 90, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107,
	108, 109, 110, 111, 112, 113, 114, 115, 116, 118, 119, 120, 121, 0, 1, 2, 3, 8, 127, 128, 255}

func (m *mutator) change(b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	i, j := m.rng.IntN(len(b)), m.rng.IntN(len(b))
	switch m.rng.IntN(6) {
	case 0:
		b[i] ^= 1 << m.rng.IntN(8)
	case 1, 2:
		b[i] = tagBytes[m.rng.IntN(len(tagBytes))]
	case 3:
		b = slices.Delete(b, i, i+1)
	case 4:
		b = slices.Insert(b, i, tagBytes[m.rng.IntN(len(tagBytes))])
	default:
		b = append(b[:min(i, j)], b[max(i, j):]...)
	}
	return b
}
