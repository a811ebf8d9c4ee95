package control

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Stream reads a subscription. Next and Buffered are for one goroutine; Close
// may come from another.
type Stream struct {
	ctx   context.Context
	x     *streamCall
	names names
	only  string // the channel, if there is one
	buf   []byte
	at    int // buf[at:end] is read and not yet given
	end   int
	err   error // ends the stream
}

// Subscribe opens a subscription, which stands when Subscribe returns. It ends
// with ctx or Close. The format is the Stream's own affair.
func (c *Client) Subscribe(ctx context.Context, r SubscribeRequest) (*Stream, error) {
	q := url.Values{"channel": r.Channels, "format": {FormatFrames}}
	if r.Policy != "" {
		q.Set("policy", r.Policy)
	}
	x, err := c.open(ctx, http.MethodGet, "/v1/subscribe", q, nil)
	if err != nil {
		return nil, err
	}
	return &Stream{ctx: ctx, x: x, only: r.only(), buf: make([]byte, clientBuffer)}, nil
}

// Close ends the subscription. A Next under way returns.
func (s *Stream) Close() error {
	s.x.close()
	return nil
}

// Next waits for the next message and reads it into m. The payload is good until
// the next call; strings last. Next returns ErrStreamEnd when the node ended the
// stream, the cause of ctx's end, the node's *Error, or how the stream was cut.
func (s *Stream) Next(m *Message) error {
	for s.err == nil {
		rec, err := s.record()
		if err == nil {
			var ok bool
			if ok, err = s.read(rec, m); ok {
				return nil
			}
		}
		s.err = err
	}
	return s.err
}

// read takes one record, which is a message or not.
func (s *Stream) read(rec []byte, m *Message) (ok bool, err error) {
	switch {
	case len(rec) == 0:
		return false, nil
	case rec[0] == recordBytes, rec[0] == recordErlang:
		if err := s.names.decode(rec, m); err != nil {
			return false, fmt.Errorf("control: subscribe: %w", err)
		}
		m.LostOf = s.only
		return true, nil
	case rec[0] == recordError:
		e := &Error{}
		if err := json.Unmarshal(rec[1:], e); err != nil {
			return false, fmt.Errorf("control: subscribe: error record: %w", err)
		}
		return false, e
	}
	return false, nil // of a later minor
}

// Buffered says whether Next would return at once with a whole message.
func (s *Stream) Buffered() bool { return s.whole() > 0 }

// whole gives the size of the record at the front with its length, 0 if it is
// not all here.
func (s *Stream) whole() int {
	if s.end-s.at < 4 {
		return 0
	}
	size := uint64(binary.BigEndian.Uint32(s.buf[s.at:])) + 4
	if uint64(s.end-s.at) < size {
		return 0
	}
	return int(size)
}

// record gives the next record without its length.
func (s *Stream) record() ([]byte, error) {
	for {
		if n := s.whole(); n > 0 {
			rec := s.buf[s.at+4 : s.at+n]
			s.at += n
			return rec, nil
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads more. The buffer grows with what has come, not with what a length
// announces.
func (s *Stream) fill() error {
	if s.at > 0 {
		s.end = copy(s.buf, s.buf[s.at:s.end])
		s.at = 0
	}
	if s.end >= 4 {
		if n := binary.BigEndian.Uint32(s.buf); n > maxRecord {
			return fmt.Errorf("control: subscribe: record of %d bytes, at most %d are taken", n, maxRecord)
		}
	}
	if s.end == len(s.buf) {
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	n, err := s.x.res.Body.Read(s.buf[s.end:])
	s.end += n
	switch {
	case n > 0, err == nil:
		return nil // an error comes again
	case err == io.EOF && s.end > 0:
		err = io.ErrUnexpectedEOF
	case err == io.EOF:
		err = nil
	}
	return streamEnd(s.ctx, "subscribe", err)
}
