package control

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// counters are the server's own; each names something not done for a client.
type counters struct {
	busy         atomic.Uint64 // request over the limit, answered 503
	evicted      atomic.Uint64 // connection without a request, closed for a newer one
	failed       atomic.Uint64 // requests answered with an error
	lost         atomic.Uint64 // stream writes to a reader that is gone or takes nothing
	streamErrors atomic.Uint64 // streams cut by an error
	refused      atomic.Uint64 // messages of publishers not taken
	unread       atomic.Uint64 // messages taken from a subscription and not written to its reader
	panics       atomic.Uint64
}

// Counters gives the server's counters, sorted by name. They are part of the
// answer to status already.
func (s *Server) Counters() []NamedCount {
	uid := uint64(0)
	s.mu.Lock()
	if l, ok := s.ln.(*Listener); ok {
		uid = l.Refused()
	}
	s.mu.Unlock()
	return []NamedCount{
		{"control_busy", s.counts.busy.Load()},
		{"control_evicted", s.counts.evicted.Load()},
		{"control_failed", s.counts.failed.Load()},
		{"control_panics", s.counts.panics.Load()},
		{"control_pub_refused", s.counts.refused.Load()},
		{"control_refused_uid", uid},
		{"control_stream_errors", s.counts.streamErrors.Load()},
		{"control_stream_lost", s.counts.lost.Load()},
		{"control_sub_lost", s.counts.unread.Load()},
	}
}

// connTable knows every open connection and which of them wait: new ones whose
// headers are still coming, and idle ones.
type connTable struct {
	dropped *atomic.Uint64
	mu      sync.Mutex
	open    map[net.Conn]*connEntry
	gone    *sync.Cond // signalled when open shrinks
}

type connEntry struct {
	waiting bool
	since   time.Time
}

// note is http.Server.ConnState.
func (t *connTable) note(nc net.Conn, state http.ConnState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.init()
	switch state {
	case http.StateNew:
		t.open[nc] = &connEntry{waiting: true, since: time.Now()}
		if len(t.open) > maxConns {
			t.evictOldest()
		}
	case http.StateActive, http.StateIdle:
		if e := t.open[nc]; e != nil {
			e.waiting, e.since = state == http.StateIdle, time.Now()
		}
	case http.StateClosed, http.StateHijacked:
		delete(t.open, nc)
		t.gone.Broadcast()
	}
}

func (t *connTable) init() {
	if t.open == nil {
		t.open, t.gone = map[net.Conn]*connEntry{}, sync.NewCond(&t.mu)
	}
}

// evictOldest closes the connection that has waited longest. There is always
// one: at most maxRequests have a request.
func (t *connTable) evictOldest() {
	var oldest net.Conn
	for nc, e := range t.open {
		if e.waiting && (oldest == nil || e.since.Before(t.open[oldest].since)) {
			oldest = nc
		}
	}
	if oldest == nil {
		return
	}
	t.dropped.Add(1)
	// Its goroutine reports StateClosed later; until then it must not be
	// picked again.
	t.open[oldest].waiting = false
	oldest.Close()
}

// dropWaiting closes what has no request.
func (t *connTable) dropWaiting() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for nc, e := range t.open {
		if e.waiting {
			nc.Close()
		}
	}
}

// wait returns when every connection is gone.
func (t *connTable) wait() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.init()
	for len(t.open) > 0 {
		t.gone.Wait()
	}
}
