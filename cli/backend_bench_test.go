package cli

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// BenchmarkBriefList5000 is what a screen or a wait asks for again and again.
func BenchmarkBriefList5000(b *testing.B) {
	f := &fakeNode{status: node.Status{Name: "a@dev"}}
	for i := range 5000 {
		f.peers = append(f.peers, node.Peer{Name: fmt.Sprintf("n%04d@dev", i), State: node.StateUp, Kind: node.KindLiminal, Since: noon})
	}
	back := testBackend(f)
	for _, encoded := range []bool{false, true} {
		b.Run(fmt.Sprintf("json=%t", encoded), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				doc, err := back.Peers(b.Context(), control.Filter{Brief: true})
				if err != nil || len(doc.Peers) != 5000 {
					b.Fatal(err)
				}
				if !encoded {
					continue
				}
				if _, err := json.Marshal(doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
