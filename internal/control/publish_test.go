package control

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPublish(t *testing.T) {
	for _, k := range []struct {
		r    PublishRequest
		body string
		want []string
	}{
		{PublishRequest{Channel: "chat"}, "hello\n", []string{"hello\n"}},
		{PublishRequest{Channel: ":chat", Framing: FramingWhole, Wait: 3, Timeout: 2 * time.Second}, "x", []string{"x"}},
		{PublishRequest{Channel: "a b&c=d/ü", Framing: FramingLines, KeepGoing: true}, "a\nb", []string{"a", "b"}},
		{PublishRequest{Channel: "chat", Framing: FramingFrames}, frames("a\n", "b"), []string{"a\n", "b"}},
		{PublishRequest{Channel: "chat", Empty: true}, "", []string{""}},
		{PublishRequest{Channel: "chat", Framing: FramingLines, Empty: true}, "\na\n\n", []string{"", "a", ""}},
		{PublishRequest{Channel: "chat", Framing: FramingLines, Empty: true}, "", nil},
	} {
		n := newFakeNode()
		_, c := serve(t, n)
		for name, body := range map[string]io.Reader{
			"known size": strings.NewReader(k.body), "unknown size": io.MultiReader(strings.NewReader(k.body)),
		} {
			n.taken = nil
			done, err := c.Publish(ctxFor(t), k.r, body)
			if err != nil {
				t.Errorf("%+v, %s: %v", k.r, name, err)
				continue
			}
			if got, _ := n.published(); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", k.want) {
				t.Errorf("%+v, %s: published %q, want %q", k.r, name, got, k.want)
			}
			if done.Schema != SchemaPub || done.Channel != k.r.Channel || done.Messages != uint64(len(k.want)) || done.Peers == nil {
				t.Errorf("%+v, %s: %+v", k.r, name, done)
			}
			want := k.r
			if want.Framing == "" {
				want.Framing = FramingWhole
			}
			if got := n.requests[len(n.requests)-1]; got != want || !n.waited {
				t.Errorf("%s: the node got %+v, want %+v; waited %t", name, got, want, n.waited)
			}
		}
	}
}

// refused are bodies with a message that is not taken.
var refused = []struct {
	name string
	r    PublishRequest
	body string
	code string
	exit int
	says string // the error
	note string // FirstRefused with KeepGoing; none if that changes nothing
	sent string // with KeepGoing
}{
	{"empty body", PublishRequest{}, "", "message_empty", 65, "empty message refused", "empty message refused", ""},
	{"empty line", PublishRequest{Framing: FramingLines}, "a\nb\n\nd\n\n", "message_empty", 65, "line 3: empty message refused; 2 sent", "line 3: empty message refused", "a b d"},
	{"empty frame", PublishRequest{Framing: FramingFrames}, frames("a", "", "c"), "message_empty", 65, "message 2: empty message refused; 1 sent", "message 2: empty message refused", "a c"},
	{"no line", PublishRequest{Framing: FramingLines}, "", "message_empty", 65, "the input is empty", "", ""},
	{"no frame", PublishRequest{Framing: FramingFrames}, "", "message_empty", 65, "the input is empty", "", ""},
	{"long body", PublishRequest{}, strings.Repeat("x", 1001), "message_size", 65, "message of 1001 bytes refused", "message of 1001 bytes refused", ""},
	{"long line", PublishRequest{Framing: FramingLines}, "a\n" + strings.Repeat("x", 1001) + "\nb", "message_size", 65, "line 2: message of 1001 bytes refused; 1 sent", "line 2: message of 1001 bytes refused", "a b"},
	{"long frame", PublishRequest{Framing: FramingFrames}, frames(strings.Repeat("x", 2000), "b"), "message_size", 65, "message 1: message of 2000 bytes refused; 0 sent", "message 1: message of 2000 bytes refused", "b"},
	{"the node's limit", PublishRequest{Framing: FramingLines}, "a\nbig\nc\n", "message_size", 65, "line 2: message of 1.2 MiB refused; 1 sent", "line 2: message of 1.2 MiB refused", "a c"},
	{"the node's limit, whole", PublishRequest{}, "big", "message_size", 65, "message of 1.2 MiB refused", "message of 1.2 MiB refused", ""},
	{"a bug", PublishRequest{Framing: FramingLines}, "a\nb\noops\n", "internal", 70, "something broke; 2 sent", "", ""},
	{"an end that looks like the body's", PublishRequest{Framing: FramingLines}, "a\nend\n", "internal", 70, "EOF; 1 sent", "", ""},
	{"cut frame", PublishRequest{Framing: FramingFrames}, frames("a", "b")[:9], "usage", 64, "body: it ends 1 bytes before its last message does; 1 sent", "", ""},
}

func refusing() *fakeNode {
	n := newFakeNode()
	n.take = func(_ int, payload []byte) error {
		switch string(payload) {
		case "big":
			return errTooBig
		case "oops":
			return errOther
		case "end":
			return io.EOF
		}
		return nil
	}
	return n
}

func TestPublishRefusals(t *testing.T) {
	for _, k := range refused {
		t.Run(k.name, func(t *testing.T) {
			n := refusing()
			_, c := serve(t, n)
			k.r.Channel = "chat"
			_, err := c.Publish(ctxFor(t), k.r, strings.NewReader(k.body))
			var e *Error
			if !errors.As(err, &e) || e.Code != k.code || e.Exit != k.exit || e.Message != k.says {
				t.Errorf("got %v, want %s: %s", err, k.code, k.says)
			}
			if _, closed := n.published(); closed != 1 || n.waited {
				t.Errorf("closed %d times, waited for what was written: %t", closed, n.waited)
			}
		})
	}
	if errTooBig.Message != "message of 1.2 MiB refused" {
		t.Errorf("the node's error was changed to %q", errTooBig.Message)
	}
}

func TestPublishKeepsGoing(t *testing.T) {
	for _, k := range refused {
		t.Run(k.name, func(t *testing.T) {
			n := refusing()
			s, c := serve(t, n)
			k.r.Channel, k.r.KeepGoing = "chat", true
			done, err := c.Publish(ctxFor(t), k.r, strings.NewReader(k.body))
			var e *Error
			if k.note == "" {
				if !errors.As(err, &e) || e.Message != k.says {
					t.Errorf("got %v, want %s", err, k.says)
				}
				return
			}
			if err != nil || done.FirstRefused == nil || *done.FirstRefused != k.note {
				t.Fatalf("%+v, %v", done, err)
			}
			got, closed := n.published()
			if strings.Join(got, " ") != k.sent || closed != 1 {
				t.Errorf("published %q, closed %d times", got, closed)
			}
			if done.Refused == 0 || counter(s, "control_pub_refused") != done.Refused {
				t.Errorf("refused %d, counted %d", done.Refused, counter(s, "control_pub_refused"))
			}
		})
	}
}

// endlessLines is a body that never ends.
type endlessLines struct{}

func (endlessLines) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "0123456789abcde\n"[i%16]
	}
	return len(p) &^ 15, nil
}

// The answer comes while the client is still sending, and is read every time.
func TestPublishAnswerWhileSending(t *testing.T) {
	n := newFakeNode()
	n.discard = true
	n.take = func(no int, _ []byte) error {
		if no > 381 {
			return errTooBig
		}
		return nil
	}
	_, c := serve(t, n)
	for range 200 {
		_, err := c.Publish(ctxFor(t), PublishRequest{Channel: "chat", Framing: FramingLines}, endlessLines{})
		var e *Error
		if !errors.As(err, &e) || e.Message != "line 382: message of 1.2 MiB refused; 381 sent" {
			t.Fatalf("got %v", err)
		}
	}
	n.openErr = &Error{Code: "usage", Message: "no such channel", Exit: exitUsage}
	for range 200 {
		_, err := c.Publish(ctxFor(t), PublishRequest{Channel: "chat"}, endlessLines{})
		if err == nil || err.Error() != "no such channel" {
			t.Fatalf("got %v", err)
		}
	}
}

// The same for calls that fail before anyone looks at the body, and for a body
// that is open and idle.
func TestErrorBeforeBody(t *testing.T) {
	n := newFakeNode()
	_, c := serve(t, n)
	for path, want := range map[string]int{
		"/v1/publish": 400, "/v1/publish?channel=c&wait=x": 400, "/v1/nothing": 404, "/v1/status": 405, "/v1/publish?x=1": 400,
	} {
		res := exchange(t, c, "POST "+path+" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
		if res.StatusCode != want || !res.Close {
			t.Errorf("%s: %s, close %t", path, res.Status, res.Close)
		}
	}
	if len(n.requests) != 0 {
		t.Errorf("the node got %v", n.requests)
	}
}

// A client that gets its answer and neither reads it nor goes away is let go.
func TestDrainEnds(t *testing.T) {
	n := newFakeNode()
	s, c := serve(t, n)
	nc := raw(t, c)
	io.WriteString(nc, "POST /v1/publish HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
	within(t, "request", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.active == 1 })
	within(t, "its end", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.active == 0 })
}

func TestPublishBadRequests(t *testing.T) {
	n := newFakeNode()
	s, c := serve(t, n)
	post := func(query string) string {
		return "POST /v1/publish?" + query + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
	}
	get := func(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n" }
	for _, k := range []struct{ request, says string }{
		{post(""), "query: channel is missing"},
		{post("channel="), "query: channel is missing"},
		{post("channel=a&channel=b"), "query: channel is there 2 times"},
		{post("channel=a&framing=csv"), `query: framing is "csv"`},
		{post("channel=a&wait=-1"), `query: wait is "-1"`},
		{post("channel=a&wait=1x"), `query: wait is "1x"`},
		{post("channel=a&timeout=5"), `query: timeout is "5"`},
		{post("channel=a&timeout=-5s"), `query: timeout is "-5s"`},
		{post("channel=a&keep_going=maybe"), `query: keep_going is "maybe"`},
		{post("channel=a&empty=2"), `query: empty is "2"`},
		{post("channel=a&to=b"), `query: /v1/publish has no parameter "to"`},
		{get("/v1/subscribe"), "query: channel is missing"},
		{get("/v1/subscribe?channel="), "query: channel is missing"},
		{get("/v1/subscribe?channel=a&policy=wait"), `query: policy is "wait"`},
		{get("/v1/subscribe?channel=a&format=xml"), `query: format is "xml"`},
		{get("/v1/subscribe?channel=a&format=frames&format=frames"), "query: format is there 2 times"},
		{get("/v1/channels?channel=a"), `query: /v1/channels has no parameter "channel"`},
		{get("/v1/publish?channel=a"), "/v1/publish is a call for POST"},
	} {
		res := exchange(t, c, k.request)
		e := readFailure(res)
		if e == nil || e.Exit != exitUsage || !strings.Contains(e.Message, k.says) {
			t.Errorf("%.60q: %s %+v, want %q", k.request, res.Status, e, k.says)
		}
	}
	if len(n.requests)+len(n.subscribe) != 0 || counter(s, "control_panics") != 0 {
		t.Errorf("the node got %v %v", n.requests, n.subscribe)
	}
}

// Each line is published when it is there, and what was sent before the body
// breaks stays sent.
func TestPublishStreams(t *testing.T) {
	n := newFakeNode()
	_, c := serve(t, n)
	body, lines := io.Pipe()
	failed := make(chan error, 1)
	go func() {
		_, err := c.Publish(ctxFor(t), PublishRequest{Channel: "chat", Framing: FramingLines}, body)
		failed <- err
	}()
	for i := range 3 {
		fmt.Fprintf(lines, "line %d\nrest", i)
		within(t, "a line", func() bool { got, _ := n.published(); return len(got) == i+1 })
	}
	broken := errors.New("the disk broke")
	lines.CloseWithError(broken)
	if err := <-failed; !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "control: /v1/publish: body: ") {
		t.Errorf("got %v", err)
	}
	within(t, "the end of the publication", func() bool { _, closed := n.published(); return closed == 1 })
}

func TestPublishEndsWithContext(t *testing.T) {
	n := newFakeNode()
	_, c := serve(t, n)
	body, lines := io.Pipe()
	defer lines.Close()
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("typed Ctrl-C")
	go func() { io.WriteString(lines, "a\n"); cancel(why) }()
	if _, err := c.Publish(ctx, PublishRequest{Channel: "chat", Framing: FramingLines}, body); !errors.Is(err, why) {
		t.Errorf("got %v, want the cause", err)
	}
	within(t, "the end of the publication", func() bool { _, closed := n.published(); return closed == 1 })
}

// An idle publisher does not hold Close up, and is told.
func TestCloseEndsPublishers(t *testing.T) {
	n := newFakeNode()
	s, c := serve(t, n)
	idle, lines := io.Pipe()
	defer lines.Close()
	told := make(chan error, 2)
	for _, body := range []io.Reader{idle, endlessLines{}} {
		go func() {
			_, err := c.Publish(context.Background(), PublishRequest{Channel: "chat", Framing: FramingLines}, body)
			told <- err
		}()
	}
	n.discard = true
	within(t, "publishers", func() bool { n.fakeBus.mu.Lock(); defer n.fakeBus.mu.Unlock(); return len(n.requests) == 2 })
	at := time.Now()
	s.Close()
	if took := time.Since(at); took > closeTimeout {
		t.Errorf("Close took %v", took)
	}
	for range 2 {
		var e *Error
		if err := <-told; !errors.As(err, &e) || e.Code != CodeStopping || !strings.HasSuffix(e.Message, " sent") {
			t.Errorf("got %v, want stopping", err)
		}
	}
	if _, closed := n.published(); closed != 2 {
		t.Errorf("%d publications were closed", closed)
	}
}

// A publisher that goes while it waits for subscribers ends the wait, even if
// its body fills the socket.
func TestPublisherGoneWhileWaiting(t *testing.T) {
	for name, body := range map[string]io.Reader{"small": strings.NewReader("x"), "endless": endlessLines{}} {
		t.Run(name, func(t *testing.T) {
			n := newFakeNode()
			ended := make(chan error, 1)
			begun := make(chan struct{})
			n.fakeBus.hold = func(ctx context.Context) error {
				close(begun)
				<-ctx.Done()
				ended <- ctx.Err()
				return ctx.Err()
			}
			_, c := serve(t, n)
			ctx, cancel := context.WithCancel(ctxFor(t))
			go func() { <-begun; cancel() }()
			if _, err := c.Publish(ctx, PublishRequest{Channel: "chat", Wait: 1}, body); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			select {
			case <-ended:
			case <-time.After(10 * time.Second):
				t.Error("the node still waits")
			}
		})
	}
}

// A publisher that goes while its message waits for room, with more in its body
// than fits the socket, does not keep its request.
func TestPublisherGoneWhileBlocked(t *testing.T) {
	n := newFakeNode()
	begun, ended := make(chan struct{}), make(chan struct{})
	n.fakeBus.block = func(ctx context.Context) error {
		close(begun)
		<-ctx.Done()
		close(ended)
		return ctx.Err()
	}
	_, c := serve(t, n)
	ctx, cancel := context.WithCancel(ctxFor(t))
	go func() { <-begun; cancel() }()
	if _, err := c.Publish(ctx, PublishRequest{Channel: "chat", Framing: FramingLines}, endlessLines{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the message still waits")
	}
}

func TestHungUp(t *testing.T) {
	path := filepath.Join(socketDir(t), "x.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	theirs, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	u := ours.(*net.UnixConn)
	theirs.Write([]byte("unread"))
	if hungUp(u) {
		t.Error("an open connection is taken for closed")
	}
	theirs.Close()
	if !hungUp(u) {
		t.Error("a closed connection with bytes to read is taken for open")
	}
	u.Close()
	if !hungUp(u) {
		t.Error("a connection closed here is taken for open")
	}
}

func TestPublishPanics(t *testing.T) {
	n := newFakeNode()
	n.take = func(int, []byte) error { panic("bug") }
	s, c := serve(t, n)
	_, err := c.Publish(ctxFor(t), PublishRequest{Channel: "chat", Framing: FramingLines}, endlessLines{})
	var e *Error
	if !errors.As(err, &e) || e.Code != CodeInternal || counter(s, "control_panics") != 1 {
		t.Errorf("got %v", err)
	}
	if _, closed := n.published(); closed != 1 {
		t.Errorf("closed %d times", closed)
	}
}

// The body of a caller stays the caller's to close.
func TestPublishClosesNoBody(t *testing.T) {
	n := newFakeNode()
	_, c := serve(t, n)
	body := &closeCounter{Reader: strings.NewReader("hello")}
	if _, err := c.Publish(ctxFor(t), PublishRequest{Channel: "chat"}, body); err != nil || body.closed != 0 {
		t.Errorf("%v, closed %d times", err, body.closed)
	}
}

type closeCounter struct {
	io.Reader
	closed int
}

func (c *closeCounter) Close() error { c.closed++; return nil }

// A node from before this call: an error, not a hang, with the body still open.
func TestPublishToOlderNode(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(Header, "1")
		w.Header().Set("Connection", "close")
		http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"error":{"code":"unknown_call","message":"no control call","exit":64}}`)
	})
	body, lines := io.Pipe()
	defer lines.Close()
	_, err := c.Publish(ctxFor(t), PublishRequest{Channel: "chat"}, body)
	var e *Error
	if !errors.As(err, &e) || e.Code != CodeUnknownCall {
		t.Errorf("got %v", err)
	}
}

// A node that dies without an answer, with the body open and idle.
func TestPublishNodeDies(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		nc, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		nc.Close()
	})
	body, lines := io.Pipe()
	defer lines.Close()
	_, err := c.Publish(ctxFor(t), PublishRequest{Channel: "chat"}, body)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

func TestChannels(t *testing.T) {
	n := newFakeNode()
	_, c := serve(t, n)
	got, err := c.Channels(ctxFor(t), []string{"chat", ":a b&c"})
	if err != nil || got.Schema != SchemaChannels || got.Incomplete == nil || len(got.Channels) != 1 || got.Channels[0].Members == nil {
		t.Errorf("%+v, %v", got, err)
	}
	if strings.Join(n.names, "|") != "chat|:a b&c" {
		t.Errorf("the node was asked for %q", n.names)
	}
	_, err = c.Channels(ctxFor(t), []string{strings.Repeat("x", maxHeader)})
	var e *Error
	if !errors.As(err, &e) || e.Exit != exitUsage {
		t.Errorf("too many names: %v", err)
	}
}

func TestAppendFrame(t *testing.T) {
	if got := AppendFrame([]byte("x"), []byte("hello")); !bytes.Equal(got, []byte("x\x00\x00\x00\x05hello")) {
		t.Errorf("%q", got)
	}
}

// What the client writes meets a closed connection; the answer is read anyway.
func TestClientReadsAnswerOfClosedConnection(t *testing.T) {
	const doc = `{"error":{"code":"message_size","message":"line 1: refused","exit":65}}`
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		nc, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprintf(nc, "HTTP/1.1 422 X\r\nLiminal-Control: 1\r\nContent-Length: %d\r\n\r\n%s", len(doc), doc)
		nc.Close()
	})
	for range 200 {
		_, err := c.Publish(ctxFor(t), PublishRequest{Channel: "chat", Framing: FramingLines}, endlessLines{})
		if err == nil || err.Error() != "line 1: refused" {
			t.Fatalf("got %v", err)
		}
	}
}

// A client that goes on sending after its answer is not cut off under it.
func TestServerDrains(t *testing.T) {
	_, c := serve(t, newFakeNode())
	nc := raw(t, c)
	io.WriteString(nc, "POST /v1/publish HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil || res.StatusCode != 400 {
		t.Fatal(res, err)
	}
	if n, err := io.CopyN(nc, endlessLines{}, 16<<20); err != nil {
		t.Errorf("cut off after %d bytes: %v", n, err)
	}
}

// A link that is full holds its publisher up, and nothing is lost over it.
func TestPublishWaitsForNode(t *testing.T) {
	n := newFakeNode()
	room := make(chan struct{})
	n.take = func(int, []byte) error { <-room; return nil }
	_, c := serve(t, n)
	published := make(chan error, 1)
	go func() {
		done, err := c.Publish(ctxFor(t), PublishRequest{Channel: "chat", Framing: FramingLines}, strings.NewReader("a\nb\nc"))
		if err == nil && done.Messages != 3 {
			err = fmt.Errorf("%d messages", done.Messages)
		}
		published <- err
	}()
	for range 3 {
		select {
		case err := <-published:
			t.Fatalf("an answer before the end: %v", err)
		case room <- struct{}{}:
		}
	}
	if err := <-published; err != nil {
		t.Error(err)
	}
}
