package links

import (
	"testing"

	"github.com/liminal-bus/liminal/internal/dist"
)

// BenchmarkHandshake is one link from the dial until both tables have it, and
// its end on both sides.
func BenchmarkHandshake(b *testing.B) {
	down := make(chan struct{}, 2)
	hooks := func(c *Config) {
		c.Up, c.Down = func(Info) {}, func(Info) { down <- struct{}{} }
	}
	x, y := open(b, "a@h", 1, hooks), open(b, "b@h", 2, hooks)
	b.ReportAllocs()
	for b.Loop() {
		info := x.mustDial(b, y, "b@h")
		y.await(b, "a@h")
		info.Link.Close(dist.ReasonClosed, nil)
		<-down
		<-down
	}
}
