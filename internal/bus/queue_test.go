package bus

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestFullQueue tells for each policy what a burst leaves behind.
func TestFullQueue(t *testing.T) {
	for _, tc := range []struct {
		name     string
		options  SubscriberOptions
		messages uint64 // of 8 bytes, with IDs of 4 bytes up to id-9
		want     []string
		err      error
		counters map[string]uint64
	}{
		{"room for all", SubscriberOptions{Queue: 4}, 4, []string{"1", "2", "3", "4"}, context.Canceled,
			map[string]uint64{"bus_offered": 4, "bus_taken": 4, "bus_dropped_oldest": 0, "bus_subscribers": 1}},
		{"oldest by count", SubscriberOptions{Queue: 4}, 9, []string{"6+5", "7", "8", "9"}, context.Canceled,
			map[string]uint64{"bus_offered": 9, "bus_dropped_oldest": 5}},
		{"a queue of one", SubscriberOptions{Queue: 1}, 9, []string{"9+8"}, context.Canceled, nil},
		{"oldest by bytes", SubscriberOptions{QueueBytes: 3 * 12}, 5, []string{"3+2", "4", "5"}, context.Canceled, nil},
		{"a byte too few", SubscriberOptions{QueueBytes: 3*12 - 1}, 5, []string{"4+3", "5"}, context.Canceled, nil},
		{"longer than the queue", SubscriberOptions{QueueBytes: 1}, 3, []string{"3+2"}, context.Canceled, nil},
		{"block, from a link", SubscriberOptions{Policy: Block, Queue: 2}, 5, []string{"4+3", "5"}, context.Canceled,
			map[string]uint64{"bus_dropped_oldest": 3, "bus_dropped_blocked": 0}},
		{"disconnect", SubscriberOptions{Policy: Disconnect, Queue: 4}, 9, nil, ErrSlow,
			map[string]uint64{"bus_offered": 5, "bus_dropped_disconnected": 5, "bus_queued": 0}},
		{"disconnect by bytes", SubscriberOptions{Policy: Disconnect, QueueBytes: 12}, 9, nil, ErrSlow,
			map[string]uint64{"bus_offered": 2, "bus_dropped_disconnected": 2}},
		{"disconnect, not over", SubscriberOptions{Policy: Disconnect, Queue: 4}, 4, []string{"1", "2", "3", "4"}, context.Canceled, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := New(Options{})
			s := subscribe(b, tc.options, "chat")
			deliver(b.Channel("chat"), 1, tc.messages)
			checkLaw(t, s)
			all, err := drain(s)
			if got := marks(all); !slices.Equal(got, tc.want) {
				t.Errorf("read %q, want %q", got, tc.want)
			}
			for _, m := range all {
				checkSaid(t, m)
			}
			if !errors.Is(err, tc.err) {
				t.Errorf("then %v, want %v", err, tc.err)
			}
			checkCounters(t, b, tc.counters)
		})
	}
}

// TestMessage looks at each field, and at the two that are copied.
func TestMessage(t *testing.T) {
	b := New(Options{})
	s := subscribe(b, SubscriberOptions{}, "chat", ":chat")
	id, payload := []byte("id"), []byte("payload")
	in := Incoming{From: "a@h", ID: id, Payload: payload, Seq: 7, At: 8, Encoding: Erlang}
	if got, want := b.Channel("chat").Deliver(in), (Took{1, 1, 0}); got != want {
		t.Errorf("took %+v, want %+v", got, want)
	}
	clear(id)
	clear(payload)
	b.Channel(":chat").Deliver(Incoming{})
	all, _ := drain(s)
	if len(all) != 2 {
		t.Fatalf("%d messages, want 2", len(all))
	}
	m := all[0]
	if m.Channel != "chat" || m.From != "a@h" || m.ID != "id" || m.Seq != 7 || m.At != 8 || m.Encoding != Erlang || string(m.Payload) != "payload" {
		t.Errorf("got %+v", m)
	}
	if m.Payload = append(m.Payload, "!!!!"...); string(all[0].Payload) != "payload" || cap(all[0].Payload) != 7 {
		t.Error("an append to a payload writes into the slab")
	}
	if m := all[1]; m.Channel != ":chat" || m.ID != "" || m.Payload != nil {
		t.Errorf("an empty one came as %+v", m)
	}
}

// TestSizes carries payloads around every length at which a slab changes.
func TestSizes(t *testing.T) {
	b := New(Options{})
	s := subscribe(b, SubscriberOptions{}, "chat")
	c := b.Channel("chat")
	var want []string
	for _, around := range []int{1, minSlab, 2 * minSlab, ownSlice, maxSlab, 1 << 20} {
		for n := around - 1; n <= around+1; n++ {
			want = append(want, strings.Repeat(string(rune('a'+len(want))), n))
			c.Deliver(Incoming{ID: []byte("id"), Payload: []byte(want[len(want)-1])})
		}
	}
	all, _ := drain(s)
	for i, m := range all {
		if m.ID != "id" || string(m.Payload) != want[i] {
			t.Errorf("message %d of %d bytes came with ID %q and %d bytes", i, len(want[i]), m.ID, len(m.Payload))
		}
	}
	if len(all) != len(want) {
		t.Errorf("%d messages, want %d", len(all), len(want))
	}
}

// TestBatch takes no more than fits, marks losses once, and honours ctx only
// when there is nothing.
func TestBatch(t *testing.T) {
	b := New(Options{Queue: 8})
	s := subscribe(b, SubscriberOptions{}, "chat", "news")
	chat, news := b.Channel("chat"), b.Channel("news")
	deliver(chat, 1, 3)
	deliver(news, 4, 6)
	deliver(chat, 7, 10) // two over: 1 and 2 go
	dst := make([]Message, 5)
	n, err := s.Batch(over, dst)
	if got := marks(dst[:n]); err != nil || !slices.Equal(got, []string{"3+2", "4", "5", "6", "7"}) {
		t.Fatalf("got %q, %v", got, err)
	}
	if dst[0].Channel != "chat" || dst[1].Channel != "news" || dst[4].Channel != "chat" {
		t.Errorf("channels are mixed up: %+v", dst)
	}
	for name, queued := range map[string]int{"chat": 3, "news": 0} {
		if i, _ := b.Info(name); i.Queued != queued {
			t.Errorf("%s has %d queued, want %d", name, i.Queued, queued)
		}
	}
	if n, err := s.Batch(over, nil); n != 0 || err != nil {
		t.Errorf("no room: %d, %v", n, err)
	}
	drain(s)
	cause := errors.New("had enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	if _, err := s.Batch(ctx, dst); err != cause {
		t.Errorf("got %v, want the cause", err)
	}
}

// TestEnds tells what a reader gets after each end.
func TestEnds(t *testing.T) {
	three := []string{"1", "2", "3"}
	for _, tc := range []struct {
		name string
		end  func(b *Bus, s *Subscriber)
		want []string
		drop uint64
	}{
		{"close drains", func(b *Bus, _ *Subscriber) { b.Close() }, three, 0},
		{"detach does not", func(b *Bus, s *Subscriber) { b.Detach(s) }, nil, 3},
		{"close, then detach", func(b *Bus, s *Subscriber) { b.Close(); b.Detach(s) }, nil, 3},
		{"detach, then close", func(b *Bus, s *Subscriber) { b.Detach(s); b.Close() }, nil, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := New(Options{})
			s := subscribe(b, SubscriberOptions{}, "chat")
			c := b.Channel("chat")
			deliver(c, 1, 3)
			tc.end(b, s)
			if took := c.Deliver(say(4)); took != (Took{}) {
				t.Errorf("one that ended took %+v", took)
			}
			all, err := drain(s)
			if got := marks(all); err != ErrClosed || !slices.Equal(got, tc.want) {
				t.Errorf("read %q, %v; want %q, %v", got, err, tc.want, ErrClosed)
			}
			checkLaw(t, s)
			checkCounters(t, b, map[string]uint64{"bus_offered": 3, "bus_dropped_closed": tc.drop})
			if i, _ := b.Info("chat"); i.Queued != 0 || i.Drops != 0 {
				t.Errorf("the channel has %d queued and %d drops, want none", i.Queued, i.Drops)
			}
		})
	}
}

// TestEnded is told once, without a lock, and may detach.
func TestEnded(t *testing.T) {
	var told []*Subscriber
	var emptied []Emptied
	var b *Bus
	b = New(Options{Queue: 2, Ended: func(s *Subscriber) {
		told = append(told, s)
		emptied = append(emptied, b.Detach(s)...)
	}})
	s := subscribe(b, SubscriberOptions{Policy: Disconnect}, "chat", "news")
	other := subscribe(b, SubscriberOptions{}, "chat")
	deliver(b.Channel("news"), 1, 1)
	chat := b.Channel("chat")
	deliver(chat, 2, 2)
	if got, want := chat.Deliver(say(3)), (Took{Subscribers: 2, Enqueued: 1, Dropped: 3}); got != want {
		t.Errorf("took %+v, want %+v", got, want)
	}
	deliver(chat, 4, 5)
	if len(told) != 1 || told[0] != s || len(emptied) != 1 || emptied[0].Channel.Name() != "news" {
		t.Errorf("told %d times, emptied %v", len(told), emptied)
	}
	if _, err := s.Next(context.Background()); err != ErrSlow {
		t.Errorf("its reader got %v, want %v", err, ErrSlow)
	}
	if all, _ := drain(other); !slices.Equal(marks(all), []string{"4+2", "5"}) {
		t.Errorf("the other one read %q", marks(all))
	}
	for name, drops := range map[string]uint64{"news": 1, "chat": 2 + 2} {
		if i, ok := b.Info(name); !ok || i.Drops != drops {
			t.Errorf("%s has %d drops, want %d", name, i.Drops, drops)
		}
	}
	checkCounters(t, b, map[string]uint64{"bus_dropped_disconnected": 3, "bus_subscribers": 1})
}

// TestClosedBus makes nothing that could wait for ever.
func TestClosedBus(t *testing.T) {
	b := New(Options{})
	b.Close()
	b.Close()
	s := b.NewSubscriber(SubscriberOptions{})
	c, _ := b.Attach(s, "chat")
	c.Deliver(say(1))
	if _, err := s.Next(context.Background()); err != ErrClosed {
		t.Errorf("got %v, want %v", err, ErrClosed)
	}
	if emptied := b.Detach(s); len(emptied) != 1 {
		t.Errorf("emptied %v, want the one channel", emptied)
	}
}

func TestNames(t *testing.T) {
	for want, got := range map[string]string{
		"drop_oldest": DropOldest.String(), "block": Block.String(), "disconnect": Disconnect.String(),
		"bytes": Bytes.String(), "erlang": Erlang.String(), "unknown": Policy(9).String(),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
