package node

import (
	"fmt"
	"testing"
)

// BenchmarkMetrics1024 reads the metrics of a node with 1,024 live links.
func BenchmarkMetrics1024(b *testing.B) {
	n := start(b, quiet(b, "a"))
	for i := range 1024 {
		newLight(b, fmt.Sprintf("p%d", i), sayingHello).dial(n)
	}
	waitFor(b, n, "all are up", func(n *Node) bool { return len(n.PeerNames()) == 1024 })
	b.ReportAllocs()
	for b.Loop() {
		if m := n.Metrics(); len(m.Peers) != 1024 {
			b.Fatal(len(m.Peers))
		}
	}
}
