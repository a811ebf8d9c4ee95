package bus

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestAttach follows the number of a channel through its subscribers.
func TestAttach(t *testing.T) {
	b := New(Options{})
	one, two := b.NewSubscriber(SubscriberOptions{}), b.NewSubscriber(SubscriberOptions{})
	wantNumber := func(c *Channel, id uint32) {
		t.Helper()
		gotID, serial := c.Number()
		if gotID != id || serial != 0 {
			t.Errorf("%s has number %d.%d, want %d.0", c.Name(), gotID, serial, id)
		}
		if found := b.Lookup(id, 0); id != 0 && found != c {
			t.Errorf("%d.0 leads to %v, want %s", id, found, c.Name())
		}
	}
	chat := b.Channel("chat")
	wantNumber(chat, 0)
	for i, step := range []struct {
		s     *Subscriber
		name  string
		first bool
		id    uint32
	}{
		{one, "chat", true, 1000},
		{one, "chat", false, 1000}, // again
		{two, "chat", false, 1000},
		{two, "news", true, 1001},
	} {
		c, first := b.Attach(step.s, step.name)
		if c != b.Channel(step.name) || first != step.first {
			t.Errorf("step %d: got %q, first %t", i, c.Name(), first)
		}
		wantNumber(c, step.id)
	}
	if n := chat.Deliver(say(1)).Enqueued; n != 2 {
		t.Errorf("%d copies for two subscribers, one of them attached twice", n)
	}
	if emptied := b.Detach(one); emptied != nil {
		t.Errorf("emptied %v while there is another", emptied)
	}
	emptied := b.Detach(two)
	if len(emptied) != 2 || emptied[0] != (Emptied{chat, 1000, 0}) || b.Detach(two) != nil {
		t.Errorf("emptied %v", emptied)
	}
	wantNumber(chat, 0)
	if b.Lookup(1000, 0) != nil || b.Lookup(1001, 0) != nil || b.Lookup(0, 0) != nil {
		t.Error("a void number leads somewhere")
	}
	if c, first := b.Attach(one, "chat"); c != chat || first {
		t.Error("one that was detached was attached again")
	}
	b.Attach(b.NewSubscriber(SubscriberOptions{}), "chat")
	wantNumber(chat, 1002)
}

// TestNumbers goes over the end of the ids.
func TestNumbers(t *testing.T) {
	b := New(Options{})
	b.numbers.last = number{lastID - 1, 4}
	s := b.NewSubscriber(SubscriberOptions{})
	var got []number
	for _, name := range []string{"a", "b", "c"} {
		c, _ := b.Attach(s, name)
		id, serial := c.Number()
		got = append(got, number{id, serial})
		if b.Lookup(id, serial) != c || b.Lookup(id, serial+1) != nil {
			t.Errorf("%v is not where %s is", got, name)
		}
	}
	if want := []number{{1<<28 - 1, 4}, {1000, 5}, {1001, 5}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestDetachOneOfMany leaves the others theirs, whichever place it had.
func TestDetachOneOfMany(t *testing.T) {
	for gone := range 4 {
		b := New(Options{})
		var subs []*Subscriber
		for range 4 {
			subs = append(subs, subscribe(b, SubscriberOptions{}, "chat"))
		}
		b.Detach(subs[gone])
		added := subscribe(b, SubscriberOptions{}, "chat")
		b.Channel("chat").Deliver(say(1))
		for i, s := range append(subs, added) {
			all, _ := drain(s)
			if want := i != gone; (len(all) == 1) != want {
				t.Errorf("%d gone: subscriber %d got %d messages", gone, i, len(all))
			}
		}
	}
}

// TestDetachMeanwhile leaves the list alone that a delivery goes through.
func TestDetachMeanwhile(t *testing.T) {
	b := New(Options{})
	var all []*Subscriber
	for range 3 {
		all = append(all, subscribe(b, SubscriberOptions{}, "chat"))
	}
	under, _, _ := b.Channel("chat").admit(0)
	b.Detach(all[0])
	subscribe(b, SubscriberOptions{}, "chat")
	if !slices.Equal(under, all) {
		t.Error("a delivery that is under way would miss a subscriber, or serve one twice")
	}
}

func TestInfo(t *testing.T) {
	b := New(Options{Queue: 2})
	s := subscribe(b, SubscriberOptions{}, "chat")
	subscribe(b, SubscriberOptions{}, "chat", "quiet")
	b.Channel("asked") // no use yet: not listed
	far := b.Channel("far")
	if n := far.NextSeq() + far.NextSeq(); n != 3 {
		t.Errorf("the first two seqs add up to %d, want 3", n)
	}
	far.Deliver(say(1))
	far.Sent(5)
	far.Dropped(2)
	deliver(b.Channel("chat"), 1, 3)
	s.Next(over)
	want := []Info{
		{Name: "chat", Subscribers: 2, In: 3, Out: 6, Drops: 2, Queued: 3},
		{Name: "far", In: 1, Out: 5, Drops: 2},
		{Name: "quiet", Subscribers: 1},
	}
	if got := b.List(); !slices.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if i, ok := b.Info("chat"); !ok || i != want[0] {
		t.Errorf("chat is %+v, %t", i, ok)
	}
	for _, name := range []string{"asked", "none"} {
		if i, ok := b.Info(name); ok {
			t.Errorf("%s is %+v", name, i)
		}
	}
}

// TestDetachInAnyOrder: whoever of many comes and goes, a message reaches those that
// are there, in the order in which they came, and the list does not keep the others.
func TestDetachInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := New(Options{})
		c := b.Channel("chat")
		var there []*Subscriber
		for i := range rapid.IntRange(1, 200).Draw(t, "steps") {
			if len(there) == 0 || rapid.IntRange(0, 2).Draw(t, "come") > 0 && i < 100 {
				s := b.NewSubscriber(SubscriberOptions{})
				if _, first := b.Attach(s, "chat"); first != (len(there) == 0) {
					t.Fatalf("first of %d: %t", len(there), first)
				}
				there = append(there, s)
			} else {
				at := rapid.IntRange(0, len(there)-1).Draw(t, "goes")
				emptied := b.Detach(there[at])
				there = slices.Delete(there, at, at+1)
				if (len(emptied) == 1) != (len(there) == 0) {
					t.Fatalf("%d are left, emptied %v", len(there), emptied)
				}
			}
			if n := c.Deliver(say(uint64(i))).Enqueued; n != len(there) {
				t.Fatalf("%d copies for %d", n, len(there))
			}
			if kept := slices.DeleteFunc(slices.Clone(c.subs), func(s *Subscriber) bool { return s.detached }); !slices.Equal(kept, there) {
				t.Fatal("they stand in another order")
			}
			if most := len(c.subs) / detachedShare; c.detached != len(c.subs)-len(there) || c.detached > most {
				t.Fatalf("%d of %d are detached, %d counted", len(c.subs)-len(there), len(c.subs), c.detached)
			}
		}
		if got := b.List()[0].Subscribers; got != len(there) {
			t.Errorf("%d are told of, %d are there", got, len(there))
		}
	})
}
