package control

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// cuts runs a cutter to the end of body. A refused message shows as "!".
func cuts(framing string, r io.Reader, size int64, limit int) (messages []string, err error) {
	c := newCutter(r, size, limit)
	for {
		msg, err := framings[framing](c)
		switch {
		case err == nil:
			messages = append(messages, string(msg))
		case oversize(err):
			messages = append(messages, "!")
		default:
			if most := max(limit+4, 0) + cutBuffer; len(c.buf) > most {
				return messages, fmt.Errorf("buffer of %d bytes, at most %d", len(c.buf), most)
			}
			return messages, err
		}
	}
}

func frames(messages ...string) string {
	var b []byte
	for _, m := range messages {
		b = AppendFrame(b, []byte(m))
	}
	return string(b)
}

func TestCutter(t *testing.T) {
	long := strings.Repeat("x", 11) // the limit is 10
	far := strings.Repeat("x", 3*cutBuffer)
	for _, k := range []struct {
		framing, body string
		want          []string
		err           string
	}{
		{FramingWhole, "", []string{""}, "EOF"},
		{FramingWhole, "a\nb\n", []string{"a\nb\n"}, "EOF"},
		{FramingWhole, long[1:], []string{long[1:]}, "EOF"},
		{FramingWhole, long, []string{"!"}, "EOF"},
		{FramingWhole, far, []string{"!"}, "EOF"},
		{FramingLines, "", nil, "EOF"},
		{FramingLines, "\n", []string{""}, "EOF"},
		{FramingLines, "a", []string{"a"}, "EOF"},
		{FramingLines, "a\nb\n", []string{"a", "b"}, "EOF"},
		{FramingLines, "a\r\n\n\x00\n", []string{"a\r", "", "\x00"}, "EOF"},
		{FramingLines, long[1:] + "\n" + long[1:], []string{long[1:], long[1:]}, "EOF"},
		{FramingLines, long + "\na\n" + long, []string{"!", "a", "!"}, "EOF"},
		{FramingLines, far + "\na\n" + far + "\n", []string{"!", "a", "!"}, "EOF"},
		{FramingLines, "a\n" + far, []string{"a", "!"}, "EOF"},
		{FramingFrames, "", nil, "EOF"},
		{FramingFrames, frames("a", "", "b\n"), []string{"a", "", "b\n"}, "EOF"},
		{FramingFrames, frames("a", long, "b"), []string{"a", "!", "b"}, "EOF"},
		{FramingFrames, frames("a", far, "b"), []string{"a", "!", "b"}, "EOF"},
		{FramingFrames, frames("a") + "\x00", []string{"a"}, "body: it ends 3 bytes before its last message does"},
		{FramingFrames, frames("a", "bcd")[:10], []string{"a"}, "body: it ends 2 bytes before its last message does"},
		{FramingFrames, frames("a", far)[:50], []string{"a", "!"}, fmt.Sprintf("body: it ends %d bytes before its last message does", len(far)-41)},
		{FramingFrames, "\xff\xff\xff\xff", []string{"!"}, "body: it ends 4294967295 bytes before its last message does"},
	} {
		for name, r := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader,
			"halves": iotest.HalfReader, "error with the last": iotest.DataErrReader,
		} {
			for _, size := range []int64{-1, int64(len(k.body))} {
				got, err := cuts(k.framing, r(strings.NewReader(k.body)), size, 10)
				if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", k.want) || err == nil || err.Error() != k.err {
					t.Errorf("%s %.20q, %s, size %d: %.40q, %v\nwant %.40q, %s", k.framing, k.body, name, size, got, err, k.want, k.err)
				}
			}
		}
	}
}

func TestCutterSizes(t *testing.T) {
	for _, k := range []struct {
		framing, body string
		size, want    int64
	}{
		{FramingWhole, "12345678901", 11, 11},
		{FramingWhole, "12345678901", -1, -1},
		{FramingLines, "12345678901\n", -1, 11},
		{FramingFrames, frames("12345678901"), -1, 11},
	} {
		_, err := framings[k.framing](newCutter(strings.NewReader(k.body), k.size, 10))
		if e := (*sizeError)(nil); !errors.As(err, &e) || e.size != k.want {
			t.Errorf("%s: %+v, want a size of %d", k.framing, err, k.want)
		}
	}
}

func TestCutterPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken")
	for framing, want := range map[string]string{FramingWhole: "", FramingLines: "a", FramingFrames: ""} {
		r := io.MultiReader(strings.NewReader("a\n\x00"), iotest.ErrReader(broken))
		got, err := cuts(framing, r, -1, 10)
		if err != broken || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v", framing, got, err)
		}
	}
	if _, err := cuts(FramingLines, silent{}, -1, 10); err != io.ErrNoProgress {
		t.Errorf("a reader that gives nothing: %v", err)
	}
}

type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

// Whatever the pieces it comes in, a body is cut as the model cuts it.
func TestCutterAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(0, 100_000).Draw(t, "limit")
		var want []string
		var lined, framed []byte
		for range rapid.IntRange(0, 20).Draw(t, "messages") {
			n := rapid.OneOf(rapid.IntRange(0, 20), rapid.IntRange(max(limit-2, 0), limit+2), rapid.IntRange(0, 200_000)).Draw(t, "n")
			m := bytes.Repeat([]byte{'a' + byte(n%26)}, n)
			lined, framed = append(append(lined, m...), '\n'), AppendFrame(framed, m)
			if n > limit {
				m = []byte("!")
			}
			want = append(want, string(m))
		}
		piece := rapid.IntRange(1, 100_000).Draw(t, "piece")
		for framing, body := range map[string][]byte{FramingLines: lined, FramingFrames: framed} {
			got, err := cuts(framing, &pieces{body, piece}, -1, limit)
			if err != io.EOF || !equal(got, want) {
				t.Fatalf("%s: %v; %d messages, want %d", framing, err, len(got), len(want))
			}
		}
	})
}

func equal(a, b []string) bool { return fmt.Sprintf("%q", a) == fmt.Sprintf("%q", b) }

type pieces struct {
	body []byte
	size int
}

func (p *pieces) Read(dst []byte) (int, error) {
	n := copy(dst[:min(p.size, len(dst))], p.body)
	p.body = p.body[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func FuzzCutter(f *testing.F) {
	f.Add([]byte("a\nbc\n\nd"), uint16(3), uint8(1))
	f.Add([]byte(frames("a", "", "bcd", "long enough")), uint16(4), uint8(7))
	f.Add([]byte("\xff\xff\xff\xffx"), uint16(0), uint8(2))
	f.Fuzz(func(t *testing.T, body []byte, limit uint16, piece uint8) {
		for framing := range framings {
			read := func() io.Reader { return &pieces{body, int(piece) + 1} }
			got, err := cuts(framing, read(), -1, int(limit))
			if err != io.EOF && !oversize(err) && framing != FramingFrames {
				t.Fatalf("%s: %v", framing, err)
			}
			for _, m := range got {
				if len(m) > int(limit) && m != "!" {
					t.Fatalf("%s: a message of %d bytes over the limit %d", framing, len(m), limit)
				}
			}
			if framing == FramingLines && limit > 0 {
				checkLines(t, body, got)
			}
		}
	})
}

func checkLines(t *testing.T, body []byte, got []string) {
	want := strings.Split(string(body), "\n")
	if want[len(want)-1] == "" {
		want = want[:len(want)-1]
	}
	if len(got) != len(want) {
		t.Fatalf("%d lines of %d", len(got), len(want))
	}
	for i, line := range got {
		if line != "!" && line != want[i] {
			t.Fatalf("line %d is %q, want %q", i+1, line, want[i])
		}
	}
}

// oversize reports whether err refuses one message and not the rest.
func oversize(err error) bool { return errors.As(err, new(*sizeError)) }
