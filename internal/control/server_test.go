package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestCalls(t *testing.T) {
	n := newFakeNode()
	n.peers = []Peer{
		{Name: "b@dev", State: "up", Kind: "liminal"},
		{Name: "c@dev", State: "down", Kind: "liminal"},
		{Name: "o@dev", State: "up", Kind: "otp"},
	}
	_, c := serve(t, n)
	ctx := ctxFor(t)
	st, err := c.Status(ctx)
	if err != nil || st.Node != "a@dev" || st.Boot != "7f3a" {
		t.Fatalf("status %+v, %v", st, err)
	}
	names := []string{}
	for _, k := range st.Counters {
		names = append(names, k.Name)
	}
	want := "control_busy control_evicted control_failed control_panics control_pub_refused control_refused_uid control_stream_errors control_stream_lost control_sub_lost zz"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("counters %s\nwant     %s", got, want)
	}
	j, err := c.Join(ctx, JoinRequest{Addresses: []string{"b", "c@dev"}})
	if err != nil || len(j.Results) != 2 || j.Results[1].Address != "c@dev" {
		t.Errorf("join %+v, %v", j, err)
	}
	l, err := c.Leave(ctx, LeaveRequest{Stop: true})
	if err != nil || !l.Stopped || l.Told != 2 {
		t.Errorf("leave %+v, %v", l, err)
	}
	for _, k := range []struct {
		f    Filter
		want string
	}{
		{Filter{}, "b@dev c@dev o@dev"},
		{Filter{Names: []string{"c@dev", "b@dev"}}, "b@dev c@dev"},
		{Filter{States: []string{"up"}}, "b@dev o@dev"},
		{Filter{States: []string{"up", "down"}, Kinds: []string{"liminal"}}, "b@dev c@dev"},
		{Filter{Names: []string{"b@dev"}, States: []string{"down"}}, ""},
	} {
		p, err := c.Peers(ctx, k.f)
		got := []string{}
		for _, x := range p.Peers {
			got = append(got, x.Name)
		}
		if err != nil || strings.Join(got, " ") != k.want {
			t.Errorf("%+v: %v, %v; want %s", k.f, got, err, k.want)
		}
	}
	if p, _ := c.Peers(ctx, Filter{States: []string{"left"}}); p.Peers == nil {
		t.Error("no peers is null, want []")
	}
}

// Bad requests as text on the wire, with the answer's status and code.
func TestBadRequests(t *testing.T) {
	n := newFakeNode()
	_, c := serve(t, n)
	post := func(path, body string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
	}
	get := func(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n" }
	big := `{"addresses":["` + strings.Repeat("x", maxBody) + `"]}`
	many := `{"addresses":["b"` + strings.Repeat(`,"b"`, MaxJoin) + `]}`
	for _, k := range []struct {
		name, request string
		status, exit  int
		code, says    string
	}{
		{"unknown path", get("/v2/status"), 404, 64, "unknown_call", `no control call "/v2/status"`},
		{"root", get("/"), 404, 64, "unknown_call", `no control call "/"`},
		{"not cleaned", get("/v1//status"), 404, 64, "unknown_call", "no control call"},
		{"method", get("/v1/join"), 405, 64, "method", "/v1/join is a call for POST"},
		{"method of status", post("/v1/status", "{}"), 405, 64, "method", "/v1/status is a call for GET"},
		{"version", "GET /v1/status HTTP/1.1\r\nHost: x\r\nLiminal-Control: 2\r\n\r\n", 400, 76, "control_version", `control calls "2" and the running node 1`},
		{"state", get("/v1/peers?state=sick"), 400, 64, "usage", `"sick" is no state of a peer`},
		{"kind", get("/v1/peers?kind=elixir"), 400, 64, "usage", `"elixir" is no kind of a peer`},
		{"unknown peer", get("/v1/peers?name=z@dev"), 404, 1, "unknown_peer", `no peer is called "z@dev"`},
		{"parameter", get("/v1/peers?names=b"), 400, 64, "usage", `/v1/peers has no parameter "names"`},
		{"query", get("/v1/peers?name=%zz"), 400, 64, "usage", "query: invalid URL escape"},
		{"since", get("/v1/watch?since=x"), 400, 64, "usage", `query: since is "x"`},
		{"since below zero", get("/v1/watch?since=-1"), 400, 64, "usage", `query: since is "-1"`},
		{"since twice", get("/v1/watch?since=1&since=2"), 400, 64, "usage", "query: since is there 2 times"},
		{"last without a unit", get("/v1/watch?last=5"), 400, 64, "usage", `query: last is "5"`},
		{"last below zero", get("/v1/watch?last=-5m"), 400, 64, "usage", `query: last is "-5m"`},
		{"last and since", get("/v1/watch?last=5m&since=3"), 400, 64, "usage", `query: last is "5m"`},
		{"brief of no flag", get("/v1/peers?brief=perhaps"), 400, 64, "usage", `query: brief is "perhaps"`},
		{"forget nothing", post("/v1/forget", "{}"), 400, 64, "usage", "names is empty"},
		{"no addresses", post("/v1/join", "{}"), 400, 64, "usage", "addresses is empty"},
		{"no body", post("/v1/join", ""), 400, 64, "usage", "addresses is empty"},
		{"many addresses", post("/v1/join", many), 400, 64, "usage", "addresses has 65, at most 64"},
		{"unknown field", post("/v1/join", `{"address":["b"]}`), 400, 64, "usage", `unknown field "address"`},
		{"type", post("/v1/leave", `{"stop":"yes"}`), 400, 64, "usage", "cannot unmarshal string"},
		{"two documents", post("/v1/leave", `{} {}`), 400, 64, "usage", "more than one JSON value"},
		{"garbage after", post("/v1/leave", `{} x`), 400, 64, "usage", "invalid character"},
		{"cut", post("/v1/leave", `{"stop":`), 400, 64, "usage", "unexpected EOF"},
		{"big body", post("/v1/join", big), 413, 65, "request_size", "body: over 1114112 bytes"},
		{"control characters", get("/v1/%1b%5b31m"), 404, 64, "unknown_call", `no control call "/v1/\x1b[31m"`},
	} {
		t.Run(k.name, func(t *testing.T) {
			nc := raw(t, c)
			go io.WriteString(nc, k.request) // a refused body is not read to its end
			res, err := http.ReadResponse(bufio.NewReader(nc), nil)
			if err != nil {
				t.Fatal(err)
			}
			var f Failure
			if err := json.NewDecoder(res.Body).Decode(&f); err != nil || f.Error == nil {
				t.Fatalf("no error document: %v", err)
			}
			if res.StatusCode != k.status || f.Error.Code != k.code || f.Error.Exit != k.exit || !strings.Contains(f.Error.Message, k.says) {
				t.Errorf("%d %+v\nwant %d %s exit %d with %q", res.StatusCode, *f.Error, k.status, k.code, k.exit, k.says)
			}
			if res.Header.Get(Header) != versionText {
				t.Error("the answer has no version")
			}
		})
	}
	if len(n.joins)+len(n.leaves) != 0 {
		t.Errorf("a bad request reached the node: %v %v", n.joins, n.leaves)
	}
	// An empty body of leave is fine: curl -X POST.
	if res := exchange(t, c, post("/v1/leave", "")); res.StatusCode != 200 {
		t.Errorf("empty leave: %d", res.StatusCode)
	}
}

func exchange(t testing.TB, c *Client, request string) *http.Response {
	t.Helper()
	nc := raw(t, c)
	if _, err := io.WriteString(nc, request); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// S13: HTTP/1 and nothing else.
func TestHTTP2IsNotSpoken(t *testing.T) {
	_, c := serve(t, newFakeNode())
	res := exchange(t, c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	if res.ProtoMajor != 1 || res.StatusCode < 400 {
		t.Errorf("answer %s %s", res.Proto, res.Status)
	}
}

func TestBackendErrors(t *testing.T) {
	n := newFakeNode()
	s, c := serve(t, n)
	n.err = fmt.Errorf("node: %w", &Error{Code: "cookie", Message: "the cookies differ", Exit: 77})
	_, err := c.Status(ctxFor(t))
	var e *Error
	if !errors.As(err, &e) || e.Code != "cookie" || e.Exit != 77 {
		t.Errorf("got %v, want the error of the backend", err)
	}
	n.err = errors.New("something broke")
	_, err = c.Leave(ctxFor(t), LeaveRequest{})
	if !errors.As(err, &e) || e.Code != CodeInternal || e.Exit != 70 || e.Message != "something broke" {
		t.Errorf("got %#v, want internal", e)
	}
	n.err = nil
	n.hold = func(context.Context) error { panic("bug") }
	_, err = c.Join(ctxFor(t), JoinRequest{Addresses: []string{"b"}})
	if !errors.As(err, &e) || e.Code != CodeInternal || counter(s, "control_panics") != 1 {
		t.Errorf("after a panic: %v", err)
	}
	if _, err := c.Status(ctxFor(t)); err != nil {
		t.Errorf("the server did not outlive a panic: %v", err)
	}
}

func TestClientGoneEndsRequest(t *testing.T) {
	n := newFakeNode()
	ended := make(chan error, 1)
	begun := make(chan struct{})
	n.hold = func(ctx context.Context) error {
		close(begun)
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}
	_, c := serve(t, n)
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("typed Ctrl-C")
	go func() { <-begun; cancel(why) }()
	if _, err := c.Join(ctx, JoinRequest{Addresses: []string{"b"}}); !errors.Is(err, why) {
		t.Errorf("join: %v, want the cause", err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the node's context ended with %v", err)
	}
}

// S13: requests have a number, and one too many is told so.
func TestSixtyFifthRequest(t *testing.T) {
	n := newFakeNode()
	s, c := serve(t, n)
	ctx, cancel := context.WithCancel(ctxFor(t))
	var up, group sync.WaitGroup
	for range maxRequests {
		up.Add(1)
		group.Go(func() {
			var first sync.Once
			err := c.Watch(ctx, WatchRequest{}, func(Event) error { first.Do(up.Done); return nil })
			if !errors.Is(err, context.Canceled) {
				t.Errorf("watch: %v", err)
				first.Do(up.Done)
			}
		})
	}
	up.Wait()
	_, err := c.Status(ctx)
	var e *Error
	if !errors.As(err, &e) || e.Code != CodeBusy || e.Exit != 69 {
		t.Errorf("number %d: %v, want busy", maxRequests+1, err)
	}
	if res := exchange(t, c, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"); res.StatusCode != 503 {
		t.Errorf("status %d, want 503", res.StatusCode)
	}
	if got := counter(s, "control_busy"); got != 2 {
		t.Errorf("control_busy %d, want 2", got)
	}
	cancel()
	group.Wait()
	within(t, "room again", func() bool { _, err := c.Status(ctxFor(t)); return err == nil })
}

// S13: Connections that are idle or send a byte a second must not keep a working
// one from being served.
func TestSlowAndIdleClients(t *testing.T) {
	s, c := serve(t, newFakeNode())
	for range 500 {
		nc := raw(t, c)
		nc.Write([]byte("GET /v1/st")) // and never the rest
	}
	for range 50 {
		begun := time.Now()
		if _, err := c.Status(ctxFor(t)); err != nil {
			t.Fatalf("status among idle connections: %v", err)
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("status took %v", took)
		}
	}
	within(t, "evictions", func() bool { return counter(s, "control_evicted") >= 500-maxConns })
	within(t, "few connections", func() bool {
		s.conns.mu.Lock()
		defer s.conns.mu.Unlock()
		return len(s.conns.open) <= maxConns
	})
}

func TestCloseEndsEverything(t *testing.T) {
	n := newFakeNode()
	n.hold = func(ctx context.Context) error { <-ctx.Done(); return stoppingError() }
	s, c := serve(t, n)
	for range 5 { // connections that say nothing do not hold Close up
		raw(t, c)
	}
	streamed, joined := make(chan error, 1), make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		streamed <- c.Watch(context.Background(), WatchRequest{}, func(e Event) error {
			if e.Type == "snapshot.end" {
				close(begun)
			}
			return nil
		})
	}()
	<-begun
	go func() {
		_, err := c.Join(context.Background(), JoinRequest{Addresses: []string{"b"}})
		joined <- err
	}()
	within(t, "join under way", func() bool { n.mu.Lock(); defer n.mu.Unlock(); return len(n.joins) == 1 })
	at := time.Now()
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if took := time.Since(at); took > closeTimeout/2 {
		t.Errorf("Close took %v", took)
	}
	if err := <-streamed; !errors.Is(err, ErrStreamEnd) {
		t.Errorf("watch: %v, want ErrStreamEnd", err)
	}
	var e *Error
	if err := <-joined; !errors.As(err, &e) || e.Code != CodeStopping {
		t.Errorf("join: %v, want the answer of the node", err)
	}
	if _, err := c.Status(ctxFor(t)); !errors.Is(err, ErrNoSocket) {
		t.Errorf("after Close: %v, want ErrNoSocket", err)
	}
	if err := s.Serve(nil2(t)); err == nil {
		t.Error("Serve after Close works")
	}
}

func nil2(t *testing.T) net.Listener {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func TestCloseBeforeServe(t *testing.T) {
	if err := NewServer(newFakeNode(), nil).Close(); err != nil {
		t.Error(err)
	}
}

// leave --stop: the node closes the server as soon as it has answered, and the
// answer still arrives whole.
func TestAnswerSurvivesClose(t *testing.T) {
	for range 50 {
		n := newFakeNode()
		s, c := serve(t, n)
		closing := make(chan struct{})
		n.hold = func(context.Context) error { go func() { s.Close(); close(closing) }(); return nil }
		if _, err := c.Join(ctxFor(t), JoinRequest{Addresses: []string{"b"}}); err != nil {
			t.Fatalf("the answer was cut: %v", err)
		}
		<-closing
	}
}

func TestCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("SKIPPED: curl is not installed")
	}
	n := newFakeNode()
	n.peers = []Peer{{Name: "b@dev", State: "up", Kind: "otp"}}
	_, c := serve(t, n)
	run := func(args ...string) []byte {
		out, err := exec.Command(curl, append([]string{"-sS", "--unix-socket", c.Socket}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("curl %v: %v: %s", args, err, out)
		}
		return out
	}
	var p Peers
	if err := json.Unmarshal(run("http://x/v1/peers?kind=otp"), &p); err != nil || len(p.Peers) != 1 {
		t.Errorf("peers %+v, %v", p, err)
	}
	var j Join
	if err := json.Unmarshal(run("-d", `{"addresses":["b"]}`, "http://x/v1/join"), &j); err != nil || len(j.Results) != 1 {
		t.Errorf("join %+v, %v", j, err)
	}
	if out := run("-X", "POST", "http://x/v1/leave"); !bytes.Contains(out, []byte(SchemaLeave)) {
		t.Errorf("leave: %s", out)
	}
	close(n.ended)
	lines := strings.Split(strings.TrimSpace(string(run("-N", "http://x/v1/watch"))), "\n")
	if len(lines) != 2 || !strings.Contains(lines[1], `"snapshot.end"`) {
		t.Errorf("watch: %q", lines)
	}
}

// What is on the wire stays: fields are only added.
func TestSuccessDocumentIsAnsweredWhole(t *testing.T) {
	n := newFakeNode()
	for i := range 1024 {
		n.peers = append(n.peers, Peer{Name: fmt.Sprintf("peer%d@dev", i), Subscriptions: []string{strings.Repeat("x", 900)}})
	}
	_, c := serve(t, n)
	got, err := c.Peers(ctxFor(t), Filter{})
	if err != nil || !reflect.DeepEqual(got.Peers, n.peers) {
		t.Errorf("%d peers, %v", len(got.Peers), err)
	}
}
