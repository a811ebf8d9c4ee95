package control

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

func TestDialErrors(t *testing.T) {
	dir := socketDir(t)
	stale := filepath.Join(dir, "stale.sock")
	leaveSocket(t, stale)
	file := filepath.Join(dir, "file.sock")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		path string
		want error
	}{
		{filepath.Join(dir, "none.sock"), ErrNoSocket},
		{filepath.Join(dir, "none", "a.sock"), ErrNoSocket},
		{stale, ErrRefused},
		{file, ErrRefused},
	} {
		_, err := (&Client{Socket: k.path}).Status(ctxFor(t))
		var d *DialError
		if !errors.As(err, &d) || d.Socket != k.path || !errors.Is(err, k.want) {
			t.Errorf("%s: %v, want %v", k.path, err, k.want)
		}
	}
}

// answering runs a plain HTTP server at a socket.
func answering(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	path := filepath.Join(socketDir(t), "x.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h}
	go s.Serve(ln)
	t.Cleanup(func() { s.Close() })
	return &Client{Socket: path}
}

func TestClientMeetsOthers(t *testing.T) {
	say := func(status int, version, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(Header) != "1" {
				t.Errorf("the request has version %q", r.Header.Get(Header))
			}
			if version != "" {
				w.Header().Set(Header, version)
			}
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for _, k := range []struct {
		name string
		h    http.HandlerFunc
		want string
	}{
		{"another program", say(200, "", `{}`), ErrNotControl.Error()},
		{"another program's error", say(404, "", `not found`), ErrNotControl.Error()},
		{"newer node, success", say(200, "2", `{}`), `this command speaks control calls 1 and the running node "2"`},
		{"newer node, its words", say(400, "2", `{"error":{"code":"control_version","message":"words","try":"kill 7"}}`), "words"},
		{"error without a document", say(502, "1", `oops`), "control: unexpected answer 502 Bad Gateway"},
		{"no JSON", say(200, "1", `oops`), "control: answer of /v1/status: invalid character 'o' looking for beginning of value"},
		{"cut JSON", say(200, "1", `{"node":`), "control: answer of /v1/status: unexpected EOF"},
		{"fields of a later minor", say(200, "1", `{"node":"a@dev","mood":"good"}`), ""},
	} {
		t.Run(k.name, func(t *testing.T) {
			_, err := answering(t, k.h).Status(ctxFor(t))
			if got := fmt.Sprint(err); err == nil && k.want != "" || err != nil && got != k.want {
				t.Errorf("got  %s\nwant %s", got, k.want)
			}
		})
	}
}

func TestWatchMeetsBadLines(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(Header, "1")
		fmt.Fprint(w, "{\"type\":\"peer.join\",\"later\":1}\nnonsense\n")
	})
	seen := 0
	err := c.Watch(ctxFor(t), WatchRequest{}, func(Event) error { seen++; return nil })
	if seen != 1 || err == nil || errors.Is(err, ErrStreamEnd) {
		t.Errorf("%d events, %v", seen, err)
	}
}
