package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// saying is a stream of these messages on which nothing more comes.
func saying(ms ...control.Message) func(context.Context, func(...control.Message)) error {
	return func(ctx context.Context, emit func(...control.Message)) error {
		emit(ms...)
		return forEver(ctx)
	}
}

func withLost(m control.Message, n uint64) control.Message { m.Lost = n; return m }

// TestSubForms: the same messages in every form.
func TestSubForms(t *testing.T) {
	local := noon.Local().Format("15:04:05.000")
	binary := message("\x00\xff" + strings.Repeat("\xfe", 98))
	erlang := message("{ok,<0.1.0>}")
	erlang.Encoding, erlang.Seq, erlang.ID = control.EncodingErlang, 0, ""
	evil := message("a\x1b[2Jb\nc\u202e")
	bare := message("x")
	bare.From = ""
	all := []control.Message{message("hello"), evil, message(""), erlang, bare, withLost(binary, 37)}
	for _, test := range []struct {
		name           string
		args           []string
		tty            bool
		stdout, stderr string
	}{
		{"pipe", nil, false, "hello\na\x1b[2Jb\nc\u202e\n\n{ok,<0.1.0>}\nx\n" + string(binary.Payload) + "\n",
			"liminal: 37 messages lost here (this reader was too slow)\n"},
		{"pipe, quiet", []string{"-q", "--delimiter", `\0\t\\`}, false,
			"hello\x00\t\\a\x1b[2Jb\nc\u202e\x00\t\\\x00\t\\{ok,<0.1.0>}\x00\t\\x\x00\t\\" + string(binary.Payload) + "\x00\t\\", ""},
		{"terminal", []string{"--color=never"}, true, strings.ReplaceAll(`@T  chat  b@dev  hello
@T  chat  b@dev  a\x1b[2Jb\nc\u202e
@T  chat  b@dev  (empty)
@T  chat  b@dev  {ok,<0.1.0>}
@T  chat  -  x
@T  chat  b@dev  \x00\xff`+strings.Repeat(`\xfe`, 46)+`... (100 bytes, not UTF-8)
`, "@T", local), "liminal: 37 messages lost here (this reader was too slow)\n"},
		{"terminal, colour", []string{"--color=always", "--count", "1"}, true, "\x1b[2m" + local + "\x1b[0m  chat  b@dev  hello\n", ""},
		{"terminal, raw", []string{"--raw", "--color=never", "--count", "2"}, true,
			local + "  chat  b@dev  hello\n" + local + "  chat  b@dev  a\x1b[2Jb\nc\u202e\n", ""},
		{"terminal, plain", []string{"--plain", "--count", "2"}, true, "hello\na\\x1b[2Jb\\nc\\u202e\n", ""},
		{"terminal, plain, raw", []string{"--plain", "--raw", "--count", "2"}, true, "hello\na\x1b[2Jb\nc\u202e\n", ""},
		{"json", []string{"--json"}, false, `{"type":"message","channel":"chat","from":"b@dev","seq":41,"id":"i","time":"2026-01-15T12:04:31.120Z","payload":"hello"}
{"type":"message","channel":"chat","from":"b@dev","seq":41,"id":"i","time":"2026-01-15T12:04:31.120Z","payload":"a\u001b[2Jb\nc` + "\u202e" + `"}
{"type":"message","channel":"chat","from":"b@dev","seq":41,"id":"i","time":"2026-01-15T12:04:31.120Z","payload":""}
{"type":"message","channel":"chat","from":"b@dev","time":"2026-01-15T12:04:31.120Z","encoding":"erlang","payload":"{ok,<0.1.0>}"}
{"type":"message","channel":"chat","from":"","seq":41,"id":"i","time":"2026-01-15T12:04:31.120Z","payload":"x"}
{"type":"drop","channel":"chat","time":"2026-01-15T12:04:31.120Z","count":37}
{"type":"message","channel":"chat","from":"b@dev","seq":41,"id":"i","time":"2026-01-15T12:04:31.120Z","payload_base64":"AP/+` + strings.Repeat("/v7+", 32) + `/g=="}
`, ""},
	} {
		b := newFakeBus()
		b.stream = saying(all...)
		env := busEnv(t, b)
		env.StdoutTTY = test.tty
		args := append([]string{"sub", "chat"}, test.args...)
		if !strings.Contains(strings.Join(args, " "), "--count") {
			args = append(args, "--count", "6")
		}
		r := runIn(t, env, args...)
		if r.code != 0 || r.stderr != test.stderr {
			t.Errorf("%s: exit %d, stderr %q", test.name, r.code, r.stderr)
		}
		if r.stdout != test.stdout {
			t.Errorf("%s:\n%q\nwant\n%q", test.name, r.stdout, test.stdout)
		}
	}
}

// TestSubJSONOnTerminal cannot steer it.
func TestSubJSONOnTerminal(t *testing.T) {
	b := newFakeBus()
	b.stream = saying(message("a\u202eb"))
	env := busEnv(t, b)
	env.StdoutTTY = true
	r := runIn(t, env, "sub", "chat", "--json", "--count", "1", "--delimiter", `\0`)
	if r.code != 0 || !strings.HasSuffix(r.stdout, `"payload":"a\u202eb"}`+"\x00") {
		t.Errorf("%+v", r)
	}
}

// TestSubColumns: the widest of the named channels decides.
func TestSubColumns(t *testing.T) {
	b := newFakeBus()
	b.stream = saying(message("x"))
	env := busEnv(t, b)
	env.StdoutTTY = true
	r := runIn(t, env, "sub", "chat", "orders", "--count", "1", "--color=never", "--policy", "block")
	if !strings.HasSuffix(r.stdout, "  chat    b@dev  x\n") {
		t.Errorf("%q", r.stdout)
	}
	if want := []control.SubscribeRequest{{Channels: []string{"chat", "orders"}, Policy: "block", Format: control.FormatFrames}}; !reflect.DeepEqual(b.asked, want) {
		t.Errorf("%+v", b.asked)
	}
}

func TestSubUsage(t *testing.T) {
	for _, test := range []struct {
		args []string
		what string
	}{
		{[]string{}, "needs an argument"},
		{[]string{""}, "CHANNEL is empty"},
		{[]string{"chat", "--count", "0"}, "--count takes a number from 1 on"},
		{[]string{"chat", "--policy", "lose"}, "there is no policy lose"},
		{[]string{"chat", "--idle", "5"}, `--idle must be a duration such as "5s", not "5"`},
		{[]string{"chat", "--idle", "-5s"}, "--idle must be a duration"},
		{[]string{"chat", "--delimiter", `a\x`}, `--delimiter has the unknown escape \x`},
		{[]string{"chat", "--delimiter", `a\`}, "--delimiter ends in half an escape"},
	} {
		r := runIn(t, testEnv(t), append([]string{"sub"}, test.args...)...)
		if r.code != 64 || !strings.Contains(r.stderr, test.what) || r.stdout != "" {
			t.Errorf("%q: %+v", test.args, r)
		}
	}
}

// TestSubEnds: every way in which a subscription ends has its status.
func TestSubEnds(t *testing.T) {
	ends := func(err error) func(context.Context, func(...control.Message)) error {
		return func(_ context.Context, emit func(...control.Message)) error {
			emit(message("hello"))
			return err
		}
	}
	for _, test := range []struct {
		name   string
		args   []string
		stream func(context.Context, func(...control.Message)) error
		code   int
		stderr string
	}{
		{"count", []string{"--count", "1"}, saying(message("hello"), message("more")), 0, ""},
		{"idle", []string{"--idle", "30ms"}, saying(message("hello")), 0, ""},
		{"idle before the count", []string{"--idle", "30ms", "--count", "9"}, saying(message("hello")), 0, ""},
		{"time", []string{"--timeout", "60ms"}, saying(message("hello")), 0, ""},
		{"time before the count", []string{"--timeout", "60ms", "--count", "9"}, saying(message("hello")), 124, "timed out after 60ms: 1 of 9 messages came"},
		{"the node stops", nil, ends(io.EOF), 69, "the node has stopped"},
		{"too slow", []string{"--policy", "disconnect"}, ends(fail("slow", "the subscription was ended", "its reader was too slow", "be faster")), 1, "the subscription was ended"},
	} {
		b := newFakeBus()
		b.stream = test.stream
		r := runIn(t, busEnv(t, b), append([]string{"sub", "chat"}, test.args...)...)
		if r.code != test.code || r.stdout != "hello\n" || !strings.Contains(r.stderr, test.stderr) || (test.stderr == "") != (r.stderr == "") {
			t.Errorf("%s: %+v", test.name, r)
		}
	}
	if r := runIn(t, testEnv(t), "sub", "chat"); r.code != 69 {
		t.Errorf("no node: %+v", r)
	}
}

// TestNodeDies: an end without a word is told as such.
func TestNodeDies(t *testing.T) {
	env := testEnv(t)
	dies := func(name, answer string) (socket string) {
		t.Helper()
		socket = filepath.Join(env.Getenv("LIMINAL_RUNTIME_DIR"), name)
		ln, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer ln.Close()
			c, err := ln.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				io.WriteString(c, answer)
			}
		}()
		return socket
	}
	socket := dies("sub.sock", fmt.Sprintf("HTTP/1.1 200 OK\r\n%s: %d\r\nTransfer-Encoding: chunked\r\n\r\n", control.Header, control.Version))
	r := runIn(t, env, "sub", "chat", "--socket", socket)
	if r.code != 69 || !strings.HasPrefix(r.stderr, "liminal: the node is gone\n") {
		t.Errorf("%+v", r)
	}
	socket = dies("pub.sock", "")
	typed(t, &env) // that nothing is typed must not keep it
	r = runIn(t, env, "pub", "chat", "--lines", "--socket", socket)
	if r.code != 69 || !strings.HasPrefix(r.stderr, "liminal: the node is gone; what it had sent is not known\n") {
		t.Errorf("%+v", r)
	}
}

// TestSubTimeoutIsItsOwn: what other commands are limited by is no limit here.
func TestSubTimeoutIsItsOwn(t *testing.T) {
	b := newFakeBus()
	hold := make(chan struct{})
	b.stream = func(ctx context.Context, emit func(...control.Message)) error {
		<-hold
		emit(message("late"))
		return forEver(ctx)
	}
	env := busEnv(t, b)
	getenv, environ := env.Getenv, env.Environ
	env.Getenv = func(name string) string {
		if name == "LIMINAL_TIMEOUT" {
			return "100ms"
		}
		return getenv(name)
	}
	env.Environ = func() []string { return append(environ(), "LIMINAL_TIMEOUT=100ms") }
	time.AfterFunc(300*time.Millisecond, func() { close(hold) })
	if r := runIn(t, env, "sub", "chat", "--count", "1"); r.code != 0 || r.stdout != "late\n" {
		t.Errorf("%+v", r)
	}
}

func TestSubInterrupted(t *testing.T) {
	b := newFakeBus()
	b.stream = saying(message("hello"))
	r := startIn(t, busEnv(t, b), "sub", "chat", "-v")
	r.line(r.stderr, "subscribed to chat on a@dev")
	r.line(r.stdout, "hello") // at once, though more might come
	r.signals <- os.Interrupt
	r.exits(130)
}

// TestSubClosedPipe: whoever has seen enough ends it without a word.
func TestSubClosedPipe(t *testing.T) {
	b := newFakeBus()
	b.stream = func(ctx context.Context, emit func(...control.Message)) error {
		for ctx.Err() == nil {
			emit(message("hello"))
		}
		return ctx.Err()
	}
	for _, args := range [][]string{{}, {"--json"}, {"--count", "100000000"}} {
		env := busEnv(t, b)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr syncBuffer
		env.Stdout, env.Stderr = w, &stderr
		code := make(chan int)
		go func() { code <- Main(t.Context(), env, append([]string{"sub", "chat"}, args...)) }()
		if _, err := r.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		r.Close()
		if c := <-code; c != 0 || stderr.String() != "" {
			t.Errorf("%q: exit %d, %q", args, c, stderr.String())
		}
		w.Close()
	}
}

func TestSubOutputFails(t *testing.T) {
	b := newFakeBus()
	b.stream = saying(message("hello"))
	env := busEnv(t, b)
	var stderr syncBuffer
	env.Stdout, env.Stderr = failing{syscall.ENOSPC}, &stderr
	if code := Main(t.Context(), env, []string{"sub", "chat"}); code != 74 || !strings.Contains(stderr.String(), "cannot write the messages") {
		t.Errorf("exit %d, %q", code, stderr.String())
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestSubFlushes: output is gathered while more is there, and not beyond.
func TestSubFlushes(t *testing.T) {
	out := &writes{}
	s := &sub{call: &call{out: &output{stdout: out}}, print: bareMessage("\n")}
	from := &scripted{ms: []control.Message{
		message("a"), message("b"), {}, message("c"), message(strings.Repeat("x", subFlush)), message("d"),
	}}
	if err := s.copy(from); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	var sizes []int
	for _, w := range out.all {
		sizes = append(sizes, len(w))
	}
	if want := []int{4, 2 + subFlush + 1, 2}; !reflect.DeepEqual(sizes, want) {
		t.Errorf("writes of %v bytes, want %v", sizes, want)
	}
}

type writes struct{ all []string }

func (w *writes) Write(p []byte) (int, error) { w.all = append(w.all, string(p)); return len(p), nil }

// scripted gives its messages; before an empty one nothing more is buffered.
type scripted struct{ ms []control.Message }

func (s *scripted) Buffered() bool { return len(s.ms) > 0 && s.ms[0].Payload != nil }

func (s *scripted) Next(m *control.Message) error {
	if len(s.ms) > 0 && s.ms[0].Payload == nil {
		s.ms = s.ms[1:]
	}
	if len(s.ms) == 0 {
		return io.EOF
	}
	*m, s.ms = s.ms[0], s.ms[1:]
	return nil
}

// TestLossNotes: the first at once, then sums once a second, and none is left
// out.
func TestLossNotes(t *testing.T) {
	var b strings.Builder
	at := noon
	l := lossNotes{out: &output{stderr: &b}, now: func() time.Time { return at }}
	l.add(1)
	l.add(2)
	at = at.Add(999 * time.Millisecond)
	l.add(3)
	at = at.Add(time.Millisecond)
	l.add(4)
	l.add(1000)
	l.tell()
	l.tell()
	want := "liminal: 1 message lost here (this reader was too slow)\nliminal: 9 messages lost here (this reader was too slow)\n" +
		"liminal: 1 000 messages lost here (this reader was too slow)\n"
	if b.String() != want {
		t.Errorf("%q", b.String())
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{"": "", "ab": "ab", `\0`: "\x00", `\n\r\t\\n`: "\n\r\t\\n", "é": "é"} {
		if got, err := unescape(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

// BenchmarkSubPipe is what one message costs from the stream to the pipe.
func BenchmarkSubPipe(b *testing.B) {
	s := &sub{call: &call{out: &output{stdout: io.Discard}}, print: bareMessage("\n"), subFlags: subFlags{count: b.N}}
	b.ReportAllocs()
	if err := s.copy(endless{[]byte("0123456789abcdef")}); err != nil {
		b.Fatal(err)
	}
}

type endless struct{ payload []byte }

func (endless) Buffered() bool                  { return true }
func (e endless) Next(m *control.Message) error { m.Payload = e.payload; return nil }
