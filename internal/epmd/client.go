package epmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"
)

// DefaultPort is where epmd listens unless told otherwise; ERL_EPMD_PORT, which
// may say so, is read with the other settings.
const DefaultPort = 4369

// Client asks epmd. The zero value asks port 4369 with a time-out of 2 s and
// is ready for use. A Client is safe for concurrent use.
type Client struct {
	Port    int           // 0: DefaultPort
	Timeout time.Duration // for a whole conversation, connect included; 0: 2 s

	// Dial connects; nil is a net.Dialer. It must obey ctx.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Lookup asks the epmd of host where the node with this name (the part before
// the @) listens. The error matches ErrNoSuchName, ErrNoEPMD, ErrBadReply or
// the cause of ctx.
func (c Client) Lookup(ctx context.Context, host, name string) (port int, err error) {
	if err := checkName(name); err != nil {
		return 0, err
	}
	err = c.ask(ctx, host, request(reqPortPlease2, []byte(name)), func(r io.Reader) (err error) {
		port, err = readPort(r)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("epmd: look up %q at %s: %w", name, c.addr(host), err)
	}
	return port, nil
}

// Names lists what the epmd of host knows, in its order. The error matches
// ErrNoEPMD, ErrBadReply or the cause of ctx.
func (c Client) Names(ctx context.Context, host string) (entries []Entry, err error) {
	err = c.ask(ctx, host, request(reqNames, nil), func(r io.Reader) (err error) {
		entries, err = readNames(r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("epmd: list names at %s: %w", c.addr(host), err)
	}
	return entries, nil
}

// ask holds one conversation and closes it.
func (c Client) ask(ctx context.Context, host string, req []byte, read func(io.Reader) error) error {
	nc, err := c.open(ctx, host, req, read)
	if err != nil {
		return err
	}
	nc.Close()
	return nil
}

// open holds one conversation and returns its socket, still open and without
// deadline.
func (c Client) open(ctx context.Context, host string, req []byte, read func(io.Reader) error) (net.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	dial := c.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	nc, err := dial(limited, "tcp", c.addr(host))
	if err != nil {
		return nil, blame(ctx, fmt.Errorf("%w: %w", ErrNoEPMD, err))
	}
	if err := converse(limited, nc, req, read); err != nil {
		nc.Close()
		return nil, blame(ctx, err)
	}
	return nc, nil
}

// converse sends req and reads the answer; the end of ctx breaks both off.
func converse(ctx context.Context, nc net.Conn, req []byte, read func(io.Reader) error) error {
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	_, err := nc.Write(req)
	if err != nil {
		err = fmt.Errorf("%w: write: %w", ErrBadReply, err)
	} else {
		err = read(nc)
	}
	if !stop() && err == nil {
		err = ctx.Err() // the socket has a deadline in the past now or soon: useless
	}
	return err
}

// blame sorts out who ended a failed conversation: the caller's cancel, silence
// (a time-out, ours or the caller's), or what epmd did.
func blame(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	silent := errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
	if silent && !errors.Is(err, ErrNoEPMD) {
		return fmt.Errorf("%w: no answer in time: %w", ErrNoEPMD, context.DeadlineExceeded)
	}
	return err
}

// addr is where the epmd of host listens.
func (c Client) addr(host string) string {
	port := c.Port
	if port == 0 {
		port = DefaultPort
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

func (c Client) timeout() time.Duration {
	if c.Timeout <= 0 {
		return 2 * time.Second
	}
	return c.Timeout
}

// checkName refuses what epmd would: it closes on an empty name without a word
// and calls a long one taken.
func checkName(name string) error {
	if len(name) == 0 || len(name) > maxName {
		return fmt.Errorf("epmd: a name has 1 to %d bytes, not %d", maxName, len(name))
	}
	return nil
}
