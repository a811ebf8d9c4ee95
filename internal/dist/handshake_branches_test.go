package dist

import (
	"bytes"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Branches that the tests of whole handshakes do not take.

// Others than nodes reach a node's port: what they say is named, and nothing
// of it is taken for a name message.
func TestStrangeFirstMessages(t *testing.T) {
	for body, looks := range map[string]string{
		"x\x00": "a request to epmd", "z": "a request to epmd", "n": "a request to epmd", "d": "a request to epmd",
		"n\x01\x05\x00\x00\x00\x00a@h": "a request to epmd", "n\x00\x06\x00\x00\x00\x00a@h": "a request to epmd",
		"": "", "Q": "", "s": "",
	} {
		_, _, err := acceptorFor(t, testLocal(), AcceptorHooks{}).Step([]byte(body), 0)
		var n *NotDistError
		if !errors.As(err, &n) || n.Looks != looks || n.Seen != body {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// nowhere is a conn that does not know its other end.
type nowhere struct{ *scriptConn }

func (nowhere) RemoteAddr() net.Addr { return nil }

func TestPeerWithoutAddress(t *testing.T) {
	_, err := Accept(nowhere{&scriptConn{in: strings.NewReader("")}}, time.Time{}, testLocal(), AcceptorHooks{})
	var h *HandshakeError
	if !errors.As(err, &h) || h.Peer != unnamed {
		t.Errorf("%v", err)
	}
}

// pipeConn fails each write as a socket does whose other end is gone.
type pipeConn struct{ *scriptConn }

func (pipeConn) Write([]byte) (int, error) {
	return 0, &net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}
}

// The peer is gone when we write. That is a closed connection, be it our first
// message, our proof, or a refusal, which stays a refusal.
func TestGoneWhenWeWrite(t *testing.T) {
	ok := withLength(rawName("p@h", Offer(false)))
	for what, c := range map[string]struct {
		in    []byte
		dial  bool
		want  error
		stage Stage
	}{
		"our name":     {nil, true, ErrClosed, StageName},
		"the question": {ok, false, ErrClosed, StageChallenge},
		"a refusal":    {withLength(rawName("p\x1b@h", Offer(false))), false, ErrName, StageName},
	} {
		script := &scriptConn{in: bytes.NewReader(c.in)}
		var err error
		if c.dial {
			_, err = Dial(pipeConn{script}, time.Time{}, testLocal(), InitiatorHooks{})
		} else {
			_, err = Accept(pipeConn{script}, time.Time{}, testLocal(), AcceptorHooks{})
		}
		var h *HandshakeError
		if !errors.As(err, &h) || !errors.Is(err, c.want) || h.Stage != c.stage || !script.closed {
			t.Errorf("%s: %v, closed %t", what, err, script.closed)
		}
	}
}

// A machine driven by hand says who the peer is once it is done.
func TestRemoteByHand(t *testing.T) {
	a := acceptorFor(t, testLocal(), AcceptorHooks{})
	if r := a.Remote(); r != (Remote{}) {
		t.Errorf("before a word: %+v", r)
	}
	letters := acceptorAlphabet()
	for _, k := range []int{0, 10} {
		if _, _, err := a.Step(letters[k].body, time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if r := a.Remote(); r.Name != "peer@host" || r.Creation != 200 || r.RTT != time.Second {
		t.Errorf("%+v", r)
	}
	a.Close()
	if r := a.Remote(); r.Name != "peer@host" {
		t.Error("Close undid a handshake that had ended well")
	}
}
