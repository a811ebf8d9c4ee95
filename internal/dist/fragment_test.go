package dist

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// sendFragments cuts a SEND of payload into n fragments as OTP does.
func sendFragments(seq uint64, payload []byte, n int) (frames [][]byte) {
	control := controlOf(OpSend, unused, ourPid(7))
	size := (len(payload) + n - 1) / n
	for i := range n {
		piece := payload[min(i*size, len(payload)):min((i+1)*size, len(payload))]
		if i == 0 {
			frames = append(frames, fragment(typeFirst, seq, uint64(n), join(nil, control, piece)))
		} else {
			frames = append(frames, fragment(typeNext, seq, uint64(n-i), piece))
		}
	}
	return frames
}

func feed(t *testing.T, l *Link, frames ...[]byte) {
	t.Helper()
	for _, f := range frames {
		if err := l.in.frame(f); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFragments(t *testing.T) {
	hi := []byte{119, 2, 'h', 'i'}
	a, b := sendFragments(1, hi, 3), sendFragments(2, hi, 2)
	whole := fragment(typeFirst, 9, 1, join(nil, controlOf(OpSend, unused, ourPid(7)), hi))
	plainSend := frameOf(allAgreed, controlOf(OpSend, unused, ourPid(7)), []byte{106})[4:]
	one, lost := "send 7 77026869", "dropped us@h 7.0.11223344 fragment_order"
	for _, c := range []struct {
		name    string
		frames  [][]byte
		calls   []string
		dropped string
	}{
		{"in order", a, []string{one}, ""},
		{"one only", [][]byte{whole}, []string{one}, ""},
		{"two sequences by turns", [][]byte{a[0], b[0], a[1], b[1], a[2]}, []string{one, one}, ""},
		{"others between", [][]byte{a[0], plainSend, a[1], {}, a[2]}, []string{"send 7 6a", one}, ""},
		{"the same number again", append(append([][]byte{}, a...), a...), []string{one, one}, ""},
		{"next without first", [][]byte{a[1], a[2]}, nil, "fragment_orphan 2"},
		{"one left out", [][]byte{a[0], a[2]}, []string{lost}, "fragment_order 1"},
		{"one twice", [][]byte{a[0], a[1], a[1], a[2]}, []string{lost}, "fragment_order 1 fragment_orphan 1"},
		{"first twice", [][]byte{a[0], a[0], a[1], a[2]}, []string{lost, one}, "fragment_order 1"},
		{"first twice, the second whole", [][]byte{a[0], fragment(typeFirst, 1, 1, whole[19:])}, []string{lost, one}, "fragment_order 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &recorder{}
			l := idleLink(allAgreed, h)
			feed(t, l, c.frames...)
			if got := h.taken(); fmt.Sprint(got) != fmt.Sprint(c.calls) {
				t.Errorf("got %q, want %q", got, c.calls)
			}
			s := l.Stats()
			if got := showDropped(s.Dropped); got != c.dropped {
				t.Errorf("dropped %q, want %q", got, c.dropped)
			}
			if s.PartialBytes != 0 || s.PartialCounts != 0 {
				t.Errorf("%d bytes of %d sequences stay", s.PartialBytes, s.PartialCounts)
			}
		})
	}
}

func showDropped(m map[string]uint64) string {
	var parts []string
	for d := range dropCount {
		if n := m[d.String()]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", d, n))
		}
	}
	order := strings.Join(parts, " ")
	return order
}

// A control term that is bad in the end closes the link when it is complete.
func TestFragmentsMalformed(t *testing.T) {
	l := idleLink(allAgreed, &recorder{})
	feed(t, l, fragment(typeFirst, 1, 2, []byte{104, 3}))
	err := l.in.frame(fragment(typeNext, 1, 1, []byte{97}))
	var p *ProtocolError
	if !errors.As(err, &p) || p.Size != 3 || !bytes.Equal(p.Head, []byte{104, 3, 97}) {
		t.Errorf("got %v", err)
	}
}

// S4: 10,000 sequences that never end hold what the limits allow and no more.
func TestFragmentAbuse(t *testing.T) {
	l := idleLink(allAgreed, &recorder{})
	piece := make([]byte, 4096)
	for seq := range uint64(10_000) {
		feed(t, l, fragment(typeFirst, seq, 1000, piece), fragment(typeNext, seq, 999, piece))
	}
	s := l.Stats()
	if s.PartialCounts != 64 || s.PartialBytes != 64*2*4096 {
		t.Errorf("%d bytes of %d sequences", s.PartialBytes, s.PartialCounts)
	}
	if got, want := showDropped(s.Dropped), "fragment_orphan 9936 fragment_limit 9936"; got != want {
		t.Errorf("dropped %q, want %q", got, want)
	}
	l.Close(ReasonClosed, nil)
	if s := l.Stats(); s.PartialCounts != 0 || s.PartialBytes != 0 || s.Dropped["fragment_expiry"] != 64 {
		t.Errorf("%d sequences stay after close, dropped %v", s.PartialCounts, s.Dropped)
	}
	feed(t, l, fragment(typeFirst, 1, 1000, piece)) // the reader may have one frame to go
	if s := l.Stats(); s.PartialCounts != 0 {
		t.Errorf("%d sequences opened after close", s.PartialCounts)
	}
}

// Open sequences share the bound on bytes; the one that breaks it goes, and
// the others end well.
func TestFragmentBytesBound(t *testing.T) {
	h := &counting{}
	cfg := linkConfig(deadConn{}, allAgreed, h)
	cfg.Limits.Payload = 1 << 20
	l := NewLink(cfg)
	keeps := sendFragments(1, make([]byte, 700_000), 11)
	feed(t, l, keeps[:10]...)
	greedy := sendFragments(2, make([]byte, 700_000), 11)
	feed(t, l, greedy...)
	feed(t, l, keeps[10])
	if h.sends != 1 || h.bytes != 700_000 {
		t.Errorf("%d messages of %d bytes", h.sends, h.bytes)
	}
	s := l.Stats()
	if s.Dropped["fragment_limit"] != 1 || s.PartialBytes != 0 {
		t.Errorf("dropped %v, %d bytes stay", s.Dropped, s.PartialBytes)
	}
}

// The largest payload comes through, one byte more does not.
func TestFragmentLargestPayload(t *testing.T) {
	for _, c := range []struct{ size, want int }{{1 << 20, 1}, {1<<20 + fragmentSize, 0}} {
		h := &counting{}
		cfg := linkConfig(deadConn{}, allAgreed, h)
		cfg.Limits.Payload = 1 << 20
		l := NewLink(cfg)
		feed(t, l, sendFragments(1, make([]byte, c.size), 20)...)
		if h.sends != c.want {
			t.Errorf("%d bytes: %d messages, want %d", c.size, h.sends, c.want)
		}
	}
}

func TestFragmentExpiry(t *testing.T) {
	now := time.Unix(1000, 0)
	h := &recorder{}
	l := idleLink(allAgreed, h)
	frames := sendFragments(1, []byte{119, 2, 'h', 'i'}, 3)
	feed(t, l, frames[0])
	l.in.frags.expire(now)
	now = now.Add(29 * time.Second)
	if n := len(l.in.frags.expire(now)); n != 0 {
		t.Fatalf("%d expired after 29 s", n)
	}
	feed(t, l, frames[1])
	now = now.Add(29 * time.Second)
	if n := len(l.in.frags.expire(now)); n != 0 {
		t.Fatalf("%d expired though one came 29 s ago", n)
	}
	l.Forgive(now.Add(time.Hour))
	if n := len(l.in.frags.expire(now.Add(time.Hour))); n != 0 {
		t.Fatalf("%d expired though forgiven", n)
	}
	if n := len(l.in.frags.expire(now.Add(time.Hour + 30*time.Second))); n != 1 {
		t.Fatalf("%d expired, want 1", n)
	}
	feed(t, l, frames[2])
	if got := h.taken(); len(got) > 0 {
		t.Errorf("delivered %q", got)
	}
}

// What is sent to those with a bound does not take the room of those without.
func TestFragmentRoomIsApart(t *testing.T) {
	f := fragments{maxOpen: 2, maxBytes: 100}
	body := make([]byte, 50)
	for id := range uint64(2) {
		if d := f.first(id, 2, body, recipient{}, 1000); d != DropNone {
			t.Fatalf("sequence %d: %v", id, d)
		}
	}
	if d := f.first(2, 2, body, recipient{}, 1000); d != DropFragmentLimit {
		t.Errorf("one too many: %v", d)
	}
	for id := range uint64(2) {
		if d := f.first(10+id, 2, body, recipient{}, 0); d != DropNone {
			t.Errorf("one of no bound: %v", d)
		}
	}
	if d := f.first(12, 2, body, recipient{}, 0); d != DropFragmentLimit {
		t.Errorf("one of no bound too many: %v", d)
	}
	if _, _, d := f.next(10, 1, body); d != DropFragmentLimit {
		t.Errorf("more bytes of it than there is room: %v", d)
	}
	if bytes, count := f.held(); bytes != 150 || count != 3 {
		t.Errorf("%d bytes of %d sequences are held", bytes, count)
	}
}
