package etf

import (
	"errors"
	"testing"
)

// S4: the terms of a whole are counted, in whatever container they are: none of
// these alone has more than the limit allows.
func TestTermsAreCountedInAll(t *testing.T) {
	pair := Tuple{int64(1), int64(2)}
	for _, tc := range []struct {
		name  string
		term  Term
		terms int
	}{
		{"one", int64(1), 1},
		{"a tuple", pair, 3},
		{"tuples in a tuple", Tuple{pair, pair}, 7},
		{"lists in a list", List{List{int64(300)}, List{int64(300)}}, 5},
		{"tuples in a list", List{pair, pair, pair}, 10},
		{"a string in a tuple", Tuple{List{int64(1), int64(2)}, int64(3)}, 5},
	} {
		b, err := Append(nil, tc.term)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Decode(b, Limits{Terms: tc.terms}); err != nil {
			t.Errorf("%s under %d: %v", tc.name, tc.terms, err)
		}
		if tc.terms == 1 {
			continue // a limit of none is the default
		}
		if _, _, err := Decode(b, Limits{Terms: tc.terms - 1}); !errors.Is(err, ErrLimit) {
			t.Errorf("%s under %d: %v, want ErrLimit", tc.name, tc.terms-1, err)
		}
	}
}
