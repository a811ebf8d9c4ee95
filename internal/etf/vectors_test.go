package etf

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"testing"
)

// vector is a line of testdata/etf.jsonl or etf-reject.jsonl, both made by
// OTP 25.2.3.
type vector struct {
	Term, Hex, Kind, Opts string // etf.jsonl
	What, OTP25           string // etf-reject.jsonl
	bytes                 []byte
}

func vectors(tb testing.TB, file string) []vector {
	tb.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var all []vector
	for sc := bufio.NewReader(f); ; {
		line, err := sc.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			return all
		}
		var v vector
		if err := json.Unmarshal(line, &v); err != nil {
			tb.Fatal(err)
		}
		if v.bytes, err = hex.DecodeString(v.Hex); err != nil {
			tb.Fatal(err)
		}
		all = append(all, v)
	}
}

func TestVectorsDecodeToTheirEnd(t *testing.T) {
	all := vectors(t, "etf.jsonl")
	if len(all) != 523 {
		t.Fatalf("%d vectors, want 523", len(all))
	}
	for _, v := range all {
		got, rest, err := DecodeVersioned(v.bytes, FileLimits())
		if err != nil || len(rest) != 0 {
			t.Errorf("%.60s (%s %s): %d bytes left, %v", v.Term, v.Kind, v.Opts, len(rest), err)
		}
		if got == nil {
			t.Errorf("%.60s: no term", v.Term)
		}
	}
}

func TestVectorsEncodeByteForByte(t *testing.T) {
	n := 0
	for _, v := range vectors(t, "etf.jsonl") {
		if v.Opts != "[{minor_version,2}]" {
			continue
		}
		n++
		term, _, err := DecodeVersioned(v.bytes, FileLimits())
		if err != nil {
			t.Errorf("%.60s: %v", v.Term, err)
			continue
		}
		got, err := AppendVersioned(nil, term)
		if err != nil || !bytes.Equal(got, v.bytes) {
			t.Errorf("%.60s:\n got %x, %v\nwant %.80x", v.Term, got[:min(len(got), 80)], err, v.bytes)
		}
	}
	if n != 397 {
		t.Errorf("%d lines, want 397 (394 terms, 3 funs)", n)
	}
}

// Every other line has an equal one once it was encoded, so that two ways to
// write a term give one Go value.
func TestVectorsAreStable(t *testing.T) {
	for _, v := range vectors(t, "etf.jsonl") {
		first, _, err := DecodeVersioned(v.bytes, FileLimits())
		if err != nil {
			t.Fatal(err)
		}
		b, err := Append(nil, first)
		if err != nil {
			t.Fatalf("%.60s: %v", v.Term, err)
		}
		second, rest, err := Decode(b, FileLimits())
		if err != nil || len(rest) > 0 || !reflect.DeepEqual(first, second) {
			t.Errorf("%.60s: %#v became %#v, %v", v.Term, first, second, err)
		}
	}
}

// reviewed lists the refusals whose verdict differs from OTP's, with the reason.
var reviewed = map[string]string{
	"EXPORT with arity 256 as INTEGER": "no function has more than 255 arguments, so OTP can never call it",
}

func TestRejectsJudgedAsOTP(t *testing.T) {
	all := vectors(t, "etf-reject.jsonl")
	if len(all) != 54 {
		t.Fatalf("%d vectors, want 54", len(all))
	}
	for _, v := range all {
		_, _, err := DecodeVersioned(v.bytes, FileLimits())
		if accepted, want := err == nil, v.OTP25 != "badarg"; accepted != want {
			if reviewed[v.What] == "" || accepted {
				t.Errorf("%s: %v, OTP said %s", v.What, err, v.OTP25)
			}
		}
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Err == nil) {
			t.Errorf("%s: error without a place: %v", v.What, err)
		}
	}
}

// A vector cut anywhere is an error. All lengths are tried up to 1,024 bytes;
// of longer vectors the first and last 256 and every 97th between, which keeps
// the test quick. Under the race detector the same with 128, 32 and 997.
func TestVectorsCutShort(t *testing.T) {
	whole, edge, step := 1024, 256, 97
	if raceEnabled {
		whole, edge, step = 128, 32, 997
	}
	for _, v := range vectors(t, "etf.jsonl") {
		for n := range v.bytes {
			if len(v.bytes) > whole && n > edge && n < len(v.bytes)-edge && n%step != 0 {
				continue
			}
			if _, _, err := DecodeVersioned(v.bytes[:n], FileLimits()); err == nil {
				t.Errorf("%.60s: accepted with %d of %d bytes", v.Term, n, len(v.bytes))
			}
			if n == 0 || v.bytes[1] == tagCompressed {
				continue
			}
			if r := NewReader(v.bytes[1:n], FileLimits()); r.Skip() == nil {
				t.Errorf("%.60s: skipped with %d of %d bytes", v.Term, n, len(v.bytes))
			}
		}
	}
}

func TestSkipAgreesWithDecodeOnVectors(t *testing.T) {
	all := append(vectors(t, "etf.jsonl"), vectors(t, "etf-reject.jsonl")...)
	for _, v := range all {
		if len(v.bytes) < 2 {
			continue
		}
		for _, lim := range []Limits{WireLimits(), FileLimits()} {
			agree(t, v.bytes[1:], lim)
		}
	}
}

// agree holds Decode, Skip and Raw to one verdict, one length and one error.
func agree(t *testing.T, b []byte, lim Limits) {
	t.Helper()
	_, rest, err := Decode(b, lim)
	r := NewReader(b, lim)
	skipErr := r.Skip()
	if (err == nil) != (skipErr == nil) || err != nil && err.Error() != skipErr.Error() {
		t.Fatalf("%.80x: Decode says %v, Skip says %v", b, err, skipErr)
	}
	if err == nil && r.Len() != len(rest) || err != nil && r.Offset() != 0 {
		t.Fatalf("%.80x: Skip left %d bytes, Decode %d", b, r.Len(), len(rest))
	}
	q := NewReader(b, lim)
	raw, rawErr := q.Raw()
	if (rawErr == nil) != (err == nil) || len(raw) != r.Offset() || !bytes.Equal(raw, b[:len(raw)]) {
		t.Fatalf("%.80x: Raw gives %d bytes, %v", b, len(raw), rawErr)
	}
}
