package control

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"
)

const (
	batchSize  = 256       // messages taken from a subscription at once
	writeChunk = 64 << 10  // bytes written at once
	keepBuffer = 512 << 10 // a larger buffer goes after the message that needed it
)

// format is one way to write a subscription.
type format struct {
	mime    string
	message func(dst []byte, m *Message) []byte
	failure func(dst []byte, e *Error) []byte
}

var formats = map[string]format{
	FormatNDJSON: {"application/x-ndjson", AppendMessageJSON, appendErrorJSON},
	FormatFrames: {"application/octet-stream", appendRecord, appendErrorRecord},
}

func (s *Server) serveChannels(w http.ResponseWriter, r *http.Request) error {
	list, err := s.backend.Channels(r.Context(), r.URL.Query()["name"])
	if err != nil {
		return err
	}
	list.Schema = SchemaChannels
	list.Channels, list.Incomplete = notNil(list.Channels), notNil(list.Incomplete)
	for i := range list.Channels {
		list.Channels[i].Members = notNil(list.Channels[i].Members)
	}
	return s.answer(w, list)
}

// notNil makes a list that JSON shows as [] and not as null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (s *Server) serveSubscribe(w http.ResponseWriter, r *http.Request) error {
	req, err := parseSubscribe(r)
	if err != nil {
		return err
	}
	sub, err := s.backend.Subscribe(r.Context(), req)
	if err != nil {
		return err
	}
	defer sub.Close()
	out := &feed{s: s, w: w, rc: http.NewResponseController(w), format: formats[req.Format], only: req.only()}
	defer out.endWith(r.Context())()
	if err := out.start(); err != nil {
		return nil // the reader is gone
	}
	if err := out.copyLoop(r.Context(), sub); err != nil {
		s.counts.streamErrors.Add(1)
		s.log.Debug("control subscription ended", "err", err)
		out.tell(asError(err))
		panic(http.ErrAbortHandler) // a cut, which the client can tell from an end
	}
	out.rc.SetWriteDeadline(time.Now().Add(s.patient)) // for the end mark
	return nil
}

func parseSubscribe(r *http.Request) (SubscribeRequest, error) {
	q := singles{values: r.URL.Query()}
	req := SubscribeRequest{
		Policy: q.word("policy", PolicyDropOldest, PolicyBlock, PolicyDisconnect),
		Format: q.word("format", FormatNDJSON, FormatFrames),
	}
	for _, c := range q.values["channel"] {
		if c != "" && !slices.Contains(req.Channels, c) {
			req.Channels = append(req.Channels, c)
		}
	}
	if len(req.Channels) == 0 && q.err == nil {
		q.err = usage("a subscription is to one channel or more", "query: channel is missing")
	}
	return req, q.err
}

// only is the channel of r if it is one.
func (r SubscribeRequest) only() string {
	if len(r.Channels) == 1 {
		return r.Channels[0]
	}
	return ""
}

// feed writes a subscription to one reader.
type feed struct {
	s       *Server
	w       http.ResponseWriter
	rc      *http.ResponseController
	format  format
	only    string // the channel, if there is one
	buf     []byte
	pending uint64 // messages in buf
}

// endWith has a write to a reader that takes nothing end soon after ctx. A
// reader may take nothing for as long as it likes before that: it costs its own
// queue and no more.
func (f *feed) endWith(ctx context.Context) (stop func() bool) {
	f.rc.SetWriteDeadline(time.Time{}) // whatever an earlier answer left
	return context.AfterFunc(ctx, func() { f.rc.SetWriteDeadline(time.Now().Add(endTimeout)) })
}

func (f *feed) start() error {
	f.w.Header().Set("Content-Type", f.format.mime)
	f.w.WriteHeader(http.StatusOK)
	return f.rc.Flush()
}

// copyLoop goes on until sub ends, in order if the error is nil, or the reader
// does.
func (f *feed) copyLoop(ctx context.Context, sub Subscription) error {
	batch := make([]Message, batchSize)
	for {
		n, err := sub.Batch(ctx, batch)
		if f.put(batch[:n]) != nil {
			return nil // the reader is gone, and what it missed is counted
		}
		clear(batch[:n]) // a payload is not kept while the channel is quiet
		switch {
		case ctx.Err() != nil, errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// put writes all of batch. The next call of Batch may wait, so nothing is left
// for it to follow.
func (f *feed) put(batch []Message) error {
	for i := range batch {
		batch[i].LostOf = f.only
		f.buf = f.format.message(f.buf, &batch[i])
		f.pending++
		if len(f.buf) < writeChunk {
			continue
		}
		if err := f.write(); err != nil {
			f.s.counts.unread.Add(uint64(len(batch) - i - 1))
			return err
		}
	}
	if len(f.buf) == 0 {
		return nil
	}
	return f.write()
}

func (f *feed) write() error {
	_, err := f.w.Write(f.buf)
	if err == nil {
		err = f.rc.Flush()
	}
	if err != nil {
		f.s.counts.lost.Add(1)
		f.s.counts.unread.Add(f.pending)
	}
	f.buf, f.pending = f.buf[:0], 0
	if cap(f.buf) > keepBuffer {
		f.buf = nil
	}
	return err
}

// tell says why the stream is about to be cut.
func (f *feed) tell(e *Error) {
	f.rc.SetWriteDeadline(time.Now().Add(endTimeout))
	f.buf = f.format.failure(f.buf, e)
	f.write()
}
