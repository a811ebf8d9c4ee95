package control

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
)

// clientBuffer is how much of a streamed body is read or written at once, and
// smallBuffer what the rest of a call needs.
const (
	clientBuffer = 64 << 10
	smallBuffer  = 4 << 10
)

// Channels asks for all channels, or for those named.
func (c *Client) Channels(ctx context.Context, names []string) (Channels, error) {
	return get[Channels](ctx, c, "/v1/channels", url.Values{"name": names})
}

// Publish streams body to the node, which cuts it into messages as r says, and
// gives the answer as soon as it is there: a refusal comes in the middle of the
// body. So a Read of body may still be under way when Publish returns an error;
// Publish never closes body. An error of body ends the call and comes wrapped;
// to hear what was sent up to some point, let body end there with io.EOF.
func (c *Client) Publish(ctx context.Context, r PublishRequest, body io.Reader) (Published, error) {
	x, err := c.open(ctx, http.MethodPost, "/v1/publish", r.query(), body)
	if err != nil {
		return Published{}, err
	}
	defer x.close()
	done, err := document[Published](x.res, nil)
	if err != nil && ctx.Err() != nil {
		return done, context.Cause(ctx)
	}
	return done, err
}

func (r PublishRequest) query() url.Values {
	q := url.Values{"channel": {r.Channel}}
	for name, v := range map[string]struct {
		set  bool
		text string
	}{
		"framing":    {r.Framing != "", r.Framing},
		"wait":       {r.Wait != 0, strconv.Itoa(r.Wait)},
		"timeout":    {r.Timeout != 0, r.Timeout.String()},
		"keep_going": {r.KeepGoing, "true"},
		"empty":      {r.Empty, "true"},
	} {
		if v.set {
			q.Set(name, v.text)
		}
	}
	return q
}

// streamCall is one request with a connection of its own, for bodies that stream.
// http.Transport does not fit: it gives up on the answer when writing the body
// fails, which is how a refusal in its middle looks, and it waits for a Read of
// the body before it returns.
type streamCall struct {
	nc   net.Conn
	res  *http.Response
	stop func() bool // of the watch over the context
}

func (x *streamCall) close() {
	x.stop()
	x.nc.Close()
}

// open sends a request and reads the header of its answer, while the body may
// still be on its way. The end of ctx ends the connection.
func (c *Client) open(ctx context.Context, method, path string, q url.Values, body io.Reader) (*streamCall, error) {
	req, err := newRequest(ctx, method, path, q, body)
	if err != nil {
		return nil, err
	}
	nc, err := c.dial(ctx, "", "")
	if err != nil {
		return nil, callError(ctx, path, err)
	}
	x := &streamCall{nc: nc, stop: context.AfterFunc(ctx, func() { nc.Close() })}
	broken := make(chan error, 1)
	go func() { broken <- send(nc, req) }()
	if x.res, err = readAnswer(nc, req); err == nil {
		err = check(x.res)
	} else {
		err = callError(ctx, path, err)
	}
	if err != nil {
		x.close()
		return nil, bodyError(ctx, path, broken, err)
	}
	return x, nil
}

// bodyError gives why the body could not be read, if that is how the call came
// to fail, else err.
func bodyError(ctx context.Context, path string, broken <-chan error, err error) error {
	select {
	case why := <-broken:
		if why != nil && ctx.Err() == nil {
			return fmt.Errorf("control: %s: body: %w", path, why)
		}
	default: // a Read of the body may take for ever
	}
	return err
}

func newRequest(ctx context.Context, method, path string, q url.Values, body io.Reader) (*http.Request, error) {
	u := url.URL{Scheme: "http", Host: "liminal", Path: path, RawQuery: q.Encode()}
	if err := checkLength(u.RawQuery); err != nil {
		return nil, err
	}
	if _, ok := body.(io.Closer); ok {
		body = struct{ io.Reader }{body} // or it would be closed at the end
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	req.Header.Set(Header, strconv.Itoa(Version))
	req.Close = true
	return req, nil
}

// checkLength refuses a query that would not fit the header of a request.
func checkLength(query string) error {
	if len(query) > maxHeader-1024 {
		return usage("a request has room for some 15 KiB of names", "%d bytes of names are too many for one call", len(query))
	}
	return nil
}

// send writes the request and returns an error only if its body could not be
// read. What goes wrong with the connection shows where the answer is read.
func send(nc net.Conn, req *http.Request) error {
	if req.Body == http.NoBody {
		req.Body = nil
	}
	body := &watchedReader{r: req.Body}
	size := smallBuffer
	if req.ContentLength == 0 && req.Body != nil { // of unknown length
		size = clientBuffer
	}
	if req.Body != nil {
		req.Body = io.NopCloser(body)
	}
	w := bufio.NewWriterSize(nc, size)
	if req.Write(w) == nil {
		w.Flush()
	}
	if c, ok := nc.(interface{ CloseWrite() error }); ok && body.err != nil {
		c.CloseWrite() // so that the node does not wait for the rest
	}
	return body.err
}

// watchedReader keeps the error of r, other than its end.
type watchedReader struct {
	r   io.Reader
	err error
}

func (w *watchedReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// readAnswer reads an answer's header, of bounded size, and leaves its body.
func readAnswer(nc net.Conn, req *http.Request) (*http.Response, error) {
	bounded := &io.LimitedReader{R: nc, N: maxHeader + smallBuffer}
	// Large reads of the body go past this buffer.
	res, err := http.ReadResponse(bufio.NewReaderSize(bounded, smallBuffer), req)
	bounded.N = math.MaxInt64
	return res, err
}
