package node

import (
	"errors"
	"fmt"
	"strings"

	"github.com/liminal-bus/liminal/internal/secure"
)

// The causes that callers may want to tell apart. They come wrapped; use
// errors.Is. Join and Start say more through *DialError.
var (
	ErrClusterJoin = errors.New("no configured seed node was reachable")
	ErrBadName     = errors.New("not a node name")
	ErrBadAddress  = errors.New("not an address")
	ErrNoCookie    = errors.New("no cookie")
	ErrPortInUse   = errors.New("address already in use")
	ErrNameInUse   = errors.New("the name is taken on this machine") // epmd has it
	ErrNoEPMD      = errors.New("no epmd answers")
	ErrClosed      = errors.New("node is closed")
	ErrCookie      = errors.New("the cookies differ")
	ErrRefused     = errors.New("it does not allow us")                // status not_allowed
	ErrDuplicate   = errors.New("it already has a node of our name")   // status not_allowed from a node of the same name, or alive
	ErrTooOld      = errors.New("its handshake lacks flags of OTP 25") // version
	ErrNameMode    = errors.New("one name is short, the other long")
	ErrWrongName   = errors.New("another node answers there")
	ErrSelf        = errors.New("that is this node itself")
	ErrNoHost      = errors.New("no address for that host")
	ErrNoSuchName  = errors.New("its epmd does not know that name")
	ErrNoPort      = errors.New("nothing here knows where it listens") // and epmd is not asked
	ErrEPMDRemote  = errors.New("its epmd gave no answer")
	ErrNotEPMD     = errors.New("something else than epmd answers there")
	ErrUnreachable = errors.New("cannot connect")
	ErrTimeout     = errors.New("no answer in time")
	ErrNotTLS      = errors.New("it does not speak TLS, and this node does")
	ErrTLSVersion  = errors.New("no version of TLS in common")
	ErrCertificate = secure.ErrCertificate // of every *CertificateError
	ErrNotDist     = errors.New("that is not an Erlang distribution port")
	ErrBadChannel  = errors.New("not a channel")
	ErrTooMany     = errors.New("this node has joined as many channels as it can")
	ErrTooLarge    = errors.New("the message is too large") // Config.MaxMessage
	ErrUp          = errors.New("the peer is up")
	ErrUnknownPeer = errors.New("no peer or address of that name is known")
	ErrAmbiguous   = errors.New("several peers have that name")
	ErrForgotten   = errors.New("it was forgotten meanwhile")
	ErrSlow        = errors.New("the subscription was too slow")
	ErrLooks       = errors.New("no name is free to look under") // LookSlots are in use
	ErrSeen        = errors.New("probably a target that is looked at already")
	ErrTwins       = errors.New("several nodes run under its name") // the one that is up stays for a minute
	ErrFull        = errors.New("this node has all the peers it may have")
	ErrHeld        = errors.New("it sent more than a peer may, and is not let in for a minute")
)

// DialError says how dialling one address failed.
type DialError struct {
	Address  string   // as configured or typed
	Endpoint string   // IP:PORT, once known
	Peer     string   // the name it gave, once known
	Stage    string   // resolve, epmd, connect, tls, name, status, challenge, ack
	Known    []string // with ErrNoSuchName: the names that the host's epmd does know
	Looks    string   // with ErrNotDist: what it speaks, "TLS" for one, if that is known
	Err      error    // wraps one of the causes above and the detail
}

func (e *DialError) Error() string {
	at := e.Address
	if e.Endpoint != "" && e.Endpoint != e.Address {
		at = fmt.Sprintf("%s at %s", e.Address, e.Endpoint)
	}
	return fmt.Sprintf("cannot join %s: %v", at, e.Err)
}

// Unwrap gives the cause.
func (e *DialError) Unwrap() error { return e.Err }

// NameInUseError is the ErrNameInUse of Start.
type NameInUseError struct {
	Name string // without host
	Port int    // that epmd has it for; 0 if it would not say
}

func (e *NameInUseError) Error() string {
	return fmt.Sprintf("%v: %q, port %d", ErrNameInUse, e.Name, e.Port)
}

// Unwrap gives ErrNameInUse.
func (e *NameInUseError) Unwrap() error { return ErrNameInUse }

// causeError joins one of the causes above to the error that showed it, and
// reads as both.
type causeError struct {
	cause  error
	detail error
}

func (e *causeError) Error() string {
	detail := e.detail.Error()
	if strings.HasPrefix(detail, e.cause.Error()) {
		return detail // it says so itself
	}
	return e.cause.Error() + ": " + detail
}

func (e *causeError) Unwrap() []error { return []error{e.cause, e.detail} }
