package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// Watch calls fn for each event, bookmarks among them, in order. It begins with
// a snapshot, or resumes where r says; if the node does not have what came since
// any more, or has another boot by now, that gives a gap and a snapshot. Watch
// returns what fn returned, the cause of ctx's end, ErrStreamEnd when the node
// closed the stream, or what broke.
func (c *Client) Watch(ctx context.Context, r WatchRequest, fn func(Event) error) error {
	q := url.Values{}
	if r.Resume {
		q.Set("since", strconv.FormatUint(r.Since, 10))
	}
	if r.Boot != "" {
		q.Set("boot", r.Boot)
	}
	if r.Last > 0 {
		q.Set("last", r.Last.String())
	}
	res, err := c.do(ctx, http.MethodGet, "/v1/watch", q, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("control: watch: event: %w", err)
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return streamEnd(ctx, "watch", lines.Err())
}

// streamEnd names the end of a stream of that call; err is nil at one in order.
func streamEnd(ctx context.Context, call string, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil:
		return ErrStreamEnd
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("control: %s: the stream was cut: %w", call, err)
	}
	return fmt.Errorf("control: %s: %w", call, err)
}
