package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var errEnough = errors.New("enough")

func TestWatchSnapshotThenEvents(t *testing.T) {
	n := newFakeNode()
	_, c := serve(t, n)
	var got []string
	err := c.Watch(ctxFor(t), WatchRequest{}, func(e Event) error {
		got = append(got, fmt.Sprintf("%s %d", e.Type, e.Seq))
		if e.Type == "snapshot.end" {
			n.say("peer.join")
			n.say("peer.down")
		}
		if len(got) == 4 {
			return errEnough
		}
		return nil
	})
	want := "snapshot.peer 0, snapshot.end 0, peer.join 1, peer.down 2"
	if !errors.Is(err, errEnough) || strings.Join(got, ", ") != want {
		t.Errorf("%v, %v\nwant %s", got, err, want)
	}
}

// Cut at random and resumed by seq, the parts are the whole log.
func TestWatchResume(t *testing.T) {
	n := newFakeNode()
	_, c := serve(t, n)
	const all = 2000
	go func() {
		for range all {
			n.say("peer.join")
		}
	}()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var got []uint64
	take := func(e Event) error {
		if strings.HasPrefix(e.Type, "snapshot") || e.Type == "bookmark" {
			return nil
		}
		got = append(got, e.Seq)
		if len(got) == all || r.IntN(20) == 0 {
			return errEnough
		}
		return nil
	}
	within(t, "first event", func() bool { n.mu.Lock(); defer n.mu.Unlock(); return len(n.events) > 0 })
	get := func() {
		res, err := c.do(ctxFor(t), http.MethodGet, "/v1/watch", map[string][]string{"since": {"0"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		line, err := bufio.NewReader(res.Body).ReadString('\n')
		if err != nil || !strings.Contains(line, `"seq":1,`) {
			t.Fatalf("since=0 begins with %q, %v", line, err)
		}
	}
	get()
	got = append(got, 1)
	for len(got) < all {
		if err := c.Watch(ctxFor(t), WatchRequest{Resume: true, Since: got[len(got)-1]}, take); !errors.Is(err, errEnough) {
			t.Fatal(err)
		}
	}
	want := make([]uint64, all)
	for i := range want {
		want[i] = uint64(i + 1)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %d events, not 1 to %d in order", len(got), all)
	}
}

func TestWatchReaderGone(t *testing.T) {
	n := newFakeNode()
	s, c := serve(t, n)
	for range 20 {
		ctx, cancel := context.WithCancel(ctxFor(t))
		err := c.Watch(ctx, WatchRequest{}, func(e Event) error {
			if e.Type == "snapshot.end" {
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	within(t, "watches return", func() bool { n.mu.Lock(); defer n.mu.Unlock(); return n.gone == 20 })
	within(t, "no request is left", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.active == 0 })
	within(t, "no connection is left", func() bool {
		s.conns.mu.Lock()
		defer s.conns.mu.Unlock()
		return len(s.conns.open) == 0
	})
}

func TestWatchNodeEnds(t *testing.T) {
	n := newFakeNode()
	_, c := serve(t, n)
	close(n.ended)
	if err := c.Watch(ctxFor(t), WatchRequest{}, func(Event) error { return nil }); !errors.Is(err, ErrStreamEnd) {
		t.Errorf("%v, want ErrStreamEnd", err)
	}
}

// brokenWatch ends its stream with an error after one event.
type brokenWatch struct{ *fakeNode }

func (b brokenWatch) Watch(_ context.Context, _ WatchRequest, emit func(Event) error) error {
	return errors.Join(emit(Event{Type: "peer.join", Seq: 1}), errors.New("broke"))
}

func TestWatchCutIsNoEnd(t *testing.T) {
	s, c := serve(t, brokenWatch{newFakeNode()})
	err := c.Watch(ctxFor(t), WatchRequest{}, func(Event) error { return nil })
	if err == nil || errors.Is(err, ErrStreamEnd) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v, want a cut", err)
	}
	if got := counter(s, "control_stream_errors"); got != 1 {
		t.Errorf("control_stream_errors %d, want 1", got)
	}
}

// bubbleWriter is a ResponseWriter that keeps lines.
type bubbleWriter struct {
	*httptest.ResponseRecorder
}

func (bubbleWriter) SetWriteDeadline(time.Time) error { return nil }

// In a bubble, over ten minutes of fake time: bookmarks every 10 s, none inside
// a snapshot, each at the seq of the last event.
func TestBookmarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &slowSnapshot{newFakeNode()}
		s := NewServer(n, nil)
		defer s.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 65*time.Second)
		defer cancel()
		w := bubbleWriter{httptest.NewRecorder()}
		s.serveHTTP(w, httptest.NewRequest("GET", "/v1/watch", nil).WithContext(ctx))
		var got []string
		for line := range strings.Lines(w.Body.String()) {
			line = strings.TrimSpace(line)
			typ := line[len(`{"type":"`):]
			typ, rest, _ := strings.Cut(typ, `"`)
			seq, rest, _ := strings.Cut(rest[len(`,"seq":`):], ",")
			if typ == "bookmark" && !strings.HasPrefix(rest, `"boot":"7f3a","time":"2000-`) {
				t.Errorf("bookmark %s", line)
			}
			got = append(got, typ+" "+seq)
		}
		want := "snapshot.peer 7, snapshot.end 7, bookmark 7, peer.join 8, bookmark 8, bookmark 8, bookmark 8"
		if strings.Join(got, ", ") != want {
			t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
		}
	})
}

// slowSnapshot takes 25 s in the middle of its snapshot and has one event at 35 s.
type slowSnapshot struct{ *fakeNode }

func (*slowSnapshot) Watch(ctx context.Context, _ WatchRequest, emit func(Event) error) error {
	for _, step := range []struct {
		at time.Duration
		e  Event
	}{
		{0, Event{Type: "snapshot.peer", Seq: 7, Boot: "7f3a"}},
		{25 * time.Second, Event{Type: "snapshot.end", Seq: 7, Boot: "7f3a"}},
		{10 * time.Second, Event{Type: "peer.join", Seq: 8, Boot: "7f3a"}},
	} {
		time.Sleep(step.at)
		if err := emit(step.e); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// Resumed and nothing new: the bookmark stands at since.
func TestBookmarkOfResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode()
		for range 3 {
			n.say("peer.join")
		}
		s := NewServer(n, nil)
		defer s.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		w := bubbleWriter{httptest.NewRecorder()}
		s.serveHTTP(w, httptest.NewRequest("GET", "/v1/watch?since=3", nil).WithContext(ctx))
		if got := w.Body.String(); !strings.HasPrefix(got, `{"type":"bookmark","seq":3,"boot":"7f3a"`) || strings.Count(got, "\n") != 1 {
			t.Errorf("got %s", got)
		}
	})
}

// A reader that takes nothing is cut off, and the node is told.
func TestWatchReaderStands(t *testing.T) {
	n := newFakeNode()
	s, c := serve(t, n)
	s.patient = 50 * time.Millisecond
	nc := raw(t, c)
	io.WriteString(nc, "GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n")
	within(t, "the watch returns", func() bool {
		n.say(strings.Repeat("x", 8192))
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.gone == 1
	})
	if got := counter(s, "control_stream_lost"); got != 1 {
		t.Errorf("control_stream_lost %d, want 1", got)
	}
}
