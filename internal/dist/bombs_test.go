package dist

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/etf"
)

// linkBomb is a stream that a peer past the handshake may send. ends says that
// the link is to end of it; what is thrown away else is in dropped.
type linkBomb struct {
	name    string
	stream  []byte
	ends    bool
	dropped Drop
}

const linkBombSize = 256 << 10

// framed puts frames behind their lengths.
func framed(frames ...[]byte) (stream []byte) {
	for _, f := range frames {
		stream = append(binary.BigEndian.AppendUint32(stream, uint32(len(f))), f...)
	}
	return stream
}

// headed is a frame of that control term and payload as bytes.
func headed(control []byte, payload ...byte) []byte {
	return append(append([]byte{etf.Version, typeHeader, 0}, control...), payload...)
}

func hexed(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// filled repeats a frame until it fills linkBombSize.
func filled(frame []byte) []byte {
	return bytes.Repeat(framed(frame), linkBombSize/(len(frame)+4))
}

// sequences opens n of them, each of so many fragments and the first alone.
func sequences(n int, fragments uint64, body []byte) (frames [][]byte) {
	for i := range n {
		frames = append(frames, fragment(typeFirst, uint64(i), fragments, body))
	}
	return frames
}

func linkBombs() []linkBomb {
	send, sendCut := controlOf(OpSend, unused, ourPid(7)), controlOf(OpSend, unused, ourPid(7))
	sendCut = sendCut[:len(sendCut)-3]
	nest := func(n int, header string) []byte { return bytes.Repeat(hexed(header), n) }
	noise := make([]byte, linkBombSize)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	wide := func(arity uint32) []byte { return binary.BigEndian.AppendUint32([]byte{105}, arity) }
	first := func(seq, number uint64, body []byte) []byte { return framed(fragment(typeFirst, seq, number, body)) }
	next := func(seq, number uint64, body []byte) []byte { return framed(fragment(typeNext, seq, number, body)) }
	piece := make([]byte, 4096)
	return []linkBomb{
		{name: "a length of 2^32-1", stream: hexed("ffffffff83440001"), ends: true},
		{name: "a length of 2^31", stream: hexed("8000000083"), ends: true},
		{name: "a length one over the limit", stream: binary.BigEndian.AppendUint32(nil, maxFrameFragments+1), ends: true},
		{name: "a length of all there may be, and a byte", stream: binary.BigEndian.AppendUint32(nil, maxFrameFragments)},
		{name: "ticks without end", stream: make([]byte, linkBombSize)},
		{name: "frames of one byte", stream: filled([]byte{etf.Version}), ends: true},
		{name: "noise", stream: framed(noise), ends: true},
		{name: "headers of 255 atoms", stream: filled(hexed("8344ff")), ends: true},
		{name: "a header alone", stream: filled(hexed("834400")), ends: true},
		{name: "pass-through where headers were agreed", stream: filled(hexed("70836800")), ends: true},

		{name: "a control tuple of 2^32-1", stream: framed(headed(wide(1<<32 - 1))), ends: true},
		{name: "a control tuple of 2^31-1", stream: framed(headed(wide(1<<31 - 1))), ends: true},
		{name: "a control tuple of 200,000 more", stream: framed(headed(append(append(wide(200_000), send[2:]...), nest(199_997, "6a")...), 106)), ends: true},
		{name: "a control tuple of 255 more", stream: framed(headed(append(append([]byte{104, 255}, send[2:]...), nest(252, "6a")...), 106)), ends: true},
		{name: "an operation of 2^62", stream: framed(headed(hexed("680262" + "7fffffff" + "6a"))), ends: true},
		{name: "an operation that is a bignum of 1 MiB", stream: framed(headed(append(hexed("68036f0003fff000"), make([]byte, linkBombSize)...))), ends: true},
		{name: "an operation that is nested", stream: framed(headed(append([]byte{104, 2}, nest(linkBombSize/2, "6801")...))), ends: true},
		{name: "a pid nested without end", stream: framed(headed(append(hexed("680361027700"), nest(linkBombSize/2, "6801")...))), ends: true},
		{name: "a token nested without end", stream: framed(headed(append(controlOf(OpSendTT, unused, ourPid(7), unused)[:len(controlOf(OpSendTT, unused, ourPid(7), unused))-2], nest(linkBombSize/2, "6801")...))), ends: true},
		{name: "a reason nested without end", stream: framed(headed(append(controlOf(OpExit, peerPid(5), ourPid(7), unused)[:len(controlOf(OpExit, peerPid(5), ourPid(7), unused))-2], nest(linkBombSize/2, "6801")...))), ends: true},
		{name: "a reason of many lists", stream: framed(headed(append(controlOf(OpExit, peerPid(5), ourPid(7), unused)[:len(controlOf(OpExit, peerPid(5), ourPid(7), unused))-2], append(binary.BigEndian.AppendUint32([]byte{108}, 40_000), append(nest(40_000, "6c000000016a6a"), 106)...)...)))},
		{name: "a name of 255 characters", stream: filled(headed(controlOf(OpRegSend, peerPid(5), unused, atom(string(bytes.Repeat([]byte("x"), 255)))), 106))},
		{name: "a reference of 65,535 words", stream: framed(headed(append(append([]byte{104, 3, 97, byte(OpAliasSend)}, etf.AppendPid(nil, peerPid(5))...), append(hexed("5affff770468657265"), make([]byte, linkBombSize)...)...))), ends: true},
		{name: "a control term that is cut", stream: filled(headed(sendCut)), ends: true},
		{name: "no payload", stream: filled(headed(send)), ends: true},
		{name: "a payload nested without end", stream: framed(headed(send, nest(linkBombSize/2, "6801")...))},
		{name: "a compressed control term", stream: framed(headed(hexed("5000100000789c"))), ends: true},
		{name: "links to nobody", stream: filled(headed(controlOf(OpLink, peerPid(5), ourPid(7))))},
		{name: "monitors of nobody", stream: filled(headed(controlOf(OpMonitor, peerPid(5), ourPid(7), newRef(peerName, peerLife, 1, 2, 3))))},
		{name: "spawns", stream: filled(headed(controlOf(OpSpawnRequest, newRef(peerName, peerLife, 1, 2, 3), peerPid(5), peerPid(5), mfa, etf.List{}), 106))},
		{name: "forged links", stream: filled(headed(controlOf(OpLink, third, ourPid(7)))), dropped: DropForged},

		{name: "a fragment without its header", stream: filled(hexed("8345")), ends: true},
		{name: "fragment 0", stream: filled(fragment(typeFirst, 1, 0, piece)), ends: true},
		{name: "fragments of nothing", stream: filled(fragment(typeNext, 1, 5, piece)), dropped: DropFragmentOrphan},
		{name: "a sequence of 2^64-1 fragments", stream: append(first(1, 1<<64-1, piece), next(1, 1<<64-2, piece)...)},
		{name: "first fragments of one sequence", stream: filled(fragment(typeFirst, 1, 9, piece)), dropped: DropFragmentOrder},
		{name: "10,000 sequences", stream: framed(sequences(10_000, 2, nil)...), dropped: DropFragmentLimit},
		{name: "10,000 sequences of a control term", stream: framed(sequences(10_000, 2, send)...), dropped: DropFragmentLimit},
		{name: "64 sequences of 4 KiB", stream: framed(sequences(64, 1<<40, piece)...)},
		{name: "a message in fragments of one byte", stream: framed(sendFragments(1, make([]byte, 5000), 5000)...)},
		{name: "fragments of no bytes", stream: framed(append([][]byte{fragment(typeFirst, 1, 10_000, send)}, emptyFragments(1, 9_999)...)...), ends: true},
		{name: "a fragment with a reference to an atom", stream: filled(append(fragment(typeFirst, 1, 2, nil)[:18], 1)), ends: true},
		{name: "a control term of one byte a fragment", stream: framed(byBytes(1, append(bytes.Clone(send), 106))...)},
		{name: "nesting by fragments", stream: framed(byPieces(1, append([]byte{104, 2, 97, 2}, nest(linkBombSize/2, "6801")...), 8192)...), ends: true},
		{name: "numbers that go up", stream: append(first(1, 5, piece), next(1, 6, piece)...), dropped: DropFragmentOrder},
	}
}

func emptyFragments(seq uint64, n int) (frames [][]byte) {
	for i := n; i > 0; i-- {
		frames = append(frames, fragment(typeNext, seq, uint64(i), nil))
	}
	return frames
}

func byBytes(seq uint64, message []byte) [][]byte { return byPieces(seq, message, 1) }

// byPieces cuts a message, control term and all, into fragments of that size.
func byPieces(seq uint64, message []byte, size int) (frames [][]byte) {
	count := (len(message) + size - 1) / size
	for i := range count {
		typ := byte(typeNext)
		if i == 0 {
			typ = typeFirst
		}
		frames = append(frames, fragment(typ, seq, uint64(count-i), message[i*size:min((i+1)*size, len(message))]))
	}
	return frames
}

// allocatedBy gives all that f allocates with collection off, which is more than
// any peak of the heap.
func allocatedBy(f func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// S4: hand-made streams and fragments that ask for more than they are. None takes
// more heap than 40 bytes a byte and 1 MiB, or more time than 50 ms a MiB; those
// that are no frames end the link, the others are counted. The table of terms is
// in internal/etf.
func TestLinkBombs(t *testing.T) {
	for _, c := range linkBombs() {
		t.Run(c.name, func(t *testing.T) {
			var err error
			var l *Link
			best := time.Hour
			heap := allocatedBy(func() {
				l = idleLink(allAgreed, &counting{})
				err = swallow(l, c.stream)
			})
			for range 3 {
				begin := time.Now()
				_ = swallow(idleLink(allAgreed, &counting{}), c.stream)
				best = min(best, time.Since(begin))
			}
			var p *ProtocolError
			if errors.As(err, &p) != c.ends || err != nil && !c.ends {
				t.Errorf("got %v, want an end: %t", err, c.ends)
			}
			s := l.Stats()
			if c.dropped != DropNone && s.Dropped[c.dropped.String()] == 0 {
				t.Errorf("dropped %v, want some %v", s.Dropped, c.dropped)
			}
			// What is answered is bounded by the control lane, and counts apart.
			if most := min(40*uint64(len(c.stream))+1<<20, 96<<20); heap > most {
				t.Errorf("%d bytes took %d of heap, at most %d are allowed", len(c.stream), heap, most)
			}
			slack := 200 * time.Millisecond
			if most := slack + time.Duration(len(c.stream))*50*time.Millisecond>>20; best > most {
				t.Errorf("%d bytes took %v, at most %v are allowed", len(c.stream), best, most)
			}
			l.Close(ReasonClosed, nil)
			if s := l.Stats(); s.PartialBytes != 0 || s.PartialCounts != 0 {
				t.Errorf("%d bytes of %d sequences stay after the end", s.PartialBytes, s.PartialCounts)
			}
		})
	}
}

// swallow reads a stream to its end, or to that of the link.
func swallow(l *Link, stream []byte) error {
	buf := newFrameBuffer(l.limits.Frame)
	defer buf.release()
	src := bytes.NewReader(stream)
	for {
		_, end := buf.fill(src)
		if err := l.frames(buf); err != nil {
			return err
		}
		if end != nil {
			return nil
		}
	}
}
