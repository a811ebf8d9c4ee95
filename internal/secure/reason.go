package secure

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Errors for errors.Is.
var (
	// ErrCertificate is wrapped by every *CertificateError.
	ErrCertificate = errors.New("a certificate was refused")
	// ErrNotTLS: the other side has sent something that is no TLS.
	ErrNotTLS = errors.New("the other side does not speak TLS")
	// ErrVersion: the other side's versions of TLS are not ours.
	ErrVersion = errors.New("no version of TLS in common")
)

// Reason is one word for why a certificate was refused. The words are a closed
// set.
type Reason string

// The reasons.
const (
	Expired        Reason = "expired"
	NotYetValid    Reason = "not_yet_valid"
	UnknownCA      Reason = "unknown_ca"      // its chain ends at an authority that is none of ours
	SelfSigned     Reason = "self_signed"     // and not among our authorities itself
	NotCA          Reason = "not_ca"          // signed by a certificate that may not sign
	NameConstraint Reason = "name_constraint" // its authority may not sign for its names
	WrongUsage     Reason = "wrong_usage"     // it is not for a client, or not for a server
	WeakKey        Reason = "weak_key"
	WeakSignature  Reason = "weak_signature"
	NoNames        Reason = "no_names"      // no alternative names; a common name does not count
	WrongHost      Reason = "wrong_host"    // not for the host of the peer's name
	WrongAddress   Reason = "wrong_address" // the same, where the host is an IP address
	Missing        Reason = "missing"       // the peer has shown none
	WrongKey       Reason = "wrong_key"     // the peer does not have its key
	Invalid        Reason = "invalid"       // anything else; Err says what
	Refused        Reason = "refused"       // ours, by the peer; Alert says what it says
)

// CertificateError says why a certificate was refused. Its texts come from
// certificates of peers in part, and are quoted where they do.
type CertificateError struct {
	Reason Reason
	Alert  string    // with Refused: the peer's word for it, of those TLS has
	Host   string    // with WrongHost, WrongAddress, NoNames: of the peer's name
	Names  []string  // with WrongHost, WrongAddress: those it is for, at most maxNames
	Signer string    // with UnknownCA, NotCA, WeakSignature, NameConstraint: name of who signed
	Cert   string    // with Expired, NotYetValid: name of the authority, if it is not the peer's own
	When   time.Time // with Expired, NotYetValid
	Role   string    // with WrongUsage: server or client
	Err    error     // what the library said, or nil
}

// reasonTexts say it in words, after "the peer's certificate ".
var reasonTexts = map[Reason]func(*CertificateError) string{
	Expired:     func(e *CertificateError) string { return e.whose() + "expired on " + e.day() },
	NotYetValid: func(e *CertificateError) string { return e.whose() + "is not valid before " + e.day() },
	UnknownCA: func(e *CertificateError) string {
		return fmt.Sprintf("is signed by %+q, which is not trusted", e.Signer)
	},
	SelfSigned: func(*CertificateError) string { return "is signed by itself" },
	NotCA: func(e *CertificateError) string {
		return fmt.Sprintf("is signed by %+q, which is no authority", e.Signer)
	},
	NameConstraint: func(e *CertificateError) string { return "has names for which its authority may not sign" },
	WrongUsage:     func(e *CertificateError) string { return "is not for a " + e.Role },
	WeakKey:        func(*CertificateError) string { return "has a key that is too weak" },
	WeakSignature:  func(e *CertificateError) string { return "has a signature that is too weak" },
	NoNames:        func(e *CertificateError) string { return "has no alternative names, and a common name does not count" },
	WrongHost:      func(e *CertificateError) string { return e.otherNames("host") },
	WrongAddress:   func(e *CertificateError) string { return e.otherNames("address") },
	Missing:        func(*CertificateError) string { return "is missing" },
	WrongKey:       func(*CertificateError) string { return "is not its own: it does not have the key" },
	Invalid:        func(e *CertificateError) string { return "cannot be used: " + e.cause() },
}

// Text is the refusal in words that go on after "its certificate ", or after "it
// refuses our certificate" where the peer did.
func (e *CertificateError) Text() string {
	if e.Reason == Refused {
		return e.Alert
	}
	if text, ok := reasonTexts[e.Reason]; ok {
		return text(e)
	}
	return "is refused"
}

func (e *CertificateError) Error() string {
	if e.Reason == Refused {
		return "it refuses our certificate: " + e.Alert
	}
	return "its certificate " + e.Text()
}

// Unwrap gives ErrCertificate and what the library said.
func (e *CertificateError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrCertificate}
	}
	return []error{ErrCertificate, e.Err}
}

func (e *CertificateError) day() string { return e.When.UTC().Format("2006-01-02 15:04 UTC") }

// cause is what the library said, which may quote the certificate.
func (e *CertificateError) cause() string {
	if e.Err == nil {
		return "no reason is known"
	}
	return printable(cutTo(e.Err.Error(), maxCause))
}

func (e *CertificateError) whose() string {
	if e.Cert == "" {
		return ""
	}
	return fmt.Sprintf("depends on that of %+q, which ", e.Cert)
}

func (e *CertificateError) otherNames(what string) string {
	quoted := make([]string, len(e.Names))
	for i, n := range e.Names {
		quoted[i] = printable(n)
	}
	return fmt.Sprintf("is not for the %s %s but for %s", what, printable(e.Host), strings.Join(quoted, ", "))
}

// NotTLSError is an ErrNotTLS with the first bytes that came.
type NotTLSError struct{ Seen string }

func (e *NotTLSError) Error() string { return fmt.Sprintf("%v: it began with %+q", ErrNotTLS, e.Seen) }

// Unwrap gives ErrNotTLS.
func (e *NotTLSError) Unwrap() error { return ErrNotTLS }

// FileError says why a file of a certificate, key or authority cannot be used.
type FileError struct {
	Path string
	Why  string
	Mode bool  // others can read the key, or it is somebody else's
	Err  error // what the system or the library said, or nil
}

func (e *FileError) Error() string { return e.Path + ": " + e.Why }

// Unwrap gives the cause.
func (e *FileError) Unwrap() error { return e.Err }
