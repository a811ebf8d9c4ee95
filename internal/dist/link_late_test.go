package dist

import (
	"errors"
	"io"
	"net"
	"testing"
)

// stuckConn takes a write when it is let, and then fails, as late as that.
type stuckConn struct {
	net.Conn
	begun, let, closed chan struct{}
}

func (c stuckConn) Write([]byte) (int, error) {
	close(c.begun)
	<-c.let
	return 0, errors.New("broken")
}

func (c stuckConn) Read([]byte) (int, error) { <-c.closed; return 0, io.EOF }

func (c stuckConn) Close() error {
	select {
	case <-c.closed:
	default:
		close(c.closed)
	}
	return nil
}

// F1: a link ends, and goes into a sum, while its writer is in a write and others
// publish: what becomes of all that is counted, each message once.
func TestLate(t *testing.T) {
	c := stuckConn{nil, make(chan struct{}), make(chan struct{}), make(chan struct{})}
	l := NewLink(linkConfig(c, allAgreed, nil))
	l.Publish(peerPid(7), []byte{106})
	l.Start()
	<-c.begun
	for range 3 {
		l.Publish(peerPid(7), []byte{106})
	}
	l.Close(ReasonReset, nil)
	var late Late
	sum := l.Retire(&late)
	if sum.Offered != 4 || sum.Queued != 4 || settled(sum) != 0 {
		t.Fatalf("at its end: %+v", sum)
	}
	_, _ = l.Publish(peerPid(7), []byte{106})
	_, _ = l.TryPublish(peerPid(7), []byte{106})
	if _, drop := l.PublishWait(t.Context(), peerPid(7), nil); drop != DropLinkDown {
		t.Errorf("drop %v", drop)
	}
	close(c.let)
	l.Wait()
	more := late.Stats()
	if more.Offered != 3 || more.Dropped["link_down"] != 6 || more.Dropped["in_flight"] != 1 || more.Written != 0 {
		t.Errorf("after it: %+v", more)
	}
	if sum.Offered+more.Offered != settled(sum)+settled(more) {
		t.Errorf("%+v and %+v do not account for all", sum, more)
	}
}
