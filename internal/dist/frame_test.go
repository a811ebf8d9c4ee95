package dist

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
)

// trickle gives its bytes in pieces of random size.
type trickle struct {
	b   []byte
	rnd *rand.Rand
	max int
}

func (r *trickle) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := min(len(p), len(r.b), 1+r.rnd.IntN(r.max))
	copy(p, r.b[:n])
	r.b = r.b[n:]
	return n, nil
}

// Frames come out whole and in order however the stream is cut, ticks too.
func TestFrameBufferAnyCuts(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		sizes := []int{0, 1, 3, 100, 4091, 4092, 4093, 5000, bigBuffer - 4, bigBuffer, 200_000}
		var stream []byte
		var want [][]byte
		for range 20 {
			frame := bytes.Repeat([]byte{byte(rnd.Uint32())}, sizes[rnd.IntN(len(sizes))])
			stream = append(binary.BigEndian.AppendUint32(stream, uint32(len(frame))), frame...)
			want = append(want, frame)
		}
		src := &trickle{stream, rnd, max(len(stream)/1000, 1<<(1+rnd.IntN(18)))}
		f := newFrameBuffer(maxFrameFragments)
		for len(want) > 0 {
			if _, err := f.fill(src); err != nil {
				t.Fatalf("seed %d: %v with %d frames to come", seed, err, len(want))
			}
			for {
				frame, ok, err := f.next()
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				if !bytes.Equal(frame, want[0]) {
					t.Fatalf("seed %d: frame of %d bytes, want %d", seed, len(frame), len(want[0]))
				}
				want = want[1:]
			}
		}
		f.release()
	}
}

// An idle link holds the small buffer however busy it was.
func TestFrameBufferShrinks(t *testing.T) {
	f := newFrameBuffer(maxFrameFragments)
	frame := append(binary.BigEndian.AppendUint32(nil, 300_000), make([]byte, 300_000)...)
	src := &trickle{frame, rand.New(rand.NewPCG(1, 1)), 1 << 20}
	for {
		if _, err := f.fill(src); err != nil {
			t.Fatal(err)
		}
		if _, ok, _ := f.next(); ok {
			break
		}
	}
	if len(f.b) < 300_000 {
		t.Fatalf("buffer of %d holds a frame of 300,000", len(f.b))
	}
	f.filled = false // what a read says that did not fill the buffer
	f.makeRoom()
	if len(f.b) != smallBuffer {
		t.Errorf("idle buffer of %d bytes, want %d", len(f.b), smallBuffer)
	}
}

// S3: lengths are compared as unsigned numbers and reserve nothing. One byte more
// must not cost more than the small buffer.
func TestDeclaredLengths(t *testing.T) {
	for _, c := range []struct {
		declared uint32
		refused  bool
	}{
		{0xFFFFFFFF, true}, {0x80000000, true}, {0x7FFFFFFF, true},
		{maxFrameFragments + 1, true}, {maxFrameFragments, false},
	} {
		buffers := make([]*frameBuffer, 1000)
		before := heap()
		for i := range buffers {
			buffers[i] = newFrameBuffer(maxFrameFragments)
			src := bytes.NewReader(append(binary.BigEndian.AppendUint32(nil, c.declared), 7))
			for src.Len() > 0 {
				if _, err := buffers[i].fill(src); err != nil {
					t.Fatal(err)
				}
			}
			_, ok, err := buffers[i].next()
			if ok || (err != nil) != c.refused {
				t.Fatalf("%#x: ok %t, err %v", c.declared, ok, err)
			}
			buffers[i].makeRoom()
		}
		if grown := heap() - before; grown > 8<<20 {
			t.Errorf("%#x on 1,000 links: heap grew by %d bytes", c.declared, grown)
		}
		runtime.KeepAlive(buffers)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// S3: a long frame costs at most twice what was received of it.
func TestFrameBufferGrowsByReceived(t *testing.T) {
	f := newFrameBuffer(maxFrameWhole)
	src := io.MultiReader(bytes.NewReader(binary.BigEndian.AppendUint32(nil, maxFrameWhole)), endless{})
	received := 0
	for {
		n, err := f.fill(src)
		if err != nil {
			t.Fatal(err)
		}
		most := max(2*received, bigBuffer) // received before: a read fills all there is
		received += n
		if len(f.b) > most {
			t.Fatalf("buffer of %d after %d bytes", len(f.b), received)
		}
		if frame, ok, _ := f.next(); ok {
			if len(frame) != maxFrameWhole {
				t.Fatalf("frame of %d", len(frame))
			}
			return
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
