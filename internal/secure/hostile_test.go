package secure

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/tlstest"
)

// hostileNames are what an authority, or a node, may be called.
var hostileNames = []string{
	"\x1b]0;owned\a\x1b[2J", "a\r\nlevel=ERROR msg=forged", "\u202egnp.exe\u2066", "\u009b31m", "\u200b\u00ad\ufeff", "\x00", "%s%n%d",
	strings.Repeat("A\x1b[2J", 2000), strings.Repeat("\U0001f480", 3000), "",
}

// harmless holds a text against what may go into a log: one line of ASCII, not
// long.
func harmless(t *testing.T, text string) {
	t.Helper()
	if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
		t.Errorf("%q at %d of %.200q", text[i:min(i+8, len(text))], i, text)
	}
	if len(text) > 8<<10 {
		t.Errorf("%d bytes: %.200q", len(text), text)
	}
}

// allReasons says all that can be said of a certificate with that text wherever
// one may stand.
func allReasons(text string) (said []string) {
	name := nameOf(pkix.Name{CommonName: text})
	names := namesOf(&x509.Certificate{DNSNames: []string{text, text + "2", text + "3"}})
	for r := range reasonTexts {
		e := &CertificateError{Reason: r, Signer: name, Cert: name, Host: text[:min(len(text), 255)], Names: names, Role: "client", Err: errors.New(text)}
		said = append(said, e.Error(), e.Text())
	}
	return append(said, (&NotTLSError{Seen: text[:min(len(text), 5)]}).Error())
}

// S12: no name in a certificate reaches a log as other than one line of ASCII.
func TestHostileReasons(t *testing.T) {
	for _, name := range hostileNames {
		for _, said := range allReasons(name) {
			harmless(t, said)
		}
	}
	if e := (&CertificateError{Reason: Invalid}).Text(); !strings.Contains(e, "no reason is known") {
		t.Error(e)
	}
}

func FuzzReasons(f *testing.F) {
	for _, name := range hostileNames {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, said := range allReasons(text) {
			harmless(t, said)
		}
	})
}

// S12: the same with real certificates, through both roles.
func TestHostileCertificates(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	us := credentials(t, ca, ca.Issue(t, "127.0.0.1"))
	for _, name := range hostileNames {
		other := tlstest.NewCA(t, name)
		between := ca.Below(t, name, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
		host := strings.Map(func(r rune) rune { // a certificate holds none but ASCII there
			if r > '~' {
				return '\x1b'
			}
			return r
		}, name)
		for what, c := range map[string]*Credentials{
			"another authority":   credentials(t, ca, other.Issue(t, "127.0.0.1")),
			"an expired one":      credentials(t, ca, between.Issue(t, "127.0.0.1")),
			"another node's name": credentials(t, ca, ca.Issue(t, "x", tlstest.For(host+"x", host+"y"))),
		} {
			client, _, clientErr, serverErr := meet(t, us, c, "127.0.0.1")
			if clientErr == nil {
				clientErr = client.Vouch("a@127.0.0.1")
			}
			if !errors.Is(clientErr, ErrCertificate) {
				t.Fatalf("%s: %v, %v", what, clientErr, serverErr)
			}
			harmless(t, clientErr.Error())
			_, server, _, serverErr := meet(t, c, us, "127.0.0.1")
			if serverErr == nil {
				serverErr = server.Vouch("a@127.0.0.1")
			}
			if !errors.Is(serverErr, ErrCertificate) {
				t.Fatalf("%s: %v", what, serverErr)
			}
			harmless(t, serverErr.Error())
		}
	}
}
