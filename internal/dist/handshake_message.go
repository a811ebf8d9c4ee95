package dist

import (
	"encoding/binary"
	"fmt"
)

// Tags of the messages of handshake version 6. tagName heads the name message
// and the challenge alike.
const (
	tagName    = 'N'
	tagOldName = 'n' // version 5, see oldName
	tagStatus  = 's'
	tagReply   = 'r'
	tagAck     = 'a'
)

// Limits of a message, in bytes after the length. OTP has none of its own for
// the name message; 1,100 leaves room for what a later release may add.
const (
	maxNamed = 1100
	maxPlain = 64
)

// Sizes of the fixed parts, tag included.
const (
	nameHead      = 1 + 8 + 4 + 2     // tag, flags, creation, length of the name
	challengeHead = 1 + 8 + 4 + 4 + 2 // tag, flags, challenge, creation, length of the name
	replySize     = 1 + 4 + digestSize
	ackSize       = 1 + digestSize
)

// greeting is a name message or a challenge, taken apart. The name is still
// raw: a slice of the message, checked by nobody.
type greeting struct {
	flags     Flags // as on the wire
	challenge uint32
	creation  uint32
	name      []byte
}

func (g greeting) hello() Hello {
	return Hello{Name: string(g.name), Creation: g.creation, Flags: g.flags.Expand()}
}

func parseName(body []byte) (greeting, error) {
	if len(body) < nameHead {
		return greeting{}, badLength("name message", len(body), nameHead)
	}
	g := greeting{
		flags:    Flags(binary.BigEndian.Uint64(body[1:])),
		creation: binary.BigEndian.Uint32(body[9:]),
	}
	var err error
	g.name, err = cutName(body, nameHead)
	return g, err
}

func parseChallenge(body []byte) (greeting, error) {
	if len(body) < challengeHead {
		return greeting{}, badLength("challenge", len(body), challengeHead)
	}
	g := greeting{
		flags:     Flags(binary.BigEndian.Uint64(body[1:])),
		challenge: binary.BigEndian.Uint32(body[9:]),
		creation:  binary.BigEndian.Uint32(body[13:]),
	}
	var err error
	g.name, err = cutName(body, challengeHead)
	return g, err
}

// cutName takes the name whose length stands before head. What follows it is
// for later versions of the protocol and ignored.
func cutName(body []byte, head int) ([]byte, error) {
	n := int(binary.BigEndian.Uint16(body[head-2:]))
	if rest := len(body) - head; n > rest {
		return nil, fmt.Errorf("%w: name of %d bytes in a message with %d left", ErrProtocol, n, rest)
	}
	return body[head : head+n], nil
}

func parseReply(body []byte) (challenge uint32, digest [digestSize]byte, err error) {
	if len(body) != replySize {
		return 0, digest, badLength("challenge reply", len(body), replySize)
	}
	return binary.BigEndian.Uint32(body[1:]), [digestSize]byte(body[5:]), nil
}

func parseAck(body []byte) (digest [digestSize]byte, err error) {
	if len(body) != ackSize {
		return digest, badLength("challenge ack", len(body), ackSize)
	}
	return [digestSize]byte(body[1:]), nil
}

func badLength(what string, have, want int) error {
	return fmt.Errorf("%w: %s of %d bytes, want %d", ErrProtocol, what, have, want)
}

func nameMessage(l Local) []byte {
	b := make([]byte, 0, nameHead+len(l.Name))
	b = append(b, tagName)
	b = binary.BigEndian.AppendUint64(b, uint64(l.Flags))
	b = binary.BigEndian.AppendUint32(b, l.Creation)
	b = binary.BigEndian.AppendUint16(b, uint16(len(l.Name)))
	return append(b, l.Name...)
}

func challengeMessage(l Local, challenge uint32) []byte {
	b := make([]byte, 0, challengeHead+len(l.Name))
	b = append(b, tagName)
	b = binary.BigEndian.AppendUint64(b, uint64(l.Flags))
	b = binary.BigEndian.AppendUint32(b, challenge)
	b = binary.BigEndian.AppendUint32(b, l.Creation)
	b = binary.BigEndian.AppendUint16(b, uint16(len(l.Name)))
	return append(b, l.Name...)
}

func statusMessage(text string) []byte {
	return append([]byte{tagStatus}, text...)
}

func replyMessage(own uint32, digest [digestSize]byte) []byte {
	b := make([]byte, 0, replySize)
	b = append(b, tagReply)
	b = binary.BigEndian.AppendUint32(b, own)
	return append(b, digest[:]...)
}

func ackMessage(digest [digestSize]byte) []byte {
	return append([]byte{tagAck}, digest[:]...)
}
