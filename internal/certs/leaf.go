package certs

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"path/filepath"
	"time"
)

// maxCommonName is the most that X.520 allows.
const maxCommonName = 64

// bothRoles is what a node's certificate is for: it dials and is dialled.
var bothRoles = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}

// survey says what is to be done for each node, and whether it can be.
func (a *authority) survey(r Request) ([]Node, error) {
	var all []Node
	for _, name := range r.Names {
		path := filepath.Join(r.Dir, name)
		n := Node{Outcome: Made, Name: name, Cert: path + ".pem", Key: path + ".key", OptFile: path + ".inet_tls.conf"}
		if err := a.look(&n, r.Force); err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

func (a *authority) look(n *Node, force bool) error {
	if err := template(n.Name).VerifyHostname(bracketed(hostOf(n.Name))); err != nil {
		return fmt.Errorf("%w: %q", ErrHost, hostOf(n.Name))
	}
	cert, err := readCert(n.Cert)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case force:
		n.Outcome = Renewed
		return nil
	case err != nil:
		return &FileError{n.Cert, false, err}
	}
	n.Outcome, n.Hosts, n.NotAfter = Kept, hostsOf(cert), cert.NotAfter
	return a.keep(n, cert)
}

// keep checks what is there for a node already. Its key may have been moved to
// where the node runs; one that is there must fit.
func (a *authority) keep(n *Node, cert *x509.Certificate) error {
	switch {
	case a.cert == nil || cert.CheckSignatureFrom(a.cert) != nil:
		return &FileError{n.Cert, false, ErrForeign}
	case cert.Subject.CommonName != commonName(n.Name) || cert.VerifyHostname(bracketed(hostOf(n.Name))) != nil:
		return &FileError{n.Cert, false, ErrOther}
	}
	key, err := readKey(n.Key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &FileError{n.Key, false, err}
	case !samePublic(cert.PublicKey, key.Public()):
		return &FileError{n.Cert, false, ErrPair}
	}
	return nil
}

// serve does what survey has found to be done.
func (a *authority) serve(n *Node, r Request) error {
	if n.Outcome != Kept {
		cert, err := a.issue(n, r)
		if err != nil {
			return err
		}
		n.Hosts, n.NotAfter = hostsOf(cert), cert.NotAfter
	}
	return a.writeOptFile(n, r.Force)
}

// issue writes a new certificate, and a new key unless a run that was cut short
// has left one.
func (a *authority) issue(n *Node, r Request) (*x509.Certificate, error) {
	key, err := readKey(n.Key)
	made := r.Force || errors.Is(err, fs.ErrNotExist)
	if made {
		key, err = newKey()
	}
	if err != nil {
		return nil, &FileError{n.Key, false, err}
	}
	der, cert, err := a.sign(n.Name, key.Public(), r)
	if err != nil {
		return nil, err
	}
	if made {
		if err := writeKey(n.Key, key, r.Force); err != nil {
			return nil, err
		}
	}
	return cert, writeCert(n.Cert, der, r.Force)
}

// sign makes a certificate that has been seen to pass.
func (a *authority) sign(name string, public crypto.PublicKey, r Request) ([]byte, *x509.Certificate, error) {
	begin := r.Now.Add(-backdate).UTC().Truncate(time.Second)
	end := begin.Add(r.Lifetime)
	if end.After(a.cert.NotAfter) {
		end = a.cert.NotAfter
	}
	t := template(name)
	t.NotBefore, t.NotAfter = begin, end
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, public, a.key)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	return der, cert, a.verify(cert, hostOf(name), r.Now)
}

// template is a node's certificate but for its time and its key.
func template(name string) *x509.Certificate {
	t := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"liminal"}, CommonName: commonName(name)},
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           bothRoles,
		BasicConstraintsValid: true,
		DNSNames:              []string{hostOf(name)},
	}
	if ip, err := netip.ParseAddr(hostOf(name)); err == nil {
		t.IPAddresses = []net.IP{ip.AsSlice()}
	}
	return t
}

// verify is what a peer will do, in each role.
func (a *authority) verify(cert *x509.Certificate, host string, now time.Time) error {
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	for _, role := range bothRoles {
		_, err := cert.Verify(x509.VerifyOptions{
			Roots: roots, CurrentTime: now, DNSName: bracketed(host), KeyUsages: []x509.ExtKeyUsage{role},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// bracketed is a host as x509 wants it where it may be an IP address.
func bracketed(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return "[" + host + "]"
	}
	return host
}

func commonName(name string) string {
	if len(name) > maxCommonName {
		return ""
	}
	return name
}

// hostsOf are the names that a certificate speaks for, each once.
func hostsOf(c *x509.Certificate) []string {
	var all []string
	seen := map[string]bool{}
	add := func(host string) {
		if !seen[host] {
			seen[host] = true
			all = append(all, host)
		}
	}
	for _, name := range c.DNSNames {
		add(name)
	}
	for _, ip := range c.IPAddresses {
		add(ip.String())
	}
	return all
}
