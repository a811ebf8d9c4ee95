package dist

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/secure"
	"github.com/liminal-bus/liminal/internal/tlstest"
)

// tlsPair is a connection under TLS for nodes on h, whose certificates are good.
func tlsPair(t testing.TB) (client, server *secure.Conn) {
	t.Helper()
	ca := tlstest.NewCA(t, "Example CA")
	c, err := secure.New(ca.Issue(t, "h"), []*x509.Certificate{ca.Cert})
	if err != nil {
		t.Fatal(err)
	}
	one, two := net.Pipe()
	t.Cleanup(func() { one.Close(); two.Close() })
	k := secure.NewKeeper(c)
	return k.Client(one, "h"), k.Server(two)
}

// TestHandshakeUnderTLS: what the link reads stands right behind the handshake.
func TestHandshakeUnderTLS(t *testing.T) {
	client, server := tlsPair(t)
	i, a := nodeLocal("i@h", "secret"), nodeLocal("a@h", "secret")
	done := make(chan error, 1)
	go func() {
		r, err := Accept(server, time.Time{}, a, AcceptorHooks{})
		if err == nil && r.Name != "i@h" {
			err = errors.New("accepted " + r.Name)
		}
		if err == nil {
			_, err = server.Write([]byte("link"))
		}
		server.Close()
		done <- err
	}()
	r, err := Dial(client, time.Time{}, i, InitiatorHooks{Want: "a@h"})
	if err != nil || r.Name != "a@h" || r.RTT <= 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if rest, _ := io.ReadAll(client); string(rest) != "link" {
		t.Errorf("the link reads %q", rest)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestPrefixUnderTLS: four bytes of length before a message, in both directions.
func TestPrefixUnderTLS(t *testing.T) {
	client, server := tlsPair(t)
	a := nodeLocal("a@h", "secret")
	done := make(chan error, 1)
	go func() { _, err := Accept(server, time.Time{}, a, AcceptorHooks{}); done <- err }()
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	name := nameMessage(nodeLocal("i@h", "secret"))
	if _, err := client.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(name))), name...)); err != nil {
		t.Fatal(err)
	}
	want := append([]byte{0, 0, 0, 3}, "sok"...)
	got := make([]byte, len(want)+4)
	if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got[:len(want)], want) {
		t.Errorf("status %q, %v", got, err)
	}
	if n := binary.BigEndian.Uint32(got[len(want):]); n != uint32(challengeHead+len("a@h")) {
		t.Errorf("the challenge is %d bytes long", n)
	}
	client.Close()
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// S3: lengths that lie, and what is no length, in the four bytes under TLS.
func TestLyingPrefixUnderTLS(t *testing.T) {
	for _, head := range []string{"\xff\xff\xff\xff", "\x80\x00\x00\x00", "\x7f\xff\xff\xff", "\x00\x00\x04\x4d", "\x00\x01\x00\x00", "GET "} {
		client, server := tlsPair(t)
		done := make(chan error, 1)
		go func() {
			_, err := Accept(server, time.Time{}, nodeLocal("a@h", "secret"), AcceptorHooks{})
			done <- err
		}()
		if err := client.Handshake(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(client, head); err != nil {
			t.Fatal(err)
		}
		var shake *HandshakeError
		if err := <-done; !errors.Is(err, ErrNotDist) || !errors.As(err, &shake) || shake.Stage != StageName {
			t.Errorf("%q: %v", head, err)
		}
	}
}

// TestTLSWithinSetupTime: the deadline bounds the handshake of TLS too.
func TestTLSWithinSetupTime(t *testing.T) {
	client, server := tlsPair(t)
	go io.Copy(io.Discard, server.NetConn()) // takes everything, says nothing
	var shake *HandshakeError
	_, err := Dial(client, time.Now().Add(50*time.Millisecond), nodeLocal("i@h", "s"), InitiatorHooks{})
	if !errors.Is(err, ErrTimeout) || !errors.As(err, &shake) || shake.Stage != StageTLS {
		t.Errorf("%v", err)
	}
}

// TestBareTLSIsNotTLS: a conn whose peer nobody can hold against its name is
// spoken to as one in the clear is, which a node under TLS does not understand.
func TestBareTLSIsNotTLS(t *testing.T) {
	client, server := tlsPair(t)
	done := make(chan error, 1)
	go func() {
		_, err := Accept(server, time.Now().Add(5*time.Second), nodeLocal("a@h", "s"), AcceptorHooks{})
		done <- err
	}()
	_, err := Dial(client.Conn, time.Now().Add(5*time.Second), nodeLocal("i@h", "s"), InitiatorHooks{})
	if err == nil || <-done == nil {
		t.Error("they are connected")
	}
}

// S15: the name is held against the certificate before it means anything: by who
// dials before and after it is given, by who is dialled before it is let in.
func TestNameAgainstCertificate(t *testing.T) {
	for _, c := range []struct {
		what, initiator, want, acceptor string
		dial, accept                    Stage // at which each ends
		dialErr, acceptErr              error
	}{
		{"another host was dialled", "i@h", "a@other", "a@other", StageTLS, StageName, secure.ErrCertificate, ErrClosed},
		{"another host answers", "i@h", "", "a@other", StageChallenge, StageReply, secure.ErrCertificate, ErrClosed},
		{"another host dials", "i@other", "", "a@h", StageStatus, StageName, ErrNotAllowed, secure.ErrCertificate},
	} {
		client, server := tlsPair(t)
		done := make(chan error, 1)
		go func() {
			_, err := Accept(server, time.Time{}, nodeLocal(c.acceptor, "s"), AcceptorHooks{
				Admit: func(h Hello) Status {
					if h.Name != "i@h" {
						t.Errorf("%s: %s was shown", c.what, h.Name)
					}
					return StatusOK
				},
			})
			done <- err
		}()
		_, err := Dial(client, time.Time{}, nodeLocal(c.initiator, "s"), InitiatorHooks{
			Want: c.want, Learned: func(h Hello) error { t.Errorf("%s: %s was learned", c.what, h.Name); return nil },
		})
		accepted := <-done
		var one, two *HandshakeError
		if !errors.Is(err, c.dialErr) || !errors.As(err, &one) || one.Stage != c.dial {
			t.Errorf("%s: dial: %v", c.what, err)
		}
		if !errors.Is(accepted, c.acceptErr) || !errors.As(accepted, &two) || two.Stage != c.accept {
			t.Errorf("%s: accept: %v", c.what, accepted)
		}
	}
}

// TestPlainAnswersTLS: a node in the clear tells one that speaks TLS that it is not.
func TestPlainAnswersTLS(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	done := make(chan error, 1)
	go func() {
		_, err := Accept(ours, time.Time{}, nodeLocal("a@h", "s"), AcceptorHooks{})
		done <- err
	}()
	go io.WriteString(theirs, "\x16\x03\x01\x02\x00\x01")
	answer, _ := io.ReadAll(theirs)
	if string(answer) != "\x00\x0csnot_allowed" {
		t.Errorf("answer %q", answer)
	}
	var strange *NotDistError
	if err := <-done; !errors.As(err, &strange) || strange.Looks != looksTLS {
		t.Errorf("%v", err)
	}
}
