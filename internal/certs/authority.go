package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// authority signs. Its key is in memory while Init runs.
type authority struct {
	outcome           Outcome
	certPath, keyPath string
	cert              *x509.Certificate
	key               crypto.Signer
}

func (a *authority) info() Authority {
	return Authority{a.outcome, a.certPath, a.keyPath, subjectOf(a.cert), a.cert.NotAfter}
}

// openAuthority reads the CA of dir. One without a certificate has yet to be made.
func openAuthority(dir string, now time.Time) (*authority, error) {
	a := &authority{certPath: filepath.Join(dir, "ca.pem"), keyPath: filepath.Join(dir, "ca.key")}
	var certErr, keyErr error
	a.cert, certErr = readCert(a.certPath)
	a.key, keyErr = a.readKey()
	noCert, noKey := errors.Is(certErr, fs.ErrNotExist), errors.Is(keyErr, fs.ErrNotExist)
	switch {
	case keyErr != nil && !noKey:
		return nil, &FileError{a.keyPath, true, keyErr}
	case noCert: // none yet, or a run was cut short
		return a, nil
	case certErr != nil:
		return nil, &FileError{a.certPath, true, certErr}
	case noKey:
		return nil, &FileError{a.certPath, true, ErrNoKey} // a copy: only the original can sign
	}
	a.outcome = Kept
	if err := a.check(now); err != nil {
		return nil, &FileError{a.certPath, true, err}
	}
	return a, nil
}

// readKey takes a key that nobody else can read.
func (a *authority) readKey() (crypto.Signer, error) {
	info, err := os.Stat(a.keyPath)
	if err != nil {
		return nil, err
	}
	if err := checkKeyFile(info); err != nil {
		return nil, err
	}
	return readKey(a.keyPath)
}

// check is of a CA that was there before us, and may be of somebody else's making.
func (a *authority) check(now time.Time) error {
	switch {
	case !samePublic(a.cert.PublicKey, a.key.Public()):
		return ErrPair
	case !a.cert.BasicConstraintsValid || !a.cert.IsCA || a.cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return ErrNotCA
	case now.After(a.cert.NotAfter):
		return ErrExpired
	}
	return nil
}

// ensure makes the CA if there is none, its key first.
func (a *authority) ensure(now time.Time) (err error) {
	if a.cert != nil {
		return nil
	}
	if a.key == nil {
		if a.key, err = newKey(); err != nil {
			return err
		}
		if err := writeKey(a.keyPath, a.key, false); err != nil {
			return err
		}
	}
	return a.certify(now)
}

func (a *authority) certify(now time.Time) error {
	begin := now.Add(-backdate).UTC().Truncate(time.Second)
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"liminal"}, CommonName: "liminal CA " + randomID()},
		NotBefore:             begin,
		NotAfter:              begin.AddDate(caYears, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		return err
	}
	if err := writeCert(a.certPath, der, false); err != nil {
		return err
	}
	a.outcome = Made
	a.cert, err = x509.ParseCertificate(der)
	return err
}

// randomID tells two CAs apart, in the error of a node that trusts the other one.
func randomID() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func newKey() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// samePublic: all public keys of the standard library can be compared.
func samePublic(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}
