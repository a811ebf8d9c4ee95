package testnet_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"testing"

	"github.com/liminal-bus/liminal/internal/testnet"
)

// readLines takes lines from a pipe of a command that is about to start.
func readLines(t *testing.T, pipe func() (io.ReadCloser, error)) <-chan string {
	t.Helper()
	r, err := pipe()
	if err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1<<18) // more than any test sends
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return lines
}

// subLines subscribes through a node and gives what comes.
func subLines(t *testing.T, w *testnet.World, channel, node string) (<-chan string, *testnet.Proc) {
	t.Helper()
	sub := w.Command("sub", channel, "--json", "--node", node)
	lines := readLines(t, sub.StdoutPipe)
	return lines, w.Begin(t, sub)
}

// stream publishes numbers, each a line.
type stream struct {
	in     io.WriteCloser
	answer <-chan string
	sent   int
}

func pubLines(t *testing.T, w *testnet.World, channel, node string) *stream {
	t.Helper()
	pub := w.Command("pub", channel, "--lines", "--json", "--node", node)
	in, err := pub.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	s := &stream{in: in, answer: readLines(t, pub.StdoutPipe)}
	w.Begin(t, pub)
	return s
}

func (s *stream) send(count int) {
	for range count {
		s.sent++
		fmt.Fprintln(s.in, s.sent)
	}
}

// end holds the receipt against what was sent.
func (s *stream) end(t *testing.T) {
	t.Helper()
	s.in.Close()
	var r testnet.Receipt
	if err := json.Unmarshal([]byte(<-s.answer), &r); err != nil || int(r.Messages) != s.sent || r.Dropped != 0 {
		t.Errorf("%d messages, and the receipt is %+v, %v", s.sent, r, err)
	}
}

// inOrder holds that all numbers come, each whole and in its turn.
func inOrder(t *testing.T, lines <-chan string, sent int) {
	t.Helper()
	for next := 1; next <= sent; next++ {
		var m struct {
			Type, Payload string
			Seq           int
		}
		line := <-lines
		if err := json.Unmarshal([]byte(line), &m); err != nil || m.Type != "message" || m.Seq != next || m.Payload != fmt.Sprint(next) {
			t.Fatalf("message %d is %q, %v", next, line, err)
		}
	}
}
