package observe

import (
	"slices"
	"strings"

	"github.com/liminal-bus/liminal/node"
)

// Type is what kind of metric a Family is.
type Type string

// The types.
const (
	Counter   Type = "counter" // only rises
	Gauge     Type = "gauge"
	Histogram Type = "histogram"
)

// Family is one metric with all its series.
type Family struct {
	Name   string // Prometheus's form: a unit, _total for counters
	Help   string
	Type   Type
	Series []Series
}

// Series is one line, or for a histogram its buckets.
type Series struct {
	Labels []Label // sorted by name
	Value  float64
	Times  node.Histogram // of a Histogram, seconds
}

// Label is one label of a series.
type Label struct{ Name, Value string }

// one is a family's only series, without a label.
func one(v float64) []Series { return []Series{{Value: v}} }

// with is one series under one label.
func with(label, value string, v float64) Series {
	return Series{Labels: []Label{{label, value}}, Value: v}
}

// bit is 1 for true.
func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// byWord makes a series of each counter whose name begins with prefix; the rest
// of the name is the label's value. Names of counters are a closed set, so these
// are. The names of more come after label.
func byWord(counters map[string]uint64, label, prefix string, more ...Label) []Series {
	var list []Series
	for name, v := range counters {
		if word, ok := strings.CutPrefix(name, prefix); ok {
			labels := append([]Label{{label, word}}, more...)
			list = append(list, Series{Labels: labels, Value: float64(v)})
		}
	}
	slices.SortFunc(list, func(a, b Series) int { return strings.Compare(a.Labels[0].Value, b.Labels[0].Value) })
	return list
}
