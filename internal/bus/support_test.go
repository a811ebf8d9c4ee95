package bus

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// over is a context that is over: with it, Batch and Next take what is there.
var over = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// say makes a message whose ID and payload tell its number.
func say(seq uint64) Incoming {
	return Incoming{
		From: "a@h", ID: fmt.Appendf(nil, "id-%d", seq), Seq: seq, At: int64(seq) * 10,
		Payload: binary.BigEndian.AppendUint64(nil, seq),
	}
}

// checkSaid holds a message against what say made of its Seq.
func checkSaid(t rapid.TB, m Message) {
	t.Helper()
	in := say(m.Seq)
	if m.ID != string(in.ID) || string(m.Payload) != string(in.Payload) || m.From != in.From || m.At != in.At {
		t.Fatalf("message %d came as %+v", m.Seq, m)
	}
}

// subscribe makes a subscriber of the channels.
func subscribe(b *Bus, o SubscriberOptions, names ...string) *Subscriber {
	s := b.NewSubscriber(o)
	for _, name := range names {
		b.Attach(s, name)
	}
	return s
}

// deliver delivers messages numbered from..to.
func deliver(c *Channel, from, to uint64) {
	for seq := from; seq <= to; seq++ {
		c.Deliver(say(seq))
	}
}

// drain reads what is there and why there is no more.
func drain(s *Subscriber) (all []Message, err error) {
	for {
		m, err := s.Next(over)
		if err != nil {
			return all, err
		}
		all = append(all, m)
	}
}

// marks are messages as "seq" or "seq+lost".
func marks(all []Message) (text []string) {
	for _, m := range all {
		if m.Lost > 0 {
			text = append(text, fmt.Sprintf("%d+%d", m.Seq, m.Lost))
		} else {
			text = append(text, fmt.Sprint(m.Seq))
		}
	}
	return text
}

// checkLaw wants offered = taken + dropped + queued for s, and returns them.
func checkLaw(t rapid.TB, s *Subscriber) (offered, taken, dropped uint64, queued int) {
	t.Helper()
	offered, taken, dropped, queued = s.Stats()
	if offered != taken+dropped+uint64(queued) {
		t.Fatalf("offered %d, but taken %d + dropped %d + queued %d", offered, taken, dropped, queued)
	}
	return offered, taken, dropped, queued
}

// checkCounters wants the law for the whole bus, and some of its counters.
func checkCounters(t rapid.TB, b *Bus, want map[string]uint64) {
	t.Helper()
	got := b.Counters()
	sum := got["bus_taken"] + got["bus_queued"]
	for _, why := range []string{"oldest", "disconnected", "closed", "blocked"} {
		sum += got["bus_dropped_"+why]
	}
	if got["bus_offered"] != sum {
		t.Fatalf("the counters do not add up to bus_offered: %v", got)
	}
	for name, n := range want {
		if v, ok := got[name]; !ok || v != n {
			t.Errorf("%s is %d (%t), want %d", name, v, ok, n)
		}
	}
}
