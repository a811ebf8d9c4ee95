package dist

import (
	"io"
	"testing"
	"testing/synctest"
	"time"
)

const poll = 250 * time.Millisecond

// beaten is a link in a bubble with the node's timer on it.
type beaten struct {
	*Link
	peer  *memConn
	start time.Time
	downs chan time.Duration // when OnDown came
	stop  chan struct{}
}

func beat(agreed Flags, tick time.Duration, buffer int) *beaten {
	ours, theirs := memPipe(buffer)
	b := &beaten{peer: theirs, start: time.Now(), downs: make(chan time.Duration, 2), stop: make(chan struct{})}
	cfg := linkConfig(ours, agreed, &recorder{})
	cfg.Tick = tick
	cfg.OnDown = func(*Link) { b.downs <- time.Since(b.start) }
	b.Link = NewLink(cfg)
	b.Start()
	go func() {
		t := time.NewTicker(poll)
		defer t.Stop()
		for {
			b.Beat(time.Now())
			select {
			case <-t.C:
			case <-b.stop:
				return
			}
		}
	}()
	return b
}

func (b *beaten) end() {
	close(b.stop)
	b.Close(ReasonClosed, nil)
	b.Wait()
	b.peer.Close()
}

// wantDown waits for the end and checks reason and time.
func (b *beaten) wantDown(t *testing.T, want Reason, from, to time.Duration) {
	t.Helper()
	at := <-b.downs
	r, detail, err := b.Down()
	if r != want || at < from || at > to {
		t.Errorf("down after %v: %s, %s, %v; want %s within %v and %v", at, r, detail, err, want, from, to)
	}
}

// A peer that says nothing is down after 1.25 tick times; what we write to it
// meanwhile is a tick each quarter, whether it is hidden or not.
func TestSilentPeer(t *testing.T) {
	for name, agreed := range map[string]Flags{"published": allAgreed, "hidden": allAgreed &^ FlagPublished, "pass-through": noHeaders} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const T = 60 * time.Second
				b := beat(agreed, T, 1<<20)
				var ticks []time.Duration
				heard := make(chan struct{})
				go func() {
					defer close(heard)
					for {
						if _, err := io.ReadFull(b.peer, make([]byte, 4)); err != nil {
							return
						}
						ticks = append(ticks, time.Since(b.start))
					}
				}()
				b.wantDown(t, ReasonTickTimeout, T+T/4, T+T/4+poll)
				if _, detail, _ := b.Down(); detail != "no tick for 60 s" {
					t.Errorf("detail %q", detail)
				}
				b.end()
				<-heard
				if len(ticks) != 4 {
					t.Errorf("ticks at %v, want 4", ticks)
				}
				for i, at := range ticks {
					if due := time.Duration(i+1) * T / 4; at < due || at > due+poll {
						t.Errorf("tick %d at %v, want %v", i, at, due)
					}
				}
			})
		})
	}
}

// A peer that ticks is never dropped.
func TestTickingPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const T = 8 * time.Second
		b := beat(allAgreed, T, 1<<20)
		go io.Copy(io.Discard, b.peer)
		for range 40 { // 10 T
			time.Sleep(T / 4)
			if _, err := b.peer.Write([]byte{0, 0, 0, 0}); err != nil {
				t.Fatal(err)
			}
			if s := b.Silence(time.Now()); s > T/4+poll {
				t.Fatalf("silence of %v", s)
			}
		}
		synctest.Wait()
		if r, _, _ := b.Down(); r != "" {
			t.Errorf("down: %s", r)
		}
		if s := b.Stats(); s.TicksIn != 40 || s.TicksOut < 39 || s.TicksOut > 40 {
			t.Errorf("%d ticks in, %d out", s.TicksIn, s.TicksOut)
		}
		b.end()
	})
}

// Bytes of a frame that is not whole yet are life too.
func TestAnyByteIsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const T = 8 * time.Second
		b := beat(allAgreed, T, 1<<20)
		go io.Copy(io.Discard, b.peer)
		b.peer.Write([]byte{0, 1, 0, 0})
		for range 40 {
			time.Sleep(T)
			b.peer.Write([]byte{7})
		}
		if r, _, _ := b.Down(); r != "" {
			t.Errorf("down: %s", r)
		}
		b.end()
	})
}

// Nothing but a tick is written while all is quiet, and no tick when messages
// flow.
func TestNoTickWhileMessagesFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := beat(allAgreed, 60*time.Second, 1<<20)
		go io.Copy(io.Discard, b.peer)
		for range 60 {
			time.Sleep(time.Second)
			b.Publish(peerPid(7), []byte{106})
			b.peer.Write([]byte{0, 0, 0, 0})
		}
		if s := b.Stats(); s.TicksOut != 0 {
			t.Errorf("%d ticks", s.TicksOut)
		}
		b.end()
	})
}

// A peer that does not read is dropped when one write took ten seconds.
func TestWriteStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := beat(allAgreed, 60*time.Second, 1000)
		b.Publish(peerPid(7), payloadOf(100_000))
		b.wantDown(t, ReasonWriteStall, 10*time.Second, 10*time.Second+2*poll)
		b.end()
		s := b.Stats()
		if s.Offered != 1 || s.Written != 0 || s.Queued != 0 || s.Dropped["link_down"] != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// A control message that waits too long ends the link, though each write ends.
func TestControlWaitsTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const T = 8 * time.Second
		b := beat(allAgreed, T, 1000)
		gone := make(chan struct{})
		go func() { // a peer that reads a little and says something
			defer close(gone)
			for {
				time.Sleep(time.Second)
				if _, err := io.ReadFull(b.peer, make([]byte, 10_000)); err != nil {
					return
				}
				b.peer.Write([]byte{0, 0, 0, 0})
			}
		}()
		if err := b.Send(ourPid(1), peerPid(7), payloadOf(1<<20)); err != nil {
			t.Fatal(err)
		}
		b.wantDown(t, ReasonControlOverflow, T+T/4, T+T/4+2*poll)
		b.end()
		<-gone
	})
}

// After Forgive the clock of a silent peer is at zero.
func TestForgive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const T = 8 * time.Second
		b := beat(allAgreed, T, 1<<20)
		go io.Copy(io.Discard, b.peer)
		time.Sleep(T)
		b.Forgive(time.Now())
		if s := b.Silence(time.Now()); s != 0 {
			t.Errorf("silence of %v after Forgive", s)
		}
		b.wantDown(t, ReasonTickTimeout, T+T+T/4, T+T+T/4+poll)
		b.end()
	})
}

// So are those of a write and of control messages.
func TestForgiveWrites(t *testing.T) {
	for _, c := range []struct {
		want Reason
		tick time.Duration
		send func(b *beaten) error
		at   time.Duration // without Forgive
	}{
		{ReasonWriteStall, time.Minute, func(b *beaten) error { b.Publish(peerPid(7), payloadOf(100_000)); return nil }, 10 * time.Second},
		{ReasonControlOverflow, 4 * time.Second, func(b *beaten) error { return b.Send(ourPid(1), peerPid(7), payloadOf(100_000)) }, 5 * time.Second},
	} {
		t.Run(string(c.want), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := beat(allAgreed, c.tick, 1000)
				ticks := time.NewTicker(time.Second) // it reads nothing, and lives
				stop := make(chan struct{})
				go func() {
					for {
						select {
						case <-ticks.C:
							b.peer.Write([]byte{0, 0, 0, 0})
						case <-stop:
							return
						}
					}
				}()
				if err := c.send(b); err != nil {
					t.Fatal(err)
				}
				const late = 4 * time.Second
				time.Sleep(late)
				b.Forgive(time.Now())
				b.wantDown(t, c.want, late+c.at, late+c.at+2*poll)
				close(stop)
				b.end()
			})
		})
	}
}

// A node that was stopped for long owes its peers a tick, and writes it with
// the first Beat: they may be about to give up.
func TestForgiveTicksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := memPipe(1 << 20)
		l := NewLink(linkConfig(ours, allAgreed, &recorder{}))
		l.Start()
		l.Beat(time.Now())
		time.Sleep(40 * time.Second)
		l.Forgive(time.Now())
		l.Beat(time.Now())
		synctest.Wait()
		if r, _, _ := l.Down(); r != "" || l.Stats().TicksOut != 1 {
			t.Errorf("down %q, %d ticks; want one tick", r, l.Stats().TicksOut)
		}
		l.Close(ReasonClosed, nil)
		l.Wait()
		theirs.Close()
	})
}

// A control lane that is never empty is well as long as it moves.
func TestControlLaneThatMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const T = 8 * time.Second
		b := beat(allAgreed, T, 1000)
		gone := make(chan struct{})
		go func() { // takes 10 kB a second, as much as comes
			defer close(gone)
			for {
				time.Sleep(time.Second)
				if _, err := io.ReadFull(b.peer, make([]byte, 10_000)); err != nil {
					return
				}
				b.peer.Write([]byte{0, 0, 0, 0})
			}
		}()
		send := func(n int) {
			for range n {
				if err := b.Send(ourPid(1), peerPid(7), payloadOf(900)); err != nil {
					t.Fatal(err)
				}
			}
		}
		send(40)
		for range 5 * 8 {
			send(10)
			time.Sleep(time.Second)
			if b.Stats().ControlBytes == 0 {
				t.Fatal("the lane was empty, which shows nothing")
			}
		}
		b.end()
		<-gone
	})
}

// Beat alone lets go what a burst made grow.
func TestIdleLinkIsSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := beat(allAgreed, time.Hour, 8<<20)
		for range 7999 {
			b.Publish(peerPid(7), payloadOf(800))
		}
		b.Publish(peerPid(7), payloadOf(20_000)) // kept, not copied
		go io.Copy(io.Discard, b.peer)
		time.Sleep(5 * time.Second)
		b.mu.Lock()
		held := cap(b.data.fill.b) + cap(b.data.out.b) + cap(b.ctl.fill.b) + cap(b.ctl.out.b)
		parts := b.batch.parts[:cap(b.batch.parts)]
		b.mu.Unlock()
		if held > 4*smallBuffer {
			t.Errorf("idle lanes hold %d bytes", held)
		}
		for i, p := range parts {
			if p != nil {
				t.Errorf("part %d of the last batch holds %d bytes", i, len(p))
			}
		}
		if s := b.Stats(); s.Written != 8000 {
			t.Errorf("%d written", s.Written)
		}
		b.end()
	})
}
