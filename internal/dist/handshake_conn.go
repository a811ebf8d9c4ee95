package dist

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/liminal-bus/liminal/internal/secure"
)

// The length before each handshake message, in bytes. After the last message the
// framing is the link's.
const (
	headerPlain = 2
	headerTLS   = 4
)

// Dial runs the handshake over conn as the initiator. deadline bounds it as a
// whole; the zero time means SetupTime from now. On success conn stands right
// behind the ack with no deadline set; on an error, always a *HandshakeError,
// conn is closed. A *secure.Conn shakes hands in TLS first, within the same
// deadline, and the peer's certificate has to stand for the name that it gives.
func Dial(conn net.Conn, deadline time.Time, l Local, h InitiatorHooks) (Remote, error) {
	i, err := NewInitiator(l, h)
	if err != nil {
		_ = conn.Close()
		return Remote{}, err
	}
	return drive(conn, deadline, i, i.Name())
}

// Accept runs the handshake over conn as the acceptor, in all else like Dial.
// conn stands right behind the reply: not a byte more has been read.
func Accept(conn net.Conn, deadline time.Time, l Local, h AcceptorHooks) (Remote, error) {
	a, err := NewAcceptor(l, h)
	if err != nil {
		_ = conn.Close()
		return Remote{}, err
	}
	return drive(conn, deadline, a)
}

type machine interface {
	Step(body []byte, waited time.Duration) ([][]byte, bool, error)
	Limit() int
	Stage() Stage
	base() *handshake
}

// drive moves messages between conn and m until m is done.
func drive(conn net.Conn, deadline time.Time, m machine, first ...[]byte) (Remote, error) {
	d := driver{conn: conn, m: m, s: m.base(), header: headerPlain}
	defer d.s.Close()
	if tls, ok := conn.(*secure.Conn); ok {
		d.tls, d.header, d.s.vouch = tls, headerTLS, tls.Vouch
	}
	if a := conn.RemoteAddr(); a != nil && d.s.label == unnamed {
		d.s.label = a.String()
	}
	if deadline.IsZero() {
		deadline = time.Now().Add(SetupTime)
	}
	if err := d.run(deadline, first); err != nil {
		_ = conn.Close()
		return Remote{}, err
	}
	return d.s.remote, nil
}

// driver holds the one buffer that an unproved peer can make us fill.
type driver struct {
	conn   net.Conn
	tls    *secure.Conn // conn, nil in the clear
	header int
	m      machine
	s      *handshake
	sent   time.Time // when our last message was written
	buf    [headerTLS + maxNamed]byte
}

func (d *driver) run(deadline time.Time, first [][]byte) error {
	if err := d.conn.SetDeadline(deadline); err != nil {
		return d.s.fail(StageConnect, ioError(err))
	}
	if err := d.shakeTLS(); err != nil {
		return d.s.fail(StageTLS, ioError(err))
	}
	if err := d.write(first); err != nil {
		return err
	}
	for done := false; !done; {
		var err error
		if done, err = d.turn(); err != nil {
			return err
		}
	}
	if err := d.conn.SetDeadline(time.Time{}); err != nil {
		return d.s.fail(StageAck, ioError(err))
	}
	return nil
}

// shakeTLS goes before the first message. Where the name of the peer is known, its
// certificate is held against it before we say who we are.
func (d *driver) shakeTLS() error {
	if d.tls == nil {
		return nil
	}
	if err := d.tls.Handshake(); err != nil {
		return err
	}
	if want := d.s.want; want != "" {
		return d.tls.Vouch(want)
	}
	return nil
}

// turn reads one message, lets the machine decide, and writes what it says,
// also where that is a refusal.
func (d *driver) turn() (done bool, err error) {
	body, err := d.read()
	if err != nil {
		d.answerTLS(err)
		return false, d.s.fail(stageOf(err, d.m.Stage()), err)
	}
	out, done, err := d.m.Step(body, time.Since(d.sent))
	if werr := d.write(out); err == nil {
		err = werr // a refusal that could not be written is still that refusal
	}
	return done, err
}

// read reads exactly one message: what follows the last one belongs to the
// link, and may lie in the same segment.
func (d *driver) read() ([]byte, error) {
	head := d.buf[:d.header]
	if n, err := io.ReadFull(d.conn, head); err != nil {
		return nil, d.cut(n, err)
	}
	length, limit := uint32(binary.BigEndian.Uint16(head)), d.m.Limit()
	if d.header == headerTLS {
		length = binary.BigEndian.Uint32(head)
	}
	if length > uint32(limit) { // before it becomes an int, which may have 32 bits
		return nil, d.tooLong(head, length, limit)
	}
	body := d.buf[d.header : d.header+int(length)]
	if _, err := io.ReadFull(d.conn, body); err != nil {
		return nil, ioError(unexpected(err))
	}
	return body, nil
}

// cut explains an end of the stream, n bytes into a header. An acceptor that
// holds our digest against another cookie hangs up without a word: that is all
// an initiator ever sees of a wrong cookie.
func (d *driver) cut(n int, err error) error {
	if d.s.state == awaitAck && n == 0 && hungUp(err) {
		return ErrDigest
	}
	return ioError(err)
}

func (d *driver) tooLong(head []byte, n uint32, limit int) error {
	if d.s.state == awaitName || d.s.state == awaitStatus {
		return notDist(head)
	}
	return fmt.Errorf("%w: message of %d bytes, at most %d", ErrProtocol, n, limit)
}

// answerTLS tells a peer that greets us in TLS that this port does not: nothing of
// what follows looks like TLS to it. Best effort, the conn is closed next.
func (d *driver) answerTLS(err error) {
	var strange *NotDistError
	if d.tls == nil && d.s.state == awaitName && errors.As(err, &strange) && strange.Looks == looksTLS {
		_ = d.write([][]byte{statusMessage(statusTexts[StatusNotAllowed])})
	}
}

// stageOf is due, but for what TLS says only after its handshake: that our
// certificate is refused.
func stageOf(err error, due Stage) Stage {
	if errors.Is(err, secure.ErrCertificate) {
		return StageTLS
	}
	return due
}

// unexpected is for an end inside a message, which ReadFull calls io.EOF if it
// came before the first byte of the body.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// write sends messages in one piece, each behind its length.
func (d *driver) write(messages [][]byte) error {
	if len(messages) == 0 {
		return nil
	}
	var b []byte
	for _, m := range messages {
		if d.header == headerTLS {
			b = binary.BigEndian.AppendUint32(b, uint32(len(m)))
		} else {
			b = binary.BigEndian.AppendUint16(b, uint16(len(m)))
		}
		b = append(b, m...)
	}
	// The clock starts before the write: on loopback the answer may be there by
	// the time the write returns.
	d.sent = time.Now()
	if _, err := d.conn.Write(b); err != nil {
		return d.s.fail(stageOf(err, writtenStage(d.s.role, messages)), ioError(err))
	}
	return nil
}

// writtenStage names the last of the messages we write.
func writtenStage(role Role, messages [][]byte) Stage {
	switch tag := messages[len(messages)-1][0]; {
	case tag == tagName && role == RoleInitiator:
		return StageName
	case tag == tagName:
		return StageChallenge
	case tag == tagReply:
		return StageReply
	case tag == tagAck:
		return StageAck
	default:
		return StageStatus
	}
}
