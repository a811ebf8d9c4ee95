package secure

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/netip"
	"strconv"
	"time"
)

// role is that of the peer whose certificate is looked at.
type role struct {
	name  string
	usage x509.ExtKeyUsage
}

var (
	roleServer = role{"server", x509.ExtKeyUsageServerAuth}
	roleClient = role{"client", x509.ExtKeyUsageClientAuth}
)

// verify is the check of the chain. chain[0] is the peer's own certificate.
func (c *Credentials) verify(chain []*x509.Certificate, r role) error {
	at := time.Now()
	if len(chain) == 0 {
		return &CertificateError{Reason: Missing}
	}
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	found, err := chain[0].Verify(x509.VerifyOptions{
		Roots: c.roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{r.usage},
	})
	if err != nil {
		return c.explain(chain, r, at, err)
	}
	for _, path := range found {
		if strong(path) {
			return nil
		}
	}
	return &CertificateError{Reason: WeakKey}
}

// The least sizes of keys, in bits.
const (
	minRSA   = 2048
	minCurve = 256
)

// strong looks at the keys of a path below the authority.
func strong(path []*x509.Certificate) bool {
	for i, cert := range path {
		if i > 0 && i == len(path)-1 {
			break
		}
		switch key := cert.PublicKey.(type) {
		case *rsa.PublicKey:
			if key.N.BitLen() < minRSA {
				return false
			}
		case *ecdsa.PublicKey:
			if key.Params().BitSize < minCurve {
				return false
			}
		}
	}
	return true
}

// explain finds the reason behind what the library said. That the chain is
// refused is decided by then.
func (c *Credentials) explain(chain []*x509.Certificate, r role, at time.Time, err error) error {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return c.whoSigned(chain, err)
	case !errors.As(err, &invalid):
		return &CertificateError{Reason: Invalid, Err: err}
	}
	switch invalid.Reason {
	case x509.Expired:
		return outOfTime(chain[0], invalid.Cert, at, err)
	case x509.IncompatibleUsage:
		return &CertificateError{Reason: WrongUsage, Role: r.name, Err: err}
	case x509.CANotAuthorizedForThisName:
		return &CertificateError{Reason: NameConstraint, Signer: nameOf(chain[0].Issuer), Err: err}
	case x509.NotAuthorizedToSign:
		return &CertificateError{Reason: NotCA, Signer: nameOf(invalid.Cert.Subject), Err: err}
	}
	return &CertificateError{Reason: Invalid, Err: err}
}

func outOfTime(leaf, cert *x509.Certificate, at time.Time, err error) error {
	e := &CertificateError{Reason: Expired, When: cert.NotAfter, Err: err}
	if at.Before(cert.NotBefore) {
		e.Reason, e.When = NotYetValid, cert.NotBefore
	}
	if !cert.Equal(leaf) {
		e.Cert = nameOf(cert.Subject)
	}
	return e
}

// whoSigned follows a chain to where it leaves what we trust.
func (c *Credentials) whoSigned(chain []*x509.Certificate, err error) error {
	for cert, steps := chain[0], 0; ; steps++ {
		signer := nameOf(cert.Issuer)
		if steps == 0 && bytes.Equal(cert.RawIssuer, cert.RawSubject) {
			return &CertificateError{Reason: SelfSigned, Err: err}
		}
		parent := c.issuer(cert, chain)
		if parent == nil || steps == len(chain) {
			return &CertificateError{Reason: UnknownCA, Signer: signer, Err: err}
		}
		var weak x509.InsecureAlgorithmError
		var noCA x509.ConstraintViolationError
		switch err := cert.CheckSignatureFrom(parent); {
		case errors.As(err, &weak):
			return &CertificateError{Reason: WeakSignature, Signer: signer, Err: err}
		case errors.As(err, &noCA):
			return &CertificateError{Reason: NotCA, Signer: signer, Err: err}
		case err != nil: // another one of the same name
			return &CertificateError{Reason: UnknownCA, Signer: signer, Err: err}
		}
		cert = parent
	}
}

// issuer finds who signed cert, by name, among our authorities and what the peer
// has shown.
func (c *Credentials) issuer(cert *x509.Certificate, chain []*x509.Certificate) *x509.Certificate {
	for _, list := range [][]*x509.Certificate{c.cas, chain[1:]} {
		for _, p := range list {
			if bytes.Equal(p.RawSubject, cert.RawIssuer) && !p.Equal(cert) {
				return p
			}
		}
	}
	return nil
}

// What is told of a peer's certificate is bounded: how many names, and each in
// characters; and the library's own words, which may quote more of it.
const (
	maxNames = 8
	maxText  = 64
	maxCause = 256
)

// nameOf is what people know an authority or a node by.
func nameOf(n pkix.Name) string {
	name := n.CommonName
	if name == "" && len(n.Organization) > 0 {
		name = n.Organization[0]
	}
	if name == "" {
		name = n.String()
	}
	return cut(name)
}

func cut(s string) string { return cutTo(s, maxText) }

func cutTo(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

// printable gives a name as it is, or quoted if it is not plain text.
func printable(s string) string {
	if q := strconv.QuoteToASCII(s); q != `"`+s+`"` {
		return q
	}
	return s
}

// namesOf gives each host once: an address that is a DNS name as well is one.
func namesOf(cert *x509.Certificate) (names []string) {
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name], names = true, append(names, name)
		}
	}
	for _, dns := range cert.DNSNames {
		add(cut(dns))
	}
	for _, ip := range cert.IPAddresses {
		add(ip.String())
	}
	return names
}

// checkHost holds a certificate against the host of a node's name.
func checkHost(cert *x509.Certificate, host string) error {
	names := namesOf(cert)
	if len(names) == 0 {
		return &CertificateError{Reason: NoNames, Host: host}
	}
	ip, err := netip.ParseAddr(host)
	isIP := err == nil
	ok := !isIP && cert.VerifyHostname(host) == nil
	if isIP {
		ok = hasAddress(cert, ip) || hasText(cert, host)
	}
	if ok {
		return nil
	}
	e := &CertificateError{Reason: WrongHost, Host: host, Names: names[:min(len(names), maxNames)]}
	if isIP {
		e.Reason = WrongAddress
	}
	return e
}

func hasAddress(cert *x509.Certificate, ip netip.Addr) bool {
	for _, own := range cert.IPAddresses {
		if a, ok := netip.AddrFromSlice(own); ok && a.Unmap() == ip.Unmap().WithZone("") {
			return true
		}
	}
	return false
}

// hasText is OTP's way: the address among the DNS names, letter by letter.
func hasText(cert *x509.Certificate, host string) bool {
	for _, dns := range cert.DNSNames {
		if dns == host {
			return true
		}
	}
	return false
}
