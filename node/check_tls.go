package node

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/secure"
)

// checkTLS is what the TLS stage of a check has come to. The zero value is a check
// in the clear.
type checkTLS struct {
	done    bool
	took    time.Duration
	version string
	peer    TLSInfo
}

// underTLS does the handshake of TLS ahead of dist.Dial, which repeats no more than
// its error, so that it can be timed and told.
func (s *checkShake) underTLS(conn net.Conn, deadline time.Time, want string) net.Conn {
	_, host, _ := strings.Cut(want, "@")
	c := secure.NewKeeper(s.w.c.TLS).Client(conn, host)
	if c.SetDeadline(deadline) != nil || c.Handshake() != nil {
		return c
	}
	now := time.Now()
	s.tls = checkTLS{done: true, took: now.Sub(s.mark)}
	s.tls.peer, s.tls.version = c.Peer()
	s.mark = now
	return c
}

func (t checkTLS) result() CheckResult {
	if t.done {
		return CheckOK
	}
	return CheckSkipped
}

// detail quotes what the certificate says, which anybody may have made up.
func (t checkTLS) detail() string {
	if !t.done {
		return "not used: it speaks the distribution protocol in the clear"
	}
	names := make([]string, len(t.peer.Names))
	for i, n := range t.peer.Names {
		names[i] = strings.Trim(fmt.Sprintf("%+q", n), `"`)
	}
	return fmt.Sprintf("%s, its certificate is for %s, signed by %+q, until %s",
		t.version, strings.Join(names[:min(len(names), 8)], ", "), t.peer.Issuer, t.peer.NotAfter.UTC().Format(time.DateOnly))
}
