package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"
)

func subscribed(t testing.TB, c *Client, channels ...string) *Stream {
	t.Helper()
	if len(channels) == 0 {
		channels = []string{"chat"}
	}
	st, err := c.Subscribe(ctxFor(t), SubscribeRequest{Channels: channels})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// all reads st to its end.
func all(st *Stream) (list []Message, err error) {
	for {
		var m Message
		if err := st.Next(&m); err != nil {
			return list, err
		}
		m.Payload = bytes.Clone(m.Payload)
		list = append(list, m)
	}
}

func TestSubscribe(t *testing.T) {
	odd := []Message{
		{Channel: "chat"},
		{Channel: "ü\n", From: "o@dev", Payload: []byte("{a,1}"), Encoding: EncodingErlang, Lost: 1 << 60},
		{Channel: "chat", From: "b@dev", ID: strings.Repeat("i", 5000), Seq: 1<<64 - 1, Time: time.UnixMicro(-1).UTC(), Payload: []byte("\x00\xff")},
		{Channel: "chat", From: "b@dev", Payload: bytes.Repeat([]byte("big"), 100_000)},
	}
	for _, want := range [][]Message{nil, odd, numbered(1), numbered(20_000)} {
		for _, size := range []int{1, 7, batchSize} {
			n := newFakeNode()
			n.source = give(size, io.EOF, want...)
			_, c := serve(t, n)
			st := subscribed(t, c, "chat", "ü\n", "chat", ":a b&c")
			got, err := all(st)
			if !errors.Is(err, ErrStreamEnd) {
				t.Errorf("%d messages: %v", len(want), err)
			}
			if err := st.Next(&Message{}); !errors.Is(err, ErrStreamEnd) || st.Buffered() {
				t.Errorf("after the end: %v", err)
			}
			if len(got) != len(want) {
				t.Fatalf("%d messages of %d", len(got), len(want))
			}
			for i := range want {
				if len(want[i].Payload) == 0 {
					want[i].Payload = []byte{}
				}
				if !reflect.DeepEqual(got[i], want[i]) {
					t.Fatalf("message %d: got %.200v\nwant %.200v", i, got[i], want[i])
				}
			}
			asked := SubscribeRequest{Channels: []string{"chat", "ü\n", ":a b&c"}, Policy: PolicyDropOldest, Format: FormatFrames}
			if !reflect.DeepEqual(n.subscribe[0], asked) {
				t.Errorf("the node got %+v", n.subscribe[0])
			}
			within(t, "the end of the subscription", func() bool { return n.subsEnded() == 1 })
		}
	}
}

// What is there is given at once, and Buffered says so.
func TestSubscribeIsPrompt(t *testing.T) {
	n := newFakeNode()
	n.source = give(2, nil, numbered(3)...)
	_, c := serve(t, n)
	st := subscribed(t, c)
	var m Message
	if err := st.Next(&m); err != nil || m.Seq != 1 || !st.Buffered() {
		t.Fatalf("%+v, %v, buffered %t; want the first of two", m, err, st.Buffered())
	}
	kept := m
	for seq := uint64(2); seq <= 3; seq++ {
		if err := st.Next(&m); err != nil || m.Seq != seq {
			t.Fatalf("%+v, %v", m, err)
		}
	}
	if st.Buffered() {
		t.Error("more is announced than there is")
	}
	if kept.ID != "id1" || kept.Channel != "chat" || kept.From != "b@dev" {
		t.Errorf("strings did not last: %+v", kept)
	}
}

func TestSubscribeErrors(t *testing.T) {
	n := newFakeNode()
	s, c := serve(t, n)
	n.openErr = &Error{Code: CodeUsage, Message: "a name has at most 255 bytes", Exit: exitUsage}
	_, err := c.Subscribe(ctxFor(t), SubscribeRequest{Channels: []string{"chat"}})
	var e *Error
	if !errors.As(err, &e) || e.Message != n.openErr.Error() {
		t.Errorf("got %v", err)
	}
	n.openErr = nil
	if _, err := c.Subscribe(ctxFor(t), SubscribeRequest{}); !errors.As(err, &e) || e.Code != CodeUsage {
		t.Errorf("no channel: %v", err)
	}
	// An error of the node comes after the messages before it, and is counted.
	slow := &Error{Code: "slow", Message: "this reader was too slow", Exit: 1}
	n.source = give(10, slow, numbered(3)...)
	got, err := all(subscribed(t, c))
	if !errors.As(err, &e) || *e != *slow || len(got) != 3 || counter(s, "control_stream_errors") != 1 {
		t.Errorf("%d messages, %v", len(got), err)
	}
	n.source = func(context.Context, []Message) (int, error) { panic("bug") }
	if _, err := all(subscribed(t, c)); !errors.Is(err, io.ErrUnexpectedEOF) || counter(s, "control_panics") != 1 {
		t.Errorf("after a panic: %v", err)
	}
	within(t, "the end of the subscriptions", func() bool { return n.subsEnded() == 2 })
}

// F20: a subscriber that goes ends its subscription.
func TestSubscriberGoes(t *testing.T) {
	for name, leave := range map[string]func(*Stream, func()){
		"close": func(st *Stream, _ func()) { st.Close() }, "context": func(_ *Stream, cancel func()) { cancel() },
	} {
		for kind, source := range map[string]func(context.Context, []Message) (int, error){
			"quiet": give(1, nil, numbered(1)...), "busy": endless(numbered(1)[0]),
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				n := newFakeNode()
				n.source = source
				_, c := serve(t, n)
				ctx, cancel := context.WithCancel(ctxFor(t))
				defer cancel()
				st, err := c.Subscribe(ctx, SubscribeRequest{Channels: []string{"chat"}})
				if err != nil {
					t.Fatal(err)
				}
				defer st.Close()
				if err := st.Next(&Message{}); err != nil {
					t.Fatal(err)
				}
				at := time.Now()
				leave(st, cancel)
				within(t, "the end of the subscription", func() bool { return n.subsEnded() == 1 })
				if took := time.Since(at); took > time.Second {
					t.Errorf("it took %v", took)
				}
				if _, err := all(st); err == nil || errors.Is(err, ErrStreamEnd) {
					t.Errorf("the reader sees %v", err)
				} else if name == "context" && !errors.Is(err, context.Canceled) {
					t.Errorf("the reader sees %v, want the cause", err)
				}
			})
		}
	}
}

// A reader that takes nothing stays, however long, but does not hold Close up.
func TestStoppedReader(t *testing.T) {
	n := newFakeNode()
	m := numbered(1)[0]
	m.Payload = bytes.Repeat([]byte("x"), 1000)
	n.source = endless(m)
	s, c := serve(t, n)
	s.patient = 50 * time.Millisecond // not for these
	for _, format := range []string{FormatFrames, FormatNDJSON} {
		nc := raw(t, c)
		// An answer before it leaves a deadline on the connection.
		fmt.Fprint(nc, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
		in := bufio.NewReader(nc)
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		fmt.Fprintf(nc, "GET /v1/subscribe?channel=chat&format=%s HTTP/1.1\r\nHost: x\r\n\r\n", format)
		if _, err := in.ReadByte(); err != nil {
			t.Fatal(err)
		}
	}
	<-time.After(300 * time.Millisecond)
	if n.subsEnded() != 0 {
		t.Fatal("a stopped reader was cut off")
	}
	at := time.Now()
	s.Close()
	if took := time.Since(at); took > closeTimeout {
		t.Errorf("Close took %v", took)
	}
	if n.subsEnded() != 2 {
		t.Errorf("%d subscriptions ended", n.subsEnded())
	}
	if lost := counter(s, "control_sub_lost"); lost == 0 || lost > 2*(batchSize+writeChunk/100) {
		t.Errorf("%d messages counted as lost", lost)
	}
}

// The server's Close is an end in order for a reader that reads.
func TestCloseEndsSubscription(t *testing.T) {
	for kind, source := range map[string]func(context.Context, []Message) (int, error){
		"quiet": give(1, nil, numbered(1)...), "busy": endless(numbered(1)[0]),
	} {
		n := newFakeNode()
		n.source = source
		s, c := serve(t, n)
		st := subscribed(t, c)
		if err := st.Next(&Message{}); err != nil {
			t.Fatal(err)
		}
		closed := make(chan struct{})
		go func() { s.Close(); close(closed) }()
		if _, err := all(st); !errors.Is(err, ErrStreamEnd) {
			t.Errorf("%s: %v", kind, err)
		}
		<-closed
	}
}

func TestSubscribeNDJSON(t *testing.T) {
	n := newFakeNode()
	list := numbered(3)
	list[1] = Message{Channel: "chat", From: "o@dev", Payload: []byte{0xff}, Encoding: "", Lost: 37, Time: list[1].Time}
	list[2] = Message{Channel: "chat", From: "o@dev", Payload: []byte("{a,1}"), Encoding: EncodingErlang, Time: list[2].Time}
	slow := &Error{Code: "slow", Message: "too slow", Exit: 1}
	n.source = give(10, slow, list...)
	_, c := serve(t, n)
	res := exchange(t, c, "GET /v1/subscribe?channel=chat HTTP/1.1\r\nHost: x\r\n\r\n")
	got, err := io.ReadAll(res.Body)
	want := `{"type":"message","channel":"chat","from":"b@dev","seq":1,"id":"id1","time":"2026-01-15T12:04:31.120Z","payload":"message 1"}
{"type":"drop","channel":"chat","time":"2026-01-15T12:04:31.120001Z","count":37}
{"type":"message","channel":"chat","from":"o@dev","time":"2026-01-15T12:04:31.120001Z","payload_base64":"/w=="}
{"type":"message","channel":"chat","from":"o@dev","time":"2026-01-15T12:04:31.120002Z","encoding":"erlang","payload":"{a,1}"}
{"type":"error","error":{"code":"slow","message":"too slow","why":"","try":"","exit":1}}
`
	if string(got) != want || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
	if ct := res.Header.Get("Content-Type"); ct != "application/x-ndjson" {
		t.Errorf("content type %s", ct)
	}
}

// Streams that no node writes.
func TestStreamMeetsOthers(t *testing.T) {
	good := appendRecord(nil, &numbered(1)[0])
	for _, k := range []struct {
		name, body, says string
		messages         int
	}{
		{"nothing", "", ErrStreamEnd.Error(), 0},
		{"a message", string(good), ErrStreamEnd.Error(), 1},
		{"empty and later records", "\x00\x00\x00\x00" + "\x00\x00\x00\x02\xf0x" + string(good), ErrStreamEnd.Error(), 1},
		{"cut", string(good) + "\x00\x00\x00", "control: subscribe: the stream was cut: unexpected EOF", 1},
		{"cut message", string(good) + string(good[:len(good)-1]), "control: subscribe: the stream was cut: unexpected EOF", 1},
		{"JSON", `{"error":1}`, "control: subscribe: record of 2065851762 bytes, at most 268435456 are taken", 0},
		{"short record", "\x00\x00\x00\x05\x01xxxx", "control: subscribe: record: 5 bytes, its head has 37", 0},
		{"long names", "\x00\x00\x00\x25\x01" + strings.Repeat("\xff", 36), "control: subscribe: record: names of 12884901885 bytes in 0", 0},
		{"error", string(appendErrorRecord(nil, errTooBig)), errTooBig.Message, 0},
		{"error without text", "\x00\x00\x00\x01\x03", "control: subscribe: error record: unexpected end of JSON input", 0},
	} {
		t.Run(k.name, func(t *testing.T) {
			c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set(Header, "1")
				io.WriteString(w, k.body)
			})
			got, err := all(subscribed(t, c))
			if len(got) != k.messages || err.Error() != k.says {
				t.Errorf("%d messages, %v\nwant %d, %s", len(got), err, k.messages, k.says)
			}
		})
	}
}

func TestCurlChannels(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("SKIPPED: curl is not installed")
	}
	n := newFakeNode()
	n.source = give(10, io.EOF, numbered(2)...)
	n.limit = 4 << 20
	_, c := serve(t, n)
	run := func(stdin string, args ...string) string {
		cmd := exec.Command(curl, append([]string{"-sS", "--max-time", "10", "--unix-socket", c.Socket}, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("curl %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	check := func(out string, messages uint64) {
		t.Helper()
		var p Published
		if err := json.Unmarshal([]byte(out), &p); err != nil || p.Messages != messages {
			t.Errorf("%v: %s", err, out)
		}
	}
	check(run("", "http://x/v1/publish?channel=chat", "-d", "hello"), 1)
	check(run("a\nb\n\nc", "http://x/v1/publish?channel=chat&framing=lines&empty=true", "--data-binary", "@-"), 4)
	check(run("a\nb\n", "http://x/v1/publish?channel=chat&framing=lines", "-T", "-", "-X", "POST"), 2)
	big := strings.Repeat("0123456789abcde\n", 128<<10) // curl asks 100-continue for this
	check(run(big, "http://x/v1/publish?channel=chat&framing=lines", "--data-binary", "@-", "-H", "Expect: 100-continue"), 128<<10)
	for _, expect := range []string{"Expect:", "Expect: 100-continue"} {
		out := run(big, "http://x/v1/publish?channel=chat&framing=csv", "--data-binary", "@-", "-H", expect)
		if !strings.Contains(out, `framing is \"csv\"`) {
			t.Errorf("with %s: %s", expect, out)
		}
	}
	if out := run("", "-N", "http://x/v1/subscribe?channel=chat"); strings.Count(out, "\n") != 2 || !strings.Contains(out, `"seq":2,`) {
		t.Errorf("subscribe: %s", out)
	}
	if out := run("", "http://x/v1/channels?name=chat"); !strings.Contains(out, `"incomplete":[]`) {
		t.Errorf("channels: %s", out)
	}
}

// brokenWriter is a ResponseWriter that takes so many writes.
type brokenWriter struct {
	http.ResponseWriter
	left, lines int
}

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, io.ErrClosedPipe
	}
	w.lines += bytes.Count(p, []byte{'\n'})
	return len(p), nil
}

func (w *brokenWriter) FlushError() error { return nil }

// What was taken and not written is counted, to the message.
func TestFeedCountsWhatIsLost(t *testing.T) {
	list := numbered(1000)
	for writes := range 4 {
		w := &brokenWriter{left: writes}
		s := NewServer(newFakeNode(), nil)
		f := &feed{s: s, w: w, rc: http.NewResponseController(w), format: formats[FormatNDJSON]}
		err := f.put(list)
		if err == nil && writes < 3 || err != nil && writes == 3 {
			t.Fatalf("%d writes: %v; want 3 for all", writes, err)
		}
		if lost := counter(s, "control_sub_lost"); lost != uint64(len(list)-w.lines) {
			t.Errorf("%d writes: %d counted as lost, %d written", writes, lost, w.lines)
		}
		s.Close()
	}
}

// A loss of a subscription to several channels is not said to be of one.
func TestDropOfSeveralChannels(t *testing.T) {
	for query, want := range map[string]string{
		"channel=a":           `{"type":"drop","channel":"a","time":"2026-01-15T12:04:31.120Z","count":2}`,
		"channel=a&channel=b": `{"type":"drop","time":"2026-01-15T12:04:31.120Z","count":2}`,
	} {
		n := newFakeNode()
		m := Message{Channel: "a", From: "b@dev", Lost: 2, Time: time.Date(2026, 1, 15, 12, 4, 31, 120e6, time.UTC)}
		n.source = give(10, io.EOF, m)
		_, c := serve(t, n)
		res := exchange(t, c, "GET /v1/subscribe?"+query+" HTTP/1.1\r\nHost: x\r\n\r\n")
		got, err := io.ReadAll(res.Body)
		if line, _, _ := strings.Cut(string(got), "\n"); line != want || err != nil {
			t.Errorf("%s: %s, %v\nwant %s", query, line, err, want)
		}
	}
}
