package dist

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
)

// FuzzControl gives one frame to a link in each framing: no panic, and an
// error is a *ProtocolError.
func FuzzControl(f *testing.F) {
	for _, c := range loadCaptures(f) {
		f.Add(c.frame)
	}
	for _, c := range opCases {
		control := controlOf(c.op, c.args...)
		var payload []byte
		if c.payload != nil {
			payload = termOf(c.payload)
		}
		f.Add(frameOf(allAgreed, control, payload)[4:])
		f.Add(frameOf(noHeaders, control, payload)[4:])
		f.Add(fragment(typeFirst, 1, 1, join(nil, control, payload)))
	}
	for _, c := range kernelCases {
		f.Add(frameOf(allAgreed, controlOf(OpRegSend, peerPid(5), unused, atom(c.to)), termOf(c.msg))[4:])
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		for _, agreed := range []Flags{allAgreed, noHeaders} {
			l := idleLink(agreed, &recorder{alive: map[uint32]bool{1000: true}})
			checkFrame(t, l, frame)
		}
	})
}

func checkFrame(t *testing.T, l *Link, frame []byte) {
	t.Helper()
	var p *ProtocolError
	if err := l.in.frame(frame); err != nil && !errors.As(err, &p) {
		t.Fatalf("not a protocol error: %v", err)
	}
	for _, answer := range queuedFrames(t, l) { // whole frames, which another link could read
		if len(answer) < 4 {
			t.Fatalf("answered %x", answer)
		}
	}
}

// FuzzFrames gives a stream in pieces of any size to a link: no panic, the
// same calls however it is cut, and no more memory than the limits allow.
func FuzzFrames(f *testing.F) {
	for i, c := range opCases { // short seeds: long ones take for ever to minimise
		var payload []byte
		if c.payload != nil {
			payload = termOf(c.payload)
		}
		frame := frameOf(allAgreed, controlOf(c.op, c.args...), payload)
		f.Add(append(frame, 0, 0, 0, 0), uint64(i))
	}
	var fragments []byte
	for _, b := range append(sendFragments(1, make([]byte, 50), 3), sendFragments(2, make([]byte, 20), 4)...) {
		fragments = append(binary.BigEndian.AppendUint32(fragments, uint32(len(b))), b...)
	}
	f.Add(fragments, uint64(2))
	f.Add([]byte{255, 255, 255, 255, 0}, uint64(3))
	f.Add([]byte{0, 15, 255, 255, 0}, uint64(4))
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		whole, err := streamed(t, stream, 1<<20, seed)
		cut, err2 := streamed(t, stream, 1+int(seed%100), seed)
		if len(whole) != len(cut) || (err == nil) != (err2 == nil) {
			t.Fatalf("%d calls and %v in one piece, %d and %v in many", len(whole), err, len(cut), err2)
		}
		for i := range whole {
			if whole[i] != cut[i] {
				t.Fatalf("call %d: %q in one piece, %q in many", i, whole[i], cut[i])
			}
		}
	})
}

func streamed(t *testing.T, stream []byte, most int, seed uint64) ([]string, error) {
	h := &recorder{alive: map[uint32]bool{1000: true}}
	l := idleLink(allAgreed, h)
	buf := newFrameBuffer(l.limits.Frame)
	defer buf.release()
	src := &trickle{bytes.Clone(stream), rand.New(rand.NewPCG(seed, 7)), most}
	for {
		_, end := buf.fill(src)
		err := l.frames(buf)
		if held, _ := l.in.frags.held(); held > len(stream) || len(buf.b) > 2*len(stream)+bigBuffer {
			t.Fatalf("%d bytes of fragments and a buffer of %d for a stream of %d", held, len(buf.b), len(stream))
		}
		if err != nil || end != nil {
			return h.taken(), err
		}
	}
}
