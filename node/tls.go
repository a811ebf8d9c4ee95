package node

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/liminal-bus/liminal/internal/secure"
)

// TLS is the certificate of a node with its key, and the authorities that sign for
// its peers. It is a value that does not change; Node.ReloadTLS takes another one.
type TLS = secure.Credentials

// TLSFiles are the paths of three PEM files, see LoadTLS.
type TLSFiles = secure.Files

// TLSInfo describes a certificate.
type TLSInfo = secure.Info

// CertificateError says which certificate was refused and why: that of a peer by
// us, or with CertificateRefused ours by a peer.
type CertificateError = secure.CertificateError

// CertificateReason is a word for why; see the list in CertificateError's package
// for what each means.
type CertificateReason = secure.Reason

// The reasons that callers may want to tell apart.
const (
	CertificateUnknownCA  = secure.UnknownCA  // signed by an authority that is none of ours
	CertificateSelfSigned = secure.SelfSigned // and not among our authorities
	CertificateRefused    = secure.Refused    // ours, by the peer
)

// TLSFileError says which of the files cannot be used, and why.
type TLSFileError = secure.FileError

// LoadTLS reads a node's certificate (with those between it and an authority
// behind it), its key, which must be ours and readable by nobody else, and the
// authorities. The error is a *TLSFileError.
func LoadTLS(f TLSFiles) (*TLS, error) { return secure.Load(f) }

// NewTLS is LoadTLS for what is in memory already.
func NewTLS(cert tls.Certificate, authorities ...*x509.Certificate) (*TLS, error) {
	return secure.New(cert, authorities)
}

// ErrTLSFixed: a node that runs with TLS cannot do without, nor the reverse.
var ErrTLSFixed = errors.New("TLS cannot be turned on or off while the node runs")

// ReloadTLS makes connections from now on use t. Links that are up stay. A node
// that runs without TLS, and nil, give ErrTLSFixed.
func (n *Node) ReloadTLS(t *TLS) error {
	if t == nil || n.tls.keeper == nil {
		return ErrTLSFixed
	}
	n.tls.set(t, n.host)
	n.warnOfTLS()
	return nil
}

// tlsState is what a node has of TLS. The zero value is none.
type tlsState struct {
	keeper *secure.Keeper
	faults atomic.Pointer[[]string] // of our own certificate, found when it came into force

	mu   sync.Mutex
	told time.Time // when the log was last told of the certificate's end; zero while it is far
}

func (s *tlsState) init(t *TLS, host string) {
	if t != nil {
		s.keeper = secure.NewKeeper(t)
		s.set(t, host)
	}
}

func (s *tlsState) set(t *TLS, host string) {
	faults := ownFaults(t, host)
	s.faults.Store(&faults)
	s.keeper.Set(t)
}

// ownFaults is what is wrong with a certificate of ours at any time.
func ownFaults(t *TLS, host string) (faults []string) {
	for _, err := range t.Faults(host) {
		var bad *CertificateError
		text := err.Error()
		if errors.As(err, &bad) {
			text = bad.Text()
		}
		faults = append(faults, "peers will refuse the certificate of this node: it "+text)
	}
	return faults
}

// TLSFaults lists in words what a node on host that had t would say of it at now,
// in its status and its log: why peers will refuse it, and that it ends soon.
func TLSFaults(t *TLS, host string, now time.Time) []string {
	info := t.Info()
	w := append(ownFaults(t, host), early(info, now)...)
	if text := expiring(&vitals{now: now, certificate: info.NotAfter}); text != "" {
		w = append(w, text)
	}
	return w
}

func early(info TLSInfo, now time.Time) []string {
	if !now.Before(info.NotBefore) {
		return nil
	}
	return []string{"the certificate of this node is not valid before " + info.NotBefore.UTC().Format(time.RFC3339) + ": peers refuse it"}
}

func (s *tlsState) info() *TLSInfo {
	c := s.keeper.Current()
	if c == nil {
		return nil
	}
	info := c.Info()
	return &info
}

// tlsFaults lists what makes the links of this node less than safe.
func (n *Node) tlsFaults() (w []string) {
	info := n.tls.info()
	if info == nil {
		if n.exposed() {
			w = append(w, "listening beyond this machine without TLS: whoever reads the network can read messages and try cookies")
		}
		return w
	}
	return append(append(w, *n.tls.faults.Load()...), early(*info, time.Now())...)
}

// certificateEnd is when the certificate that this node shows ends, zero where
// it shows none.
func (n *Node) certificateEnd() time.Time {
	if info := n.tls.info(); info != nil {
		return info.NotAfter
	}
	return time.Time{}
}

// warnOfTLS tells the log at once what status tells later.
func (n *Node) warnOfTLS() {
	for _, text := range n.tlsFaults() {
		n.log.Warn(text)
	}
	n.tls.forgetTold()
	n.remindOfTLS(time.Now())
}

// remindEvery is how often the log is told of a certificate that ends soon, or has
// ended. It is counted by the monotonic clock: a jump of the other one brings no
// flood of lines.
const remindEvery = 24 * time.Hour

// remindOfTLS says so if it is time to. The poll loop calls it every second.
func (n *Node) remindOfTLS(now time.Time) {
	if n.tls.keeper == nil {
		return
	}
	text := expiring(&vitals{now: now, certificate: n.certificateEnd()})
	if n.tls.due(now, text != "") {
		n.log.Warn(text)
	}
}

// due says whether to tell the log now, and takes it as told.
func (s *tlsState) due(now time.Time, expiring bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !expiring:
		s.told = time.Time{}
		return false
	case !s.told.IsZero() && now.Sub(s.told) < remindEvery:
		return false
	}
	s.told = now
	return true
}

// forgetTold is for a certificate that has just come into force.
func (s *tlsState) forgetTold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = time.Time{}
}

// suspicious says whether a handshake that others began failed for TLS in a way
// that somebody has to look at: a certificate, or a peer of another setting.
// Who shows no certificate at all is left to debugging: scanners do.
func (n *Node) suspicious(err error) bool {
	var bad *CertificateError
	return errors.As(err, &bad) && bad.Reason != secure.Missing || errors.Is(err, secure.ErrVersion)
}
