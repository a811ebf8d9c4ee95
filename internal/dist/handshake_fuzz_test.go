package dist

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"
)

// splitReader hands a stream out in pieces of random length, one byte at least.
type splitReader struct {
	rest []byte
	rng  *rand.Rand
}

func (s *splitReader) Read(b []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, s.rest[:1+s.rng.IntN(len(s.rest))])
	s.rest = s.rest[n:]
	return n, nil
}

func fuzzConn(stream []byte, seed uint64) (*scriptConn, *splitReader) {
	r := &splitReader{rest: bytes.Clone(stream), rng: rand.New(rand.NewPCG(seed, 1))}
	return &scriptConn{in: r}, r
}

// seedFuzz adds the captures of one direction, and the alphabet of that role.
func seedFuzz(f *testing.F, fromInitiator bool, alphabet []letter, paths ...[]int) {
	_, cases := loadVectors(f)
	for _, vs := range cases {
		var stream []byte
		for _, v := range vs {
			if v.fromInitiator() == fromInitiator {
				stream = append(stream, withLength(v.body())...)
			}
		}
		f.Add(stream, uint64(1), uint8(1))
	}
	for status := range uint8(6) {
		for _, path := range paths {
			var stream []byte
			for _, i := range path {
				stream = append(stream, withLength(alphabet[i].body)...)
			}
			f.Add(stream, uint64(2), status)
		}
	}
}

// checkFuzzed holds the end of a run against the one law: done means that the
// digest of our challenge was in what the peer sent.
func checkFuzzed(t *testing.T, c *scriptConn, left int, stream []byte, set *Challenges, r Remote, err error) {
	t.Helper()
	digest := theCookie.digest(ourChallenge)
	if err == nil && !bytes.Contains(stream[:len(stream)-left], digest[:]) {
		t.Fatalf("done without the digest: %x", stream)
	}
	if err == nil && (CheckName(r.Name) != nil || r.Flags.Missing() != nil || c.closed) {
		t.Fatalf("done with %+v", r)
	}
	if err != nil {
		var h *HandshakeError
		if !errors.As(err, &h) || !c.closed || r != (Remote{}) {
			t.Fatalf("%v, closed %t", err, c.closed)
		}
		checkPlainText(t, err.Error())
	}
	if set.Len() != 0 {
		t.Fatal("a challenge stays outstanding")
	}
}

// S6: nobody is let in without the digest, however the bytes come.
func FuzzAcceptor(f *testing.F) {
	seedFuzz(f, true, acceptorAlphabet(), []int{0, 10}, []int{0, 6, 10}, []int{0, 11}, []int{0, 12}, []int{3}, []int{4}, []int{5, 10})
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64, status uint8) {
		l := testLocal()
		c, in := fuzzConn(stream, seed)
		r, err := Accept(c, time.Time{}, l, AcceptorHooks{Admit: admit(Status(status))})
		checkFuzzed(t, c, len(in.rest), stream, l.Challenges, r, err)
	})
}

// S6: nor is anybody believed to whom we dial.
func FuzzInitiator(f *testing.F) {
	seedFuzz(f, false, initiatorAlphabet(), []int{0, 7, 11}, []int{1, 7, 11}, []int{4, 7, 11}, []int{0, 7, 12}, []int{0, 8, 11}, []int{5})
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64, alive uint8) {
		l := testLocal()
		c, in := fuzzConn(stream, seed)
		r, err := Dial(c, time.Time{}, l, InitiatorHooks{Alive: func() bool { return alive%2 == 0 }})
		checkFuzzed(t, c, len(in.rest), stream, l.Challenges, r, err)
	})
}
