package control

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// stream writes events to one reader. Its lock orders the backend's events and
// the bookmarks between them.
type stream struct {
	s   *Server
	w   http.ResponseWriter
	rc  *http.ResponseController
	now func() time.Time

	mu   sync.Mutex
	last Event // what the next bookmark stands at
	open bool  // the reader is in the middle of a snapshot
}

func (s *Server) serveWatch(w http.ResponseWriter, r *http.Request) error {
	req, err := parseWatch(r.URL.Query())
	if err != nil {
		return err
	}
	st := &stream{s: s, w: w, rc: http.NewResponseController(w), now: time.Now}
	// Until the first event says otherwise a resumed reader stands at since,
	// and any other is about to be told where it stands.
	st.last.Seq, st.open = req.Since, !req.Resume
	if err := st.start(r.Context()); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var marks sync.WaitGroup
	marks.Go(func() { st.markLoop(ctx) })
	err = s.backend.Watch(ctx, req, st.emit)
	cancel()
	marks.Wait()
	if err != nil && r.Context().Err() == nil {
		s.counts.streamErrors.Add(1)
		s.log.Debug("control stream ended", "err", err)
		panic(http.ErrAbortHandler) // a cut, which the client can tell from an end
	}
	return nil
}

func parseWatch(values url.Values) (r WatchRequest, err error) {
	q := &singles{values: values}
	since, last := q.get("since"), q.get("last")
	r.Boot, r.Resume = q.get("boot"), values.Has("since")
	if r.Resume {
		if r.Since, err = strconv.ParseUint(since, 10, 64); err != nil {
			q.refuse("since", since, "it is the seq of the last event seen")
		}
	}
	if values.Has("last") {
		if r.Last, err = time.ParseDuration(last); err != nil || r.Last <= 0 {
			q.refuse("last", last, "it is a duration with a unit, such as 5m")
		}
	}
	if r.Resume && values.Has("last") {
		q.refuse("last", last, "it excludes since: each says where to begin")
	}
	return r, q.err
}

// start sends the header, so that a reader knows it is heard before the first
// event. The boot in it is the one that bookmarks carry.
func (st *stream) start(ctx context.Context) error {
	status, err := st.s.backend.Status(ctx)
	if err != nil {
		return err
	}
	st.last.Boot = status.Boot
	st.w.Header().Set("Content-Type", "application/x-ndjson")
	st.w.WriteHeader(http.StatusOK)
	st.rc.SetWriteDeadline(time.Now().Add(st.s.patient))
	st.rc.Flush()
	return nil
}

func (st *stream) emit(e Event) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if err := st.write(e); err != nil {
		return err
	}
	st.last = e
	st.open = e.Type == EventSnapshotPeer || e.Type == EventGap
	return nil
}

// markLoop sends a bookmark now and then, so that a reader of a quiet cluster
// sees that it is still heard and where to resume.
func (st *stream) markLoop(ctx context.Context) {
	t := time.NewTicker(bookmarkPeriod)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			st.mark()
		}
	}
}

func (st *stream) mark() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.open {
		return // resuming here would lose the rest of the snapshot
	}
	st.write(Event{Type: EventBookmark, Seq: st.last.Seq, Boot: st.last.Boot, Time: st.now().UTC()})
}

// write needs mu.
func (st *stream) write(e Event) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	st.rc.SetWriteDeadline(time.Now().Add(st.s.patient))
	_, err = st.w.Write(append(line, '\n'))
	if err == nil {
		err = st.rc.Flush()
	}
	if err != nil {
		st.s.counts.lost.Add(1)
	}
	return err
}
