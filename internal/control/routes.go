package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

var versionText = strconv.Itoa(Version)

// call is one row of the table of calls.
type call struct {
	method string
	query  []string // parameters it knows
	serve  func(*Server, http.ResponseWriter, *http.Request) error
}

var calls = map[string]call{
	"/v1/status": {http.MethodGet, nil, (*Server).serveStatus},
	"/v1/peers":  {http.MethodGet, []string{"name", "state", "kind", "brief"}, (*Server).servePeers},
	"/v1/join":   {http.MethodPost, nil, (*Server).serveJoin},
	"/v1/leave":  {http.MethodPost, nil, (*Server).serveLeave},
	"/v1/forget": {http.MethodPost, nil, (*Server).serveForget},
	"/v1/watch":  {http.MethodGet, []string{"since", "boot", "last"}, (*Server).serveWatch},

	"/v1/channels":  {http.MethodGet, []string{"name"}, (*Server).serveChannels},
	"/v1/subscribe": {http.MethodGet, []string{"channel", "policy", "format"}, (*Server).serveSubscribe},
	"/v1/publish": {http.MethodPost,
		[]string{"channel", "framing", "wait", "timeout", "keep_going", "empty"}, (*Server).servePublish},
}

func (s *Server) route(w http.ResponseWriter, r *http.Request) error {
	if v := r.Header.Get(Header); v != "" && v != versionText {
		return versionError(clip(v))
	}
	c, ok := calls[r.URL.Path]
	if !ok {
		return &Error{
			Code: CodeUnknownCall, Message: fmt.Sprintf("no control call %q", clip(r.URL.Path)),
			Why: "the calls are " + strings.Join(callNames(), ", "), Exit: exitUsage,
		}
	}
	if r.Method != c.method {
		w.Header().Set("Allow", c.method)
		return &Error{
			Code: CodeMethod, Message: fmt.Sprintf("%s is a call for %s", r.URL.Path, c.method),
			Why: fmt.Sprintf("it was called with %s", clip(r.Method)), Exit: exitUsage,
		}
	}
	if err := checkQuery(r.URL, c.query); err != nil {
		return err
	}
	return c.serve(s, w, r)
}

func callNames() []string {
	var names []string
	for path, c := range calls {
		names = append(names, c.method+" "+path)
	}
	slices.Sort(names)
	return names
}

func checkQuery(u *url.URL, known []string) error {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return usage("the part after the ? cannot be read", "query: %v", err)
	}
	for k := range q {
		if !slices.Contains(known, k) {
			why := "it takes none"
			if len(known) > 0 {
				why = "it takes " + strings.Join(known, ", ")
			}
			return usage(why, "query: %s has no parameter %q", u.Path, clip(k))
		}
	}
	return nil
}

func (s *Server) serveStatus(w http.ResponseWriter, r *http.Request) error {
	st, err := s.backend.Status(r.Context())
	if err != nil {
		return err
	}
	st.Counters = append(slices.Clip(st.Counters), s.Counters()...)
	slices.SortFunc(st.Counters, func(a, b NamedCount) int { return strings.Compare(a.Name, b.Name) })
	return s.answer(w, st)
}

func (s *Server) servePeers(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f := Filter{Names: q["name"], States: q["state"], Kinds: q["kind"]}
	if err := f.Check(); err != nil {
		return err
	}
	one := &singles{values: q}
	if f.Brief = one.flag("brief"); one.err != nil {
		return one.err
	}
	peers, err := s.backend.Peers(r.Context(), f)
	if err != nil {
		return err
	}
	return s.answer(w, peers)
}

func (s *Server) serveJoin(w http.ResponseWriter, r *http.Request) error {
	var req JoinRequest
	if err := s.readBody(w, r, &req); err != nil {
		return err
	}
	if len(req.Addresses) == 0 {
		return usage("there is nothing to join", "body: addresses is empty")
	}
	if len(req.Addresses) > MaxJoin {
		return usage("each is dialled at once", "body: addresses has %d, at most %d are taken", len(req.Addresses), MaxJoin)
	}
	joined, err := s.backend.Join(r.Context(), req)
	if err != nil {
		return err
	}
	return s.answer(w, joined)
}

func (s *Server) serveLeave(w http.ResponseWriter, r *http.Request) error {
	var req LeaveRequest
	if err := s.readBody(w, r, &req); err != nil {
		return err
	}
	left, err := s.backend.Leave(r.Context(), req)
	if err != nil {
		return err
	}
	return s.answer(w, left)
}

func (s *Server) serveForget(w http.ResponseWriter, r *http.Request) error {
	var req ForgetRequest
	if err := s.readBody(w, r, &req); err != nil {
		return err
	}
	if len(req.Names) == 0 {
		return usage("there is nothing to forget", "body: names is empty")
	}
	forgot, err := s.backend.Forget(r.Context(), req)
	if err != nil {
		return err
	}
	return s.answer(w, forgot)
}

// readBody reads one JSON object into v. An empty body leaves v as it is.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, v any) error {
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = errors.New("more than one JSON value")
		}
	}
	if _, ok := err.(*http.MaxBytesError); ok {
		return &Error{Code: CodeSize, Message: fmt.Sprintf("body: over %d bytes", maxBody), Why: "no call needs more", Exit: exitData}
	}
	return usage("it must be one JSON object of the documented fields", "body: %s", clip(strings.TrimPrefix(err.Error(), "json: ")))
}

// answer writes one document and sees that it is on its way before the request
// counts as done.
func (s *Server) answer(w http.ResponseWriter, doc any) error {
	text, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	s.write(w, http.StatusOK, text)
	return nil
}

func (s *Server) fail(w http.ResponseWriter, e *Error) {
	s.counts.failed.Add(1)
	text, err := json.Marshal(Failure{Error: e})
	if err != nil { // strings and an int always marshal
		text = []byte(`{"error":{"code":"internal","message":"","why":"","try":"","exit":70}}`)
	}
	s.write(w, statusOf(e), text)
}

func (s *Server) write(w http.ResponseWriter, status int, text []byte) {
	text = append(text, '\n')
	rc := http.NewResponseController(w)
	rc.SetWriteDeadline(time.Now().Add(s.patient))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	w.Write(text) // fails only if the client is gone: nobody is left to tell
	rc.Flush()
}
