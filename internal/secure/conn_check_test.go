package secure

import (
	"crypto/tls"
	"testing"

	"github.com/liminal-bus/liminal/internal/tlstest"
)

// S15: the chain is checked for each connection, whatever may be resumed one day:
// VerifyPeerCertificate is passed over there, and so would be a default that looks
// at the client's certificate only where one is given.
func TestCheckedOncePerConnection(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	c := credentials(t, ca, ca.Issue(t, "a.test"))
	for name, config := range map[string]*tls.Config{"server": c.server, "client": c.client} {
		switch {
		case config.VerifyConnection == nil:
			t.Errorf("%s: no check of the connection", name)
		case config.VerifyPeerCertificate != nil:
			t.Errorf("%s: a check that a resumed session goes around", name)
		case config.VerifyConnection(tls.ConnectionState{}) == nil:
			t.Errorf("%s: who shows nothing is taken", name)
		}
	}
}
