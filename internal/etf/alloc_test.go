package etf

import (
	"testing"

	"github.com/liminal-bus/liminal/internal/perf"
)

var (
	from = Pid{"a@127.0.0.1", 77, 0, 0x11223344}
	to   = Pid{"b@127.0.0.1", 12, 3, 0x55667788}
)

// send is SEND_SENDER {22, From, To} and a small payload, as bytes.
func send(dst []byte) []byte {
	dst = AppendTuple(dst, 3)
	dst = AppendInt(dst, 22)
	dst = AppendPid(dst, from)
	dst = AppendPid(dst, to)
	return AppendBinary(dst, []byte("a small payload!"))
}

func decodeSend(tb testing.TB, b []byte) {
	control, rest, err := Decode(b, WireLimits())
	if err != nil || len(control.(Tuple)) != 3 {
		tb.Fatal(err)
	}
	if _, rest, err = Decode(rest, WireLimits()); err != nil || len(rest) != 0 {
		tb.Fatal(err)
	}
}

func readSend(tb testing.TB, b []byte) {
	r := NewReader(b, WireLimits())
	n, err := r.TupleHeader()
	op, err2 := r.Int()
	sender, err3 := r.PidView()
	target, err4 := r.PidView()
	payload, err5 := r.Binary()
	if err != nil || err2 != nil || err3 != nil || err4 != nil || err5 != nil {
		tb.Fatal(err, err2, err3, err4, err5)
	}
	if n != 3 || op != 22 || string(sender.Node) != "a@127.0.0.1" || target.ID != 12 || len(payload) != 16 {
		tb.Fatal("misread")
	}
}

func skipSend(tb testing.TB, b []byte) {
	r := NewReader(b, WireLimits())
	for range 2 { // control message, payload
		if err := r.Skip(); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestCostOfTerms(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget at random")
	}
	b, buf := send(nil), make([]byte, 0, 256)
	meta, err := Append(nil, Map{{Atom("id"), Binary("x")}, {Atom("at"), int64(1) << 50}, {Atom("seq"), 7}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		row string
		f   func()
	}{
		{"etf.decode.allocs", func() { decodeSend(t, b) }},
		{"etf.read.allocs", func() { readSend(t, b) }},
		{"etf.skip.allocs", func() { skipSend(t, b) }},
		{"etf.skip_map.allocs", func() { r := NewReader(meta, WireLimits()); _ = r.Skip() }},
		{"etf.encode.allocs", func() { buf = send(buf[:0]) }},
	} {
		perf.Most(t, c.row, testing.AllocsPerRun(1000, c.f))
	}
}

func BenchmarkDecodeSend(b *testing.B) {
	msg := send(nil)
	b.ReportAllocs()
	for b.Loop() {
		decodeSend(b, msg)
	}
}

func BenchmarkReadSend(b *testing.B) {
	msg := send(nil)
	b.ReportAllocs()
	for b.Loop() {
		readSend(b, msg)
	}
}

func BenchmarkSkipSend(b *testing.B) {
	msg := send(nil)
	b.ReportAllocs()
	for b.Loop() {
		skipSend(b, msg)
	}
}

func BenchmarkEncodeSend(b *testing.B) {
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		buf = send(buf[:0])
	}
}

func BenchmarkAppendSend(b *testing.B) {
	control, buf := Term(Tuple{int64(22), from, to}), make([]byte, 0, 256)
	payload := Term(Binary("a small payload!"))
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = Append(buf[:0], control)
		buf, _ = Append(buf, payload)
	}
}
