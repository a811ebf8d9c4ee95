package observe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// The limits of a Server.
const (
	headerTime = 5 * time.Second
	readTime   = 10 * time.Second
	writeTime  = 20 * time.Second
	idleTime   = 90 * time.Second // longer than most scrape intervals
	closeTime  = time.Second
	maxHeader  = 8 << 10
)

// Server is a Handler on a listener of its own.
type Server struct {
	*Handler
	http http.Server
	ln   net.Listener
	done sync.WaitGroup
	once sync.Once
}

// Listen binds addr, [HOST]:PORT, and serves a node there until Close. The host of
// addr is one of the names under which it may be asked. A nil logger discards.
func Listen(ctx context.Context, addr string, src Source, o Options, log *slog.Logger) (*Server, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("http listener: %w", err)
	}
	o.Hosts = append([]string{addr}, o.Hosts...)
	return serve(ln, NewHandler(src, o), log), nil
}

func serve(ln net.Listener, h *Handler, log *slog.Logger) *Server {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Server{Handler: h, ln: ln}
	table := &conns{open: map[net.Conn]time.Time{}, evicted: func() { h.refused[refusedConn].Add(1) }}
	var http1 http.Protocols
	http1.SetHTTP1(true)
	s.http = http.Server{
		Handler: h, Protocols: &http1, ConnState: table.note,
		ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader, DisableGeneralOptionsHandler: true,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	s.done.Go(func() {
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			log.Error("http listener failed", "addr", ln.Addr(), "err", err)
		}
	})
	return s
}

// Addr is where it listens.
func (s *Server) Addr() netip.AddrPort {
	ap := s.ln.Addr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// Exposed says whether others than this machine can ask.
func (s *Server) Exposed() bool { return !s.Addr().Addr().IsLoopback() }

// Close stops listening, lets answers under way be written for a second, and
// waits until the server is gone. It is idempotent.
func (s *Server) Close() error {
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		if s.http.Shutdown(ctx) != nil {
			s.http.Close()
		}
	})
	s.done.Wait()
	return nil
}
