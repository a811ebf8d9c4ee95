package control

import (
	"bufio"
	"context"
	"io"
	"testing"
)

// lineReader is a body of n lines of 16 bytes and their ending.
type lineReader struct{ left int }

func (l *lineReader) Read(p []byte) (int, error) {
	const line = "0123456789abcdef\n"
	lines := min(l.left, len(p)/len(line))
	if lines == 0 {
		return 0, io.EOF
	}
	n := copy(p, line)
	for n < lines*len(line) {
		n += copy(p[n:lines*len(line)], p[:n])
	}
	l.left -= lines
	return n, nil
}

func BenchmarkPublishLines(b *testing.B) {
	n := newFakeNode()
	n.discard = true
	_, c := serve(b, n)
	b.ReportAllocs()
	b.ResetTimer()
	done, err := c.Publish(context.Background(), PublishRequest{Channel: "chat", Framing: FramingLines}, &lineReader{b.N})
	if err != nil || done.Messages != uint64(b.N) {
		b.Fatalf("%d of %d, %v", done.Messages, b.N, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

func BenchmarkPublishOne(b *testing.B) {
	n := newFakeNode()
	n.discard = true
	_, c := serve(b, n)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Publish(context.Background(), PublishRequest{Channel: "chat"}, &lineReader{1}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSubscribeFrames(b *testing.B) {
	n := newFakeNode()
	m := numbered(1)[0]
	m.ID, m.Payload = "0123456789abcdef01234567", []byte("0123456789abcdef")
	n.source = endless(m)
	_, c := serve(b, n)
	st, err := c.Subscribe(context.Background(), SubscribeRequest{Channels: []string{"chat"}})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	b.ReportAllocs()
	b.ResetTimer()
	var got Message
	for range b.N {
		if err := st.Next(&got); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

func BenchmarkSubscribeNDJSON(b *testing.B) {
	n := newFakeNode()
	m := numbered(1)[0]
	m.ID, m.Payload = "0123456789abcdef01234567", []byte("0123456789abcdef")
	n.source = endless(m)
	_, c := serve(b, n)
	res := exchange(b, c, "GET /v1/subscribe?channel=chat HTTP/1.1\r\nHost: x\r\n\r\n")
	lines := bufio.NewReaderSize(res.Body, clientBuffer)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := lines.ReadSlice('\n'); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

func BenchmarkMessageJSON(b *testing.B) {
	m := numbered(1)[0]
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendMessageJSON(buf[:0], &m)
	}
}
