package control

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"
)

// servePublish answers all its errors itself: with some of the body unread.
func (s *Server) servePublish(w http.ResponseWriter, r *http.Request) error {
	rc := http.NewResponseController(w)
	rc.EnableFullDuplex()
	rc.SetReadDeadline(time.Time{}) // the body may last for days
	// A read of the body does not end with the context by itself.
	stop := context.AfterFunc(r.Context(), func() { rc.SetReadDeadline(time.Now()) })
	defer stop()
	done, err := s.publish(r)
	if err != nil {
		return err
	}
	return s.answer(w, done)
}

func (s *Server) publish(r *http.Request) (done Published, err error) {
	req, err := parsePublish(r)
	if err != nil {
		return done, err
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	unwatch := watchGone(ctx, 0, cancel)
	pub, err := s.backend.Publish(ctx, req)
	unwatch()
	if err != nil {
		return done, err
	}
	defer watchGone(ctx, goneGrace, cancel)() // what has come is sent first, if it can be
	in := &intake{r: req, pub: pub, next: framings[req.Framing]}
	return s.takeIn(ctx, r, in)
}

// takeIn runs the intake and closes its publication, whatever happens. After an
// error nobody asks for the totals, so there is nothing to wait for.
func (s *Server) takeIn(ctx context.Context, r *http.Request, in *intake) (done Published, err error) {
	ctx, cancel := context.WithCancel(ctx)
	closed := false
	defer func() {
		cancel()
		if !closed {
			in.pub.Close(ctx)
		}
		s.counts.refused.Add(in.refused)
	}()
	in.cut = newCutter(r.Body, r.ContentLength, in.pub.MaxMessage())
	if err := in.run(ctx); err != nil {
		return done, err
	}
	closed = true
	if done, err = in.pub.Close(ctx); err != nil {
		return done, err
	}
	done.Schema, done.Refused, done.FirstRefused = SchemaPub, in.refused, in.first
	if done.Peers == nil {
		done.Peers = []PeerOutcome{}
	}
	return done, nil
}

// failEarly answers with e although the client may still be sending, and then
// takes what it sends, so that it comes to read the answer: closing at once
// could reset the connection under it.
func (s *Server) failEarly(w http.ResponseWriter, r *http.Request, e *Error) {
	if r.ContentLength == 0 { // -1 is a body of unknown length
		s.fail(w, e)
		return
	}
	rc := http.NewResponseController(w)
	rc.EnableFullDuplex()
	w.Header().Set("Connection", "close")
	s.fail(w, e)
	rc.SetReadDeadline(time.Now().Add(drainTimeout))
	stop := context.AfterFunc(r.Context(), func() { rc.SetReadDeadline(time.Now()) })
	defer stop()
	io.Copy(io.Discard, r.Body)
}

func parsePublish(r *http.Request) (PublishRequest, error) {
	q := singles{values: r.URL.Query()}
	p := PublishRequest{
		Channel:   q.get("channel"),
		Framing:   q.word("framing", FramingWhole, FramingLines, FramingFrames),
		KeepGoing: q.flag("keep_going"),
		Empty:     q.flag("empty"),
	}
	var err error
	if v := q.get("wait"); v != "" {
		if p.Wait, err = strconv.Atoi(v); err != nil || p.Wait < 0 {
			q.refuse("wait", v, "it is how many subscribers to wait for")
		}
	}
	if v := q.get("timeout"); v != "" {
		if p.Timeout, err = time.ParseDuration(v); err != nil || p.Timeout < 0 {
			q.refuse("timeout", v, `it is a duration with a unit, such as "30s"`)
		}
	}
	if p.Channel == "" && q.err == nil {
		q.err = usage("a message goes to a channel", "query: channel is missing")
	}
	return p, q.err
}
