package links

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/secure"
	"github.com/liminal-bus/liminal/internal/tlstest"
)

// trust makes the TLS of a table that trusts ca.
func trust(t testing.TB, ca *tlstest.CA, cert tls.Certificate) *secure.Keeper {
	t.Helper()
	c, err := secure.New(cert, []*x509.Certificate{ca.Cert})
	if err != nil {
		t.Fatal(err)
	}
	return secure.NewKeeper(c)
}

func withTLS(k *secure.Keeper) func(*Config) { return func(c *Config) { c.TLS = k } }

// badCertificate is one that no good node takes.
type badCertificate struct {
	what   string
	host   string // of the name that its owner gives
	reason secure.Reason
	stage  [2]dist.Stage // at which a good node refuses it: as initiator, as acceptor
	cert   func(t *testing.T, ca *tlstest.CA, role x509.ExtKeyUsage) tls.Certificate
}

var (
	inTLS  = [2]dist.Stage{dist.StageTLS, dist.StageTLS}
	onName = [2]dist.Stage{dist.StageTLS, dist.StageName} // an initiator knows the name before it is given
)

// issued is a badCertificate.cert made by changes.
func issued(host string, changes ...tlstest.Change) func(*testing.T, *tlstest.CA, x509.ExtKeyUsage) tls.Certificate {
	return func(t *testing.T, ca *tlstest.CA, _ x509.ExtKeyUsage) tls.Certificate {
		return ca.Issue(t, host, changes...)
	}
}

const goodHost = "bad.test"

var badCertificates = []badCertificate{
	{"expired", goodHost, secure.Expired, inTLS, issued(goodHost, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	})},
	{"not yet valid", goodHost, secure.NotYetValid, inTLS, issued(goodHost, func(c *x509.Certificate) {
		c.NotBefore = time.Now().Add(time.Hour)
	})},
	{"other authority of the same name", goodHost, secure.UnknownCA, inTLS,
		func(t *testing.T, ca *tlstest.CA, _ x509.ExtKeyUsage) tls.Certificate {
			return tlstest.NewCA(t, ca.Cert.Subject.CommonName).Issue(t, goodHost)
		}},
	{"self-signed", goodHost, secure.SelfSigned, inTLS, func(t *testing.T, _ *tlstest.CA, _ x509.ExtKeyUsage) tls.Certificate {
		return tlstest.SelfSigned(t, goodHost)
	}},
	{"another host", goodHost, secure.WrongHost, onName, issued("other.test", func(c *x509.Certificate) {
		c.Subject.CommonName = goodHost // which says nothing
	})},
	{"another address", "127.0.0.2", secure.WrongAddress, onName, issued("127.0.0.1")},
	{"a common name alone", goodHost, secure.NoNames, onName, issued(goodHost, func(c *x509.Certificate) {
		c.Subject.CommonName, c.DNSNames, c.IPAddresses = goodHost, nil, nil
	})},
	{"for the other role alone", goodHost, secure.WrongUsage, inTLS,
		func(t *testing.T, ca *tlstest.CA, role x509.ExtKeyUsage) tls.Certificate {
			other := x509.ExtKeyUsageClientAuth
			if role == other {
				other = x509.ExtKeyUsageServerAuth
			}
			return ca.Issue(t, goodHost, tlstest.Usage(other))
		}},
	{"signed by one that is no authority", goodHost, secure.NotCA, inTLS,
		func(t *testing.T, ca *tlstest.CA, _ x509.ExtKeyUsage) tls.Certificate {
			return ca.Below(t, "between", func(c *x509.Certificate) { c.IsCA = false }).Issue(t, goodHost)
		}},
	{"outside its authority's names", goodHost, secure.NameConstraint, inTLS,
		func(t *testing.T, ca *tlstest.CA, _ x509.ExtKeyUsage) tls.Certificate {
			return ca.Below(t, "for others", func(c *x509.Certificate) {
				c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"other.test"}
			}).Issue(t, goodHost)
		}},
	{"RSA of 1024 bits", goodHost, secure.WeakKey, inTLS, func(t *testing.T, ca *tlstest.CA, _ x509.ExtKeyUsage) tls.Certificate {
		key, err := rsa.GenerateKey(rand.Reader, 1024)
		if err != nil {
			t.Fatal(err)
		}
		return ca.IssueKey(t, key, goodHost)
	}},
	{"signed with SHA-1", goodHost, secure.WeakSignature, inTLS, issued(goodHost, func(c *x509.Certificate) {
		c.SignatureAlgorithm = x509.ECDSAWithSHA1
	})},
	{"that of somebody else", goodHost, secure.WrongKey, inTLS, func(t *testing.T, ca *tlstest.CA, _ x509.ExtKeyUsage) tls.Certificate {
		cert := ca.Issue(t, goodHost)
		cert.PrivateKey = tlstest.NewKey(t)
		return cert
	}},
	{"none", goodHost, secure.Missing, inTLS, nil},
}

// S15: 14 certificates, each wrong in one way, as that of a node that dials and of
// one that is dialled: 28 refusals for 14 reasons, in TLS 1.3, and no link.
func TestBadCertificates(t *testing.T) {
	seen := map[secure.Reason]bool{}
	for _, bad := range badCertificates {
		if seen[bad.reason] {
			t.Errorf("%s: another one is refused as %s too", bad.what, bad.reason)
		}
		seen[bad.reason] = true
		t.Run(bad.what, func(t *testing.T) {
			t.Parallel()
			ca := tlstest.NewCA(t, "Example CA")
			t.Run("dials", func(t *testing.T) { bad.dials(t, ca) })
			t.Run("is dialled", func(t *testing.T) { bad.isDialled(t, ca) })
		})
	}
}

func goodTable(t *testing.T, ca *tlstest.CA) *end {
	return open(t, "good@good.test", 1, withTLS(trust(t, ca, ca.Issue(t, "good.test"))))
}

// dials: the bad one comes to a good node.
func (bad badCertificate) dials(t *testing.T, ca *tlstest.CA) {
	good := goodTable(t, ca)
	var err error
	if bad.cert == nil {
		err = dialWithout(good.addr.String())
	} else {
		k := trust(t, ca, bad.cert(t, ca, x509.ExtKeyUsageClientAuth))
		peer := open(t, "bad@"+bad.host, 2, withTLS(k))
		_, err = peer.reach(good, good.name())
	}
	if err == nil {
		t.Fatal("it was let in")
	}
	if bad.cert != nil && bad.stage[1] == dist.StageTLS { // it learns so, though TLS 1.3 has ended for it
		checkRefusal(t, badCertificate{reason: secure.Refused}, err, dist.StageTLS)
	}
	got := good.refusals(t, 1)[0]
	checkRefusal(t, bad, got.Err, bad.stage[1])
	if got.Peer != "" || good.log.ups() != 0 {
		t.Errorf("the table has heard of %q, %d ups", got.Peer, good.log.ups())
	}
	if n := good.Counters()["handshakes_failed_in_certificate"]; n != 1 {
		t.Errorf("%d counted", n)
	}
}

// isDialled: a good node comes to the bad one.
func (bad badCertificate) isDialled(t *testing.T, ca *tlstest.CA) {
	good := goodTable(t, ca)
	addr := ""
	if bad.cert == nil {
		addr = serveWithout(t)
	} else {
		addr = open(t, "bad@"+bad.host, 2, withTLS(trust(t, ca, bad.cert(t, ca, x509.ExtKeyUsageServerAuth)))).addr.String()
	}
	for _, want := range []string{"bad@" + bad.host, ""} { // by name, and under a label
		ctx, cancel := context.WithTimeout(t.Context(), within)
		_, err := good.Dial(ctx, within, netip.MustParseAddrPort(addr), want)
		cancel()
		stage := bad.stage[0]
		if want == "" && bad.stage == onName {
			stage = dist.StageChallenge
		}
		checkRefusal(t, bad, err, stage)
	}
	if n := good.Counters()["handshakes_failed_out_certificate"]; n != 2 || good.log.ups() != 0 {
		t.Errorf("%d counted, %d ups", n, good.log.ups())
	}
}

func checkRefusal(t *testing.T, bad badCertificate, err error, stage dist.Stage) {
	t.Helper()
	var refused *secure.CertificateError
	var shake *dist.HandshakeError
	if !errors.As(err, &refused) || !errors.As(err, &shake) {
		t.Fatalf("%v", err)
	}
	if refused.Reason != bad.reason || shake.Stage != stage {
		t.Errorf("refused as %s at %s, want %s at %s: %v", refused.Reason, shake.Stage, bad.reason, stage, err)
	}
	if refused.Text() == "" || strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("error %q", err)
	}
}

// dialWithout is a client that shows no certificate.
func dialWithout(addr string) error {
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(within))
	_, err = conn.Read(make([]byte, 1))
	if errors.Is(err, io.EOF) {
		return errors.New("closed")
	}
	return err
}

// serveWithout is a server that shows none.
func serveWithout(t *testing.T) (addr string) {
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{PrivateKey: tlstest.NewKey(t)}}, MinVersion: tls.VersionTLS13,
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).Handshake()
			conn.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return ln.Addr().String()
}

// TestGoodCertificates: what has to be let in, by name and under a label.
func TestGoodCertificates(t *testing.T) {
	for _, c := range []struct {
		what, host string
		cert       func(t *testing.T, ca *tlstest.CA) tls.Certificate
	}{
		{"a host", "b.test", func(t *testing.T, ca *tlstest.CA) tls.Certificate { return ca.Issue(t, "b.test") }},
		{"in capitals", "B.test", func(t *testing.T, ca *tlstest.CA) tls.Certificate { return ca.Issue(t, "b.TEST") }},
		{"a short host", "dev", func(t *testing.T, ca *tlstest.CA) tls.Certificate { return ca.Issue(t, "dev") }},
		{"a wildcard", "b.test", func(t *testing.T, ca *tlstest.CA) tls.Certificate { return ca.Issue(t, "*.test") }},
		{"an address", "127.0.0.1", func(t *testing.T, ca *tlstest.CA) tls.Certificate {
			return ca.Issue(t, "127.0.0.1", func(c *x509.Certificate) { c.DNSNames = nil })
		}},
		{"an address among the DNS names", "127.0.0.1", func(t *testing.T, ca *tlstest.CA) tls.Certificate {
			return ca.Issue(t, "127.0.0.1", func(c *x509.Certificate) { c.IPAddresses = nil })
		}},
		{"an IPv6 address", "::1", func(t *testing.T, ca *tlstest.CA) tls.Certificate { return ca.Issue(t, "::1") }},
		{"one of several", "c.test", func(t *testing.T, ca *tlstest.CA) tls.Certificate {
			return ca.Issue(t, "b.test", tlstest.For("b.test", "c.test", "10.0.0.1"))
		}},
		{"an authority between", "b.test", func(t *testing.T, ca *tlstest.CA) tls.Certificate {
			return ca.Below(t, "between").Issue(t, "b.test")
		}},
		{"any usage", "b.test", func(t *testing.T, ca *tlstest.CA) tls.Certificate {
			return ca.Issue(t, "b.test", tlstest.Usage(x509.ExtKeyUsageAny))
		}},
		{"no usage said", "b.test", func(t *testing.T, ca *tlstest.CA) tls.Certificate {
			return ca.Issue(t, "b.test", tlstest.Usage())
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			ca := tlstest.NewCA(t, "Example CA")
			a, b := goodTable(t, ca), open(t, "b@"+c.host, 2, withTLS(trust(t, ca, c.cert(t, ca))))
			b.mustDial(t, a, a.name())
			a.await(t, b.name())
			c, d := goodTable(t, ca), open(t, "b@"+c.host, 2, withTLS(trust(t, ca, c.cert(t, ca))))
			c.mustDial(t, d, "")
			d.await(t, c.name())
		})
	}
}

// TestTLSAgainstPlain: one side of each setting. Both know why at once, and no
// byte of a handshake in the clear gets through.
func TestTLSAgainstPlain(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	under, plain := goodTable(t, ca), open(t, "b@good.test", 2, nil)
	var strange *dist.NotDistError
	if _, err := plain.reach(under, under.name()); !errors.As(err, &strange) || strange.Looks != "TLS" {
		t.Errorf("dialled without TLS: %v", err)
	}
	if got := under.refusals(t, 1)[0]; !errors.Is(got.Err, secure.ErrNotTLS) {
		t.Errorf("was dialled without TLS: %v", got.Err)
	}
	if _, err := under.reach(plain, plain.name()); !errors.Is(err, secure.ErrNotTLS) {
		t.Errorf("dialled with TLS: %v", err)
	}
	if got := plain.refusals(t, 1)[0]; !errors.As(got.Err, &strange) || strange.Looks != "TLS" {
		t.Errorf("was dialled with TLS: %v", got.Err)
	}
}

// TestTLSReload: new credentials are for new connections, and links stay.
func TestTLSReload(t *testing.T) {
	old, next := tlstest.NewCA(t, "Old CA"), tlstest.NewCA(t, "Next CA")
	k := trust(t, old, old.Issue(t, "good.test"))
	a := open(t, "a@good.test", 1, withTLS(k))
	b := open(t, "b@good.test", 2, withTLS(trust(t, old, old.Issue(t, "good.test"))))
	c := open(t, "c@good.test", 3, withTLS(trust(t, next, next.Issue(t, "good.test"))))
	b.mustDial(t, a, a.name())
	if _, err := c.reach(a, a.name()); !errors.Is(err, secure.ErrCertificate) {
		t.Fatalf("before: %v", err)
	}
	k.Set(trust(t, next, next.Issue(t, "good.test")).Current())
	c.mustDial(t, a, a.name())
	if !a.Up(b.name()) || !b.Up(a.name()) {
		t.Error("the link of before is gone")
	}
	d := open(t, "d@good.test", 4, withTLS(trust(t, old, old.Issue(t, "good.test"))))
	if _, err := a.reach(d, d.name()); !errors.Is(err, secure.ErrCertificate) {
		t.Errorf("after: %v", err)
	}
}

// S5: the time for the TLS handshake counts within that of the whole, and its
// connections have no places of their own.
func TestTLSDripIsCutOff(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	a := bare(t, "good@good.test", 1, withTLS(trust(t, ca, ca.Issue(t, "good.test"))))
	a.setup = 300 * time.Millisecond
	a.serve(t, "127.0.0.1:0")
	t.Cleanup(func() { a.Close(dist.ReasonStopped) })
	conn, err := net.Dial("tcp", a.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	begin := time.Now()
	if _, err := conn.Write([]byte{22, 3, 1, 2, 0, 1}); err != nil { // the start of a hello
		t.Fatal(err)
	}
	got := a.refusals(t, 1)[0]
	if !errors.Is(got.Err, dist.ErrTimeout) {
		t.Errorf("%v", got.Err)
	}
	if took := time.Since(begin); took < a.setup/2 {
		t.Errorf("cut off after %v", took)
	}
	if n := a.pending.len(); n > 1 {
		t.Errorf("%d pending", n)
	}
}
