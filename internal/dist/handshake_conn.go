package dist

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// headerSize is the length before each handshake message on a plain conn.
// After the last message the framing is the link's.
const headerSize = 2

// Dial runs the handshake over conn as the initiator. deadline bounds it as a
// whole; the zero time means SetupTime from now. On success conn stands right
// behind the ack with no deadline set; on an error, always a *HandshakeError,
// conn is closed.
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
	d := driver{conn: conn, m: m, s: m.base()}
	defer d.s.Close()
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
	conn net.Conn
	m    machine
	s    *handshake
	sent time.Time // when our last message was written
	buf  [headerSize + maxNamed]byte
}

func (d *driver) run(deadline time.Time, first [][]byte) error {
	if err := d.conn.SetDeadline(deadline); err != nil {
		return d.s.fail(StageConnect, ioError(err))
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

// turn reads one message, lets the machine decide, and writes what it says,
// also where that is a refusal.
func (d *driver) turn() (done bool, err error) {
	body, err := d.read()
	if err != nil {
		return false, d.s.fail(d.m.Stage(), err)
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
	head := d.buf[:headerSize]
	if n, err := io.ReadFull(d.conn, head); err != nil {
		return nil, d.cut(n, err)
	}
	n := int(binary.BigEndian.Uint16(head))
	if limit := d.m.Limit(); n > limit {
		return nil, d.tooLong(head, n, limit)
	}
	body := d.buf[headerSize : headerSize+n]
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

func (d *driver) tooLong(head []byte, n, limit int) error {
	if d.s.state == awaitName || d.s.state == awaitStatus {
		return notDist(head)
	}
	return fmt.Errorf("%w: message of %d bytes, at most %d", ErrProtocol, n, limit)
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
		b = binary.BigEndian.AppendUint16(b, uint16(len(m)))
		b = append(b, m...)
	}
	// The clock starts before the write: on loopback the answer may be there by
	// the time the write returns.
	d.sent = time.Now()
	if _, err := d.conn.Write(b); err != nil {
		return d.s.fail(writtenStage(d.s.role, messages), ioError(err))
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
