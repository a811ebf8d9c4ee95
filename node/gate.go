package node

import "sync"

// What is built of messages at one time, in bytes of them: a term may take forty
// times its encoding, so that a thousand peers that each send their worst at the
// same moment cost no more than one of them. A message longer than all of it has
// it to itself. Those that are shorter than gateFree pass by, a channel's message
// of liminal's own form too: nothing is built of them.
const (
	gateSize = 1 << 20
	gateFree = 1 << 10
)

// gate lets messages be decoded, in the order they came, while there is room.
// Links' readers wait at it, each for as long as the decoding before it takes:
// who is in waits for nothing but locks that nobody holds while waiting here.
type gate struct {
	mu    sync.Mutex
	used  int
	queue []*atGate // who waits, the first first
}

// atGate is a message that waits.
type atGate struct {
	size int
	in   chan struct{} // closed when it has its room
}

// enter waits for room for a message of size bytes; the function gives it back.
func (g *gate) enter(size int) (leave func()) {
	if size < gateFree {
		return func() {}
	}
	w := &atGate{min(size, gateSize), make(chan struct{})}
	g.mu.Lock()
	g.queue = append(g.queue, w)
	g.admit()
	g.mu.Unlock()
	<-w.in
	return func() { g.leave(w.size) }
}

func (g *gate) leave(size int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.used -= size
	g.admit()
}

// admit lets in those at the front for whom there is room. Nobody overtakes, or a
// long message could wait for ever. The caller holds g.mu.
func (g *gate) admit() {
	for len(g.queue) > 0 && g.used+g.queue[0].size <= gateSize {
		g.used += g.queue[0].size
		close(g.queue[0].in)
		g.queue[0] = nil
		g.queue = g.queue[1:]
	}
	if len(g.queue) == 0 {
		g.queue = nil
	}
}
