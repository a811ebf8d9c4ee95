package dist

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestReasonOf(t *testing.T) {
	op := func(err error) error {
		return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", err)}
	}
	for _, c := range []struct {
		err    error
		want   Reason
		detail string
	}{
		{io.EOF, ReasonEOF, "connection closed by peer"},
		{io.ErrUnexpectedEOF, ReasonEOF, "connection closed by peer"},
		{io.ErrClosedPipe, ReasonEOF, "connection closed by peer"},
		{op(syscall.ECONNRESET), ReasonReset, "connection reset by peer"},
		{op(syscall.EPIPE), ReasonReset, "connection reset by peer"},
		{op(syscall.ETIMEDOUT), ReasonReset, "connection broke: " + syscall.ETIMEDOUT.Error()},
		{net.ErrClosed, ReasonClosed, "closed on this side"},
		{protocolError(OpLink, []byte{1, 2}, errTooShort), ReasonProtocol, "malformed LINK of 2 bytes: frame too short: 0102"},
	} {
		r := reasonOf(c.err)
		if d := detailOf(r, c.err); r != c.want || d != c.detail {
			t.Errorf("%v: %s, %q; want %s, %q", c.err, r, d, c.want, c.detail)
		}
	}
}

func TestDetailOf(t *testing.T) {
	for _, c := range []struct {
		r     Reason
		cause error
		want  string
	}{
		{ReasonGoodbye, nil, "said goodbye"},
		{ReasonGoodbye, errors.New("x"), "said goodbye"},
		{ReasonProbeTimeout, nil, "probes not answered"},
		{ReasonProbeTimeout, fmt.Errorf("silent for %v", 3*time.Second), "silent for 3s"},
		{"new", nil, "new"},
	} {
		if got := detailOf(c.r, c.cause); got != c.want {
			t.Errorf("%s, %v: %q, want %q", c.r, c.cause, got, c.want)
		}
	}
}

func TestNamesAreClosedSets(t *testing.T) {
	seen := map[string]bool{}
	for d := DropNone + 1; d < dropCount; d++ {
		if s := d.String(); s == "" || s == "unknown" || seen[s] {
			t.Errorf("drop %d is named %q", d, s)
		}
		seen[d.String()] = true
	}
	if Drop(200).String() != "unknown" || Op(200).String() != "operation 200" || OpAltactSigSend.String() != "ALTACT_SIG_SEND" {
		t.Error("names out of range")
	}
}

func TestLinkSaysWhoItIs(t *testing.T) {
	ours, _ := tcpPair(t)
	cfg := linkConfig(ours, allAgreed, &recorder{})
	cfg.Outgoing = true
	l := NewLink(cfg)
	if l.Remote() != cfg.Remote || !l.Outgoing() || l.LocalAddr() != ours.LocalAddr() || l.RemoteAddr() != ours.RemoteAddr() {
		t.Error("not what it was made of")
	}
	if r, d, err := l.Down(); r != "" || d != "" || err != nil {
		t.Errorf("down before its end: %s %s %v", r, d, err)
	}
	select {
	case <-l.Done():
		t.Error("done before its end")
	default:
	}
	l.Close(ReasonClosed, nil)
}
