package observe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func contextWith(r *http.Request, local net.Addr) context.Context {
	return context.WithValue(r.Context(), http.LocalAddrContextKey, local)
}

func listen(t *testing.T) *Server {
	t.Helper()
	s, err := Listen(t.Context(), "127.0.0.1:0", newFake(), Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func dialTo(t *testing.T, s *Server) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return nc
}

// raw sends bytes and gives the first line of the answer.
func raw(t *testing.T, s *Server, text string) string {
	t.Helper()
	nc := dialTo(t, s)
	fmt.Fprint(nc, text)
	line, _ := bufio.NewReader(nc).ReadString('\n')
	return strings.TrimSpace(line)
}

func TestServer(t *testing.T) {
	s := listen(t)
	if s.Exposed() || s.Addr().Port() == 0 {
		t.Errorf("%v, exposed %v", s.Addr(), s.Exposed())
	}
	for text, want := range map[string]string{
		"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n":                                           "HTTP/1.1 200 OK",
		"GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n":                                        "HTTP/1.1 421 Misdirected Request",
		"GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\n\r\n":                        "HTTP/1.1 421 Misdirected Request", // the target goes before the header
		"GET /health HTTP/1.0\r\n\r\n":                                                              "HTTP/1.0 421 Misdirected Request",
		"GET /health HTTP/1.1\r\n\r\n":                                                              "HTTP/1.1 400 Bad Request",
		"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n":                                             "HTTP/1.1 405 Method Not Allowed",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                                                          "HTTP/1.1 421 Misdirected Request", // no HTTP/2: it is a request like another
		"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 32<<10) + "\r\n\r\n": "HTTP/1.1 431 Request Header Fields Too Large",
	} {
		if got := raw(t, s, text); !strings.HasPrefix(got, want) {
			t.Errorf("%.60q: %q, want %q", text, got, want)
		}
	}
	s.Close()
	s.Close()
	if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
		t.Error("it listens after Close")
	}
}

func TestPortTaken(t *testing.T) {
	s := listen(t)
	if _, err := Listen(t.Context(), s.Addr().String(), newFake(), Options{}, nil); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("%v", err)
	}
}

// TestSilenceKeepsNobodyOut: connections that say nothing, more than there may
// be, do not keep a scrape out, and go one by one.
func TestSilenceKeepsNobodyOut(t *testing.T) {
	s := listen(t)
	silent := make([]net.Conn, maxConns+20)
	for i := range silent {
		silent[i] = dialTo(t, s)
		fmt.Fprint(silent[i], "GET /metrics HTTP/1.1\r\nHost: local") // and no more
	}
	if got := raw(t, s, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"); got != "HTTP/1.1 200 OK" {
		t.Errorf("%q", got)
	}
	silent[0].SetReadDeadline(time.Now().Add(2 * time.Second)) // less than headerTime
	if _, err := silent[0].Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the first silent one is still there: %v", err)
	}
	if got := s.refused[refusedConn].Load(); got < 20 {
		t.Errorf("%d connections ended", got)
	}
}

// TestCloseCutsWhoTakesNothing: a reader that is gone does not hold the end up.
func TestCloseCutsWhoTakesNothing(t *testing.T) {
	s := listen(t)
	nc := dialTo(t, s)
	for range 200 {
		if _, err := io.WriteString(nc, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			break
		}
	}
	begin := time.Now()
	s.Close()
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("Close took %v", took)
	}
}
