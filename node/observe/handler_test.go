package observe

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/liminal-bus/liminal/node"
)

// ask is one request as it arrives at 10.0.0.5.
func ask(h http.Handler, method, path, host string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Host = host
	local := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 5), Port: 9101}
	r = r.WithContext(contextWith(r, local))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// S14: a page under a foreign name gets nothing, whatever it asks for; the names
// of this machine do.
func TestHosts(t *testing.T) {
	h := NewHandler(newFake(), Options{Hosts: []string{"metrics.internal:9101", "db1.example.net", ""}})
	for host, want := range map[string]int{
		"localhost":               200,
		"localhost:9101":          200,
		"LocalHost.:9101":         200,
		"127.0.0.1:9101":          200,
		"127.9.9.9":               200,
		"[::1]:9101":              200,
		"[::ffff:127.0.0.1]:80":   200,
		"dev.example":             200, // of the node's name
		"metrics.internal:80":     200,
		"DB1.example.net":         200,
		"10.0.0.5:9101":           200, // where the connection came to
		"10.0.0.6:9101":           421,
		"evil.example":            421,
		"evil.example:9101":       421,
		"localhost.evil.example":  421,
		"127.0.0.1.evil.example":  421,
		"dev.example.evil.org":    421,
		"127.0.0.1@evil.example":  421,
		"0.0.0.0:9101":            421,
		"0x7f000001":              421,
		"":                        421,
		"localhost:9101\r\nX: y":  421,
		"[::1%25lo.evil.example]": 200, // a zone is no name: it is ::1 all the same
	} {
		for _, path := range []string{"/health", "/ready", "/metrics"} {
			w := ask(h, "GET", path, host)
			if w.Code != want {
				t.Errorf("Host %q, %s: %d, want %d", host, path, w.Code, want)
			}
			if want == 421 && strings.Contains(w.Body.String(), "liminal_") {
				t.Errorf("Host %q: got an answer all the same", host)
			}
		}
	}
}

// S14: GET and HEAD only, and no word about other origins.
func TestMethodsAndPaths(t *testing.T) {
	h := NewHandler(newFake(), Options{})
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/health", 200}, {"HEAD", "/health", 200}, {"HEAD", "/metrics", 200}, {"GET", "/ready", 200},
		{"POST", "/health", 405}, {"PUT", "/metrics", 405}, {"DELETE", "/ready", 405}, {"OPTIONS", "/metrics", 405},
		{"TRACE", "/metrics", 405}, {"CONNECT", "/metrics", 405}, {"get", "/metrics", 405}, {"POST", "/nothing", 405},
		{"GET", "/", 404}, {"GET", "/debug/pprof/", 404}, {"GET", "/debug/vars", 404}, {"GET", "/config", 404},
		{"GET", "/metrics/", 404}, {"GET", "//metrics", 404},
	} {
		w := ask(h, c.method, c.path, "localhost")
		if w.Code != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, w.Code, c.want)
		}
		if allow := w.Header().Get("Allow"); (w.Code == 405) != (allow == "GET, HEAD") {
			t.Errorf("%s %s: Allow %q", c.method, c.path, allow)
		}
		for name := range w.Header() {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s %s: %s", c.method, c.path, name)
			}
		}
	}
}

func TestHealthAndReady(t *testing.T) {
	for _, c := range []struct {
		name          string
		change        func(f *fake)
		status        int
		word          string
		reasons       []string
		ready         int
		unmet         []string
		stoppingState bool
	}{
		{"well", func(*fake) {}, 200, "ok", nil, 200, nil, false},
		{"joining needs no peer", func(f *fake) { f.m.Status.State = node.NodeJoining }, 200, "ok", nil, 200, nil, false},
		{"alone", func(f *fake) { f.m.Status.State = node.NodeAlone }, 200, "ok", nil, 200, nil, false},
		{"isolated", func(f *fake) { f.m.Status.Ill = []node.Reason{{Code: node.IllIsolated, Text: "x"}} },
			200, "degraded", []string{"isolated"}, 200, nil, false},
		{"stuck", func(f *fake) { f.stuck = true }, 503, "down", []string{"poll_loop"}, 503, []string{"poll_loop"}, false},
		{"epmd", func(f *fake) {
			f.m.Status.EPMD.Mode = node.EPMDRequire
			f.m.Status.Ill = []node.Reason{{Code: node.IllEPMD}}
		}, 200, "degraded", []string{"epmd_unregistered"}, 503, []string{"epmd"}, false},
		{"stopping", func(f *fake) { f.m.Status.State = node.NodeStopping }, 200, "ok", nil, 503, []string{"running"}, true},
		{"no listener", func(f *fake) { f.m.Status.Listen = nil }, 200, "ok", nil, 503, []string{"listener"}, false},
	} {
		f := newFake()
		c.change(f)
		h := NewHandler(f, Options{})
		var health Health
		var ready Ready
		w := ask(h, "GET", "/health", "localhost")
		if err := json.Unmarshal(w.Body.Bytes(), &health); err != nil {
			t.Fatal(err)
		}
		if w.Code != c.status || health.Status != c.word || !slices.Equal(health.Reasons, c.reasons) || health.Reasons == nil {
			t.Errorf("%s: %d %+v", c.name, w.Code, health)
		}
		w = ask(h, "GET", "/ready", "localhost")
		if err := json.Unmarshal(w.Body.Bytes(), &ready); err != nil {
			t.Fatal(err)
		}
		if w.Code != c.ready || !slices.Equal(ready.Unmet, c.unmet) || ready.Unmet == nil || ready.Ready != (c.ready == 200) {
			t.Errorf("%s: %d %+v", c.name, w.Code, ready)
		}
	}
}

// TestScrapesAreBounded: what is more than maxScrapes at once is told to come
// back.
func TestScrapesAreBounded(t *testing.T) {
	h := NewHandler(newFake(), Options{})
	for range maxScrapes {
		h.scrapes <- struct{}{}
	}
	w := ask(h, "GET", "/metrics", "localhost")
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := ask(h, "GET", "/health", "localhost"); w.Code != 200 {
		t.Errorf("health: %d", w.Code)
	}
	<-h.scrapes
	w = ask(h, "GET", "/metrics", "localhost")
	body, _ := io.ReadAll(w.Body)
	for _, want := range []string{
		"\nliminal_http_requests_total 3\n", `liminal_http_refused_total{reason="busy"} 1`, "\nprocess_open_fds ", "\nprocess_max_fds ",
		"\nprocess_cpu_seconds_total ", "\ngo_goroutines ", "\nliminal_node_state{state=\"up\"} 1\n",
	} {
		if !strings.Contains(string(body), want) {
			t.Errorf("no %q in\n%.2000s", want, body)
		}
	}
	if w.Header().Get("Content-Type") != ContentType {
		t.Errorf("%v", w.Header())
	}
}
