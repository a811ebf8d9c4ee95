package etf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/liminal-bus/liminal/internal/otptest"
)

// textLoop prints each term of file %s into file %s: the term as OTP writes it
// in bytes, then its text, both behind 32 bits of length.
const textLoop = `
{ok, In} = file:read_file(%q),
Loop = fun Loop(<<N:32, B:N/binary, Rest/binary>>, Out) ->
           T = binary_to_term(B),
           E = term_to_binary(T, [{minor_version, 2}]),
           S = unicode:characters_to_binary(io_lib:format("~0tp", [T])),
           Loop(Rest, [Out, <<(byte_size(E)):32>>, E, <<(byte_size(S)):32>>, S]);
         Loop(<<>>, Out) -> Out
       end,
file:write_file(%q, Loop(In, [])).`

// Random terms read the same here and on a live OTP with +pc unicode.
func TestTextAsLiveOTP(t *testing.T) {
	otp := otptest.Start(t, otptest.Options{Args: []string{"+pc", "unicode"}})
	rng := rand.New(rand.NewPCG(seed(t)))
	in, out := filepath.Join(t.TempDir(), "in"), filepath.Join(t.TempDir(), "out")
	const terms = 6_000
	var all []byte
	for range terms {
		b, err := AppendVersioned(nil, randomTextTerm(rng, 3))
		if err != nil {
			t.Fatal(err)
		}
		all = frame(all, b)
	}
	if err := os.WriteFile(in, all, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := otp.Eval(t, fmt.Sprintf(textLoop, in, out)); got != "ok" {
		t.Fatalf("the loop says %s", got)
	}
	answers, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if n := sameText(t, answers); n != terms {
		t.Errorf("%d of %d terms came back", n, terms)
	}
}

func frame(dst, b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(b))), b...)
}

func unframe(b []byte) (first, rest []byte) {
	n := binary.BigEndian.Uint32(b) + 4
	return b[4:n], b[n:]
}

func sameText(t *testing.T, answers []byte) (terms int) {
	for ; len(answers) > 0; terms++ {
		var encoded, want []byte
		encoded, answers = unframe(answers)
		want, answers = unframe(answers)
		term, _, err := DecodeVersioned(encoded, FileLimits())
		if err != nil {
			t.Fatalf("%x: %v", encoded, err)
		}
		if got := AppendText(nil, term); !bytes.Equal(got, want) {
			t.Errorf("%x\nours %s\nOTP  %s", encoded, got, want)
		}
		clear(t, want) // as ours is tested elsewhere: the rule is OTP's own
	}
	return terms
}

// randomTextTerm makes terms near the borders that matter to text: strings of
// every range, floats of every size, atoms with and without need of quotes. No
// pids, ports, references and funs: those OTP numbers by itself.
func randomTextTerm(rng *rand.Rand, depth int) Term {
	if depth > 0 && rng.IntN(2) == 0 {
		return randomTextContainer(rng, depth-1)
	}
	switch rng.IntN(8) {
	case 0:
		return randomFloat(rng)
	case 1:
		return int64(rng.Uint64()) >> rng.IntN(64)
	case 2:
		return randomBig(rng)
	case 3:
		return Atom(randomWord(rng, atomRanges))
	case 4:
		return Binary(randomWord(rng, wordRanges))
	case 5:
		return BitBinary(randomBits(rng).(BitBinary))
	case 6:
		b := []byte(randomWord(rng, wordRanges))
		for range min(len(b), rng.IntN(3)) {
			b[rng.IntN(len(b))] = byte(rng.Uint32())
		}
		return Binary(b)
	}
	l := List{}
	for _, r := range randomWord(rng, wordRanges) {
		l = append(l, int64(r))
	}
	if len(l) > 0 && rng.IntN(8) == 0 {
		l[rng.IntN(len(l))] = int64(0xd7fe + rng.IntN(0x2810)) // surrogates and what lies beside
	}
	return l
}

func randomTextContainer(rng *rand.Rand, depth int) Term {
	elems := make([]Term, rng.IntN(5))
	for i := range elems {
		elems[i] = randomTextTerm(rng, depth)
	}
	switch rng.IntN(4) {
	case 0:
		return Tuple(elems)
	case 1:
		return List(elems)
	case 2:
		tail := []Term{int64(rng.IntN(300)), Atom("x"), 1.5, Binary("b"), Tuple{}}
		return ImproperList{Head: append(elems, int64(rng.IntN(300))), Tail: tail[rng.IntN(len(tail))]}
	}
	m := Map{}
	for i, e := range elems {
		keys := []Term{int64(i), Atom(rune('a' + i)), Binary{byte(i)}, Tuple{int64(i), e}}
		m = append(m, Pair{keys[rng.IntN(len(keys))], randomTextTerm(rng, depth)})
	}
	return m
}

func randomFloat(rng *rand.Rand) Term {
	switch rng.IntN(4) {
	case 0:
		if v := math.Float64frombits(rng.Uint64()); !math.IsNaN(v) && !math.IsInf(v, 0) {
			return v
		}
		return 0.0
	case 1: // few digits, any size
		return float64(rng.IntN(2000)-1000) * math.Pow10(rng.IntN(44)-22)
	case 2: // around 2^53
		return float64(1<<53 + rng.Int64N(64) - 32)
	}
	return float64(int64(rng.Uint64())>>rng.IntN(64)) / float64(int(1)<<rng.IntN(20))
}

var (
	wordRanges = [][2]rune{{0, 0x20}, {0x20, 0x7e}, {0x20, 0x7e}, {'a', 'z'}, {0x7e, 0xa2}, {0xa0, 0xff}, {0x100, 0x2fff}, {0xfff0, 0x1000f}, {0x1f600, 0x1f64f}}
	atomRanges = append([][2]rune{{'a', 'z'}, {'A', 'Z'}, {'0', '9'}, {'@', '@'}, {'_', '_'}, {0xd0, 0xff}}, wordRanges...)
)

// randomWord has mostly one or two kinds of characters, so that it is often a
// string and often just not.
func randomWord(rng *rand.Rand, ranges [][2]rune) string {
	if words := []string{"end", "maybe", "else", "when", "cond", "", "ok", "$end"}; rng.IntN(10) == 0 {
		return words[rng.IntN(len(words))]
	}
	a, b := ranges[rng.IntN(len(ranges))], ranges[rng.IntN(len(ranges))]
	var word []byte
	for range rng.IntN(12) {
		from := a
		if rng.IntN(3) == 0 {
			from = b
		}
		if r := from[0] + rng.Int32N(from[1]-from[0]+1); utf8.ValidRune(r) {
			word = utf8.AppendRune(word, r)
		}
	}
	return string(word)
}
