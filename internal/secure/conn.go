package secure

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"sync/atomic"
	"time"
)

// Conn is a connection under TLS. Its deadlines are those of the connection
// below.
type Conn struct {
	*tls.Conn
	server bool
	heard  atomic.Bool // something of the peer's has been read
}

// Client puts conn under TLS as the side that dialled. host is that of the node
// wanted, "" where only an address is known.
func (k *Keeper) Client(conn net.Conn, host string) *Conn {
	config := k.Current().client
	if host != "" {
		config = config.Clone()
		config.ServerName = host
	}
	return &Conn{Conn: tls.Client(conn, config)}
}

// Server puts conn under TLS as the side that was dialled.
func (k *Keeper) Server(conn net.Conn) *Conn {
	return &Conn{Conn: tls.Server(conn, k.Current().server), server: true}
}

// Handshake agrees on keys and checks the peer's chain; after the first call it
// only gives the first one's error. Set a deadline before.
func (c *Conn) Handshake() error {
	err := c.Conn.Handshake()
	var header tls.RecordHeaderError
	if errors.As(err, &header) && header.Conn != nil { // nothing of TLS has come
		if c.server {
			c.sayTLS(header.Conn)
		}
		return &NotTLSError{Seen: string(header.RecordHeader[:])}
	}
	return explainShake(err)
}

// plainAlert is fatal, protocol_version: what TLS itself says in such a case once
// it has understood anything at all. A peer in the clear sees that it is TLS.
var plainAlert = []byte{21, 3, 1, 0, 2, 2, 70}

// sayTLS is best effort; the connection is over.
func (c *Conn) sayTLS(raw net.Conn) { _, _ = raw.Write(plainAlert) }

// Read is that of tls.Conn, with the refusal of our certificate in words.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.heard.Load() {
		c.heard.Store(true)
	}
	return n, explainAlert(err)
}

// alertWait bounds the look for the reason of a broken write.
const alertWait = 100 * time.Millisecond

// Write is that of tls.Conn. A server that refuses our certificate may be gone
// before our first message; what it said lies there to be read.
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err == nil || c.server || c.heard.Load() || errors.Is(err, net.ErrClosed) {
		return n, explainAlert(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(alertWait))
	var refused *CertificateError
	if _, rerr := c.Read(make([]byte, 1)); errors.As(rerr, &refused) {
		return n, rerr
	}
	return n, err
}

// Close closes the connection below, at once and without a word.
func (c *Conn) Close() error { return c.NetConn().Close() }

// Vouch says whether the peer's certificate stands for the host of a node name.
// Handshake has succeeded.
func (c *Conn) Vouch(name string) error {
	chain := c.ConnectionState().PeerCertificates
	if len(chain) == 0 {
		return &CertificateError{Reason: Missing}
	}
	_, host, _ := strings.Cut(name, "@")
	return checkHost(chain[0], host)
}

// Peer describes the peer's certificate after Handshake, and the version of TLS.
func (c *Conn) Peer() (info Info, version string) {
	s := c.ConnectionState()
	if len(s.PeerCertificates) > 0 {
		leaf := s.PeerCertificates[0]
		info = Info{
			Subject: nameOf(leaf.Subject), Issuer: nameOf(leaf.Issuer), Names: namesOf(leaf),
			NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter,
		}
	}
	return info, tls.VersionName(s.Version)
}

// shakeErrors are texts of the library that have no type.
var shakeErrors = []struct {
	prefix string
	reason Reason
}{
	{"tls: client didn't provide a certificate", Missing},
	{"tls: received empty certificates message", Missing},
	{"tls: invalid signature by the", WrongKey},
}

// explainShake puts the error of a handshake in words of ours.
func explainShake(err error) error {
	if err == nil || errors.Is(err, ErrCertificate) {
		return err
	}
	for _, row := range shakeErrors {
		if strings.HasPrefix(err.Error(), row.prefix) {
			return &CertificateError{Reason: row.reason, Err: err}
		}
	}
	return explainAlert(err)
}

// certAlerts are the alerts by which a peer may mean our certificate.
// handshake_failure is one: OTP sends it where the host is not in it.
var certAlerts = map[uint8]string{
	40: "handshake failure", 42: "bad certificate", 43: "unsupported certificate", 44: "revoked certificate",
	45: "expired certificate", 46: "unknown certificate", 48: "unknown certificate authority", 49: "access denied",
	51: "decrypt error", 116: "certificate required",
}

const (
	alertProtocolVersion      = 70
	alertInsufficientSecurity = 71
)

// explainAlert finds what the peer said in an error of reading or writing.
func explainAlert(err error) error {
	if err == nil {
		return nil
	}
	code, ok := remoteAlert(err)
	switch text, known := certAlerts[code]; {
	case !ok:
		return err
	case known:
		return &CertificateError{Reason: Refused, Alert: text, Err: err}
	case code == alertProtocolVersion, code == alertInsufficientSecurity:
		return fmt.Errorf("%w: %w", ErrVersion, err)
	}
	return err
}

// remoteAlert takes the number out of an alert that came. The library's type for
// it is not exported, but it is a number.
func remoteAlert(err error) (code uint8, ok bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return 0, false
	}
	v := reflect.ValueOf(op.Err)
	if v.Kind() != reflect.Uint8 {
		return 0, false
	}
	return uint8(v.Uint()), true
}
