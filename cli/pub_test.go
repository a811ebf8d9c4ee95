package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

func TestPublishedText(t *testing.T) {
	peers := func(outcomes ...string) (list []control.PeerOutcome) {
		for i, o := range outcomes {
			list = append(list, control.PeerOutcome{Node: fmt.Sprintf("%c@dev", 'b'+i), Outcome: o})
		}
		return list
	}
	for _, test := range []struct {
		doc  control.Published
		want string
	}{
		{control.Published{Messages: 1, Bytes: 12, Subscribers: 1, Members: 2, Nodes: 2}, "published 12 bytes to chat: 1 local subscriber, 2 members on 2 nodes"},
		{control.Published{Messages: 1, Bytes: 8, Members: 1, Nodes: 1}, "published 8 bytes to chat: 1 member on 1 node"},
		{control.Published{Messages: 1, Bytes: 1, Subscribers: 3}, "published 1 byte to chat: 3 local subscribers"},
		{control.Published{Messages: 1}, "published 0 bytes to chat: 0 subscribers"},
		{control.Published{Messages: 1, Bytes: 2, Hint: &control.ChannelHint{Channel: ":chat", Members: 2}}, "published 2 bytes to chat: 0 subscribers; :chat has 2"},
		{control.Published{Messages: 1e6, Bytes: 6888896, Members: 1, Nodes: 1}, "published 1 000 000 messages (6.9 MB) to chat: 1 member on 1 node"},
		{control.Published{}, "published nothing to chat: 0 subscribers"},
		{control.Published{Messages: 2, Bytes: 9999, Refused: 3, Subscribers: 1}, "published 2 messages (9 999 bytes) to chat: 1 local subscriber; 3 refused"},
		{control.Published{Messages: 5, Bytes: 5, Subscribers: 2, Enqueued: 10, DroppedHere: 3},
			"published 5 messages (5 bytes) to chat: 2 local subscribers; 3 messages lost by slow subscribers here"},
		{control.Published{Messages: 5, Bytes: 5, Members: 2, Nodes: 2, Dropped: 1200, Peers: peers("dropped_full", "link_down", "written")},
			"published 5 messages (5 bytes) to chat: 2 members on 2 nodes; 1 200 copies dropped (b@dev: its link was full, c@dev: its link went down)"},
		{control.Published{Messages: 1, Bytes: 5, Members: 1, Nodes: 1, Dropped: 1, Peers: peers("too_large")},
			"published 5 bytes to chat: 1 member on 1 node; 1 copy dropped (b@dev: too large for it)"},
		{control.Published{Messages: 1, Bytes: 5, Members: 5, Nodes: 5, Peers: peers("queued", "queued", "written", "queued", "queued")},
			"published 5 bytes to chat: 5 members on 5 nodes; not all written yet to b@dev, c@dev, e@dev, 1 more"},
	} {
		test.doc.Channel = "chat"
		if got := publishedText(test.doc); got != test.want {
			t.Errorf("%s\nwant %s", got, test.want)
		}
	}
}

func TestSizes(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 bytes", 1: "1 byte", 9999: "9 999 bytes", 12345: "12.3 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 6888896: "6.9 MB", 3e12: "3.0 TB"} {
		if got := amountText(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1 000", 120345: "120 345", 1e6: "1 000 000"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// TestPubSources: one source, and the bytes as they were.
func TestPubSources(t *testing.T) {
	file := filepath.Join(t.TempDir(), "in")
	long := strings.Repeat("x", 3*feedChunk)
	if err := os.WriteFile(file, []byte("a\r\n\n"+long+"\nlast"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		stdin string
		args  []string
		want  []string
	}{
		{"arguments", "not read", []string{"chat", "one", "$two {{x}}\n", "\xff"}, []string{"one", "$two {{x}}\n", "\xff"}},
		{"a dash is a message", "", []string{"chat", "-"}, []string{"-"}},
		{"an empty argument", "", []string{"chat", "", "--empty"}, []string{""}},
		{"stdin", "a\nb\n", []string{"chat"}, []string{"a\nb\n"}},
		{"lines", "a\nb\nc", []string{"chat", "--lines"}, []string{"a", "b", "c"}},
		{"a file", "", []string{"chat", "--file", file}, []string{"a\r\n\n" + long + "\nlast"}},
		{"lines of a file", "", []string{"chat", "--file", file, "--lines", "--empty"}, []string{"a\r", "", long, "last"}},
		{"stdin by name", "a\n", []string{"chat", "--file", "-", "--lines"}, []string{"a"}},
		{"nothing, as asked", "", []string{"chat", "--empty"}, []string{""}},
	} {
		b := newFakeBus()
		b.receipt.Members, b.receipt.Nodes = 1, 1
		env := busEnv(t, b)
		env.Stdin = strings.NewReader(test.stdin)
		r := runIn(t, env, append([]string{"pub"}, test.args...)...)
		if got := b.got(); r.code != 0 || r.stdout != "" || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v\n%.200q\nwant\n%.200q", test.name, r, got, test.want)
		}
		if !strings.HasPrefix(r.stderr, "published ") || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("%s: %q", test.name, r.stderr)
		}
	}
}

func TestPubRefusals(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, test := range []struct {
		args []string
		tty  bool
		code int
		what string
	}{
		{[]string{"pub"}, false, 64, "needs an argument"},
		{[]string{"pub", ""}, false, 64, "CHANNEL is empty"},
		{[]string{"pub", "chat"}, true, 64, "there is no message to publish"},
		{[]string{"pub", "chat", "x", "--file", none}, false, 64, "exclude each other"},
		{[]string{"pub", "chat", "x", "--lines"}, false, 64, "--lines is for stdin"},
		{[]string{"pub", "chat", "x", "--wait", "-1"}, false, 64, "takes a number from 0 on"},
		{[]string{"pub", "chat", "--file", none}, false, 66, "there is no file " + none},
		{[]string{"pub", "chat", "--file", filepath.Dir(none)}, false, 74, "cannot read " + filepath.Dir(none)},
		{[]string{"pub", "chat", "--file", filepath.Dir(none), "--lines", "--empty"}, false, 74, "cannot read"},
		{[]string{"pub", "chat", ""}, false, 65, "message"},
		{[]string{"pub", "chat"}, false, 65, "message"},
		{[]string{"pub", "chat", "-x"}, false, 64, "unknown flag"},
	} {
		b := newFakeBus()
		env := busEnv(t, b)
		env.StdinTTY = test.tty
		r := runIn(t, env, test.args...)
		if r.code != test.code || !strings.Contains(r.stderr, test.what) || r.stdout != "" || len(b.got()) > 0 {
			t.Errorf("%q: %+v, want exit %d, %q; published %q", test.args, r, test.code, test.what, b.got())
		}
	}
	if r := runIn(t, testEnv(t), "pub", "chat", "x"); r.code != 69 {
		t.Errorf("no node: %+v", r)
	}
}

// TestPubRefusedLine: it stops at the line and says how far it came.
func TestPubRefusedLine(t *testing.T) {
	b := newFakeBus()
	b.refuse = func(payload []byte) *control.Error {
		if string(payload) != "381" {
			return nil
		}
		return &control.Error{Code: "message_size", Message: "message of 1.2 MiB refused", Why: "channels.max_message is 1 MiB on a@dev", Exit: 65}
	}
	env := busEnv(t, b)
	env.Stdin = strings.NewReader(numbers(100_000))
	r := runIn(t, env, "pub", "nums", "--lines")
	want := "liminal: line 381: message of 1.2 MiB refused; 380 sent\n  why: channels.max_message is 1 MiB on a@dev\n" +
		"  try: raise channels.max_message there, or split the input\n"
	if r.code != 65 || r.stderr != want || len(b.got()) != 380 {
		t.Errorf("%+v; %d published", r, len(b.got()))
	}

	env.Stdin = strings.NewReader(numbers(400))
	b.messages = nil
	r = runIn(t, env, "pub", "nums", "--lines", "--keep-going", "--json")
	if r.code != 65 || len(b.got()) != 399 || !strings.Contains(r.stdout, `"messages":399,`) || !strings.Contains(r.stdout, `"refused":1,`) || r.stderr != "" {
		t.Errorf("one document, which says it: %+v; %d published", r, len(b.got()))
	}
	env.Stdin = strings.NewReader(numbers(400))
	r = runIn(t, env, "pub", "nums", "--lines", "--keep-going")
	if r.code != 65 || !strings.Contains(r.stderr, "\nliminal: 1 message refused; 399 sent\n") {
		t.Errorf("%+v", r)
	}
}

func TestPubJSON(t *testing.T) {
	b := newFakeBus()
	b.receipt.Subscribers, b.receipt.Members, b.receipt.Nodes = 2, 2, 2
	r := runIn(t, busEnv(t, b), "pub", "chat", "hello", "--json")
	want := `{"schema":"liminal.pub/1","node":"a@dev","channel":"chat","id":"","messages":1,"bytes":5,"refused":0,"first_refused":null,` +
		`"subscribers":2,"members":2,"nodes":2,"enqueued":0,"dropped_here":0,"dropped":0,"peers":[],"hint":null}` + "\n"
	if r.code != 0 || r.stdout != want || r.stderr != "" {
		t.Errorf("%+v", r)
	}
}

func TestPubDropped(t *testing.T) {
	b := newFakeBus()
	b.receipt.Members, b.receipt.Nodes, b.receipt.Dropped = 1, 1, 3
	b.receipt.Peers = []control.PeerOutcome{{Node: "c@dev", Outcome: control.OutcomeLinkDown, Dropped: 3}}
	env := busEnv(t, b)
	r := runIn(t, env, "pub", "chat", "hello")
	want := `published 5 bytes to chat: 1 member on 1 node; 3 copies dropped (c@dev: its link went down)
liminal: 3 copies dropped of what was published to chat
  why: c@dev: its link went down
  try: liminal peers (how the links are), then publish again
`
	if r.code != 1 || r.stderr != want || r.stdout != "" {
		t.Errorf("%+v", r)
	}
	if r := runIn(t, env, "pub", "chat", "hello", "-q"); r.code != 1 || !strings.HasPrefix(r.stderr, "liminal: 3 copies") {
		t.Errorf("quiet: %+v", r)
	}
	b.receipt.Dropped = 0
	if r := runIn(t, env, "pub", "chat", "hello", "-q"); r.code != 0 || r.stderr != "" {
		t.Errorf("quiet: %+v", r)
	}
}

// TestPubWaits: a node that is not there yet counts as not yet.
func TestPubWaits(t *testing.T) {
	env := testEnv(t)
	socket := filepath.Join(env.Getenv("LIMINAL_RUNTIME_DIR"), "x.sock")
	r := startIn(t, env, "pub", "chat", "hello", "--wait", "2", "--socket", socket)
	b := newFakeBus()
	b.receipt.Members, b.receipt.Nodes = 2, 1
	serve(t, b, socket)
	r.line(r.stderr, "published 5 bytes to chat: 2 members on 1 node")
	r.exits(0)
	if req := b.published[0]; req.Wait != 2 || req.Timeout <= 20*time.Second || req.Timeout > 30*time.Second || req.Timeout%(100*time.Millisecond) != 0 {
		t.Errorf("%+v", req)
	}

	gone := runIn(t, testEnv(t), "pub", "chat", "hello", "--wait", "1", "--timeout", "60ms", "--socket", socket+"x")
	if gone.code != 124 || !strings.HasPrefix(gone.stderr, "liminal: timed out after 60ms: no node answers on ") {
		t.Errorf("no node: %+v", gone)
	}
	b.waitsFor = func(_ context.Context, r control.PublishRequest) error {
		return fail("timeout", fmt.Sprintf("timed out after %s", durationText(r.Timeout)), "nobody", "raise --timeout")
	}
	late := runIn(t, env, "pub", "chat", "hello", "--wait", "1", "--timeout", "2s", "--socket", socket)
	if late.code != 124 || !strings.HasPrefix(late.stderr, "liminal: timed out after 2s\n") {
		t.Errorf("nobody: %+v", late)
	}
}

// TestPubHungNode: arguments do not wait for ever.
func TestPubHungNode(t *testing.T) {
	b := newFakeBus()
	b.waitsFor = func(ctx context.Context, _ control.PublishRequest) error { <-ctx.Done(); return ctx.Err() }
	r := runIn(t, busEnv(t, b), "pub", "chat", "hello", "--timeout", "50ms")
	if r.code != 124 || !strings.HasPrefix(r.stderr, "liminal: timed out after 50ms\n") {
		t.Errorf("%+v", r)
	}
}

// TestPubInterrupted: what was sent is told, and no half of a line is.
func TestPubInterrupted(t *testing.T) {
	for _, args := range [][]string{{}, {"--json"}} {
		b := newFakeBus()
		b.arrived = make(chan string, 8)
		env := busEnv(t, b)
		stdin := typed(t, &env)
		r := startIn(t, env, append([]string{"pub", "chat", "--lines"}, args...)...)
		for _, part := range []string{"one\ntwo\nth", "ree\nhal"} {
			if _, err := io.WriteString(stdin, part); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			<-b.arrived
		}
		r.signals <- os.Interrupt
		if len(args) == 0 {
			r.line(r.stderr, "published 3 messages (11 bytes) to chat: 0 subscribers")
		} else {
			r.line(r.stdout, `"messages":3,"bytes":11`)
		}
		r.exits(130)
		if got := b.got(); !reflect.DeepEqual(got, []string{"one", "two", "three"}) {
			t.Errorf("%q", got)
		}
	}
}

// TestPubInterruptedWhole: half a message is none.
func TestPubInterruptedWhole(t *testing.T) {
	b := newFakeBus()
	env := busEnv(t, b)
	stdin := typed(t, &env)
	r := startIn(t, env, "pub", "chat")
	if _, err := io.WriteString(stdin, "half a mess"); err != nil {
		t.Fatal(err)
	}
	r.signals <- os.Interrupt
	r.exits(130)
	if got := b.got(); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// TestPubReadError: the lines before it are sent, and told.
func TestPubReadError(t *testing.T) {
	b := newFakeBus()
	env := busEnv(t, b)
	env.Stdin = io.MultiReader(strings.NewReader("one\ntwo\nthr"), iotest.ErrReader(errors.New("disk on fire")))
	r := runIn(t, env, "pub", "chat", "--lines")
	want := "published 2 messages (6 bytes) to chat: 0 subscribers\nliminal: cannot read stdin\n  why: disk on fire\n"
	if r.code != 74 || !strings.HasPrefix(r.stderr, want) || len(b.got()) != 2 {
		t.Errorf("%+v, %q", r, b.got())
	}
	env.Stdin = io.MultiReader(strings.NewReader("one"), iotest.ErrReader(errors.New("disk on fire")))
	if r := runIn(t, env, "pub", "chat"); r.code != 74 || !strings.HasPrefix(r.stderr, "liminal: cannot read stdin\n") || len(b.got()) != 2 {
		t.Errorf("%+v, %q", r, b.got())
	}
}

func TestPubClosedPipe(t *testing.T) {
	env := busEnv(t, newFakeBus())
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	env.Stdout = w
	env.Stderr = io.Discard
	if code := Main(t.Context(), env, []string{"pub", "chat", "x", "--json"}); code != 141 {
		t.Errorf("exit %d", code)
	}
}

// TestPubProgress: after 2 s, five times a second, and gone at the end.
func TestPubProgress(t *testing.T) {
	b := newFakeBus()
	b.arrived = make(chan string, 8)
	env := busEnv(t, b)
	clock := newPausing(&env)
	stdin := typed(t, &env)
	var stderr syncBuffer
	env.Stderr, env.Stdout, env.StderrTTY = &stderr, io.Discard, true
	code := make(chan int)
	go func() { code <- Main(t.Context(), env, []string{"pub", "chat", "--lines", "--color=never"}) }()
	if d := <-clock.ask; d != 2*time.Second {
		t.Errorf("first after %v", d)
	}
	send := func(text string) {
		t.Helper()
		if _, err := io.WriteString(stdin, text); err != nil {
			t.Fatal(err)
		}
		for range strings.Count(text, "\n") {
			<-b.arrived
		}
	}
	send("one\ntwo\n")
	if got := stderr.String(); got != "" {
		t.Errorf("too early: %q", got)
	}
	clock.wake <- 2 * time.Second
	if d := <-clock.ask; d != 200*time.Millisecond {
		t.Errorf("next after %v", d)
	}
	send("three\n")
	clock.wake <- 28 * time.Second
	<-clock.ask
	stdin.Close()
	if c := <-code; c != 0 {
		t.Errorf("exit %d", c)
	}
	want := "\rsent 2 lines  1/s\rsent 3 lines  0/s\r                 \rpublished 3 messages (11 bytes) to chat: 0 subscribers\n"
	if got := stderr.String(); got != want {
		t.Errorf("%q\nwant\n%q", got, want)
	}
}

func TestProgressText(t *testing.T) {
	f := newFeed(strings.NewReader(""), true)
	defer f.Close()
	f.sent.Store(47)
	f.ended.Store(120345)
	if got, want := progressText(source{feed: f, size: 100}, 3*time.Second), "sent 120 345 lines  40 115/s  47%"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	whole := newFeed(strings.NewReader(""), false)
	defer whole.Close()
	whole.sent.Store(12_300_000)
	if got, want := progressText(source{feed: whole}, 3*time.Second), "sent 12.3 MB  4.1 MB/s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestFeed: whatever the pieces are in which a source comes, the bytes are the
// same, and with lines none but the last stands without its ending.
func TestFeed(t *testing.T) {
	text := "a\n\n" + strings.Repeat("b", feedChunk+7) + "\nc\n" + numbers(20_000) + "end"
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader, "data with EOF": iotest.DataErrReader,
	} {
		for _, lines := range []bool{false, true} {
			f := newFeed(wrap(strings.NewReader(text)), lines)
			got, err := io.ReadAll(iotest.HalfReader(f))
			if err != nil || string(got) != text || f.sent.Load() != int64(len(text)) {
				t.Errorf("%s, lines %v: %d bytes of %d, %v", name, lines, len(got), len(text), err)
			}
			f.Close()
		}
	}
}

// TestFeedStops at a line, or says that it cannot.
func TestFeedStops(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	f := newFeed(r, true)
	defer f.Close()
	go io.WriteString(w, "one\ntw")
	buf := make([]byte, 100)
	if n, err := f.Read(buf); err != nil || string(buf[:n]) != "one\n" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	if !f.stop() {
		t.Error("it cannot stop")
	}
	if n, err := f.Read(buf); n != 0 || err != io.EOF {
		t.Errorf("%d, %v", n, err)
	}
	long := newFeed(strings.NewReader(strings.Repeat("x", 2*feedChunk)), true)
	defer long.Close()
	if _, err := io.ReadFull(long, make([]byte, feedChunk)); err != nil {
		t.Fatal(err)
	}
	long.stop()
	if _, err := long.Read(buf); !errors.Is(err, errCut) {
		t.Errorf("in the middle of a line: %v", err)
	}
	if whole := newFeed(strings.NewReader(""), false); whole.stop() {
		t.Error("a message was cut")
	} else {
		whole.Close()
	}
}
