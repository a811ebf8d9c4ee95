package bus

import (
	"errors"
	"unsafe"
)

var (
	// ErrClosed ends reading: the subscriber was detached, or the bus closed
	// and the queue is empty.
	ErrClosed = errors.New("subscription closed")
	// ErrSlow ends reading under the policy Disconnect: the queue ran over.
	ErrSlow = errors.New("subscriber too slow: its queue ran over")
)

// Policy says what happens to a message when a subscriber's queue is full.
type Policy uint8

const (
	DropOldest Policy = iota // the oldest messages make room
	Block                    // publishers on this node wait
	Disconnect               // the subscriber ends with ErrSlow
)

var policyNames = [...]string{DropOldest: "drop_oldest", Block: "block", Disconnect: "disconnect"}

// String is the policy's name in settings.
func (p Policy) String() string { return nameOf(policyNames[:], int(p)) }

// Encoding says what a payload is.
type Encoding uint8

const (
	Bytes  Encoding = iota // bytes as they were published
	Erlang                 // the text of an Erlang term
)

var encodingNames = [...]string{Bytes: "bytes", Erlang: "erlang"}

// String is the encoding's name in JSON.
func (e Encoding) String() string { return nameOf(encodingNames[:], int(e)) }

func nameOf(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return "unknown"
}

// Message is one message as a subscriber gets it. Payload shares its memory
// with other subscribers: it never changes, and its reader must not write to it.
type Message struct {
	Channel  string
	From     string // the publisher's node
	ID       string
	Seq      uint64 // the publisher's count on the channel, from 1
	At       int64  // microseconds since the epoch, as the publisher said
	Encoding Encoding
	Payload  []byte // nil if it is empty
	Lost     uint64 // messages this subscriber lost right before this one, of any channel
}

// Incoming is a message on its way in. ID and Payload are the caller's and are
// copied; From is kept as it is and must not share memory that is reused.
type Incoming struct {
	From        string
	ID, Payload []byte // the ID is shorter than 4 GiB
	Seq         uint64
	At          int64 // microseconds since the epoch
	Encoding    Encoding
}

// Took is what became of one delivery. Subscribers are those it was offered
// to. Dropped counts the messages thrown out to make room, those of a
// subscriber that was disconnected, and this one where it was not taken.
type Took struct{ Subscribers, Enqueued, Dropped int }

// entry is a message in a queue.
type entry struct {
	ch   *Channel
	from string
	data string // ID, then payload: text, because slabs never change once written
	seq  uint64
	at   int64
	lost uint64 // right before this one
	id   uint32 // bytes of data that are the ID
	enc  Encoding
}

func (e *entry) message() Message {
	return Message{
		Channel: e.ch.name, From: e.from, ID: e.data[:e.id],
		Seq: e.seq, At: e.at, Encoding: e.enc, Payload: e.payload(), Lost: e.lost,
	}
}

func (e *entry) payload() []byte {
	p := e.data[e.id:]
	if p == "" {
		return nil
	}
	return unsafe.Slice(unsafe.StringData(p), len(p))
}
