package node

import (
	"errors"
	"net/netip"

	"github.com/liminal-bus/liminal/internal/discovery"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/epmd"
	"github.com/liminal-bus/liminal/internal/links"
	"github.com/liminal-bus/liminal/internal/secure"
)

// causes puts the errors of the packages below in the words of this one. The
// first row that fits decides.
var causes = []struct {
	is    error
	cause error
	stage string
}{
	{ErrNameMode, ErrNameMode, "name"},
	{secure.ErrCertificate, ErrCertificate, "tls"},
	{secure.ErrNotTLS, ErrNotTLS, "tls"},
	{secure.ErrVersion, ErrTLSVersion, "tls"},
	{links.ErrHeld, ErrHeld, "name"},
	{links.ErrFull, ErrFull, "name"},
	{links.ErrTaken, ErrDuplicate, "status"},
	{links.ErrForgotten, ErrForgotten, "challenge"},
	{links.ErrDuplicate, ErrTwins, "challenge"},
	{dist.ErrAlive, ErrDuplicate, "status"},
	{discovery.ErrNoHost, ErrNoHost, "resolve"},
	{discovery.ErrNoPort, ErrNoPort, "resolve"},
	{epmd.ErrNoSuchName, ErrNoSuchName, "epmd"},
	{epmd.ErrNoEPMD, ErrEPMDRemote, "epmd"},
	{epmd.ErrBadReply, ErrNotEPMD, "epmd"},
	{dist.ErrCookie, ErrCookie, "ack"},
	{dist.ErrSameName, ErrDuplicate, "status"},
	{dist.ErrNotAllowed, ErrRefused, "status"},
	{dist.ErrTooOld, ErrTooOld, "challenge"},
	{dist.ErrSelf, ErrSelf, "challenge"},
	{dist.ErrWrongName, ErrWrongName, "challenge"},
	{dist.ErrNotDist, ErrNotDist, "status"},
	{dist.ErrTimeout, ErrTimeout, ""},
}

// dialError explains err, nil stays nil.
func (n *Node) dialError(t discovery.Target, at netip.AddrPort, err error) error {
	return explainDial(t.Address.String(), at, err, n.vet)
}

// explainDial is dialError for whoever dialled; vet judges the name that another
// node gave.
func explainDial(address string, at netip.AddrPort, err error, vet func(name string) error) error {
	if err == nil {
		return nil
	}
	e := &DialError{Address: address, Err: err}
	if at.IsValid() {
		e.Endpoint = at.String()
	}
	var shake *dist.HandshakeError
	if errors.As(err, &shake) {
		e.Stage, e.Peer = string(shake.Stage), shake.Peer
		err = shake.Err
	}
	var other *dist.WrongNameError
	if errors.As(err, &other) {
		e.Peer = other.Got
		if mode := vet(other.Got); mode != nil {
			err = mode // the same node, but its name has the other form
		}
	}
	var strange *dist.NotDistError
	if errors.As(err, &strange) {
		e.Looks = strange.Looks
	}
	var connect *links.ConnectError
	if errors.As(err, &connect) {
		e.Stage, e.Err = "connect", &causeError{ErrUnreachable, connect.Err}
		return e
	}
	for _, c := range causes {
		if errors.Is(err, c.is) {
			e.explain(c.cause, c.stage, err)
			break
		}
	}
	return e
}

func (e *DialError) explain(cause error, stage string, err error) {
	e.Err = &causeError{cause, err}
	if cause == err {
		e.Err = err
	}
	if e.Stage == "" {
		e.Stage = stage
	}
}

// brief is an error of a dial in a few words: what the system said of a
// connect, else the cause.
func brief(err error) string {
	if err == nil {
		return ""
	}
	var bad *CertificateError
	if errors.As(err, &bad) {
		return bad.Error()
	}
	var known *causeError
	if errors.As(err, &known) && known.cause != ErrUnreachable {
		return known.cause.Error()
	}
	return discovery.Cause(err)
}
