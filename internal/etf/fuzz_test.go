package etf

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func addVectors(f *testing.F) {
	for _, v := range append(vectors(f, "etf.jsonl"), vectors(f, "etf-reject.jsonl")...) {
		if len(v.bytes) > 1 && len(v.bytes) < 4096 {
			f.Add(v.bytes[1:])
		}
	}
}

// FuzzDecode: no panic, heap within bounds, and what was decoded once is
// encoded and decoded again without change.
func FuzzDecode(f *testing.F) {
	addVectors(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		term, rest, err := Decode(b, WireLimits())
		DecodeVersioned(append([]byte{Version}, b...), Limits{Compressed: true, MaxInflated: 1 << 16})
		if err != nil {
			return
		}
		if len(rest) > 0 && &rest[len(rest)-1] != &b[len(b)-1] {
			t.Fatal("rest is not the end of the input")
		}
		stable(t, term)
	})
}

// stable holds a decoded term to decode(encode(term)) == term, with encode
// giving the same bytes the second time.
func stable(t interface{ Fatalf(string, ...any) }, term Term) {
	first, err := Append(nil, term)
	if err != nil {
		t.Fatalf("decoded %#v, cannot encode it: %v", term, err)
	}
	again, rest, err := Decode(first, FileLimits())
	if err != nil || len(rest) > 0 || !reflect.DeepEqual(term, again) {
		t.Fatalf("%#v became %#v, %d bytes left, %v", term, again, len(rest), err)
	}
	second, err := Append(nil, again)
	if err != nil || !bytes.Equal(first, second) {
		t.Fatalf("%#v: encoded %x, then %x, %v", term, first, second, err)
	}
}

// FuzzReader: the cursor and Decode agree on every input and every limit.
func FuzzReader(f *testing.F) {
	addVectors(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		agree(t, b, WireLimits())
		agree(t, b, Limits{Depth: 3, Terms: 20, BigBytes: 9})
		inPlace(t, b)
	})
}

// inPlace reads one term by the method of its tag and compares with Decode.
func inPlace(t *testing.T, b []byte) {
	want, rest, err := Decode(b, WireLimits())
	r := NewReader(b, WireLimits())
	got, gotErr, ok := byTag(&r)
	if !ok {
		return
	}
	if (err == nil) != (gotErr == nil) {
		t.Fatalf("%x: in place %v, Decode %v", b, gotErr, err)
	}
	if err == nil && (!reflect.DeepEqual(got, want) || r.Len() != len(rest)) {
		t.Fatalf("%x: in place %#v with %d left, Decode %#v with %d", b, got, r.Len(), want, len(rest))
	}
}

// byTag reads a leaf in place; ok is false for terms that have no such method.
func byTag(r *Reader) (t Term, err error, ok bool) {
	switch tag := r.Tag(); {
	case isAtom(tag):
		v, err := r.Atom()
		return Atom(v), err, true
	case isPid(tag):
		v, err := r.PidView()
		return v.Pid(), err, true
	case tag == tagSmallInt || tag == tagInt:
		v, err := r.Int()
		return v, err, true
	case tag == tagNewFloat || tag == tagFloat:
		v, err := r.Float()
		return v, err, true
	case tag == tagBinary:
		v, err := r.Binary()
		return Binary(append([]byte{}, v...)), err, true
	case tag == tagV4Port || tag == tagNewPort || tag == tagPort:
		v, err := r.PortView()
		return v.Port(), err, true
	case tag == tagRef || tag == tagNewRef || tag == tagNewerRef:
		v, err := r.RefView()
		return v.Ref(), err, true
	}
	return nil, nil, false
}

func TestRoundTripOfRandomTerms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		stable(t, randomTerm(rng, rapid.IntRange(0, 5).Draw(t, "depth")))
	})
}

// Random strings near the border: the fuzz properties without the fuzzer, so
// that a plain test run has some of it.
func TestMutatedTerms(t *testing.T) {
	m := newMutator(t, rand.New(rand.NewPCG(seed(t))))
	for range 30_000 {
		b := m.next()
		if len(b) < 2 {
			continue
		}
		agree(t, b[1:], WireLimits())
		inPlace(t, b[1:])
		if term, _, err := DecodeVersioned(b, FileLimits()); err == nil {
			stable(t, term)
		}
	}
}
