package node

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/bus"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/tlstest"
)

// firstMessage is a handshake's, of a node x: 'N', flags, creation, name.
func firstMessage() []byte {
	const name = "x@127.0.0.1"
	msg := binary.BigEndian.AppendUint64([]byte{'N'}, uint64(dist.Offer(false)))
	msg = binary.BigEndian.AppendUint32(msg, 7)
	msg = append(binary.BigEndian.AppendUint16(msg, uint16(len(name))), name...)
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...)
}

// hears is what a stranger gets who begins a handshake and cannot go on, once
// enough says that no more is needed.
func hears(t *testing.T, c net.Conn, enough []byte) []byte {
	t.Helper()
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(firstMessage()); err != nil {
		return nil
	}
	var got []byte
	for buf := make([]byte, 4096); !bytes.Contains(got, enough); {
		n, err := c.Read(buf)
		got = append(got, buf[:n]...)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("the node says nothing, and does not hang up either")
		}
		if err != nil {
			break
		}
	}
	return got
}

// S6: who has no cookie hears the node's name and its challenge, and nothing more;
// under TLS, who has no certificate sees that of the node and hears not a word.
func TestWhatAStrangerHears(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	plain, under := start(t, testConfig(t, "plain")), start(t, tlsConfig(t, "under", ca))
	c, err := net.Dial("tcp", plain.testAddr())
	if err != nil {
		t.Fatal(err)
	}
	if got := hears(t, c, []byte(plain.name)); !bytes.Contains(got, []byte(plain.name)) {
		t.Errorf("in the clear a stranger hears %q", got)
	}
	bare, err := net.Dial("tcp", under.testAddr())
	if err != nil {
		t.Fatal(err)
	}
	if got := hears(t, bare, []byte(under.name)); bytes.Contains(got, []byte("under")) {
		t.Errorf("without TLS a stranger hears %q", got)
	}
	raw, err := net.Dial("tcp", under.testAddr())
	if err != nil {
		t.Fatal(err)
	}
	s := tls.Client(raw, &tls.Config{InsecureSkipVerify: true}) // a stranger has no authority to hold it against
	if err := s.Handshake(); err != nil {
		t.Fatal(err)
	}
	if seen := s.ConnectionState().PeerCertificates; len(seen) == 0 {
		t.Error("the stranger sees no certificate")
	}
	if got := hears(t, s, []byte(under.name)); len(got) > 0 {
		t.Errorf("without a certificate a stranger hears %q", got)
	}
}

// S19: who sent a message is the peer whose link it came over, whatever it says in
// the message of its sender.
func TestSenderCannotBeForged(t *testing.T) {
	n := &Node{cfg: Config{MaxMessage: 1000}}
	e := newEnvelope("victim@host", "orders")
	for i, msg := range [][]byte{
		e.seal(nil, &bus.Incoming{Payload: []byte("payload"), ID: []byte("id"), At: 7, Seq: 1}),
		e.seal(nil, &bus.Incoming{Payload: []byte("{a}"), ID: []byte("id"), At: 7, Encoding: bus.Erlang}),
	} {
		in, err := n.unseal("forger@host", msg)
		if err != nil || in.From != "forger@host" || n.counts.fromForged.Load() != uint64(i+1) {
			t.Errorf("message %d is from %q, %v; %d counted", i, in.From, err, n.counts.fromForged.Load())
		}
	}
}
