package node

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/liminal-bus/liminal/internal/bus"
	"github.com/liminal-bus/liminal/internal/etf"
)

// slowly reads a message without the fast path.
func (n *Node) slowly(from string, msg []byte) (in bus.Incoming, err error) {
	in.From = from
	r := etf.NewReader(msg, etf.WireLimits())
	return in, n.unsealOurs(&in, &r)
}

func same(a, b bus.Incoming) bool {
	return a.From == b.From && bytes.Equal(a.ID, b.ID) && bytes.Equal(a.Payload, b.Payload) && a.Seq == b.Seq && a.At == b.At && a.Encoding == b.Encoding
}

// What is sealed is unsealed, on the fast path.
func TestSealAndUnseal(t *testing.T) {
	n := &Node{}
	rapid.Check(t, func(t *rapid.T) {
		e := newEnvelope("a@host", rapid.SampledFrom([]string{"orders", ":orders", "é"}).Draw(t, "channel"))
		want := bus.Incoming{
			From: "a@host", ID: rapid.SliceOfN(rapid.Byte(), 0, maxMessageID).Draw(t, "id"), Payload: rapid.SliceOf(rapid.Byte()).Draw(t, "payload"),
			At:  rapid.OneOf(rapid.Int64Range(0, 1<<62), rapid.Int64Range(0, 300)).Draw(t, "at"),
			Seq: rapid.OneOf(rapid.Uint64Range(0, 1<<62), rapid.Uint64Range(250, 260), rapid.Uint64Range(1<<31-2, 1<<31+2)).Draw(t, "seq"),
		}
		msg := e.seal(nil, &want)
		fast := bus.Incoming{From: "a@host"}
		if !n.unsealFast(&fast, msg) || !same(fast, want) {
			t.Fatalf("fast: %+v\nwant %+v", fast, want)
		}
		if slow, err := n.slowly("a@host", msg); err != nil || !same(slow, want) {
			t.Fatalf("slow: %+v, %v\nwant %+v", slow, err, want)
		}
	})
	if n.counts.fromForged.Load() != 0 {
		t.Error("messages from their sender were counted as forged")
	}
}

// The fast path understands nothing that the other one does not, or otherwise.
func FuzzUnseal(f *testing.F) {
	e := newEnvelope("a@host", "orders")
	for _, at := range []int64{0, 7, 300, 1 << 40} {
		f.Add(e.seal(nil, &bus.Incoming{Payload: []byte("payload"), ID: []byte("id"), At: at, Seq: uint64(at)}))
		f.Add(e.seal(nil, &bus.Incoming{Payload: []byte("{a}"), ID: []byte("id"), At: at, Encoding: bus.Erlang}))
	}
	f.Add(etf.AppendBinary(nil, []byte("bare")))
	f.Add(etf.AppendAtom(etf.AppendTuple(nil, 4), "liminal"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		n := &Node{cfg: Config{MaxMessage: 1000}}
		fast := bus.Incoming{From: "a@host"}
		if n.unsealFast(&fast, msg) {
			if slow, err := n.slowly("a@host", msg); err != nil || !same(fast, slow) {
				t.Fatalf("fast %+v\nslow %+v, %v", fast, slow, err)
			}
		}
		if in, err := n.unseal("a@host", msg); err == nil && in.From != "a@host" {
			t.Errorf("%+v", in)
		}
	})
}
