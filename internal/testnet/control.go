package testnet

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// Get asks a node on its control socket and reads the answer into doc. It is
// quicker than a command, for what is asked often.
func (n *Node) Get(t testing.TB, path string, doc any) {
	t.Helper()
	client := &http.Client{Timeout: Patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", n.w.Socket(n.Short()))
		},
	}}
	res, err := client.Get("http://node" + path)
	if err != nil {
		t.Fatalf("testnet: %s %s: %v", n.Name, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil {
		err = json.Unmarshal(text, doc)
	}
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("testnet: %s %s: %s: %v: %s", n.Name, path, res.Status, err, text)
	}
}

// Open sends the head of a request to the control socket, and no more: what comes
// back is read by the caller, who closes the connection as it likes.
func (n *Node) Open(t testing.TB, method, path, rest string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("unix", n.w.Socket(n.Short()), Patience)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(Patience))
	if _, err := fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: node\r\n%s", method, path, rest); err != nil {
		t.Fatal(err)
	}
	return c
}
