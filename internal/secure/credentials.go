package secure

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Files are the three files of a node, PEM: its certificate, with those between it
// and an authority behind it; its key, readable by its owner alone; and the
// authorities that sign for peers.
type Files struct{ Cert, Key, CA string }

// Credentials are what a node shows of itself and whom it trusts. They do not
// change.
type Credentials struct {
	files  Files
	cert   tls.Certificate
	leaf   *x509.Certificate
	cas    []*x509.Certificate
	roots  *x509.CertPool
	server *tls.Config
	client *tls.Config
}

// New makes Credentials of a certificate with its key and of the authorities that
// sign for peers, at least one.
func New(cert tls.Certificate, authorities []*x509.Certificate) (*Credentials, error) {
	if len(cert.Certificate) == 0 || cert.PrivateKey == nil {
		return nil, errors.New("tls: no certificate, or none with a key")
	}
	if len(authorities) == 0 {
		return nil, errors.New("tls: no authority")
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	c := &Credentials{cert: cert, leaf: leaf, cas: slices.Clone(authorities), roots: x509.NewCertPool()}
	for _, ca := range authorities {
		c.roots.AddCert(ca)
	}
	c.server, c.client = c.configs()
	return c, nil
}

// configs are those of both roles.
func (c *Credentials) configs() (server, client *tls.Config) {
	server = &tls.Config{
		MinVersion:                  tls.VersionTLS12,
		Certificates:                []tls.Certificate{c.cert},
		ClientAuth:                  tls.RequireAnyClientCert, // the chain is checked below
		VerifyConnection:            func(s tls.ConnectionState) error { return c.verify(s.PeerCertificates, roleClient) },
		SessionTicketsDisabled:      true,
		DynamicRecordSizingDisabled: true, // frames are long, and nobody waits for half of one
	}
	client = server.Clone()
	client.Certificates = nil
	client.ClientAuth = tls.NoClientCert
	client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c.cert, nil }
	// The library's own check would hold the certificate against the name that is
	// dialled, of which a seed has none; VerifyConnection and Vouch do all of it.
	client.InsecureSkipVerify = true
	client.VerifyConnection = func(s tls.ConnectionState) error { return c.verify(s.PeerCertificates, roleServer) }
	return server, client
}

// parse reads the contents of the three files.
func parse(f Files, cert, key, ca []byte) (*Credentials, error) {
	if block, _ := pem.Decode(key); block != nil && (strings.Contains(block.Type, "ENCRYPTED") || block.Headers["DEK-Info"] != "") {
		return nil, &FileError{Path: f.Key, Why: "the key is encrypted, and a node cannot ask for a passphrase"}
	}
	if _, err := certificates(f.Cert, cert); err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		why := strings.TrimPrefix(err.Error(), "tls: ")
		if strings.Contains(why, "private key does not match") {
			why = "the key is not that of the certificate in " + f.Cert
		}
		return nil, &FileError{Path: f.Key, Why: why, Err: err}
	}
	cas, err := certificates(f.CA, ca)
	if err != nil {
		return nil, err
	}
	c, err := New(pair, cas)
	if err != nil {
		return nil, &FileError{Path: f.Cert, Why: err.Error(), Err: err}
	}
	c.files = f
	return c, nil
}

// certificates reads all of a file; one that cannot be read is not passed over.
func certificates(path string, data []byte) (all []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, &FileError{Path: path, Why: fmt.Sprintf("certificate %d in it: %v", len(all)+1, err), Err: err}
		}
		all = append(all, cert)
	}
	if len(all) == 0 {
		return nil, &FileError{Path: path, Why: "there is no certificate in it (PEM, BEGIN CERTIFICATE)"}
	}
	return all, nil
}

// Info is what may be said of Credentials.
type Info struct {
	Files     Files // empty if they came from none
	Subject   string
	Issuer    string
	Names     []string // hosts it is for: DNS names, then IP addresses
	NotBefore time.Time
	NotAfter  time.Time
}

// Info describes the node's own certificate.
func (c *Credentials) Info() Info {
	return Info{
		Files: c.files, Subject: nameOf(c.leaf.Subject), Issuer: nameOf(c.leaf.Issuer), Names: namesOf(c.leaf),
		NotBefore: c.leaf.NotBefore, NotAfter: c.leaf.NotAfter,
	}
}

// Faults says what peers that trust the same authorities hold against our own
// certificate, for a node on host: nil where there is nothing. How long it is
// valid is left out, see Info.
func (c *Credentials) Faults(host string) (faults []error) {
	chain := []*x509.Certificate{c.leaf}
	for _, der := range c.cert.Certificate[1:] {
		if cert, err := x509.ParseCertificate(der); err == nil {
			chain = append(chain, cert)
		}
	}
	for _, r := range []role{roleServer, roleClient} {
		err := c.verify(chain, r)
		if err == nil || ownTime(err) || len(faults) > 0 && faults[0].Error() == err.Error() {
			continue
		}
		faults = append(faults, err)
	}
	if err := checkHost(c.leaf, host); err != nil {
		faults = append(faults, err)
	}
	return faults
}

// ownTime says whether it is our own certificate that is out of its time.
func ownTime(err error) bool {
	var e *CertificateError
	return errors.As(err, &e) && (e.Reason == Expired || e.Reason == NotYetValid) && e.Cert == ""
}

// Fits says whether the certificate is for a host.
func (c *Credentials) Fits(host string) bool { return checkHost(c.leaf, host) == nil }

// Keeper holds the Credentials in force.
type Keeper struct{ current atomic.Pointer[Credentials] }

// NewKeeper begins with c; nil gives nil, which means no TLS.
func NewKeeper(c *Credentials) *Keeper {
	if c == nil {
		return nil
	}
	k := new(Keeper)
	k.current.Store(c)
	return k
}

// Set puts c, which is not nil, in force for connections from now on.
func (k *Keeper) Set(c *Credentials) { k.current.Store(c) }

// Current gives those in force; nil of a nil Keeper.
func (k *Keeper) Current() *Credentials {
	if k == nil {
		return nil
	}
	return k.current.Load()
}
