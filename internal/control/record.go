package control

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// Records of a subscription with format frames; doc.go has their layout. Other
// kinds than these are passed over.
const (
	recordBytes  = 1 // a message
	recordErlang = 2 // a message whose payload is the text of an Erlang term
	recordError  = 3 // why the stream is about to be cut
)

const (
	recordHead = 1 + 3*8 + 3*4
	maxRecord  = 1 << 28 // bytes; more is taken for another protocol
	noTime     = math.MinInt64
)

// AppendFrame appends payload as one frame of a body with framing frames: its
// length as 4 bytes, big endian, and itself. It is at most 4 GiB - 1 long.
func AppendFrame(dst, payload []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(payload)))
	return append(dst, payload...)
}

func appendRecord(dst []byte, m *Message) []byte {
	kind, at := byte(recordBytes), int64(noTime)
	if m.Encoding == EncodingErlang {
		kind = recordErlang
	}
	if !m.Time.IsZero() {
		at = m.Time.UnixMicro()
	}
	size := recordHead + len(m.Channel) + len(m.From) + len(m.ID) + len(m.Payload)
	dst = binary.BigEndian.AppendUint32(dst, uint32(size))
	dst = append(dst, kind)
	dst = binary.BigEndian.AppendUint64(dst, uint64(at))
	dst = binary.BigEndian.AppendUint64(dst, m.Seq)
	dst = binary.BigEndian.AppendUint64(dst, m.Lost)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(m.Channel)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(m.From)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(m.ID)))
	dst = append(dst, m.Channel...)
	dst = append(dst, m.From...)
	dst = append(dst, m.ID...)
	return append(dst, m.Payload...)
}

func appendErrorRecord(dst []byte, e *Error) []byte {
	text, err := json.Marshal(e)
	if err != nil { // strings and an int always marshal
		text = []byte("{}")
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(1+len(text)))
	return append(append(dst, recordError), text...)
}

// names makes lasting strings of what a stream repeats and of what it does not,
// without an allocation for each.
type names struct {
	known map[string]string
	slab  strings.Builder // text of the ids; what it gave never changes
}

const (
	maxNames = 4096 // then they are collected anew: a cluster has fewer nodes
	slabSize = 4096
)

// repeated gives b as a string, the same one as the last time. last is a guess.
func (t *names) repeated(b []byte, last string) string {
	if string(b) == last {
		return last
	}
	if s, ok := t.known[string(b)]; ok {
		return s
	}
	if t.known == nil || len(t.known) >= maxNames {
		t.known = map[string]string{}
	}
	s := string(b)
	t.known[s] = s
	return s
}

// once gives b as a string in a slab with others.
func (t *names) once(b []byte) string {
	if len(b) > slabSize/8 {
		return string(b)
	}
	if t.slab.Cap()-t.slab.Len() < len(b) {
		t.slab = strings.Builder{}
		t.slab.Grow(slabSize)
	}
	from := t.slab.Len()
	t.slab.Write(b)
	return t.slab.String()[from:]
}

// decode reads a message record, without its length, into m. The payload stays
// where it is in rec.
func (t *names) decode(rec []byte, m *Message) error {
	if len(rec) < recordHead {
		return fmt.Errorf("record: %d bytes, its head has %d", len(rec), recordHead)
	}
	channel := uint64(binary.BigEndian.Uint32(rec[25:]))
	from := channel + uint64(binary.BigEndian.Uint32(rec[29:]))
	id := from + uint64(binary.BigEndian.Uint32(rec[33:]))
	text := rec[recordHead:]
	if id > uint64(len(text)) {
		return fmt.Errorf("record: names of %d bytes in %d", id, len(text))
	}
	m.Time = time.Time{}
	if at := int64(binary.BigEndian.Uint64(rec[1:])); at != noTime {
		m.Time = time.UnixMicro(at).UTC()
	}
	m.Seq, m.Lost = binary.BigEndian.Uint64(rec[9:]), binary.BigEndian.Uint64(rec[17:])
	m.Channel = t.repeated(text[:channel], m.Channel)
	m.From = t.repeated(text[channel:from], m.From)
	m.ID = t.once(text[from:id])
	m.Payload, m.Encoding = text[id:], ""
	if rec[0] == recordErlang {
		m.Encoding = EncodingErlang
	}
	return nil
}
