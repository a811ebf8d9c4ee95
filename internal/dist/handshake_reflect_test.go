package dist

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/otptest"
)

// put and take are handshake messages on a conn, with their length.
func put(c net.Conn, m []byte) error {
	_, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...))
	return err
}

func take(c net.Conn) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return nil, err
	}
	m := make([]byte, binary.BigEndian.Uint16(head[:]))
	_, err := io.ReadFull(c, m)
	return m, err
}

// mirror is the attack of one who has no cookie: the victim has dialled in,
// and is asked there the question that it put on out. Its answer is the answer
// to itself; and its ack on out is the ack it waits for on in.
func mirror(in, out net.Conn, dialled string) error {
	for _, c := range []net.Conn{in, out} {
		if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return err
		}
	}
	if _, err := take(in); err != nil {
		return fmt.Errorf("name: %w", err)
	}
	put(in, statusMessage("ok"))
	put(out, nameMessage(Local{Name: "other@127.0.0.1", Creation: 5, Flags: Offer(false)}))
	if _, err := take(out); err != nil {
		return fmt.Errorf("status: %w", err)
	}
	question, err := take(out)
	if err != nil {
		return fmt.Errorf("challenge: %w", err)
	}
	g, err := parseChallenge(question)
	if err != nil {
		return err
	}
	put(in, challengeMessage(Local{Name: dialled, Creation: 6, Flags: Offer(false)}, g.challenge))
	reply, err := take(in)
	if err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	put(out, reply)
	ack, err := take(out)
	if err != nil {
		return fmt.Errorf("ack: %w", err)
	}
	return put(in, ack)
}

// S8: OTP is taken in, which shows that the attack is one.
func TestReflectionWorksOnOTP(t *testing.T) {
	otp := otptest.Start(t, otptest.Options{})
	addr := otp.Addr(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	registration, err := net.Dial("tcp", otp.EPMD.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer registration.Close()
	port := binary.BigEndian.AppendUint16([]byte{120}, uint16(ln.Addr().(*net.TCPAddr).Port))
	put(registration, append(port, "\x4d\x00\x00\x06\x00\x06\x00\x04evil\x00\x00"...))
	if _, err := io.ReadFull(registration, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	connect := otp.Spawn("net_kernel:connect_node('evil@127.0.0.1').")
	in, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := mirror(in, out, "evil@127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	if got := connect.Get(t); got != "true" {
		t.Errorf("connect_node: %s", got)
	}
	otp.WaitEval(t, "lists:sort(nodes()).", "['evil@127.0.0.1','other@127.0.0.1']", 5*time.Second)
}

// S8: a thousand times the same hands do not get past us, in either role.
func TestReflectionFailsOnUs(t *testing.T) {
	us := nodeLocal("us@127.0.0.1", "secret")
	for range 1000 {
		in, dialled := tcpPair(t)
		out, accepted := tcpPair(t)
		errs := make(chan error, 2)
		go func() { _, err := Dial(dialled, time.Time{}, us, InitiatorHooks{}); errs <- err }()
		go func() { _, err := Accept(accepted, time.Time{}, us, AcceptorHooks{}); errs <- err }()
		if err := mirror(in, out, "evil@127.0.0.1"); err == nil {
			t.Fatal("a node without the cookie was let in")
		}
		in.Close()
		out.Close()
		first, second := <-errs, <-errs
		if first == nil || second == nil || !errors.Is(first, ErrReflection) && !errors.Is(second, ErrReflection) {
			t.Fatalf("%v; %v", first, second)
		}
	}
}
