package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sys/unix"
)

// Why a call did not reach a node. They come wrapped in *DialError.
var (
	ErrNoSocket   = errors.New("no socket is there")
	ErrRefused    = errors.New("nobody answers on the socket") // a left-over
	ErrPermission = errors.New("permission denied")
)

// ErrStreamEnd ends Watch when the node closed the stream.
var ErrStreamEnd = errors.New("the node ended the stream")

// ErrNotControl says that what answers is no control socket of liminal.
var ErrNotControl = errors.New("what answers there is no liminal node")

// MaxJoin is how many addresses one Join may have.
const MaxJoin = 64

// maxAnswer bounds a document read by the client, maxLine one event.
const (
	maxAnswer = 64 << 20
	maxLine   = 1 << 20
)

// DialError says that the socket could not be reached.
type DialError struct {
	Socket string
	Err    error // one of the causes above, or what the system said
}

func (e *DialError) Error() string { return fmt.Sprintf("cannot open %s: %v", e.Socket, e.Err) }

// Unwrap gives the cause.
func (e *DialError) Unwrap() error { return e.Err }

// Client calls the node behind Socket. Each call has a connection of its own,
// so there is nothing to close. Failures are *DialError if the node was not
// reached, *Error if it answered with one, or what broke in between.
type Client struct {
	Socket string
}

// Status asks the node about itself.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return get[Status](ctx, c, "/v1/status", nil)
}

// Peers asks for the peers that f wants.
func (c *Client) Peers(ctx context.Context, f Filter) (Peers, error) {
	return get[Peers](ctx, c, "/v1/peers", f.query())
}

// Join has the node dial each address. Its answer has one result an address;
// the call fails only as a whole.
func (c *Client) Join(ctx context.Context, r JoinRequest) (Join, error) {
	return post[Join](ctx, c, "/v1/join", r)
}

// Leave has the node say goodbye to its peers.
func (c *Client) Leave(ctx context.Context, r LeaveRequest) (Leave, error) {
	return post[Leave](ctx, c, "/v1/leave", r)
}

// Forget has the node drop peers that are gone. Its answer has one result a name;
// the call fails only as a whole.
func (c *Client) Forget(ctx context.Context, r ForgetRequest) (Forget, error) {
	return post[Forget](ctx, c, "/v1/forget", r)
}

func get[T any](ctx context.Context, c *Client, path string, q url.Values) (T, error) {
	return document[T](c.do(ctx, http.MethodGet, path, q, nil))
}

func post[T any](ctx context.Context, c *Client, path string, body any) (doc T, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return doc, fmt.Errorf("control: %w", err)
	}
	return document[T](c.do(ctx, http.MethodPost, path, nil, text))
}

// document reads the one document of an answer.
func document[T any](res *http.Response, err error) (doc T, _ error) {
	if err != nil {
		return doc, err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&doc); err != nil {
		return doc, fmt.Errorf("control: answer of %s: %w", res.Request.URL.Path, err)
	}
	return doc, nil
}

// do sends one request and gives the answer if it is one of success.
func (c *Client) do(ctx context.Context, method, path string, q url.Values, body []byte) (*http.Response, error) {
	req, err := newRequest(ctx, method, path, q, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := (&http.Transport{
		DialContext:            c.dial,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
	}).RoundTrip(req)
	if err != nil {
		return nil, callError(ctx, path, err)
	}
	if err := check(res); err != nil {
		res.Body.Close()
		return nil, err
	}
	return res, nil
}

// callError keeps a *DialError and the end of ctx recognisable.
func callError(ctx context.Context, path string, err error) error {
	var d *DialError
	if errors.As(err, &d) {
		return d
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("control: %s: %w", path, err)
}

// check turns answers that are no success into errors.
func check(res *http.Response) error {
	failure := readFailure(res)
	if failure != nil && failure.Code == CodeVersion {
		return failure // in the node's words, which know its pid
	}
	switch v := res.Header.Get(Header); {
	case v == "":
		return ErrNotControl
	case v != versionText:
		return &Error{
			Code:    CodeVersion,
			Message: fmt.Sprintf("this command speaks control calls %d and the running node %q", Version, clip(v)),
			Why:     "their control calls differ", Try: "stop that node, then liminal node start", Exit: exitProtocol,
		}
	case failure != nil:
		return failure
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("control: unexpected answer %s", res.Status)
	}
	return nil
}

func readFailure(res *http.Response) *Error {
	if res.StatusCode == http.StatusOK {
		return nil
	}
	var f Failure
	if json.NewDecoder(io.LimitReader(res.Body, maxLine)).Decode(&f) != nil {
		return nil
	}
	return f.Error
}

// dial connects. A full backlog is a burst of callers and worth another try.
func (c *Client) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	for {
		nc, err := (&net.Dialer{}).DialContext(ctx, "unix", c.Socket)
		if err == nil {
			return nc, nil
		}
		if !errors.Is(err, unix.EAGAIN) {
			return nil, &DialError{Socket: c.Socket, Err: dialCause(err)}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func dialCause(err error) error {
	switch {
	case errors.Is(err, unix.ENOENT):
		return ErrNoSocket
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.ENOTSOCK):
		return ErrRefused
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return ErrPermission
	}
	return err
}
