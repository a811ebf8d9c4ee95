package dist

import (
	"net"
	"testing"
	"time"
)

// BenchmarkHandshakeMachines is both roles without any I/O.
func BenchmarkHandshakeMachines(b *testing.B) {
	i, a := nodeLocal("i@host.example", "secret"), nodeLocal("a@host.example", "secret")
	b.ReportAllocs()
	for b.Loop() {
		im, am := initiatorFor(b, i, InitiatorHooks{}), acceptorFor(b, a, AcceptorHooks{})
		toA, finished := [][]byte{im.Name()}, 0
		for finished < 2 {
			var toI [][]byte
			for _, m := range toA {
				out, done, err := am.Step(m, 0)
				if err != nil {
					b.Fatal(err)
				}
				toI = append(toI, out...)
				finished += btoi(done)
			}
			toA = nil
			for _, m := range toI {
				out, done, err := im.Step(m, 0)
				if err != nil {
					b.Fatal(err)
				}
				toA = append(toA, out...)
				finished += btoi(done)
			}
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// BenchmarkHandshakePipe is Dial and Accept over an in-memory conn.
func BenchmarkHandshakePipe(b *testing.B) {
	i, a := nodeLocal("i@host.example", "secret"), nodeLocal("a@host.example", "secret")
	b.ReportAllocs()
	deadline := time.Now().Add(time.Hour)
	for b.Loop() {
		ours, theirs := net.Pipe()
		done := make(chan error, 1)
		go func() {
			_, err := Accept(theirs, deadline, a, AcceptorHooks{})
			done <- err
		}()
		if _, err := Dial(ours, deadline, i, InitiatorHooks{}); err != nil {
			b.Fatal(err)
		}
		if err := <-done; err != nil {
			b.Fatal(err)
		}
		ours.Close()
		theirs.Close()
	}
}
