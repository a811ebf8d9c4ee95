package observe

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/node"
)

// baseSeries is how many series there may be beside those of single peers, as
// doc.go says.
const baseSeries = 250

func countSeries(families []Family) (n int) {
	for _, f := range families {
		for _, s := range f.Series {
			if n++; f.Type == Histogram {
				n += len(s.Times.Counts) + 1 // a line a bucket, sum and count
			}
		}
	}
	return n
}

// S14: 10,000 channels and 2,000 names of peers make no more series than 256
// peers do, and no channel is named.
func TestCardinality(t *testing.T) {
	n := startNode(t)
	for i := range 10_000 {
		sub, err := n.Subscribe(t.Context(), node.SubscribeOptions{}, fmt.Sprintf("secret-channel-%d", i))
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Close()
	}
	m := n.Metrics()
	if m.Status.Channels.Subscriptions != 10_000 {
		t.Fatalf("%d subscriptions", m.Status.Channels.Subscriptions)
	}
	few := countSeries(NewExporter(metricsOf{n, m}).Families())
	m.Peers = crowd(2_000).Peers
	e := NewExporter(metricsOf{n, m})
	families := e.Families()
	all := countSeries(families)
	t.Logf("%d series without a peer, %d with 2,000", few, all)
	if few > baseSeries+len(peerRows) || all > baseSeries+(MaxPeers+1)*len(peerRows) {
		t.Errorf("%d series without a peer, %d with 2,000", few, all)
	}
	var text bytes.Buffer
	if err := WriteText(&text, families); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), "secret-channel") {
		t.Error("a channel is named")
	}
	// They all leave, and 2,000 others come: it is as many again.
	for i := range m.Peers {
		m.Peers[i].Name = "x" + m.Peers[i].Name
		m.Peers[i].ID += 10_000
	}
	e.src = metricsOf{n, m}
	if again := countSeries(e.Families()); again != all {
		t.Errorf("%d series of others", again)
	}
}

// metricsOf is a node with other metrics.
type metricsOf struct {
	*node.Node
	m node.Metrics
}

func (o metricsOf) Metrics() node.Metrics { return o.m }

func startNode(t testing.TB) *node.Node {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	n, err := node.Start(ctx, node.Config{
		Name: "a@127.0.0.1", Cookie: node.NewCookie("a cookie for these tests"), EPMD: node.EPMDOff, Listen: "127.0.0.1:0",
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// TestEveryCounterIsExported: what the node counts is a metric. Each counter is
// changed alone, and must show.
func TestEveryCounterIsExported(t *testing.T) {
	m := startNode(t).Metrics()
	e := &Exporter{now: time.Now}
	read := func() string {
		e.src = metricsOf{m: m}
		var b bytes.Buffer
		if err := WriteText(&b, e.Families()); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	before := read()
	for name := range m.Status.Counters {
		was := m.Status.Counters[name]
		m.Status.Counters[name] = was + 123_456_789
		if shows := read() != before; shows == (summed[name] != "") {
			t.Errorf("%s: exported %v; give it a row in rows, or say in summed what shows it", name, shows)
		}
		m.Status.Counters[name] = was
	}
	if len(m.Status.Counters) < 100 {
		t.Errorf("only %d counters seen", len(m.Status.Counters))
	}
}

func TestText(t *testing.T) {
	families := []Family{
		{"a_total", "Line one\nand \\ two.", Counter, []Series{with("x", "q\"u\\o\nte\xff", 1e6), with("x", "", 0.25)}},
		{"empty", "Nothing.", Gauge, nil},
		{"t_seconds", "Times.", Histogram, []Series{{
			Labels: []Label{{"x", "y"}},
			Times:  node.Histogram{Bounds: []float64{.5, 1}, Counts: []uint64{1, 2, 3}, Sum: 9.5},
		}}},
	}
	var b bytes.Buffer
	if err := WriteText(&b, families); err != nil {
		t.Fatal(err)
	}
	want := `# HELP a_total Line one\nand \\ two.
# TYPE a_total counter
a_total{x="q\"u\\o\nte` + "\uFFFD" + `"} 1e+06
a_total{x=""} 0.25
# HELP t_seconds Times.
# TYPE t_seconds histogram
t_seconds_bucket{x="y",le="0.5"} 1
t_seconds_bucket{x="y",le="1"} 3
t_seconds_bucket{x="y",le="+Inf"} 6
t_seconds_sum{x="y"} 9.5
t_seconds_count{x="y"} 6
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// BenchmarkScrape1024 is a scrape of a node with 1,024 peers, once it has been
// read.
func BenchmarkScrape1024(b *testing.B) {
	f := newFake()
	f.m = crowd(1024)
	e := NewExporter(f)
	var out bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		if err := WriteText(&out, e.Families()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(out.Len()), "bytes")
}
