package dist

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// Causes of a failed handshake, for errors.Is. They come inside a
// *HandshakeError, which says at which stage and with whom.
var (
	ErrCookie     = errors.New("the cookies differ")                                // a wrong digest, or the peer hung up on ours
	ErrNotAllowed = errors.New("not allowed")                                       // status not_allowed, sent or received
	ErrNOK        = errors.New("the acceptor's own attempt wins")                   // status nok, sent or received
	ErrAlive      = errors.New("a connection under that name is still up")          // status alive, answered with false
	ErrTooOld     = errors.New("mandatory flags are missing")                       // as *TooOldError
	ErrName       = errors.New("not a node name")                                   // the peer's name, or Local.Name
	ErrWrongName  = errors.New("another node answered than the one dialled")        //
	ErrSelf       = errors.New("that is this node itself")                          // our name and our creation
	ErrSameName   = errors.New("the peer has the name of this node")                // our name, another creation
	ErrReflection = errors.New("the peer sent a challenge of our own back")         //
	ErrProtocol   = errors.New("handshake protocol violated")                       // a message out of place or out of form
	ErrNotDist    = errors.New("the peer does not speak the distribution protocol") // as *NotDistError
	ErrTimeout    = errors.New("no answer in time")                                 // the total deadline passed
	ErrClosed     = errors.New("connection closed")                                 // by the peer, or on our side by another goroutine
)

// ErrDigest is the ErrCookie of an initiator whose digest the peer hung up on.
// Another cookie may do better. Where a peer takes ours and does not prove it
// itself, none would: that is ErrCookie alone.
var ErrDigest = fmt.Errorf("%w: it hung up on our digest, probably a wrong cookie", ErrCookie)

// Role says which side of a handshake this node is.
type Role string

// The two roles.
const (
	RoleInitiator Role = "initiator"
	RoleAcceptor  Role = "acceptor"
)

// Stage names the message that was due when a handshake failed.
type Stage string

// The stages in their order. StageConnect comes before any message and is for
// whoever dials; at StageTLS the errors are those of package secure.
const (
	StageConnect   Stage = "connect"
	StageTLS       Stage = "tls"
	StageName      Stage = "name"
	StageStatus    Stage = "status"
	StageChallenge Stage = "challenge"
	StageReply     Stage = "reply"
	StageAck       Stage = "ack"
)

// HandshakeError says where a handshake failed.
type HandshakeError struct {
	Role  Role   // ours
	Stage Stage  // the message that was read, awaited or written
	Peer  string // its name as dialled or claimed, else its address
	Err   error  // wraps one of the causes, or is what a hook returned
}

func (e *HandshakeError) Error() string {
	return fmt.Sprintf("handshake as %s with %s, %s: %v", e.Role, e.Peer, e.Stage, e.Err)
}

// Unwrap returns the cause.
func (e *HandshakeError) Unwrap() error { return e.Err }

// WrongNameError names who answered in place of the node that was dialled.
type WrongNameError struct{ Want, Got string }

func (e *WrongNameError) Error() string { return fmt.Sprintf("%v: %s", ErrWrongName, e.Got) }

// Unwrap returns ErrWrongName.
func (e *WrongNameError) Unwrap() error { return ErrWrongName }

// TooOldError names the flags for want of which a peer was refused.
type TooOldError struct {
	Missing []string // names as in Flags.Names
}

func (e *TooOldError) Error() string {
	return fmt.Sprintf("%v: %s", ErrTooOld, strings.Join(e.Missing, ", "))
}

// Unwrap returns ErrTooOld.
func (e *TooOldError) Unwrap() error { return ErrTooOld }

// NotDistError holds the first bytes of a peer that speaks something else.
type NotDistError struct {
	Seen  string // first bytes, at most 16
	Looks string // "TLS", "HTTP", ...; empty if unknown
}

func (e *NotDistError) Error() string {
	if e.Looks == "" {
		return fmt.Sprintf("%v: it began with %+q", ErrNotDist, e.Seen)
	}
	return fmt.Sprintf("%v: it began with %+q, which looks like %s", ErrNotDist, e.Seen, e.Looks)
}

// Unwrap returns ErrNotDist.
func (e *NotDistError) Unwrap() error { return ErrNotDist }

const looksTLS = "TLS"

// firstBytes are read as a length by us; all of them are above any limit.
var firstBytes = map[string]string{
	"\x16\x03": looksTLS, "\x15\x03": looksTLS,
	"GE": "HTTP", "HE": "HTTP", "PO": "HTTP", "PU": "HTTP", "DE": "HTTP", "OP": "HTTP",
	"CO": "HTTP", "PA": "HTTP", "HT": "HTTP", "PR": "HTTP/2 or a proxy header",
	"SS": "SSH", "22": "a mail or FTP server", "IN": "NATS", "-E": "Redis",
}

func notDist(seen []byte) error {
	e := &NotDistError{Seen: string(seen[:min(len(seen), 16)])}
	if len(seen) >= headerPlain {
		e.Looks = firstBytes[e.Seen[:headerPlain]]
	}
	return e
}

// ioError sorts what reading or writing a conn gave. Causes keep their place
// in the chain, so that a caller can still tell a reset from an end.
func ioError(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	case hungUp(err), errors.Is(err, io.ErrUnexpectedEOF), closedHere(err):
		return fmt.Errorf("%w: %w", ErrClosed, err)
	default:
		return err
	}
}

// hungUp reports that the peer ended the connection between two messages.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// closedHere reports that our own side closed the conn, as it does with a
// pending handshake that lost its slot.
func closedHere(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}
