package dist

import (
	"maps"
	"slices"
)

// The three functions below list closed sets, for whoever shows a counter for
// each word from the start, at 0: one that appears with its first count hides
// that count from everything that computes rates.

// Reasons lists every Reason, sorted.
func Reasons() []Reason { return slices.Sorted(maps.Keys(reasonTexts)) }

// DropNames lists the keys that Stats.Dropped can have.
func DropNames() []string {
	var names []string
	for d := DropNone + 1; d < dropCount; d++ {
		names = append(names, d.String())
	}
	return names
}

// RefusalNames lists the keys that Stats.Refused can have.
func RefusalNames() []string {
	var names []string
	for i := range int(refusalCount) {
		if i >= opCount || ops[i].name != "" {
			names = append(names, refusalName(i))
		}
	}
	return names
}
