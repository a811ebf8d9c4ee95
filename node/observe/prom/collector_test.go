package prom

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"github.com/liminal-bus/liminal/node"
	"github.com/liminal-bus/liminal/node/observe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// still is a node whose metrics do not change while they are compared.
type still struct{ m node.Metrics }

func (s still) Name() string                  { return s.m.Status.Name }
func (s still) Status() node.Status           { return s.m.Status }
func (s still) Metrics() node.Metrics         { return s.m }
func (s still) Alive(_ context.Context) error { return nil }

// source is a node that has done a little of everything, with 300 peers.
func source(t *testing.T) still {
	t.Helper()
	n, err := node.Start(t.Context(), node.Config{
		Name: "a@127.0.0.1", Cookie: node.NewCookie("a cookie for these tests"), EPMD: node.EPMDOff, Listen: "127.0.0.1:0",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	m := n.Metrics()
	for name := range m.Status.Counters {
		m.Status.Counters[name] += uint64(len(name)) * 1_000_003
	}
	m.CertificateEnd = time.Now().Add(time.Hour)
	m.RTT.Counts[3], m.RTT.Sum = 7, .0123
	for i := range 300 {
		p := node.PeerMetrics{
			Name: fmt.Sprintf("n%d@dev", i), ID: uint64(i), Member: true, Joined: true, State: node.StateUp, Generation: 2,
			RTT: time.Duration(i) * time.Microsecond, PeerTraffic: node.PeerTraffic{In: uint64(i), BytesOut: 1 << 40},
		}
		m.Peers = append(m.Peers, p)
		m.All.In += p.In
		m.All.BytesOut += p.BytesOut
	}
	return still{m}
}

// TestLint: the linter that promtool uses has nothing to say.
func TestLint(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(NewCollector(source(t))); err != nil {
		t.Fatal(err)
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestTextIsWhatClientGolangMakes: the text that observe writes, read by
// Prometheus's own parser, is what the registry gathers.
func TestTextIsWhatClientGolangMakes(t *testing.T) {
	src := source(t)
	var text bytes.Buffer
	if err := observe.WriteText(&text, observe.NewExporter(src).Families()); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewCollector(src))
	if err := testutil.GatherAndCompare(registry, &text); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(registry); err != nil || n < 2000 {
		t.Errorf("%d series, %v", n, err)
	}
}

// TestServed: what the server answers, with its own metrics and those of the
// process, is good as well.
func TestServed(t *testing.T) {
	src := source(t)
	s, err := observe.Listen(t.Context(), "127.0.0.1:0", src, observe.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Addr() == (netip.AddrPort{}) {
		t.Fatal("no address")
	}
	answer, err := http.Get("http://" + s.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer answer.Body.Close()
	problems, err := promlint.New(answer.Body).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
