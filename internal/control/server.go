package control

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Backend is the node as the control calls see it. Errors should be *Error;
// others are answered as bugs. A method ends soon after its ctx does: when the
// client goes, or the server closes.
type Backend interface {
	Status(ctx context.Context) (Status, error)
	Peers(ctx context.Context, f Filter) (Peers, error)
	Join(ctx context.Context, r JoinRequest) (Join, error)
	// Leave must not wait for Server.Close, which waits for it.
	Leave(ctx context.Context, r LeaveRequest) (Leave, error)
	// Forget stops dialling and listing peers that are not up.
	Forget(ctx context.Context, r ForgetRequest) (Forget, error)
	// Watch calls emit for each event, from one goroutine, until ctx or the
	// node ends. An error of emit means that the reader is gone: return it. An
	// *Error before the first event is told to the reader.
	Watch(ctx context.Context, r WatchRequest, emit func(Event) error) error
	// Publish has waited for r.Wait when it returns. A name that no channel can
	// have is an *Error with Exit 64, a wait that took too long one of code
	// timeout.
	Publish(ctx context.Context, r PublishRequest) (Publication, error)
	// Subscribe returns once the subscription stands.
	Subscribe(ctx context.Context, r SubscribeRequest) (Subscription, error)
	// Channels lists all channels, or those named.
	Channels(ctx context.Context, names []string) (Channels, error)
}

// Limits. maxWaiting is for connections without a request; see doc.go.
const (
	maxRequests    = 64
	maxConns       = maxRequests + 16
	maxBody        = 1<<20 + 64<<10
	maxHeader      = 16 << 10
	headerTimeout  = 5 * time.Second
	bodyTimeout    = 10 * time.Second
	writeTimeout   = 10 * time.Second
	idleTimeout    = 60 * time.Second
	closeTimeout   = 2 * time.Second
	bookmarkPeriod = 10 * time.Second
	drainTimeout   = 2 * time.Second        // for a client that is still sending when its answer is there
	endTimeout     = 500 * time.Millisecond // for a reader that takes nothing when its stream ends
	gonePeriod     = 250 * time.Millisecond // how often a client that waits is looked after
	goneGrace      = 500 * time.Millisecond // for what a client had sent before it went
)

// Server answers the control calls of one node.
type Server struct {
	backend Backend
	log     *slog.Logger
	http    http.Server
	conns   connTable
	counts  counters
	ctx     context.Context // ends all requests
	stop    context.CancelFunc
	patient time.Duration // how long a client may take nothing

	mu      sync.Mutex
	closed  bool
	active  int            // requests being served
	serving sync.WaitGroup // Serve and requests; added to under mu while not closed
	ln      net.Listener
}

// NewServer makes a server of b. A nil logger discards.
func NewServer(b Backend, log *slog.Logger) *Server {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Server{backend: b, log: log, patient: writeTimeout}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.conns.dropped = &s.counts.evicted
	var http1 http.Protocols
	http1.SetHTTP1(true)
	s.http = http.Server{
		Handler:           http.HandlerFunc(s.serveHTTP),
		Protocols:         &http1,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ConnState:         s.conns.note,
		BaseContext:       func(net.Listener) context.Context { return s.ctx },
		ConnContext:       withConn,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s
}

// Serve answers connections of ln until Close, then returns nil. It is called
// at most once.
func (s *Server) Serve(ln net.Listener) error {
	s.mu.Lock()
	if s.closed || s.ln != nil {
		s.mu.Unlock()
		ln.Close()
		return errors.New("control: Serve on a server that was used before")
	}
	s.ln = ln
	s.serving.Add(1)
	s.mu.Unlock()
	defer s.serving.Done()
	if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) && !s.isClosed() {
		return err
	}
	return nil
}

// Close ends the streams, lets the answers under way be written, and waits
// until no request, connection or goroutine is left. It is idempotent.
func (s *Server) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	ln := s.ln
	s.mu.Unlock()
	if first {
		if ln != nil {
			ln.Close()
		}
		s.stop()
		s.conns.dropWaiting()
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		s.http.Shutdown(ctx) // waits until the last answers are flushed
		s.http.Close()
	}
	s.serving.Wait()
	s.conns.wait()
	return nil
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// enter admits a request, or says why not.
func (s *Server) enter() *Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return stoppingError()
	}
	if s.active >= maxRequests {
		s.counts.busy.Add(1)
		return busyError()
	}
	s.active++
	s.serving.Add(1)
	return nil
}

func (s *Server) leave() {
	s.mu.Lock()
	s.active--
	s.mu.Unlock()
	s.serving.Done()
}

// serveHTTP is the one way in: admission, version, route, and one way out for
// errors and panics.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(Header, versionText)
	if e := s.enter(); e != nil {
		w.Header().Set("Connection", "close")
		http.NewResponseController(w).EnableFullDuplex() // answer before the body
		s.fail(w, e)
		return
	}
	defer s.leave()
	defer s.recoverBug(w, r)
	if err := s.route(w, r); err != nil {
		s.failEarly(w, r, asError(err))
	}
}

func (s *Server) recoverBug(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	s.counts.panics.Add(1)
	s.log.Error("control call failed", "path", r.URL.Path, "panic", v)
	if ct := w.Header().Get("Content-Type"); ct != "" && ct != "application/json" {
		panic(http.ErrAbortHandler) // in the middle of a stream: cut it
	}
	s.failEarly(w, r, &Error{Code: CodeInternal, Message: "a control call failed", Why: "this is a bug in liminal", Exit: exitBug})
}
