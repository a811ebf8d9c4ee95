package testnet_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/testnet"
)

// subscribed asks a node which channels it has subscribers of.
func subscribed(t *testing.T, n *testnet.Node, channel string) (subscribers int) {
	t.Helper()
	var doc struct {
		Channels []struct {
			Channel, Name string
			Subscribers   int
		}
	}
	n.Get(t, "/v1/channels", &doc)
	for _, c := range doc.Channels {
		if c.Channel == channel || c.Name == channel {
			subscribers += c.Subscribers
		}
	}
	return subscribers
}

// F15: a subscriber dies in the middle of what it is sent, at each byte of it. It
// is gone here and for peers within a second, and who else listens misses nothing
// and gets nothing torn.
func TestSubscriberDiesMidSend(t *testing.T) {
	t.Parallel()
	w := testnet.NewWorld(t)
	a := w.Node("a")
	b := w.Node("b", "--seed", a.Addr)
	a.AwaitUp(t, b.Name)
	b.AwaitUp(t, a.Name)
	lines, reader := subLines(t, w, "chat", "a")
	testnet.Until(t, "it listens", func() bool { return subscribed(t, b, "chat") == 1 })
	pub := pubLines(t, w, "chat", "b")
	gone := testnet.Figures{What: "subscriber dead to gone at its peer"}
	step := testnet.Runs(13, 1)
	for offset := 0; offset < 500; offset += step { // the head of the answer and two records
		diesAt(t, a, b, pub, offset)
		gone.Add(testnet.Until(t, "it is gone", func() bool { return subscribed(t, b, "dying") == 0 }))
	}
	inOrder(t, lines, pub.sent)
	pub.end(t)
	gone.Check(t, 0, time.Second)
	reader.Kill()
}

// diesAt subscribes at a and hangs up after so many bytes of what b publishes.
func diesAt(t *testing.T, a, b *testnet.Node, pub *stream, offset int) {
	t.Helper()
	c := a.Open(t, "GET", "/v1/subscribe?channel=chat&channel=dying&format=ndjson", "\r\n")
	defer c.Close()
	if offset == 0 {
		return // before anything came
	}
	testnet.Until(t, "it is there", func() bool { return subscribed(t, b, "dying") == 1 })
	pub.send(3)
	if _, err := io.ReadFull(c, make([]byte, offset)); err != nil {
		t.Fatalf("byte %d: %v", offset, err)
	}
}

// F20: clients of the control socket that hang up without a word, in the middle
// of any stream, leave nothing behind within a second.
func TestControlClientsHangUp(t *testing.T) {
	t.Parallel()
	w := testnet.NewWorld(t)
	a := w.Node("a")
	a.Status(t)
	before := a.Descriptors(t)
	streams := []func() net.Conn{
		func() net.Conn { return a.Open(t, "GET", "/v1/watch", "\r\n") },
		func() net.Conn { return a.Open(t, "GET", "/v1/subscribe?channel=x&format=ndjson", "\r\n") },
		func() net.Conn { return a.Open(t, "GET", "/v1/subscribe?channel=x", "\r\n") },
		func() net.Conn {
			return a.Open(t, "POST", "/v1/publish?channel=x&framing=lines", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
		},
		func() net.Conn {
			return a.Open(t, "POST", "/v1/publish?channel=y&wait=1", "Content-Length: 5\r\n\r\nhello")
		},
		func() net.Conn { return a.Open(t, "GET", "/v1/sta", "") },
	}
	total := testnet.Runs(600, 10_000)
	for i := range total {
		c := streams[i%len(streams)]()
		if i%3 == 0 && i%len(streams) < 3 { // some have begun to read
			_, _ = c.Read(make([]byte, 1+i%40))
		}
		c.Close()
	}
	took := testnet.Until(t, "they are gone", func() bool {
		return a.Descriptors(t) <= before && subscribed(t, a, "x") == 0
	})
	t.Logf("%d clients hung up; gone after %v", total, took)
	if took > time.Second+testnet.Slack {
		t.Errorf("gone only after %v", took)
	}
	b := w.Node("b", "--seed", a.Addr)
	a.AwaitUp(t, b.Name)
	a.CheckLaws(t)
}
