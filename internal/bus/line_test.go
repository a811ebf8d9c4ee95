package bus

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// outcome is what a DeliverWait came back with, and when.
type outcome struct {
	took  Took
	err   error
	after time.Duration
}

// deliverWait delivers in a goroutine of its own.
func deliverWait(ctx context.Context, c *Channel, seq uint64) <-chan outcome {
	done, start := make(chan outcome, 1), time.Now()
	go func() {
		took, err := c.DeliverWait(ctx, say(seq))
		done <- outcome{took, err, time.Since(start)}
	}()
	return done
}

func waiting(done <-chan outcome) bool { return len(done) == 0 }

// TestBlock has a publisher wait for the reader, and others not for it.
func TestBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Options{})
		slow := subscribe(b, SubscriberOptions{Policy: Block, Queue: 2}, "chat")
		fast := subscribe(b, SubscriberOptions{}, "chat")
		chat := b.Channel("chat")
		for seq := uint64(1); seq <= 2; seq++ {
			if took, err := chat.DeliverWait(over, say(seq)); err != nil || took.Enqueued != 2 {
				t.Fatalf("there was room: %+v, %v", took, err)
			}
		}
		done := deliverWait(context.Background(), chat, 3)
		time.Sleep(time.Minute)
		if all, _ := drain(fast); !waiting(done) || !slices.Equal(marks(all), []string{"1", "2", "3"}) {
			t.Errorf("with one subscriber full the other read %q; waiting %t", marks(all), waiting(done))
		}
		if all, _ := drain(slow); !slices.Equal(marks(all), []string{"1", "2", "3"}) {
			t.Errorf("the slow one read %q", marks(all))
		}
		if got, want := <-done, (outcome{Took{2, 2, 0}, nil, time.Minute}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if i, _ := b.Info("chat"); i.Queued != 0 || i.Out != 6 {
			t.Errorf("the channel is %+v", i)
		}
		checkCounters(t, b, map[string]uint64{"bus_offered": 6, "bus_taken": 6})
	})
}

// TestLine keeps publishers that wait in order, whoever comes after.
func TestLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Options{})
		s := subscribe(b, SubscriberOptions{Policy: Block, Queue: 1}, "chat")
		chat := b.Channel("chat")
		var line []<-chan outcome
		for seq := uint64(1); seq <= 5; seq++ {
			line = append(line, deliverWait(context.Background(), chat, seq))
			synctest.Wait()
		}
		var all []Message
		for seq := range 5 {
			for i, done := range line {
				if want := i > seq; waiting(done) != want {
					t.Errorf("with %d read, publisher %d waits: %t, want %t", seq, i+1, !want, want)
				}
			}
			m, _ := s.Next(over)
			all = append(all, m)
			synctest.Wait()
		}
		if got := marks(all); !slices.Equal(got, []string{"1", "2", "3", "4", "5"}) {
			t.Errorf("read %q", got)
		}
	})
}

// TestGiveUp ends the wait of a publisher, with a mark where its message
// would have come.
func TestGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Options{})
		s := subscribe(b, SubscriberOptions{Policy: Block, Queue: 1}, "chat")
		other := subscribe(b, SubscriberOptions{}, "chat")
		chat := b.Channel("chat")
		deliver(chat, 1, 1)
		cause := errors.New("too late")
		ctx, cancel := context.WithTimeoutCause(context.Background(), time.Second, cause)
		defer cancel()
		second := deliverWait(ctx, chat, 2)
		synctest.Wait()
		third := deliverWait(context.Background(), chat, 3)
		got := <-second
		if got.after != time.Second || got.took != (Took{2, 1, 1}) || !errors.Is(got.err, cause) {
			t.Errorf("given up: %+v", got)
		}
		all, _ := drain(s)
		if got := marks(all); !slices.Equal(got, []string{"1", "3+1"}) || (<-third).err != nil {
			t.Errorf("read %q", got)
		}
		drain(other)
		i, _ := b.Info("chat")
		if i.Drops != 1 || i.Out != 5 || i.Queued != 0 {
			t.Errorf("the channel is %+v", i)
		}
		checkCounters(t, b, map[string]uint64{"bus_offered": 6, "bus_dropped_blocked": 1})
	})
}

// TestGiveUpLong lets a shorter message in when a long one in front gives up.
func TestGiveUpLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Options{})
		s := subscribe(b, SubscriberOptions{Policy: Block, QueueBytes: 24}, "chat")
		chat := b.Channel("chat")
		deliver(chat, 1, 1)
		ctx, cancel := context.WithCancel(context.Background())
		gone := make(chan error, 1)
		go func() {
			_, err := chat.DeliverWait(ctx, Incoming{Payload: make([]byte, 100)})
			gone <- err
		}()
		synctest.Wait()
		short := deliverWait(context.Background(), chat, 2)
		synctest.Wait()
		if !waiting(short) {
			t.Fatal("a short message overtook a long one")
		}
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if got := <-short; got.took.Enqueued != 1 {
			t.Errorf("got %+v", got)
		}
		if all, _ := drain(s); !slices.Equal(marks(all), []string{"1", "2+1"}) {
			t.Errorf("read %q", marks(all))
		}
	})
}

// TestStandLate is a publisher that found the queue full, and a reader that
// emptied it and went to sleep before the publisher stood in line.
func TestStandLate(t *testing.T) {
	b := New(Options{})
	s := subscribe(b, SubscriberOptions{Policy: Block}, "chat")
	drain(s)
	turn := s.stand(&entry{ch: b.Channel("chat"), seq: 1})
	if f := turn.await(over); f != taken || len(s.ready) != 1 {
		t.Errorf("fate %d with %d tokens for the reader, want %d with 1", f, len(s.ready), taken)
	}
	b.Detach(s)
	if f := s.stand(&entry{}).await(over); f != ended {
		t.Errorf("fate %d at one that ended, want %d", f, ended)
	}
}

// TestLetGo ends waits by ending the subscriber: no error, and not offered.
func TestLetGo(t *testing.T) {
	for name, end := range map[string]func(*Bus, *Subscriber){
		"close":  func(b *Bus, _ *Subscriber) { b.Close() },
		"detach": func(b *Bus, s *Subscriber) { b.Detach(s) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := New(Options{})
				s := subscribe(b, SubscriberOptions{Policy: Block, Queue: 1}, "chat")
				deliver(b.Channel("chat"), 1, 1)
				done := deliverWait(context.Background(), b.Channel("chat"), 2)
				synctest.Wait()
				end(b, s)
				if got := <-done; got.err != nil || got.took != (Took{}) {
					t.Errorf("got %+v", got)
				}
				checkCounters(t, b, map[string]uint64{"bus_offered": 1})
			})
		})
	}
}

// TestReaderWakes has a reader that sleeps see each kind of news at once.
func TestReaderWakes(t *testing.T) {
	for _, tc := range []struct {
		name   string
		policy Policy
		news   func(b *Bus, s *Subscriber)
		want   error
	}{
		{"a message", DropOldest, func(b *Bus, _ *Subscriber) { deliver(b.Channel("chat"), 1, 1) }, nil},
		{"close", DropOldest, func(b *Bus, _ *Subscriber) { b.Close() }, ErrClosed},
		{"detach", DropOldest, func(b *Bus, s *Subscriber) { b.Detach(s) }, ErrClosed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := New(Options{})
				s := subscribe(b, SubscriberOptions{Policy: tc.policy, Queue: 1}, "chat")
				start := time.Now()
				time.AfterFunc(time.Hour, func() { tc.news(b, s) })
				_, err := s.Next(context.Background())
				if since := time.Since(start); err != tc.want || since != time.Hour {
					t.Errorf("got %v after %v, want %v after an hour", err, since, tc.want)
				}
			})
		})
	}
}

// TestReaderComesBack reads on after a wait that ctx ended.
func TestReaderComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Options{})
		s := subscribe(b, SubscriberOptions{}, "chat")
		for seq := uint64(1); seq <= 3; seq++ {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			if _, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v", err)
			}
			cancel()
			deliver(b.Channel("chat"), seq, seq)
			if m, err := s.Next(context.Background()); err != nil || m.Seq != seq {
				t.Fatalf("got %d, %v; want %d", m.Seq, err, seq)
			}
		}
	})
}

// F14: TestStalledReader costs others nothing: one reads a message a second, the
// other gets 50,000 a second for ten.
func TestStalledReader(t *testing.T) {
	total := uint64(500_000)
	if raceEnabled || testing.Short() {
		total /= 10 // 5,000 a second
	}
	synctest.Test(t, func(t *testing.T) {
		b := New(Options{Queue: 1024})
		slow := subscribe(b, SubscriberOptions{}, "chat")
		fast := subscribe(b, SubscriberOptions{Queue: 64}, "chat")
		chat, ctx := b.Channel("chat"), context.Background()
		var slept time.Duration
		go func() {
			for range 10 {
				time.Sleep(time.Second)
				slow.Next(ctx)
			}
		}()
		start, next := time.Now(), uint64(1)
		for seq := uint64(1); seq <= total; seq++ {
			chat.Deliver(say(seq))
			if m, err := fast.Next(ctx); err != nil || m.Seq != next || m.Lost != 0 {
				t.Fatalf("the fast one got %d with %d lost, %v; want %d", m.Seq, m.Lost, err, next)
			}
			if next++; seq%(total/500) == 0 {
				time.Sleep(20 * time.Millisecond)
				slept += 20 * time.Millisecond
			}
		}
		if since := time.Since(start); since != slept {
			t.Errorf("it took %v, of which %v were the publisher's own", since, slept)
		}
		time.Sleep(time.Second)
		offered, taken, dropped, queued := checkLaw(t, slow)
		if offered != total || taken != 10 || queued > 1024 || dropped < total-2000 {
			t.Errorf("the slow one: offered %d, taken %d, dropped %d, queued %d", offered, taken, dropped, queued)
		}
	})
}
