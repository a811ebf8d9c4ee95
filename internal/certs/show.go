package certs

import (
	"cmp"
	"crypto/x509"
	"time"
)

// Info is what one certificate says.
type Info struct {
	Path      string
	Subject   string
	Issuer    string
	Hosts     []string // DNS names and IP addresses, each once
	CA        bool
	NotBefore time.Time
	NotAfter  time.Time
}

// Show gives the certificates of a PEM file in its order. A file without one is
// a *FileError.
func Show(path string) ([]Info, error) {
	blocks, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	var all []Info
	for _, b := range blocks {
		if b.Type != certBlock {
			continue
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, &FileError{path, false, err}
		}
		all = append(all, Info{
			Path: path, Subject: subjectOf(c), Issuer: issuerOf(c), Hosts: hostsOf(c), CA: c.IsCA,
			NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		})
	}
	if len(all) == 0 {
		return nil, &FileError{path, false, ErrForm}
	}
	return all, nil
}

func issuerOf(c *x509.Certificate) string { return cmp.Or(c.Issuer.CommonName, c.Issuer.String()) }
