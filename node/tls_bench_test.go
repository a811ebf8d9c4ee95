package node

import (
	"testing"

	"github.com/liminal-bus/liminal/internal/tlstest"
)

// BenchmarkTLSStream is a stream of small messages between two nodes of this
// process, in the clear and under TLS.
func BenchmarkTLSStream(b *testing.B) {
	ca := tlstest.NewCA(b, "Example CA")
	for _, under := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "tls"}[under], func(b *testing.B) {
			ca1, ca2 := testConfig(b, "a"), testConfig(b, "b")
			ca1.Logger, ca2.Logger = nil, nil
			if under {
				ca1.TLS, ca2.TLS = testTLS(b, ca, ca.Issue(b, "127.0.0.1")), testTLS(b, ca, ca.Issue(b, "127.0.0.1"))
			}
			from := start(b, ca1)
			ca2.Seeds = []string{from.testAddr()}
			s := subscribe(b, start(b, ca2), "bench")
			await(b, from, "bench", 1)
			p, err := from.Publisher("bench")
			if err != nil {
				b.Fatal(err)
			}
			payload := make([]byte, 128)
			b.SetBytes(int64(len(payload)))
			done := make(chan error, 1)
			go func() {
				for range b.N {
					if _, err := s.Next(b.Context()); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
			b.ResetTimer()
			for range b.N {
				if err := p.Publish(b.Context(), payload); err != nil {
					b.Fatal(err)
				}
			}
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		})
	}
}
