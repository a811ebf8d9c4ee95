package node

import (
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

// lyingEPMD answers each name with another lie. It holds what it was asked, so
// that a test can tell that the lies were heard.
func lyingEPMD(t *testing.T, lies map[string]func(net.Conn)) (port int) {
	t.Helper()
	return portOf(fakeServer(t, func(conn net.Conn) {
		head := make([]byte, 3) // length, request
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		name := make([]byte, int(head[0])<<8+int(head[1])-1)
		if _, err := io.ReadFull(conn, name); err != nil {
			return
		}
		if lie := lies[string(name)]; lie != nil {
			lie(conn)
		}
	}))
}

// portLie is a good answer with a port that is not the node's.
func portLie(name string, port int) func(net.Conn) {
	b := []byte{119, 0, byte(port >> 8), byte(port), 77, 0, 0, 6, 0, 5, byte(len(name) >> 8), byte(len(name))}
	b = append(append(b, name...), 0, 0)
	return func(conn net.Conn) { _, _ = conn.Write(b) }
}

// endless answers for ever, and never to the point.
func endless(conn net.Conn) {
	b := append([]byte{119, 0, 17, 17, 77, 0, 0, 6, 0, 5, 0xff, 0xff}, make([]byte, 64<<10)...)
	for err := error(nil); err == nil; {
		_, err = conn.Write(b)
	}
}

// S11: an epmd that gives the port of another node, of nobody and of something
// else, that answers without end, cuts its answer short or says nothing, keeps
// no other seed waiting and makes nobody a peer under a name that is not theirs.
func TestLyingEPMD(t *testing.T) {
	other, good := start(t, testConfig(t, "other")), start(t, testConfig(t, "good"))
	lies := map[string]func(net.Conn){
		"wrong":   portLie("wrong", portOf(other.testAddr())),
		"nowhere": portLie("nowhere", portOf(closedPort(t))),
		"mute":    portLie("mute", portOf(fakeServer(t, silent))),
		"web":     portLie("web", portOf(fakeServer(t, says("HTTP/1.1 400 Bad Request\r\n\r\n")))),
		"self":    portLie("self", 0), // replaced below
		"huge":    endless,
		"hang":    silent,
		"short":   says("w\x00\x11"),
		"junk":    says("GET / HTTP/1.1\r\n\r\n"),
	}
	port := lyingEPMD(t, lies)
	lies["self"] = portLie("self", port)
	seeds := []string{good.testAddr()}
	for name := range lies {
		seeds = append(seeds, name+"@127.0.0.1")
	}
	for order := range 3 {
		slices.Sort(seeds)
		slices.Reverse(seeds[:order*len(seeds)/2])
		c := testConfig(t, fmt.Sprintf("a%d", order))
		c.EPMD, c.EPMDPort, c.Seeds, c.NoMesh = EPMDAuto, port, seeds, true
		begin := time.Now()
		n := start(t, c)
		waitFor(t, n, "the good seed is up", func(n *Node) bool { return slices.Contains(n.PeerNames(), good.name) })
		took := time.Since(begin)
		if took > 3*time.Second {
			t.Errorf("order %d: the good seed was up after %v", order, took)
		}
		waitFor(t, n, "the lies have been met", func(n *Node) bool { return order > 0 || liesMet(n) == len(lies)-1 })
		if met := time.Since(begin); met > 4*time.Second { // silence is known after two
			t.Errorf("order %d: the last lie was known after %v", order, met)
		}
		if got := n.PeerNames(); !slices.Equal(got, []string{good.name}) {
			t.Errorf("order %d: peers %q", order, got)
		}
		t.Logf("order %d: the good seed was up after %v", order, took)
		n.Close()
	}
	waitFor(t, other, "nobody is there", hasPeers())
}

// liesMet counts the seeds that have failed, but for the one that takes a whole
// handshake's time to.
func liesMet(n *Node) (met int) {
	for _, s := range n.Status().Seeds {
		if s.Err != nil && s.Address != "mute@127.0.0.1" {
			met++
		}
	}
	return met
}
