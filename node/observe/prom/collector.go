package prom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/liminal-bus/liminal/node/observe"
)

// Collector gives the metrics of one node to a registry.
type Collector struct{ export *observe.Exporter }

// NewCollector makes one. A node needs only one: two would each choose which
// peers have series of their own.
func NewCollector(src observe.Source) *Collector {
	return &Collector{observe.NewExporter(src)}
}

// Describe implements prometheus.Collector. What a metric is called and how it is
// labelled is the same in each collection, but for families without a series.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	for _, f := range c.export.Families() {
		for i := range f.Series {
			ch <- metric(&f, &f.Series[i])
		}
	}
}

var kinds = map[observe.Type]prometheus.ValueType{
	observe.Counter: prometheus.CounterValue, observe.Gauge: prometheus.GaugeValue,
}

func metric(f *observe.Family, s *observe.Series) prometheus.Metric {
	names, values := make([]string, len(s.Labels)), make([]string, len(s.Labels))
	for i, l := range s.Labels {
		names[i], values[i] = l.Name, l.Value
	}
	desc := prometheus.NewDesc(f.Name, f.Help, names, nil)
	m, err := prometheus.NewConstMetric(desc, kinds[f.Type], s.Value, values...)
	if f.Type == observe.Histogram {
		all, buckets := buckets(s)
		m, err = prometheus.NewConstHistogram(desc, all, s.Times.Sum, buckets, values...)
	}
	if err != nil {
		return prometheus.NewInvalidMetric(desc, err)
	}
	return m
}

// buckets counts each bucket with all below it, as Prometheus does.
func buckets(s *observe.Series) (all uint64, below map[float64]uint64) {
	below = map[float64]uint64{}
	for i, n := range s.Times.Counts {
		all += n
		if i < len(s.Times.Bounds) {
			below[s.Times.Bounds[i]] = all
		}
	}
	return all, below
}
