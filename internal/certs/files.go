package certs

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	certBlock = "CERTIFICATE"
	keySuffix = "PRIVATE KEY" // "EC PRIVATE KEY" and others too
	maxFile   = 1 << 20       // bytes that are read of any file
)

// lockDir keeps other processes out of dir until unlock. Where the file system
// has no locks there is none: keys are never replaced unasked all the same.
func lockDir(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		return nil, &FileError{Path: dir, Err: ErrBusy}
	}
	return func() { f.Close() }, nil
}

// checkKeyFile: a CA's key that others have read, or made, is nobody's secret.
func checkKeyFile(info os.FileInfo) error {
	owner := -1
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(s.Uid)
	}
	switch {
	case !info.Mode().IsRegular():
		return ErrForm
	case owner != os.Geteuid():
		return ErrOwner
	case info.Mode().Perm()&0o077 != 0:
		return ErrOpen
	}
	return nil
}

// readPEM reads the blocks of a file. It opens without waiting: a pipe would keep
// us until somebody writes to it.
func readPEM(path string) ([]*pem.Block, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, err
	}
	var blocks []*pem.Block
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return blocks, nil
		}
		blocks, text = append(blocks, block), rest
	}
}

// readCert is the first certificate of a file.
func readCert(path string) (*x509.Certificate, error) {
	blocks, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	for _, b := range blocks {
		if b.Type == certBlock {
			return x509.ParseCertificate(b.Bytes)
		}
	}
	return nil, ErrForm
}

// readKey is the first private key of a file, in any of the usual forms.
func readKey(path string) (crypto.Signer, error) {
	blocks, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	for _, b := range blocks {
		if strings.HasSuffix(b.Type, keySuffix) {
			return parseKey(b.Bytes)
		}
	}
	return nil, ErrForm
}

func parseKey(der []byte) (crypto.Signer, error) {
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, ErrForm // the parser's own words might quote the key
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, ErrForm
	}
	return signer, nil
}

func writeKey(path string, key crypto.Signer, replace bool) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writeFile(path, pem.EncodeToMemory(&pem.Block{Type: keySuffix, Bytes: der}), 0o600, replace)
}

func writeCert(path string, der []byte, replace bool) error {
	return writeFile(path, pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: der}), 0o644, replace)
}

// writeFile makes a file that is complete from its first instant. Unless replace
// it never takes the place of another: a link, unlike a rename, does not.
func writeFile(path string, text []byte, mode os.FileMode, replace bool) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".liminal-tls.") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if replace {
		return os.Rename(tmp.Name(), path)
	}
	return os.Link(tmp.Name(), path)
}
