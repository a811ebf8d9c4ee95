package node

import (
	"encoding/binary"

	"github.com/liminal-bus/liminal/internal/bus"
)

// What liminal nodes send has always the same layout, see envelope. It is worth a
// path of its own: nearly all messages come that way, and the reader of a link has
// no more than some hundred nanoseconds for each.

// scan takes bytes from the front of b. Once something was not there, nothing is.
type scan struct {
	b   []byte
	bad bool
}

// word passes over text.
func (s *scan) word(text string) {
	if s.bad || len(s.b) < len(text) || string(s.b[:len(text)]) != text {
		s.bad = true
		return
	}
	s.b = s.b[len(text):]
}

// binary reads BINARY_EXT.
func (s *scan) binary() []byte {
	if s.bad || len(s.b) < 5 || s.b[0] != tagBinary {
		s.bad = true
		return nil
	}
	n := uint64(binary.BigEndian.Uint32(s.b[1:]))
	if uint64(len(s.b)-5) < n {
		s.bad = true
		return nil
	}
	v := s.b[5 : 5+n : 5+n]
	s.b = s.b[5+n:]
	return v
}

// number reads SMALL_INTEGER_EXT, INTEGER_EXT and SMALL_BIG_EXT from 0 to
// 2^63-1.
func (s *scan) number() (v uint64) {
	switch {
	case s.bad:
	case len(s.b) >= 2 && s.b[0] == 97:
		v, s.b = uint64(s.b[1]), s.b[2:]
		return v
	case len(s.b) >= 5 && s.b[0] == 98 && s.b[1] < 0x80:
		v, s.b = uint64(binary.BigEndian.Uint32(s.b[1:])), s.b[5:]
		return v
	case len(s.b) >= 3 && s.b[0] == 110 && s.b[2] == 0:
		return s.big(int(s.b[1]))
	}
	s.bad = true
	return 0
}

// big reads the magnitude of n bytes, the least first.
func (s *scan) big(n int) (v uint64) {
	if n < 1 || n > 8 || len(s.b) < 3+n || n == 8 && s.b[2+n] >= 0x80 {
		s.bad = true
		return 0
	}
	for i := n - 1; i >= 0; i-- {
		v = v<<8 | uint64(s.b[3+i])
	}
	s.b = s.b[3+n:]
	return v
}

// unsealFast reads a message that has exactly the layout of envelope.seal, and
// says whether it had. It understands nothing else, and what it understands as
// unsealOurs would.
func (n *Node) unsealFast(in *bus.Incoming, msg []byte) bool {
	s := scan{b: msg}
	s.word("\x68\x04\x77\x07liminal")
	s.binary()
	payload := s.binary()
	s.word("\x74\x00\x00\x00\x04\x77\x04from")
	from := s.binary()
	s.word("\x77\x02id")
	id := s.binary()
	s.word("\x77\x02at")
	at := s.number()
	s.word("\x77\x03seq")
	seq := s.number()
	if s.bad {
		return false
	}
	if string(from) != in.From {
		n.counts.fromForged.Add(1) // see readMetaValue
	}
	in.Payload, in.ID, in.At, in.Seq = payload, id[:min(len(id), maxMessageID)], int64(at), seq
	return true
}
