package cli

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// fakeEPMD is an epmd as far as nodes talk to it.
type fakeEPMD struct {
	mu    sync.Mutex
	ports map[string]int
}

// startEPMD gives the port of one on loopback that knows these names already. It
// takes the given port, "0" for any.
func startEPMD(t *testing.T, port string, ports map[string]int) string {
	t.Helper()
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Fatal(err)
	}
	e := &fakeEPMD{ports: ports}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go e.serve(c) // ends when its node lets go
		}
	})
	t.Cleanup(func() { ln.Close(); group.Wait() })
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
}

func (e *fakeEPMD) serve(c net.Conn) {
	defer c.Close()
	size := make([]byte, 2)
	if _, err := io.ReadFull(c, size); err != nil {
		return
	}
	req := make([]byte, binary.BigEndian.Uint16(size))
	if _, err := io.ReadFull(c, req); err != nil || len(req) == 0 {
		return
	}
	switch req[0] {
	case 'x': // ALIVE2_REQ: held for as long as the node keeps it open
		port := int(binary.BigEndian.Uint16(req[1:]))
		name := string(req[11 : 11+binary.BigEndian.Uint16(req[9:])])
		if !e.take(name, port) {
			c.Write([]byte{'v', 1, 0, 0, 0, 99})
			return
		}
		c.Write([]byte{'v', 0, 0, 0, 0, 1})
		io.Copy(io.Discard, c)
		e.drop(name)
	case 'z': // PORT_PLEASE2_REQ
		c.Write(e.port(string(req[1:])))
	case 'n': // NAMES_REQ
		c.Write(e.names())
	}
}

func (e *fakeEPMD) take(name string, port int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, taken := e.ports[name]; taken {
		return false
	}
	e.ports[name] = port
	return true
}

func (e *fakeEPMD) drop(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.ports, name)
}

func (e *fakeEPMD) port(name string) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	port, ok := e.ports[name]
	if !ok {
		return []byte{'w', 1}
	}
	b := binary.BigEndian.AppendUint16([]byte{'w', 0}, uint16(port))
	b = append(b, 'M', 0, 0, 6, 0, 5) // a normal node over TCP, versions 6 to 5
	b = binary.BigEndian.AppendUint16(b, uint16(len(name)))
	return append(append(b, name...), 0, 0)
}

func (e *fakeEPMD) names() []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	var lines []string
	for name, port := range e.ports {
		lines = append(lines, fmt.Sprintf("name %s at port %d\n", name, port))
	}
	slices.Sort(lines)
	b := []byte{0, 0, 0x11, 0x11}
	for _, line := range lines {
		b = append(b, line...)
	}
	return b
}
