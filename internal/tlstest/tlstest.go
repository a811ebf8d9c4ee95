package tlstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CA signs certificates. Chain is what its certificates bring along between
// themselves and the authority.
type CA struct {
	Cert  *x509.Certificate
	Key   crypto.Signer
	Chain [][]byte
}

// Change alters a template before it is signed.
type Change func(*x509.Certificate)

// NewKey makes a key.
func NewKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// template is valid from an hour ago until in a day.
func template(t testing.TB, name string, changes []Change) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	for _, change := range changes {
		change(c)
	}
	return c
}

func sign(t testing.TB, c, parent *x509.Certificate, key crypto.Signer, by crypto.Signer) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func parse(t testing.TB, der []byte) *x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func isCA(c *x509.Certificate) {
	c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign
}

// NewCA makes an authority.
func NewCA(t testing.TB, name string, changes ...Change) *CA {
	t.Helper()
	key := NewKey(t)
	c := template(t, name, append([]Change{isCA}, changes...))
	return &CA{Cert: parse(t, sign(t, c, c, key, key)), Key: key}
}

// Below makes an authority that this one has signed.
func (ca *CA) Below(t testing.TB, name string, changes ...Change) *CA {
	t.Helper()
	key := NewKey(t)
	der := sign(t, template(t, name, append([]Change{isCA}, changes...)), ca.Cert, key, ca.Key)
	return &CA{Cert: parse(t, der), Key: key, Chain: append([][]byte{der}, ca.Chain...)}
}

// For sets the hosts of a certificate, each under all names that somebody looks
// for: an IP address stands among the DNS names as well, where OTP looks.
func For(hosts ...string) Change {
	return func(c *x509.Certificate) {
		c.DNSNames, c.IPAddresses = hosts, nil
		for _, h := range hosts {
			if ip := net.ParseIP(h); ip != nil {
				c.IPAddresses = append(c.IPAddresses, ip)
			}
		}
	}
}

// Usage sets what a certificate is for.
func Usage(u ...x509.ExtKeyUsage) Change {
	return func(c *x509.Certificate) { c.ExtKeyUsage = u }
}

var bothRoles = Usage(x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)

// Issue makes the certificate of a node on host, good for both roles.
func (ca *CA) Issue(t testing.TB, host string, changes ...Change) tls.Certificate {
	t.Helper()
	return ca.IssueKey(t, NewKey(t), host, changes...)
}

// IssueKey is Issue for a key that exists.
func (ca *CA) IssueKey(t testing.TB, key crypto.Signer, host string, changes ...Change) tls.Certificate {
	t.Helper()
	c := template(t, "a node on "+host, append([]Change{bothRoles, For(host)}, changes...))
	return tls.Certificate{Certificate: append([][]byte{sign(t, c, ca.Cert, key, ca.Key)}, ca.Chain...), PrivateKey: key}
}

// SelfSigned is Issue without an authority.
func SelfSigned(t testing.TB, host string, changes ...Change) tls.Certificate {
	t.Helper()
	key := NewKey(t)
	c := template(t, "a node on "+host, append([]Change{bothRoles, For(host)}, changes...))
	return tls.Certificate{Certificate: [][]byte{sign(t, c, c, key, key)}, PrivateKey: key}
}

// WriteCA writes the certificate of an authority, replacing the file whole.
func (ca *CA) WriteCA(t testing.TB, path string) string {
	t.Helper()
	write(t, path, 0o644, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Cert.Raw}))
	return path
}

// Write writes NAME.pem and NAME.key into dir, replacing them.
func Write(t testing.TB, dir, name string, cert tls.Certificate) (certPath, keyPath string) {
	t.Helper()
	var chain []byte
	for _, der := range cert.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certPath, keyPath = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	write(t, certPath, 0o644, chain)
	write(t, keyPath, 0o600, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	return certPath, keyPath
}

func write(t testing.TB, path string, mode os.FileMode, data []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", data, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}
