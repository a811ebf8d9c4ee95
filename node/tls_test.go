package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/liminal-bus/liminal/internal/secure"
	"github.com/liminal-bus/liminal/internal/tlstest"
)

func testTLS(t testing.TB, ca *tlstest.CA, cert tls.Certificate) *TLS {
	t.Helper()
	c, err := NewTLS(cert, ca.Cert)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tlsConfig is testConfig with a certificate for its host.
func tlsConfig(t testing.TB, name string, ca *tlstest.CA) Config {
	c := testConfig(t, name)
	c.TLS = testTLS(t, ca, ca.Issue(t, "127.0.0.1"))
	return c
}

// TestTLSCluster: three nodes find each other through one seed and publish, all of
// it under TLS.
func TestTLSCluster(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	a := start(t, tlsConfig(t, "a", ca))
	sub := subscribe(t, a, "orders")
	var all []*Node
	for _, name := range []string{"b", "c"} {
		c := tlsConfig(t, name, ca)
		c.Seeds = []string{a.testAddr()}
		all = append(all, start(t, c))
	}
	waitFor(t, a, "b and c are up", hasPeers("b@127.0.0.1", "c@127.0.0.1"))
	waitFor(t, all[0], "a and c are up", hasPeers("a@127.0.0.1", "c@127.0.0.1"))
	big := strings.Repeat("x", 300<<10) // in fragments
	for _, n := range all {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		if err := n.AwaitMembers(ctx, "orders", 1); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"small", big} {
			if r, err := n.Publish(ctx, "orders", []byte(text)); err != nil || r.Members != 1 {
				t.Fatalf("%+v, %v", r, err)
			}
			m, err := sub.Next(ctx)
			if err != nil || string(m.Payload) != text || m.From != n.name {
				t.Fatalf("from %s: %d bytes, %v", n.name, len(m.Payload), err)
			}
		}
	}
}

// TestTLSJoinErrors: what Join and status say of each trouble with TLS.
func TestTLSJoinErrors(t *testing.T) {
	ca, other := tlstest.NewCA(t, "Example CA"), tlstest.NewCA(t, "Other CA")
	plain := start(t, testConfig(t, "plain"))
	good := start(t, tlsConfig(t, "good", ca))
	wrongHost := tlsConfig(t, "host", ca)
	wrongHost.TLS = testTLS(t, ca, ca.Issue(t, "127.0.0.9"))
	stranger := testConfig(t, "stranger")
	stranger.TLS = testTLS(t, ca, other.Issue(t, "127.0.0.1"))
	for _, c := range []struct {
		what    string
		from    Config
		to      string
		cause   error
		reason  CertificateReason
		brief   string
		refused bool
	}{
		{"to one in the clear", tlsConfig(t, "a", ca), plain.testAddr(), ErrNotTLS, "", "", true},
		{"from one in the clear", testConfig(t, "a"), good.testAddr(), ErrNotDist, "", "", false},
		{"to a stranger", tlsConfig(t, "a", ca), start(t, stranger).testAddr(), ErrCertificate, CertificateUnknownCA, `"Other CA", which is not trusted`, true},
		{"from a stranger", stranger, good.testAddr(), ErrCertificate, CertificateRefused, "refuses our certificate: bad certificate", true},
		{"to another host", tlsConfig(t, "a", ca), start(t, wrongHost).testAddr(), ErrCertificate, "wrong_address", "not for the address 127.0.0.1 but for 127.0.0.9", true},
		{"from another host", wrongHost, good.testAddr(), ErrRefused, "", "", true},
	} {
		t.Run(c.what, func(t *testing.T) {
			c.from.Name = "a@127.0.0.1"
			n := start(t, c.from)
			j := n.Join(t.Context(), c.to)
			var dial *DialError
			var bad *CertificateError
			if !errors.Is(j.Err, c.cause) || !errors.As(j.Err, &dial) || refused(j.Err) != c.refused {
				t.Fatalf("%v, refused %t", j.Err, refused(j.Err))
			}
			if c.reason != "" && (!errors.As(j.Err, &bad) || bad.Reason != c.reason || !strings.Contains(brief(j.Err), c.brief)) {
				t.Errorf("%v, in brief %q", j.Err, brief(j.Err))
			}
			if len(n.PeerNames()) != 0 {
				t.Errorf("peers %v", n.PeerNames())
			}
		})
	}
}

// TestReloadTLS: new connections alone, and only of a node that has TLS.
func TestReloadTLS(t *testing.T) {
	old, next := tlstest.NewCA(t, "Old CA"), tlstest.NewCA(t, "Next CA")
	a := start(t, tlsConfig(t, "a", old))
	cb := tlsConfig(t, "b", old)
	cb.Seeds, cb.NoMesh = []string{a.testAddr()}, true
	b := start(t, cb)
	waitFor(t, a, "b is up", hasPeers(b.name))
	c := start(t, tlsConfig(t, "c", next))
	if j := c.Join(t.Context(), a.testAddr()); !errors.Is(j.Err, ErrCertificate) {
		t.Fatalf("before: %v", j.Err)
	}
	if err := a.ReloadTLS(testTLS(t, next, next.Issue(t, "127.0.0.1"))); err != nil {
		t.Fatal(err)
	}
	if info := a.Status().TLS; info == nil || info.Issuer != "Next CA" {
		t.Errorf("status: %+v", info)
	}
	if j := c.Join(t.Context(), a.testAddr()); j.Err != nil {
		t.Fatal(j.Err)
	}
	waitFor(t, a, "b has stayed", hasPeers(b.name, c.name))
	if p := peerState(t, a, b.name, StateUp); p.Generation != 1 {
		t.Errorf("the link to b is number %d", p.Generation)
	}
	if err := a.ReloadTLS(nil); !errors.Is(err, ErrTLSFixed) {
		t.Errorf("without any: %v", err)
	}
	plain := start(t, testConfig(t, "p"))
	if err := plain.ReloadTLS(testTLS(t, old, old.Issue(t, "127.0.0.1"))); !errors.Is(err, ErrTLSFixed) {
		t.Errorf("of a node in the clear: %v", err)
	}
}

// S9: what is said of a node without TLS, and of one whose certificate is not good
// for long.
func TestTLSWarnings(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	valid := func(from, until time.Duration) tlstest.Change {
		return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = time.Now().Add(from), time.Now().Add(until) }
	}
	const day = 24 * time.Hour
	for _, c := range []struct {
		what   string
		cert   *tls.Certificate
		listen string
		want   []string // in order, parts of each
	}{
		{"no TLS, loopback", nil, "127.0.0.1:0", nil},
		{"no TLS, open", nil, "0.0.0.0:0", []string{"without TLS"}},
		{"good", issue(t, ca, valid(-day, 15*day)), "0.0.0.0:0", nil},
		{"soon", issue(t, ca, valid(-day, 13*day+time.Hour)), "0.0.0.0:0", []string{"in 13 days"}},
		{"expired", issue(t, ca, valid(-2*day, -day)), "127.0.0.1:0", []string{"expired on"}},
		{"not yet", issue(t, ca, valid(day, 30*day)), "127.0.0.1:0", []string{"not valid before"}},
		{"another host", issue(t, ca, valid(-day, 30*day), tlstest.For("10.0.0.1")), "127.0.0.1:0", []string{"not for the address 127.0.0.1 but for 10.0.0.1"}},
		{"a client's", issue(t, ca, valid(-day, 30*day), tlstest.Usage(x509.ExtKeyUsageClientAuth)), "127.0.0.1:0", []string{"it is not for a server"}},
	} {
		config := testConfig(t, "a")
		config.Listen = c.listen
		if c.cert != nil {
			config.TLS = testTLS(t, ca, *c.cert)
		}
		got := start(t, config).Status().Warnings
		ok := len(got) == len(c.want)
		for i := range min(len(got), len(c.want)) {
			ok = ok && strings.Contains(got[i], c.want[i])
		}
		if !ok {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

func issue(t testing.TB, ca *tlstest.CA, changes ...tlstest.Change) *tls.Certificate {
	cert := ca.Issue(t, "127.0.0.1", changes...)
	return &cert
}

// TestLoadTLS: the way of whoever embeds a node.
func TestLoadTLS(t *testing.T) {
	ca, dir := tlstest.NewCA(t, "Example CA"), t.TempDir()
	var f TLSFiles
	f.Cert, f.Key = tlstest.Write(t, dir, "a", ca.Issue(t, "127.0.0.1"))
	f.CA = ca.WriteCA(t, filepath.Join(dir, "ca.pem"))
	c := testConfig(t, "a")
	var err error
	if c.TLS, err = LoadTLS(f); err != nil {
		t.Fatal(err)
	}
	if info := start(t, c).Status().TLS; info.Files != f || !slices.Contains(info.Names, "127.0.0.1") {
		t.Errorf("%+v", info)
	}
	f.CA += "x"
	var bad *TLSFileError
	if _, err = LoadTLS(f); !errors.As(err, &bad) || bad.Path != f.CA {
		t.Errorf("%v", err)
	}
}

// TestCheckTLS: the stage of a check that does TLS, and how it ends.
func TestCheckTLS(t *testing.T) {
	ca, other := tlstest.NewCA(t, "Example CA"), tlstest.NewCA(t, "Other CA")
	good := start(t, tlsConfig(t, "good", ca)).testAddr()
	mute := fakeServer(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	const upToConnect = "resolve skip, epmd skip, connect ok, "
	own := testTLS(t, ca, ca.Issue(t, "127.0.0.1"))
	for _, c := range []struct {
		what, to string
		tls      *TLS
		cause    error
		want     string
		detail   string // of the TLS step
	}{
		{"good", good, own, nil, "tls ok, name ok, flags ok, cookie ok", "TLS 1.3, its certificate is for 127.0.0.1"},
		{"good by name", "good@" + good, own, nil, "tls ok, name ok, flags ok, cookie ok", `signed by "Example CA", until `},
		{"in the clear", good, nil, ErrNotDist, "tls fail", "looks like TLS"},
		{"a plain node", start(t, testConfig(t, "p")).testAddr(), own, ErrNotTLS, "tls fail", "does not speak TLS"},
		{"silent", mute, own, ErrTimeout, "tls fail", "no answer in time"},
		{"they are strangers", good, testTLS(t, other, ca.Issue(t, "127.0.0.1")), ErrCertificate, "tls fail", `signed by "Example CA", which is not trusted`},
		{"we are a stranger", good, testTLS(t, ca, other.Issue(t, "127.0.0.1")), ErrCertificate, "tls fail", "it refuses our certificate"},
		{"another host", "good@localhost:" + portText(good), own, ErrCertificate, "tls fail", "not for the host localhost"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		if c.to == mute {
			ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
		}
		r, err := Check(ctx, CheckConfig{Address: c.to, Cookie: NewCookie("a cookie for these tests"), TLS: c.tls, EPMD: EPMDOff})
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		got := strings.TrimPrefix(steps(r), upToConnect)
		if i := strings.Index(got, "tls"); i > 0 {
			got = got[i:]
		}
		if got != c.want || c.cause != nil && (!errors.Is(r.Err, c.cause) || r.Failed != CheckTLS) {
			t.Errorf("%s: %s, %v", c.what, steps(r), r.Err)
		}
		if i := slices.IndexFunc(r.Steps, func(s CheckStep) bool { return s.Stage == CheckTLS }); i < 0 || !strings.Contains(r.Steps[i].Detail, c.detail) {
			t.Errorf("%s: %+v", c.what, r.Steps)
		}
	}
}

func portText(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

// TestLookTLS: a look has a certificate as well.
func TestLookTLS(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	a := start(t, tlsConfig(t, "a", ca))
	c := LookConfig{Addresses: []string{"a@" + a.testAddr()}, Cookie: NewCookie("a cookie for these tests"), EPMD: EPMDOff}
	if _, err := Look(t.Context(), c); !errors.Is(err, ErrNotDist) {
		t.Errorf("in the clear: %v", err)
	}
	c.TLS = testTLS(t, ca, ca.Issue(t, "127.0.0.1"))
	n, err := Look(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if !hasPeers(a.name)(n) {
		t.Errorf("peers %v", n.PeerNames())
	}
}

// TestCertificateAtTheWrongEnd: each end holds the other's certificate against the
// other's name. A node whose certificate is for another host cannot come in by
// knowing ours.
func TestCertificateAtTheWrongEnd(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	a := start(t, tlsConfig(t, "a", ca))
	c := testConfig(t, "b")
	c.Name = "b@localhost.localdomain" // a long name, for which its certificate is not
	c.TLS = testTLS(t, ca, ca.Issue(t, "127.0.0.1"))
	b := start(t, c)
	if j := b.Join(t.Context(), a.testAddr()); !errors.Is(j.Err, ErrRefused) {
		t.Errorf("it dials: %v", j.Err)
	}
	var bad *CertificateError
	if j := a.Join(t.Context(), b.testAddr()); !errors.As(j.Err, &bad) || bad.Reason != secure.WrongHost {
		t.Errorf("it is dialled: %v", j.Err)
	}
}

// F9: under TLS a live link gives way to a newcomer of its name only if the
// newcomer's certificate is for the host of that name, whoever dials. A holder of
// the cookie and of a good certificate for another host changes nothing; one for
// the same host, of whatever key, is that host.
func TestCertificateGuardsALiveName(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	a := start(t, tlsConfig(t, "a", ca))
	cb := tlsConfig(t, "b", ca)
	cb.Seeds, cb.NoMesh = []string{a.testAddr()}, true
	b := start(t, cb)
	waitFor(t, a, "b is up", hasPeers(b.name))
	before := peerState(t, a, b.name, StateUp)

	for _, cert := range []tls.Certificate{ca.Issue(t, "127.0.0.9"), ca.Issue(t, "b"), ca.Issue(t, "b@127.0.0.1"), ca.Issue(t, "*.0.0.1")} {
		c := testConfig(t, "b")
		c.TLS = testTLS(t, ca, cert)
		thief := start(t, c)
		for range 5 { // more than maxTakeovers: none of them counts as one
			if j := thief.Join(t.Context(), a.testAddr()); !errors.Is(j.Err, ErrRefused) {
				t.Errorf("it dials: %v", j.Err)
			}
		}
		var bad *CertificateError
		if j := a.Join(t.Context(), thief.testAddr()); !errors.As(j.Err, &bad) || bad.Reason != secure.WrongAddress {
			t.Errorf("it is dialled: %v", j.Err)
		}
		thief.Close()
	}
	if p := peerState(t, a, b.name, StateUp); p.Generation != before.Generation || p.Creation != before.Creation {
		t.Errorf("the link was replaced: %+v", p)
	}

	renewed := start(t, tlsConfig(t, "b", ca)) // another key and serial number
	if j := renewed.Join(t.Context(), a.testAddr()); j.Err != nil {
		t.Fatal(j.Err)
	}
	waitFor(t, a, "a holder of b's host has replaced b", func(n *Node) bool {
		row, _ := n.table.Lookup(b.name)
		return row.Generation > before.Generation
	})
}
