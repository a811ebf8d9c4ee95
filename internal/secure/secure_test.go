package secure

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/liminal-bus/liminal/internal/tlstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func credentials(t testing.TB, ca *tlstest.CA, cert tls.Certificate) *Credentials {
	t.Helper()
	c, err := New(cert, []*x509.Certificate{ca.Cert})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pair is a TCP connection with both ends, closed with the test.
func pair(t testing.TB) (client, server net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []net.Conn{client, server} {
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		t.Cleanup(func() { c.Close() })
	}
	return client, server
}

// meet lets two ends shake hands; the client then reads one byte, which is when it
// hears of a refusal in TLS 1.3.
func meet(t testing.TB, client, server *Credentials, host string) (c, s *Conn, clientErr, serverErr error) {
	t.Helper()
	cc, sc := pair(t)
	c, s = NewKeeper(client).Client(cc, host), NewKeeper(server).Server(sc)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if serverErr = s.Handshake(); serverErr == nil {
			_, serverErr = s.Write([]byte{1})
		} else {
			s.Close()
		}
	}()
	if clientErr = c.Handshake(); clientErr == nil {
		_, clientErr = c.Read(make([]byte, 1))
	}
	<-done
	return c, s, clientErr, serverErr
}

// limited is c with one version of TLS alone.
func limited(c *Credentials, version uint16) *Credentials {
	for _, config := range []*tls.Config{c.server, c.client} {
		config.MinVersion, config.MaxVersion = version, version
	}
	return c
}

// S15: both versions, both certificates asked for, nothing resumed, no ALPN, and
// the host as SNI.
func TestVersions(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client, server := credentials(t, ca, ca.Issue(t, "c.test")), limited(credentials(t, ca, ca.Issue(t, "s.test")), version)
		var hello *tls.ClientHelloInfo
		server.server.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			hello = h
			return nil, nil
		}
		for range 2 { // the second could resume the first
			c, s, cerr, serr := meet(t, client, server, "s.test")
			if cerr != nil || serr != nil {
				t.Fatalf("%s: %v, %v", tls.VersionName(version), cerr, serr)
			}
			for _, conn := range []*Conn{c, s} {
				st := conn.ConnectionState()
				if st.Version != version || st.DidResume || st.NegotiatedProtocol != "" || len(st.PeerCertificates) != 1 {
					t.Errorf("%s: %+v", tls.VersionName(version), st)
				}
			}
			if hello.ServerName != "s.test" || len(hello.SupportedProtos) != 0 {
				t.Errorf("SNI %q, ALPN %q", hello.ServerName, hello.SupportedProtos)
			}
			if err := errors.Join(c.Vouch("x@s.test"), s.Vouch("x@c.test")); err != nil {
				t.Error(err)
			}
			if err := s.Vouch("x@s.test"); !errors.Is(err, ErrCertificate) {
				t.Errorf("the client may be the server: %v", err)
			}
			if info, v := c.Peer(); info.Issuer != "Example CA" || !slices.Equal(info.Names, []string{"s.test"}) || v != tls.VersionName(version) {
				t.Errorf("%+v, %s", info, v)
			}
		}
	}
}

// S15: a client that would resume gets nothing to do it with.
func TestNoTickets(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	server := NewKeeper(credentials(t, ca, ca.Issue(t, "s.test")))
	config := &tls.Config{
		InsecureSkipVerify: true, ServerName: "s.test", Certificates: []tls.Certificate{ca.Issue(t, "c.test")},
		ClientSessionCache: tls.NewLRUClientSessionCache(4),
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS12, tls.VersionTLS13, tls.VersionTLS13} {
		config.MaxVersion = version
		cc, sc := pair(t)
		s, done := server.Server(sc), make(chan error, 1)
		go func() {
			_, err := s.Write([]byte{1}) // shakes hands first
			done <- err
		}()
		c := tls.Client(cc, config)
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil || c.ConnectionState().DidResume {
			t.Errorf("%s: resumed %t, %v", tls.VersionName(version), c.ConnectionState().DidResume, err)
		}
	}
}

func TestOldVersionsAreRefused(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	good, old := credentials(t, ca, ca.Issue(t, "a.test")), limited(credentials(t, ca, ca.Issue(t, "b.test")), tls.VersionTLS11)
	if _, _, cerr, serr := meet(t, old, good, ""); !errors.Is(cerr, ErrVersion) || serr == nil {
		t.Errorf("an old client: %v, %v", cerr, serr)
	}
	if _, _, cerr, serr := meet(t, good, old, ""); !errors.Is(cerr, ErrVersion) || serr == nil {
		t.Errorf("an old server: %v, %v", cerr, serr)
	}
}

// S15: a refused client hears why in both versions, whether it reads or writes
// first.
func TestRefusedClientHears(t *testing.T) {
	ca, other := tlstest.NewCA(t, "Example CA"), tlstest.NewCA(t, "Other CA")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		server := limited(credentials(t, ca, ca.Issue(t, "s.test")), version)
		stranger, err := New(other.Issue(t, "c.test"), []*x509.Certificate{ca.Cert})
		if err != nil {
			t.Fatal(err)
		}
		_, _, cerr, serr := meet(t, stranger, server, "s.test")
		var e *CertificateError
		if !errors.As(cerr, &e) || e.Reason != Refused || e.Alert != "bad certificate" {
			t.Errorf("%s: the client hears %v", tls.VersionName(version), cerr)
		}
		if !errors.As(serr, &e) || e.Reason != UnknownCA || e.Signer != "Other CA" {
			t.Errorf("%s: the server says %v", tls.VersionName(version), serr)
		}
	}
}

// TestWriteFindsTheRefusal: the server is gone before the client's first write.
func TestWriteFindsTheRefusal(t *testing.T) {
	ca, other := tlstest.NewCA(t, "Example CA"), tlstest.NewCA(t, "Other CA")
	server := credentials(t, ca, ca.Issue(t, "s.test"))
	stranger, err := New(other.Issue(t, "c.test"), []*x509.Certificate{ca.Cert})
	if err != nil {
		t.Fatal(err)
	}
	cc, sc := pair(t)
	c, s := NewKeeper(stranger).Client(cc, ""), NewKeeper(server).Server(sc)
	gone := make(chan error, 1)
	go func() { gone <- s.Handshake(); s.Close() }()
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	<-gone
	for { // until the kernel knows that nobody reads
		if _, err = c.Write(make([]byte, 1024)); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrCertificate) {
		t.Errorf("%v", err)
	}
}

func TestNotTLS(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	k := NewKeeper(credentials(t, ca, ca.Issue(t, "a.test")))
	cc, sc := pair(t)
	go io.WriteString(cc, "\x00\x17Nthe name of a node")
	var e *NotTLSError
	if err := k.Server(sc).Handshake(); !errors.As(err, &e) || !errors.Is(err, ErrNotTLS) || e.Seen != "\x00\x17Nth" {
		t.Errorf("a client in the clear: %v", err)
	}
	answer := make([]byte, 2)
	if _, err := io.ReadFull(cc, answer); err != nil || string(answer) != "\x15\x03" {
		t.Errorf("it is told %q, %v", answer, err)
	}
	cc, sc = pair(t)
	go io.WriteString(sc, "\x00\x0csnot_allowed")
	if err := k.Client(cc, "").Handshake(); !errors.Is(err, ErrNotTLS) {
		t.Errorf("a server in the clear: %v", err)
	}
	cc, sc = pair(t)
	sc.Close()
	if err := k.Client(cc, "").Handshake(); err == nil || errors.Is(err, ErrNotTLS) || errors.Is(err, ErrCertificate) {
		t.Errorf("a server that hangs up may speak TLS for all we know: %v", err)
	}
}

// TestClose: no goodbye of TLS, which could wait for the peer.
func TestClose(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	a := credentials(t, ca, ca.Issue(t, "a.test"))
	c, s, cerr, serr := meet(t, a, a, "")
	if cerr != nil || serr != nil {
		t.Fatal(cerr, serr)
	}
	c.Close()
	if _, err := s.NetConn().Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("something came before the end: %v", err)
	}
}

// TestFaults: what peers will hold against our own certificate.
func TestFaults(t *testing.T) {
	ca, other := tlstest.NewCA(t, "Example CA"), tlstest.NewCA(t, "Other CA")
	for _, c := range []struct {
		what string
		cert tls.Certificate
		host string
		want []Reason
	}{
		{"good", ca.Issue(t, "a.test"), "a.test", nil},
		{"good, below another", ca.Below(t, "between").Issue(t, "a.test"), "a.test", nil},
		{"expired is not its matter", ca.Issue(t, "a.test", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), "a.test", nil},
		{"another host", ca.Issue(t, "a.test"), "b.test", []Reason{WrongHost}},
		{"another authority", other.Issue(t, "a.test"), "a.test", []Reason{UnknownCA}},
		{"for servers", ca.Issue(t, "a.test", tlstest.Usage(x509.ExtKeyUsageServerAuth)), "a.test", []Reason{WrongUsage}},
		{"for neither", ca.Issue(t, "a.test", tlstest.Usage(x509.ExtKeyUsageCodeSigning)), "b.test", []Reason{WrongUsage, WrongUsage, WrongHost}},
	} {
		var got []Reason
		for _, err := range credentials(t, ca, c.cert).Faults(c.host) {
			var e *CertificateError
			if errors.As(err, &e) {
				got = append(got, e.Reason)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}

// TestReasonsHaveWords: every reason reads as a sentence, on one line.
func TestReasonsHaveWords(t *testing.T) {
	for _, r := range []Reason{
		Expired, NotYetValid, UnknownCA, SelfSigned, NotCA, NameConstraint, WrongUsage, WeakKey, WeakSignature, NoNames, WrongHost,
		WrongAddress, Missing, WrongKey, Invalid, Refused,
	} {
		e := &CertificateError{Reason: r, Signer: "x\x1b[2J\n", Host: "h", Names: []string{"\x1b]0;x\a"}, Cert: "y\x1b", Alert: "bad certificate", Role: "client"}
		if text := e.Error(); strings.Contains(text, "is refused") || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
			t.Errorf("%s: %q", r, text)
		}
	}
}

// S16: TestLoad: what is wrong with which file, and nothing of the key.
func TestLoad(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	for _, c := range []struct {
		what   string
		change func(t *testing.T, f *Files)
		file   func(Files) string
		why    string
		mode   bool
	}{
		{what: "good", change: func(*testing.T, *Files) {}},
		{"no certificate file", func(_ *testing.T, f *Files) { f.Cert += "x" }, certOf, "no such file", false},
		{"no key file", func(_ *testing.T, f *Files) { f.Key += "x" }, keyOf, "no such file", false},
		{"no authority file", func(_ *testing.T, f *Files) { f.CA += "x" }, caOf, "no such file", false},
		{"a directory", func(_ *testing.T, f *Files) { f.CA = filepath.Dir(f.CA) }, caOf, "not a regular file", false},
		{"a key that others can read", func(t *testing.T, f *Files) { chmod(t, f.Key, 0o640) }, keyOf, "read by others (0640)", true},
		{"empty authorities", func(t *testing.T, f *Files) { put(t, f.CA, "") }, caOf, "no certificate in it", false},
		{"a broken authority", func(t *testing.T, f *Files) { put(t, f.CA, pemOf("CERTIFICATE", "x")) }, caOf, "certificate 1 in it", false},
		{"a key as certificate", func(_ *testing.T, f *Files) { f.Cert = f.Key }, certOf, "no certificate in it", false},
		{"a certificate as key", func(t *testing.T, f *Files) { f.Key = f.Cert; chmod(t, f.Key, 0o600) }, keyOf, "found a certificate rather than a key", false},
		{"an encrypted key", func(t *testing.T, f *Files) { put(t, f.Key, pemOf("ENCRYPTED PRIVATE KEY", "x")) }, keyOf, "encrypted", false},
		{"another key", func(t *testing.T, f *Files) {
			_, f.Key = tlstest.Write(t, filepath.Dir(f.Key), "other", ca.Issue(t, "a.test"))
		}, keyOf, "not that of the certificate", false},
		{"a FIFO", func(t *testing.T, f *Files) {
			f.Key += ".fifo"
			if err := syscall.Mkfifo(f.Key, 0o600); err != nil {
				t.Fatal(err)
			}
		}, keyOf, "not a regular file", false},
		{"too long", func(t *testing.T, f *Files) { put(t, f.CA, strings.Repeat("x", maxFile+1)) }, caOf, "over 1048576 bytes", false},
	} {
		dir := t.TempDir()
		var f Files
		f.Cert, f.Key = tlstest.Write(t, dir, "a", ca.Issue(t, "a.test"))
		f.CA = ca.WriteCA(t, filepath.Join(dir, "ca.pem"))
		c.change(t, &f)
		got, err := Load(f)
		if c.why == "" {
			if err != nil || got.Info().Files != f || got.Info().Issuer != "Example CA" {
				t.Errorf("%s: %v", c.what, err)
			}
			continue
		}
		var bad *FileError
		if !errors.As(err, &bad) || bad.Path != c.file(f) || !strings.Contains(bad.Why, c.why) || bad.Mode != c.mode {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func certOf(f Files) string { return f.Cert }
func keyOf(f Files) string  { return f.Key }
func caOf(f Files) string   { return f.CA }

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func pemOf(kind, text string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(text)}))
}

// TestKeyOfAnother: a key file is ours, whatever its mode.
func TestKeyOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.key")
	put(t, path, "x")
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	var bad *FileError
	if err := checkKey(path, fi, os.Geteuid()+1); !errors.As(err, &bad) || !bad.Mode {
		t.Errorf("%v", err)
	}
}

// TestNewRefuses what is no Credentials.
func TestNewRefuses(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	good := ca.Issue(t, "a.test")
	for _, c := range []struct {
		cert tls.Certificate
		cas  []*x509.Certificate
	}{
		{tls.Certificate{}, []*x509.Certificate{ca.Cert}},
		{tls.Certificate{Certificate: good.Certificate}, []*x509.Certificate{ca.Cert}},
		{tls.Certificate{Certificate: [][]byte{{1}}, PrivateKey: good.PrivateKey}, []*x509.Certificate{ca.Cert}},
		{good, nil},
	} {
		if _, err := New(c.cert, c.cas); err == nil {
			t.Errorf("%+v", c)
		}
	}
}

// S10: nothing prints a key.
func TestCredentialsDoNotPrint(t *testing.T) {
	ca := tlstest.NewCA(t, "Example CA")
	_, key, err := ed25519.GenerateKey(rand.Reader) // a slice of bytes, which would print
	if err != nil {
		t.Fatal(err)
	}
	c := credentials(t, ca, ca.IssueKey(t, key, "a.test"))
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "c", c)
	doc, err := json.Marshal(struct{ TLS *Credentials }{c})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %x %q %d", c, c, c, c, c, c), fmt.Sprintf("%+v %#v", struct{ TLS *Credentials }{c}, []any{c}),
		log.String(), string(doc),
	} {
		if !strings.Contains(text, redacted) || strings.Contains(text, "PrivateKey") {
			t.Errorf("%s", text)
		}
	}
}
