package cli

import (
	"encoding/binary"
	"io"
	"net"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// startTalker is a listener that says one thing to whoever speaks to it. It
// gives its address.
func startTalker(t *testing.T, says string) string {
	t.Helper()
	return startTalkerOn(t, "tcp", "127.0.0.1:0", says)
}

func startTalkerOn(t *testing.T, network, address, says string) string {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(5 * time.Second))
				c.Read(make([]byte, 4096))
				io.WriteString(c, says)
				io.Copy(io.Discard, c)
			})
		}
	})
	t.Cleanup(func() { ln.Close(); group.Wait() })
	return ln.Addr().String()
}

// rawCall sends one request as it is and gives the whole answer.
func rawCall(t *testing.T, socket, request string) string {
	t.Helper()
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(c, request)
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// greeter answers a handshake up to its challenge: status ok, then flags and name.
func greeter(t *testing.T, name string, flags uint64) string {
	t.Helper()
	challenge := binary.BigEndian.AppendUint64([]byte{'N'}, flags)
	challenge = append(challenge, 1, 2, 3, 4, 0, 0, 0, 1) // the number, and its creation
	challenge = binary.BigEndian.AppendUint16(challenge, uint16(len(name)))
	challenge = append(challenge, name...)
	says := append([]byte{0, 3}, "sok"...)
	says = binary.BigEndian.AppendUint16(says, uint16(len(challenge)))
	return startTalker(t, string(append(says, challenge...)))
}

// awaitPort waits until something listens on a port of loopback.
func awaitPort(t *testing.T, port string) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		if c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
			c.Close()
			return
		}
		select {
		case <-late:
			t.Fatalf("nothing listens on port %s", port)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// killEPMD ends the real epmd on a port. It refuses as long as it has a node
// in its list, and a node that has just ended may be one for a moment.
func killEPMD(t *testing.T, port string) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		cmd := exec.Command("epmd", "-port", port, "-kill")
		out, err := cmd.CombinedOutput()
		if err == nil {
			return
		}
		select {
		case <-late:
			t.Errorf("epmd -kill: %v: %s", err, out)
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}
