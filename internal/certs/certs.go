package certs

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const day = 24 * time.Hour

// MaxLifetime is the longest life of a node's certificate. Some systems take no
// longer one.
const MaxLifetime = 825 * day

const (
	caYears  = 10
	backdate = time.Hour
)

// The causes that callers may want to tell apart, wrapped by *FileError.
var (
	ErrNoKey     = errors.New("its key is not here")
	ErrNoCert    = errors.New("its certificate is not here")
	ErrPair      = errors.New("certificate and key do not belong together")
	ErrNotCA     = errors.New("that is no certificate of a CA")
	ErrExpired   = errors.New("it has expired")
	ErrOpen      = errors.New("it can be read by others")
	ErrOwner     = errors.New("it belongs to another user")
	ErrForeign   = errors.New("another CA has signed it")
	ErrOther     = errors.New("it is for another node")
	ErrForm      = errors.New("that is not PEM of the kind that belongs here")
	ErrBusy      = errors.New("another process is making certificates there")
	ErrHost      = errors.New("a host of that form cannot stand in a certificate")
	errMandatory = errors.New("no name, or no time to live")
)

// FileError is what is wrong with one file, or with what it would become.
type FileError struct {
	Path string
	CA   bool // the file is the CA's
	Err  error
}

func (e *FileError) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *FileError) Unwrap() error { return e.Err }

// Outcome is what became of one certificate.
type Outcome string

// A certificate was made, was there already, or was made in place of another.
const (
	Made    Outcome = "made"
	Kept    Outcome = "kept"
	Renewed Outcome = "renewed"
)

// Request says what Init shall see to.
type Request struct {
	Dir      string   // absolute
	Names    []string // full node names, NAME@HOST, valid as such
	Lifetime time.Duration
	Force    bool // make new certificates for nodes that have one
	Now      time.Time
}

// Authority is the CA of a directory.
type Authority struct {
	Outcome   Outcome
	Cert, Key string // paths
	Subject   string
	NotAfter  time.Time
}

// Node is what a directory has for one node.
type Node struct {
	Outcome            Outcome
	Name               string
	Cert, Key, OptFile string // paths
	Hosts              []string
	NotAfter           time.Time
}

// Result is what Init has found and made. After an error it holds what was done
// until then.
type Result struct {
	Dir   string
	CA    Authority
	Nodes []Node
}

// Init makes what Request names and is missing. Before it writes anything it looks
// at all that is there; what does not fit is a *FileError, and nothing is written.
func Init(r Request) (Result, error) {
	done := Result{Dir: r.Dir}
	if len(r.Names) == 0 || r.Lifetime <= 0 || r.Lifetime > MaxLifetime || !filepath.IsAbs(r.Dir) {
		return done, errMandatory
	}
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		return done, err
	}
	unlock, err := lockDir(r.Dir)
	if err != nil {
		return done, err
	}
	defer unlock()
	ca, err := openAuthority(r.Dir, r.Now)
	if err != nil {
		return done, err
	}
	all, err := ca.survey(r)
	if err != nil {
		return done, err
	}
	if err := ca.ensure(r.Now); err != nil {
		return done, err
	}
	done.CA = ca.info()
	for _, n := range all {
		if err := ca.serve(&n, r); err != nil {
			return done, fmt.Errorf("%s: %w", n.Name, err)
		}
		done.Nodes = append(done.Nodes, n)
	}
	return done, nil
}

// subjectOf is a certificate's subject as people write it.
func subjectOf(c *x509.Certificate) string { return cmp.Or(c.Subject.CommonName, c.Subject.String()) }

func hostOf(name string) string {
	_, host, _ := strings.Cut(name, "@")
	return host
}
