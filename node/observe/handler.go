package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/liminal-bus/liminal/node"
)

// aliveTime is how long the poll loop may take to go round before the node
// counts as stuck.
const aliveTime = 3 * time.Second

// maxScrapes is how many answers to /metrics are made at once.
const maxScrapes = 4

// Options are what a handler needs beside the node. The zero value serves the
// loopback names and the node's own host.
type Options struct {
	Hosts []string // names, with a port or without, under which it may be asked as well
}

// Handler answers /health, /ready and /metrics of one node.
type Handler struct {
	src      Source
	export   *Exporter
	hosts    allowed
	scrapes  chan struct{}
	refused  [refusalCount]atomic.Uint64
	requests atomic.Uint64
}

// refusal is why a request, or a connection, got no answer it asked for.
type refusal int

const (
	refusedHost refusal = iota
	refusedMethod
	refusedBusy
	refusedConn // closed for a newer one
	refusalCount
)

var refusalNames = [refusalCount]string{refusedHost: "host", refusedMethod: "method", refusedBusy: "busy", refusedConn: "connection"}

// NewHandler makes one.
func NewHandler(src Source, o Options) *Handler {
	_, host, _ := strings.Cut(src.Name(), "@")
	return &Handler{
		src: src, export: NewExporter(src), hosts: allow(append([]string{host}, o.Hosts...)...),
		scrapes: make(chan struct{}, maxScrapes),
	}
}

// pages are all there is.
var pages = map[string]func(*Handler, http.ResponseWriter, *http.Request){
	"/health":  (*Handler).health,
	"/ready":   (*Handler).ready,
	"/metrics": (*Handler).metrics,
}

// ServeHTTP implements http.Handler. Who is asked comes before what.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.requests.Add(1)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	page := pages[r.URL.Path]
	switch {
	case !h.hosts.admits(r):
		h.refuse(w, refusedHost, http.StatusMisdirectedRequest, "this server does not go by the name of that Host header")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		h.refuse(w, refusedMethod, http.StatusMethodNotAllowed, "GET and HEAD only")
	case page == nil:
		say(w, http.StatusNotFound, "there is /health, /ready and /metrics")
	default:
		page(h, w, r)
	}
}

func (h *Handler) refuse(w http.ResponseWriter, why refusal, status int, text string) {
	h.refused[why].Add(1)
	w.Header().Set("Connection", "close")
	say(w, status, text)
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

// Health is the answer of /health.
type Health struct {
	Status  string   `json:"status"`  // ok, degraded, or down
	State   string   `json:"state"`   // of the node: joining, up, alone, stopping
	Reasons []string `json:"reasons"` // codes; liminal status says them in words
}

// health is 503 only for a node that does not go round: who restarts it for less
// makes things worse.
func (h *Handler) health(w http.ResponseWriter, r *http.Request) {
	s := h.src.Status()
	doc := Health{Status: "ok", State: string(s.State), Reasons: []string{}}
	for _, ill := range s.Ill {
		doc.Status = "degraded"
		doc.Reasons = append(doc.Reasons, string(ill.Code))
	}
	status := http.StatusOK
	if stuck := h.stuck(r.Context()); stuck != "" {
		doc.Status, doc.Reasons, status = "down", append(doc.Reasons, stuck), http.StatusServiceUnavailable
	}
	answer(w, status, doc)
}

// Ready is the answer of /ready.
type Ready struct {
	Ready bool     `json:"ready"`
	State string   `json:"state"`
	Unmet []string `json:"unmet"` // what is missing: listener, epmd, poll_loop, running
}

// ready wants the node's own stack up, and no peer.
func (h *Handler) ready(w http.ResponseWriter, r *http.Request) {
	s := h.src.Status()
	doc := Ready{State: string(s.State), Unmet: unmet(&s)}
	if stuck := h.stuck(r.Context()); stuck != "" {
		doc.Unmet = append(doc.Unmet, stuck)
	}
	status := http.StatusOK
	if doc.Ready = len(doc.Unmet) == 0; !doc.Ready {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, doc)
}

func unmet(s *node.Status) []string {
	list := []string{}
	if len(s.Listen) == 0 {
		list = append(list, "listener")
	}
	if s.EPMD.Mode == node.EPMDRequire && !s.EPMD.Registered {
		list = append(list, "epmd")
	}
	if s.State == node.NodeStopping {
		list = append(list, "running")
	}
	return list
}

// stuck says what of the node does not go on, if anything.
func (h *Handler) stuck(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, aliveTime)
	defer cancel()
	if h.src.Alive(ctx) != nil {
		return "poll_loop"
	}
	return ""
}

func answer(w http.ResponseWriter, status int, doc any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(doc) // who asked may be gone
}

// metrics makes the whole answer before it writes the first byte: a slow reader
// holds nothing but that.
func (h *Handler) metrics(w http.ResponseWriter, _ *http.Request) {
	select {
	case h.scrapes <- struct{}{}:
		defer func() { <-h.scrapes }()
	default:
		w.Header().Set("Retry-After", "1")
		h.refuse(w, refusedBusy, http.StatusServiceUnavailable, "enough scrapes are under way")
		return
	}
	families := append(h.export.Families(), processFamilies()...)
	w.Header().Set("Content-Type", ContentType)
	_ = WriteText(w, append(families, h.own()...)) // who asked may be gone
}

// own are the metrics of this server.
func (h *Handler) own() []Family {
	refused := Family{Name: "liminal_http_refused_total", Type: Counter, Help: "Requests and connections that were refused."}
	for i, name := range refusalNames {
		refused.Series = append(refused.Series, with("reason", name, float64(h.refused[i].Load())))
	}
	return []Family{
		{"liminal_http_requests_total", "Requests for health, readiness and metrics.", Counter, one(float64(h.requests.Load()))},
		refused,
	}
}
