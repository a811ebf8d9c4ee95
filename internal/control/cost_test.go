package control

import (
	"context"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/liminal-bus/liminal/internal/perf"
)

// countedListener counts what the server asks of the kernel.
type countedListener struct {
	net.Listener
	reads, writes, out atomic.Int64
}

func (l *countedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countedConn{c.(*net.UnixConn), l}, nil
}

type countedConn struct {
	*net.UnixConn
	l *countedListener
}

func (c countedConn) Read(b []byte) (int, error) {
	c.l.reads.Add(1)
	return c.UnixConn.Read(b)
}

func (c countedConn) Write(b []byte) (int, error) {
	c.l.writes.Add(1)
	c.l.out.Add(int64(len(b)))
	return c.UnixConn.Write(b)
}

func serveCounted(t *testing.T, n Backend) (*countedListener, *Client) {
	t.Helper()
	path := filepath.Join(socketDir(t), "a.sock")
	ln, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	l := &countedListener{Listener: ln}
	s := NewServer(n, nil)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return l, &Client{Socket: path}
}

// Lines of a bulk pub share reads.
func TestCostOfBulkPublish(t *testing.T) {
	n := newFakeNode()
	n.discard = true
	l, c := serveCounted(t, n)
	const lines = 100_000
	done, err := c.Publish(context.Background(), PublishRequest{Channel: "chat", Framing: FramingLines}, &lineReader{lines})
	if err != nil || done.Messages != lines {
		t.Fatalf("%+v, %v", done, err)
	}
	perf.Most(t, "control.publish.reads", float64(l.reads.Load())*1000/lines)
}

// One message is one request and its answer.
func TestCostOfOnePublish(t *testing.T) {
	n := newFakeNode()
	n.discard = true
	l, c := serveCounted(t, n)
	if _, err := c.Publish(context.Background(), PublishRequest{Channel: "chat"}, &lineReader{1}); err != nil {
		t.Fatal(err)
	}
	perf.Most(t, "control.publish_one.writes", float64(l.writes.Load()))
}

// Messages that are there share writes.
func TestCostOfSubscribe(t *testing.T) {
	n := newFakeNode()
	m := numbered(1)[0]
	m.ID, m.Payload = "0123456789abcdef01234567", []byte("0123456789abcdef")
	n.source = endless(m)
	l, c := serveCounted(t, n)
	st, err := c.Subscribe(context.Background(), SubscribeRequest{Channels: []string{"chat"}})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var got Message
	for range 100_000 {
		if err := st.Next(&got); err != nil {
			t.Fatal(err)
		}
	}
	writes, out := l.writes.Load(), l.out.Load()
	perf.Most(t, "control.subscribe.writes", float64(writes)*(1<<20)/float64(out))
}
