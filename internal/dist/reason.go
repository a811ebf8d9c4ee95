package dist

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// Reason is one word for why a link ended. The words are a closed set: they
// are shown to scripts and are labels of metrics.
type Reason string

// Every link ends for one of these.
const (
	ReasonEOF             Reason = "eof"              // the peer closed the connection
	ReasonReset           Reason = "reset"            // the connection broke
	ReasonTickTimeout     Reason = "tick_timeout"     // no byte for 1.25 times the tick time
	ReasonProbeTimeout    Reason = "probe_timeout"    // the peer left probes unanswered
	ReasonGoodbye         Reason = "goodbye"          // the peer said that it leaves
	ReasonWriteStall      Reason = "write_stall"      // one write took longer than Limits.WriteStall
	ReasonReplaced        Reason = "replaced"         // a newer connection of the same peer took its place
	ReasonControlOverflow Reason = "control_overflow" // the peer took no control messages
	ReasonProtocol        Reason = "protocol"         // the peer sent what the protocol does not allow
	ReasonQuota           Reason = "quota"            // the peer sent more than it may
	ReasonClosed          Reason = "closed"           // closed from our side
	ReasonStopped         Reason = "stopped"          // this node stops
)

var reasonTexts = map[Reason]string{
	ReasonEOF:             "connection closed by peer",
	ReasonReset:           "connection reset by peer",
	ReasonTickTimeout:     "no tick from peer",
	ReasonProbeTimeout:    "probes not answered",
	ReasonGoodbye:         "said goodbye",
	ReasonWriteStall:      "peer stopped reading",
	ReasonReplaced:        "replaced by a newer connection",
	ReasonControlOverflow: "peer too slow for control messages",
	ReasonProtocol:        "peer broke the protocol",
	ReasonQuota:           "peer exceeded its quota",
	ReasonClosed:          "closed on this side",
	ReasonStopped:         "this node stopped",
}

// Text says the reason in words for people; Link.Detail adds figures where
// there are some.
func (r Reason) Text() string {
	if t, ok := reasonTexts[r]; ok {
		return t
	}
	return string(r)
}

// reasonOf sorts the error of a Read or Write. What is neither an end nor a
// known breakage still broke the connection.
func reasonOf(err error) Reason {
	var p *ProtocolError
	switch {
	case errors.As(err, &p):
		return ReasonProtocol
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return ReasonEOF
	case errors.Is(err, net.ErrClosed):
		return ReasonClosed
	}
	return ReasonReset
}

// detailOf says in words why a link ended: the cause where it carries figures
// that Text does not have, Text otherwise.
func detailOf(r Reason, cause error) string {
	switch {
	case cause == nil:
		return r.Text()
	case r == ReasonTickTimeout, r == ReasonProbeTimeout, r == ReasonWriteStall,
		r == ReasonControlOverflow, r == ReasonProtocol, r == ReasonQuota:
		return cause.Error()
	case r == ReasonReset && errors.Is(cause, syscall.EPIPE):
		return r.Text()
	case r == ReasonReset && !errors.Is(cause, syscall.ECONNRESET):
		return "connection broke: " + lastCause(cause).Error()
	}
	return r.Text()
}

// lastCause is the innermost error: "read tcp 10.0.0.1:5->10.0.0.2:6: ..." is
// no text for people.
func lastCause(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
