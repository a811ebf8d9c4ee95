package epmd

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fake is an epmd on in-memory pipes. Each dial is one conversation with serve,
// which gets the request without its length and owns the connection.
type fake struct {
	mu       sync.Mutex
	serve    func(req []byte, nc net.Conn)
	down     bool // refuse connections
	requests [][]byte
	group    sync.WaitGroup
}

func (f *fake) client() Client { return Client{Dial: f.dial} }

// set changes how the fake behaves from now on.
func (f *fake) set(down bool, serve func(req []byte, nc net.Conn)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down, f.serve = down, serve
}

func (f *fake) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	ours, theirs := net.Pipe()
	serve := f.serve
	f.group.Go(func() {
		defer theirs.Close()
		req, err := readRequest(theirs)
		if err != nil {
			return
		}
		f.mu.Lock()
		f.requests = append(f.requests, req)
		f.mu.Unlock()
		serve(req, theirs)
	})
	return ours, nil
}

func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.requests)
}

func readRequest(r io.Reader) ([]byte, error) {
	var n [2]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, err
	}
	req := make([]byte, int(n[0])<<8|int(n[1]))
	_, err := io.ReadFull(r, req)
	return req, err
}

// answer sends b in one piece and closes.
func answer(b string) func([]byte, net.Conn) {
	return func(_ []byte, nc net.Conn) { io.WriteString(nc, b) }
}

// pieces sends b a byte at a time and then holds the connection.
func pieces(b string) func([]byte, net.Conn) {
	return func(_ []byte, nc net.Conn) {
		for i := range len(b) {
			if _, err := io.WriteString(nc, b[i:i+1]); err != nil {
				return
			}
		}
		hang(nil, nc)
	}
}

// hang says nothing until the other side closes.
func hang(_ []byte, nc net.Conn) { io.Copy(io.Discard, nc) }

// flood sends b over and over.
func flood(b string) func([]byte, net.Conn) {
	return func(_ []byte, nc net.Conn) {
		for {
			if _, err := io.WriteString(nc, b); err != nil {
				return
			}
		}
	}
}

// keep answers b and holds the connection until stop is closed or we close.
func keep(b string, stop <-chan struct{}) func([]byte, net.Conn) {
	return func(_ []byte, nc net.Conn) {
		io.WriteString(nc, b)
		gone := make(chan struct{})
		go func() { defer close(gone); io.Copy(io.Discard, nc) }()
		select {
		case <-stop:
			nc.Close()
			<-gone
		case <-gone:
		}
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want one that matches %v", err, want)
	}
}

const testWait = 10 * time.Second // for what should take milliseconds
