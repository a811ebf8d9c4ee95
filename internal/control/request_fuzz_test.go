package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzRequest: whatever a client asks, one document comes back, an error has its
// code and an exit status and repeats little of what was asked, nothing panics, and
// the node behind is asked for nothing that no peer could match.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/v1/status", "", "")
	f.Add("GET", "/v1/peers", "name=b@dev&state=up&brief=true", "")
	f.Add("POST", "/v1/join", "", `{"addresses":["b"]}`)
	f.Add("POST", "/v1/join", "", `{"addresses":["b"]}{}`)
	f.Add("POST", "/v1/leave", "", `{"stop":true}`)
	f.Add("POST", "/v1/forget", "", `{"names":["b@dev"]}`)
	f.Add("GET", "/v1/channels", "name=chat", "")
	f.Add("POST", "/v1/publish", "channel=chat&framing=frames&wait=written&timeout=1s", "\x00\x00\x00\x01x\xff\xff\xff\xff")
	f.Add("POST", "/v1/publish", "channel=chat&framing=lines&keep_going=1&empty=true", "a\nb\n\nc")
	f.Add("GET", "/v1/publish", "", "")
	f.Add("GET", "/v1/watch", "since=-1&last=1000000h&boot=x", "")
	f.Add("GET", "/v1/subscribe", "channel=a&channel=a&policy=x", "")
	f.Add("GET", "/v1/peers", "state=\x1b[2J&kind=%zz", "")
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		n := newFakeNode()
		n.source = give(1, errors.New("no more"), numbered(1)...)
		s := NewServer(n, nil)
		defer s.Close()
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // a stream ends with what there is
		r := (&http.Request{
			Method: method, URL: &url.URL{Path: path, RawQuery: query}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "x",
			Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}).WithContext(ctx)
		w := httptest.NewRecorder()
		func() {
			defer func() { // a cut stream is told by this panic, as net/http has it
				if v := recover(); v != nil && v != http.ErrAbortHandler {
					panic(v)
				}
			}()
			s.serveHTTP(w, r)
		}()
		if got := counter(s, "control_panics"); got != 0 {
			t.Fatalf("%s %q?%q panicked: %s", method, path, query, w.Body)
		}
		checkAnswer(t, w, len(query)+len(body))
		for _, asked := range n.requests {
			if asked.Channel == "" {
				t.Errorf("the node was asked to publish %+v", asked)
			}
		}
	})
}

func checkAnswer(t *testing.T, w *httptest.ResponseRecorder, asked int) {
	t.Helper()
	if w.Code == http.StatusOK {
		return
	}
	var doc Failure
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || doc.Error == nil {
		t.Fatalf("status %d with %q: %v", w.Code, w.Body, err)
	}
	if e := doc.Error; e.Code == "" || e.Message == "" || e.Exit == 0 || e.Exit == exitBug && w.Code != http.StatusInternalServerError {
		t.Errorf("status %d: %+v", w.Code, e)
	}
	if w.Body.Len() > 4096 {
		t.Errorf("%d bytes were asked, and the error has %d", asked, w.Body.Len())
	}
}

// FuzzStream: a client that reads a subscription gives the same messages however
// the stream is cut, says when it is broken, and holds no more than has come.
func FuzzStream(f *testing.F) {
	var stream []byte
	for _, m := range numbered(3) {
		stream = appendRecord(stream, &m)
	}
	f.Add(stream, uint8(1))
	f.Add(appendErrorRecord(bytes.Clone(stream), errTooBig), uint8(7))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1}, uint8(1))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 1, 9}, uint8(3))
	f.Add([]byte{0, 0, 0, 1, 1}, uint8(3))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint8) {
		whole, err := readStream(t, stream, len(stream)+1)
		pieces, err2 := readStream(t, stream, 1+int(cut))
		if !reflect.DeepEqual(whole, pieces) || err.Error() != err2.Error() {
			t.Fatalf("%d messages and %v in one piece, %d and %v in many", len(whole), err, len(pieces), err2)
		}
	})
}

// cutReader gives its bytes some at a time.
type cutReader struct {
	b    []byte
	most int
}

func (p *cutReader) Read(to []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	n := copy(to[:min(len(to), p.most)], p.b)
	p.b = p.b[n:]
	return n, nil
}

func readStream(t *testing.T, stream []byte, most int) (all []Message, _ error) {
	t.Helper()
	x := &streamCall{res: &http.Response{Body: io.NopCloser(&cutReader{stream, most})}}
	s := &Stream{ctx: context.Background(), x: x, buf: make([]byte, 64)}
	for {
		var m Message
		if err := s.Next(&m); err != nil {
			return all, err
		}
		if len(s.buf) > 2*len(stream)+64 {
			t.Fatalf("a buffer of %d for a stream of %d", len(s.buf), len(stream))
		}
		m.Payload = slices.Clone(m.Payload)
		if m.Time.IsZero() {
			m.Time = time.Time{}
		}
		all = append(all, m)
	}
}
