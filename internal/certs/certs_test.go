package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 15, 12, 4, 31, 5, time.UTC)

func request(t *testing.T, names ...string) Request {
	t.Helper()
	return Request{Dir: filepath.Join(t.TempDir(), "tls"), Names: names, Lifetime: MaxLifetime, Now: start}
}

func mustInit(t *testing.T, r Request) Result {
	t.Helper()
	done, err := Init(r)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func certOf(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	c, err := readCert(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// outcomes is what happened, the CA first.
func outcomes(r Result) (all []Outcome) {
	all = append(all, r.CA.Outcome)
	for _, n := range r.Nodes {
		all = append(all, n.Outcome)
	}
	return all
}

func TestAuthority(t *testing.T) {
	done := mustInit(t, request(t, "a@dev"))
	c := certOf(t, done.CA.Cert)
	if !c.IsCA || !c.BasicConstraintsValid || c.MaxPathLen != 0 || !c.MaxPathLenZero || c.KeyUsage&x509.KeyUsageCertSign == 0 {
		t.Errorf("CA %t, path length %d, usage %b", c.IsCA, c.MaxPathLen, c.KeyUsage)
	}
	if c.Subject.CommonName != done.CA.Subject || !strings.HasPrefix(done.CA.Subject, "liminal CA ") {
		t.Errorf("subject %q and %q", c.Subject, done.CA.Subject)
	}
	if want := start.Add(-time.Hour).Truncate(time.Second); !c.NotBefore.Equal(want) || !c.NotAfter.Equal(want.AddDate(10, 0, 0)) {
		t.Errorf("from %v to %v", c.NotBefore, c.NotAfter)
	}
	other := certOf(t, mustInit(t, request(t, "a@dev")).CA.Cert)
	if other.Subject.CommonName == c.Subject.CommonName || other.SerialNumber.Cmp(c.SerialNumber) == 0 {
		t.Errorf("two CAs are called %s, number %v", c.Subject, c.SerialNumber)
	}
}

func TestNodeCertificates(t *testing.T) {
	for _, tc := range []struct {
		name  string
		hosts []string
		dns   []string
		ips   []net.IP
		not   []string
	}{
		{"a@dev", []string{"dev"}, []string{"dev"}, nil, []string{"localhost", "dev2", "127.0.0.1"}},
		{"a@db1.example.net", []string{"db1.example.net"}, []string{"db1.example.net"}, nil, []string{"db1", "example.net", "x.db1.example.net"}},
		{"a@127.0.0.1", []string{"127.0.0.1"}, []string{"127.0.0.1"}, []net.IP{{127, 0, 0, 1}}, []string{"127.0.0.2", "localhost"}},
		{"a@::1", []string{"::1"}, []string{"::1"}, []net.IP{net.IPv6loopback}, []string{"::2"}},
		{"a@my_host", []string{"my_host"}, []string{"my_host"}, nil, []string{"my-host"}},
		{"a@" + strings.Repeat("h", 63) + ".net", []string{strings.Repeat("h", 63) + ".net"}, []string{strings.Repeat("h", 63) + ".net"}, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			done := mustInit(t, request(t, tc.name))
			n := done.Nodes[0]
			c := certOf(t, n.Cert)
			if !reflect.DeepEqual(n.Hosts, tc.hosts) || !reflect.DeepEqual(c.DNSNames, tc.dns) || len(c.IPAddresses) != len(tc.ips) {
				t.Errorf("hosts %q, DNS %q, IP %v", n.Hosts, c.DNSNames, c.IPAddresses)
			}
			for i, ip := range tc.ips {
				if !c.IPAddresses[i].Equal(ip) {
					t.Errorf("IP %v, want %v", c.IPAddresses[i], ip)
				}
			}
			for _, host := range tc.not {
				if c.VerifyHostname(bracketed(host)) == nil {
					t.Errorf("it speaks for %s too", host)
				}
			}
			checkLeaf(t, c)
			shake(t, done, hostOf(tc.name))
		})
	}
}

func checkLeaf(t *testing.T, c *x509.Certificate) {
	t.Helper()
	key, ok := c.PublicKey.(*ecdsa.PublicKey)
	if c.IsCA || !ok || key.Curve != elliptic.P256() || c.KeyUsage != x509.KeyUsageDigitalSignature {
		t.Errorf("CA %t, key %T, usage %b", c.IsCA, c.PublicKey, c.KeyUsage)
	}
	if !reflect.DeepEqual(c.ExtKeyUsage, bothRoles) {
		t.Errorf("for %v", c.ExtKeyUsage)
	}
	if bits := c.SerialNumber.BitLen(); bits < 64 || bits > 159 {
		t.Errorf("a serial number of %d bits", bits)
	}
	if life := c.NotAfter.Sub(c.NotBefore); life != MaxLifetime || !c.NotBefore.Before(start) {
		t.Errorf("from %v for %v", c.NotBefore, life)
	}
}

// shake has two ends of one node's files prove themselves to each other, in both
// versions of TLS.
func shake(t *testing.T, done Result, host string) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(read(t, done.CA.Cert))
	pair, err := tls.LoadX509KeyPair(done.Nodes[0].Cert, done.Nodes[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		c := &tls.Config{
			Certificates: []tls.Certificate{pair}, RootCAs: roots, ClientCAs: roots, ServerName: host,
			ClientAuth: tls.RequireAndVerifyClientCert, MaxVersion: version, Time: func() time.Time { return start },
		}
		ours, theirs := net.Pipe()
		for _, end := range []net.Conn{ours, theirs} {
			_ = end.SetDeadline(time.Now().Add(10 * time.Second)) // two ends that refuse each other wait on a pipe
		}
		served := make(chan error, 1)
		go func() {
			s := tls.Server(theirs, c)
			_, err := s.Write([]byte("x")) // in 1.3 a client learns of a refusal by reading
			served <- err
		}()
		client := tls.Client(ours, c)
		_, err := client.Read(make([]byte, 1))
		if other := <-served; err != nil || other != nil {
			t.Errorf("TLS %x: %v and %v", version, err, other)
		}
		ours.Close()
		theirs.Close()
	}
}

func TestModes(t *testing.T) {
	done := mustInit(t, request(t, "a@dev"))
	n := done.Nodes[0]
	for path, want := range map[string]os.FileMode{
		done.Dir: 0o700 | os.ModeDir, done.CA.Cert: 0o644, done.CA.Key: 0o600, n.Cert: 0o644, n.Key: 0o600, n.OptFile: 0o644,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	if files, _ := os.ReadDir(done.Dir); len(files) != 5 {
		t.Errorf("files %v", files)
	}
}

// What is there stays; more nodes come under the same CA.
func TestAgain(t *testing.T) {
	r := request(t, "a@dev")
	first := mustInit(t, r)
	before := map[string][]byte{}
	for _, path := range []string{first.CA.Cert, first.CA.Key, first.Nodes[0].Cert, first.Nodes[0].Key, first.Nodes[0].OptFile} {
		before[path] = read(t, path)
	}
	r.Names, r.Now = []string{"b@dev", "a@dev"}, start.Add(time.Hour)
	again := mustInit(t, r)
	if got := outcomes(again); !reflect.DeepEqual(got, []Outcome{Kept, Made, Kept}) {
		t.Errorf("outcomes %v", got)
	}
	for path, text := range before {
		if !bytes.Equal(read(t, path), text) {
			t.Errorf("%s is another one", path)
		}
	}
	if again.Nodes[1].NotAfter != first.Nodes[0].NotAfter || !reflect.DeepEqual(again.Nodes[1].Hosts, []string{"dev"}) {
		t.Errorf("kept %+v", again.Nodes[1])
	}
	if err := certOf(t, again.Nodes[0].Cert).CheckSignatureFrom(certOf(t, first.CA.Cert)); err != nil {
		t.Error(err)
	}
}

// Force is for the nodes that are named, and never for the CA.
func TestForce(t *testing.T) {
	r := request(t, "a@dev", "b@dev")
	first := mustInit(t, r)
	ca, b := read(t, first.CA.Key), read(t, first.Nodes[1].Key)
	key, cert := read(t, first.Nodes[0].Key), read(t, first.Nodes[0].Cert)
	r.Names, r.Force = []string{"a@dev"}, true
	if err := os.WriteFile(first.Nodes[0].OptFile, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	done := mustInit(t, r)
	if got := outcomes(done); !reflect.DeepEqual(got, []Outcome{Kept, Renewed}) {
		t.Errorf("outcomes %v", got)
	}
	if bytes.Equal(read(t, first.Nodes[0].Key), key) || bytes.Equal(read(t, first.Nodes[0].Cert), cert) {
		t.Error("the old key or certificate is still there")
	}
	if string(read(t, first.Nodes[0].OptFile)) == "mine" {
		t.Error("the file of options was not renewed")
	}
	if !bytes.Equal(read(t, first.CA.Key), ca) || !bytes.Equal(read(t, first.Nodes[1].Key), b) {
		t.Error("a key that nobody named was replaced")
	}
	shake(t, done, "dev")
}

// A run that was cut short has left a key: the next one uses it.
func TestHalfDone(t *testing.T) {
	r := request(t, "a@dev")
	first := mustInit(t, r)
	ca, key := read(t, first.CA.Key), read(t, first.Nodes[0].Key)
	for _, path := range []string{first.CA.Cert, first.Nodes[0].Cert, first.Nodes[0].OptFile} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	done := mustInit(t, r)
	if !bytes.Equal(read(t, done.CA.Key), ca) || !bytes.Equal(read(t, done.Nodes[0].Key), key) {
		t.Error("a key was replaced")
	}
	shake(t, done, "dev")
}

// A certificate ends with its CA at the latest.
func TestNoLongerThanTheCA(t *testing.T) {
	r := request(t, "a@dev")
	ca := mustInit(t, r).CA
	r.Names, r.Now = []string{"b@dev"}, ca.NotAfter.Add(-time.Hour)
	if n := mustInit(t, r).Nodes[0]; !n.NotAfter.Equal(ca.NotAfter) {
		t.Errorf("until %v, the CA until %v", n.NotAfter, ca.NotAfter)
	}
}

func TestBusy(t *testing.T) {
	r := request(t, "a@dev")
	if err := os.Mkdir(r.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	unlock, err := lockDir(r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Init(r); !errors.Is(err, ErrBusy) {
		t.Errorf("beside another one: %v", err)
	}
	unlock()
	mustInit(t, r)
}

// A key that its owner has moved to the node's machine is not made again.
func TestKeyThatWentAway(t *testing.T) {
	r := request(t, "a@dev")
	key := mustInit(t, r).Nodes[0].Key
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if got := outcomes(mustInit(t, r)); !reflect.DeepEqual(got, []Outcome{Kept, Kept}) {
		t.Errorf("outcomes %v", got)
	}
	if _, err := os.Stat(key); err == nil {
		t.Error("the key is there again")
	}
}

func TestShow(t *testing.T) {
	done := mustInit(t, request(t, "a@127.0.0.1"))
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	if err := os.WriteFile(bundle, append(read(t, done.Nodes[0].Cert), read(t, done.CA.Cert)...), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := Show(bundle)
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	n, ca := all[0], all[1]
	if n.Subject != "a@127.0.0.1" || n.Issuer != done.CA.Subject || n.CA || !n.NotAfter.Equal(done.Nodes[0].NotAfter) ||
		!reflect.DeepEqual(n.Hosts, []string{"127.0.0.1"}) {
		t.Errorf("node %+v", n)
	}
	if ca.Subject != done.CA.Subject || ca.Issuer != ca.Subject || !ca.CA || len(ca.Hosts) != 0 {
		t.Errorf("CA %+v", ca)
	}
	if _, err := Show(done.CA.Key); !errors.Is(err, ErrForm) {
		t.Errorf("a key: %v", err)
	}
	if _, err := Show(filepath.Join(done.Dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// What is no file yet, and yet there, is not replaced either.
func TestNeverReplaces(t *testing.T) {
	for _, name := range []string{"ca.key", "ca.pem", "a@dev.key", "a@dev.pem"} {
		r := request(t, "a@dev")
		path := filepath.Join(r.Dir, name)
		if err := errors.Join(os.Mkdir(r.Dir, 0o700), os.Symlink("nowhere", path)); err != nil {
			t.Fatal(err)
		}
		if _, err := Init(r); !errors.Is(err, os.ErrExist) {
			t.Errorf("%s: %v", name, err)
		}
		if to, err := os.Readlink(path); to != "nowhere" {
			t.Errorf("%s leads to %q: %v", name, to, err)
		}
	}
}

func TestOptFile(t *testing.T) {
	const want = `%% coding: utf-8
%% TLS for the Erlang node a@dev: erl -proto_dist inet_tls -ssl_dist_optfile THIS_FILE
%% The files are those of the machine where this was made.
[{server, [{certfile, "/d/a@dev.pem"},
           {keyfile, "/d/a@dev.key"},
           {cacertfile, "/d/ca.pem"},
           {verify, verify_peer},
           {fail_if_no_peer_cert, true}]},
 {client, [{certfile, "/d/a@dev.pem"},
           {keyfile, "/d/a@dev.key"},
           {cacertfile, "/d/ca.pem"},
           {verify, verify_peer}]}].
`
	if got := optFile(&Node{Name: "a@dev", Cert: "/d/a@dev.pem", Key: "/d/a@dev.key"}, "/d/ca.pem"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestErlangString(t *testing.T) {
	for in, want := range map[string]string{
		"/etc/a.pem": `"/etc/a.pem"`, `/x "y"\z`: `"/x \"y\"\\z"`, "/tü": `"/tü"`, "/a\nb": `"/a\x{a}b"`,
	} {
		if got := erlangString(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
