package dist

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/internal/etf"
	"pgregory.net/rapid"
)

// reassemble gives frames to a link that stands at the other end, and returns
// the payloads its Handler got, one text a message.
func reassemble(t testing.TB, agreed Flags, frames [][]byte) []string {
	t.Helper()
	h := &recorder{}
	cfg := linkConfig(deadConn{}, agreed, h)
	cfg.Local, cfg.Remote = Local{Name: peerName, Creation: peerLife}, Remote{Name: ourName, Creation: ourLife, Agreed: agreed}
	l := NewLink(cfg)
	for _, f := range frames {
		if err := l.in.frame(f); err != nil {
			t.Fatal(err)
		}
	}
	return h.taken()
}

// Whatever sizes are put in, in either framing: the same messages come out in
// order, no batch is cut inside a frame, each is bounded, and the account ends
// at zero.
func TestLaneConserves(t *testing.T) {
	sizes := []int{1, 100, KeepFrom - 1, KeepFrom, fragmentSize, fragmentSize + 1, 2 * fragmentSize, 3*fragmentSize - 7}
	rapid.Check(t, func(t *rapid.T) {
		agreed := rapid.SampledFrom([]Flags{allAgreed, noHeaders}).Draw(t, "agreed")
		l := idleLink(agreed, nil)
		var wire []byte
		var want []int
		step := func() bool {
			b, ok := writeByHand(l)
			if len(b) > batchSize+maxFrameFragments {
				t.Fatalf("batch of %d", len(b))
			}
			wire = append(wire, b...)
			return ok
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "write") {
				step()
				continue
			}
			n := rapid.SampledFrom(sizes).Draw(t, "size")
			if !published(l, payloadOf(n)) {
				t.Fatal("refused")
			}
			want = append(want, n)
			if s := l.Stats(); s.Queued+int(s.Written) != len(want) {
				t.Fatalf("%d queued, %d put, %d written", s.Queued, len(want), s.Written)
			}
		}
		for step() {
		}
		if s := l.Stats(); s.QueuedBytes != 0 || int(s.Written) != len(want) || len(l.behind) > 0 {
			t.Fatalf("account at the end: %+v, %d processes", s, len(l.behind))
		}
		checkWire(t, agreed, wire, want)
	})
}

func payloadOf(n int) []byte {
	if n < 6 {
		return []byte{106}
	}
	return etf.AppendBinary(nil, make([]byte, n-5))
}

func checkWire(t *rapid.T, agreed Flags, wire []byte, want []int) {
	h := &sizes{}
	cfg := linkConfig(deadConn{}, agreed, h)
	cfg.Local, cfg.Remote = Local{Name: peerName, Creation: peerLife}, Remote{Name: ourName, Creation: ourLife, Agreed: agreed}
	l := NewLink(cfg)
	for len(wire) > 0 {
		n := 4 + int(binary.BigEndian.Uint32(wire))
		if n > 4+fragmentSize+200 && agreed == allAgreed {
			t.Fatalf("frame of %d bytes", n)
		}
		if err := l.in.frame(wire[4:n]); err != nil {
			t.Fatal(err)
		}
		wire = wire[n:]
	}
	if len(h.got) != len(want) {
		t.Fatalf("%d messages, want %d", len(h.got), len(want))
	}
	for i := range want {
		if h.got[i] != want[i] {
			t.Fatalf("message %d has %d bytes, want %d", i, h.got[i], want[i])
		}
	}
}

// sizes is a Handler that notes how long messages are.
type sizes struct {
	counting
	got []int
}

func (h *sizes) Send(_ *Link, _ etf.PidView, msg []byte) { h.got = append(h.got, len(msg)) }

// Fragments as OTP writes them: 65,536 bytes each, numbers down to 1.
func TestFragmentsWritten(t *testing.T) {
	l := idleLink(allAgreed, nil)
	msg := payloadOf(2*fragmentSize + 10)
	l.Publish(peerPid(7), msg)
	l.Publish(peerPid(7), msg)
	frames := queuedFrames(t, l)
	if len(frames) != 6 {
		t.Fatalf("%d frames", len(frames))
	}
	control := controlOf(OpSend, unused, peerPid(7))
	want := [][]byte{
		fragment(typeFirst, 1, 3, join(nil, control, msg[:fragmentSize])),
		fragment(typeNext, 1, 2, msg[fragmentSize:2*fragmentSize]),
		fragment(typeNext, 1, 1, msg[2*fragmentSize:]),
		fragment(typeFirst, 2, 3, join(nil, control, msg[:fragmentSize])),
	}
	for i, w := range want {
		if !bytes.Equal(frames[i], w) {
			t.Errorf("frame %d is not as wanted: %d bytes, want %d, head %x want %x", i, len(frames[i]), len(w), frames[i][:20], w[:20])
		}
	}
	if calls := reassemble(t, allAgreed, frames); len(calls) != 2 {
		t.Errorf("%d messages came out", len(calls))
	}
}

// The bounds of the data lane are exact.
func TestDataLaneBounds(t *testing.T) {
	l := idleLink(allAgreed, nil)
	accepted := 0
	for range 10_000 {
		if published(l, []byte{106}) {
			accepted++
		}
	}
	s := l.Stats()
	if accepted != 8192 || s.Queued != 8192 || s.Dropped["full"] != 10_000-8192 || s.Offered != 10_000 {
		t.Errorf("%d accepted: %+v", accepted, s)
	}

	l = idleLink(allAgreed, nil)
	for _, size := range []int{100, 20_000, 70_000} {
		for published(l, payloadOf(size)) {
		}
	}
	s = l.Stats()
	if s.QueuedBytes > 8<<20 || s.QueuedBytes < 8<<20-70_000 && s.Queued < 8192 {
		t.Errorf("%d bytes queued", s.QueuedBytes)
	}

	l = idleLink(allAgreed, nil)
	if !published(l, payloadOf(9<<20)) {
		t.Error("9 MiB refused by an empty lane")
	}
	if l.Publish(peerPid(8), payloadOf(9<<20)); l.Stats().Dropped["full"] != 1 {
		t.Error("two of 9 MiB accepted")
	}
	for range 8 {
		if !published(l, payloadOf(1<<20-100)) {
			t.Error("refused for what is left of 9 MiB")
		}
	}
	if published(l, payloadOf(1<<20-100)) {
		t.Error("accepted over the bound, behind 9 MiB")
	}
	for _, bad := range [][]byte{nil, payloadOf(65 << 20)} {
		if published(idleLink(allAgreed, nil), bad) {
			t.Errorf("accepted %d bytes", len(bad))
		}
	}
	if published(idleLink(noHeaders, nil), payloadOf(16<<20)) {
		t.Error("accepted more than a frame where fragments were not agreed")
	}
}

// The control lane takes its limit, and the message above it ends the link;
// long payloads are apart.
func TestControlLaneBound(t *testing.T) {
	l := idleLink(allAgreed, nil)
	if err := l.Send(ourPid(1), peerPid(7), payloadOf(32<<20)); err != nil {
		t.Fatal(err)
	}
	if got := l.ControlBytes(); got > 1000 {
		t.Errorf("%d bytes wait, long payloads apart", got)
	}
	sent := 0
	for ; l.Send(ourPid(1), peerPid(7), payloadOf(1000)) == nil; sent++ {
	}
	r, detail, _ := l.Down()
	if r != ReasonControlOverflow || detail == "" {
		t.Fatalf("down with %q %q", r, detail)
	}
	frame := len(frameOf(allAgreed, controlOf(OpSendSender, ourPid(1), peerPid(7)), payloadOf(1000)))
	if over := (16<<20)/frame - sent; over < 0 || over > 1 {
		t.Errorf("%d frames of %d bytes were taken", sent, frame)
	}
}

// What is apart has a bound of its own.
func TestControlLaneBoundOfLongPayloads(t *testing.T) {
	l := idleLink(allAgreed, nil)
	long := payloadOf(32<<20 - 100)
	for range 2 {
		if err := l.Send(ourPid(1), peerPid(7), long); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Send(ourPid(1), peerPid(7), payloadOf(70_000)); !errors.Is(err, ErrLinkDown) {
		t.Errorf("taken: %v", err)
	}
	if r, _, _ := l.Down(); r != ReasonControlOverflow {
		t.Errorf("down with %q", r)
	}
}

// The control lane copies, so that a caller may use its buffer again.
func TestControlLaneCopies(t *testing.T) {
	for _, size := range []int{100, fragmentSize + 1000} {
		l := idleLink(allAgreed, nil)
		msg := payloadOf(size)
		want := bytes.Clone(msg)
		if err := l.Send(ourPid(1), peerPid(7), msg); err != nil {
			t.Fatal(err)
		}
		clear(msg)
		calls := reassemble(t, allAgreed, queuedFrames(t, l))
		if len(calls) != 1 || !strings.HasSuffix(calls[0], hex.EncodeToString(want)) {
			t.Errorf("a message of %d bytes changed after it was queued", size)
		}
	}
}

// A message that never changes is not copied for each link.
func TestSendSharedKeeps(t *testing.T) {
	msg := payloadOf(10 << 20)
	l := idleLink(allAgreed, nil)
	if err := l.SendShared(ourPid(1), peerPid(7), msg); err != nil {
		t.Fatal(err)
	}
	if big := l.ctl.fill.big; len(big) != 1 || &big[0].msg[0] != &msg[0] {
		t.Error("a long message was copied")
	}
	if err := l.SendShared(ourPid(1), peerPid(7), nil); err == nil {
		t.Error("an empty message was taken")
	}
	if err := l.SendShared(ourPid(1), peerPid(7), payloadOf(65<<20)); !errors.Is(err, ErrPayloadTooLarge) {
		t.Errorf("65 MiB: %v", err)
	}
	want, got := idleLink(allAgreed, nil), idleLink(allAgreed, nil)
	want.Send(ourPid(1), peerPid(7), payloadOf(1000))
	got.SendShared(ourPid(1), peerPid(7), payloadOf(1000))
	if string(want.ctl.fill.b) != string(got.ctl.fill.b) {
		t.Error("a short message is not written as Send writes it")
	}
}
