package dist

import (
	"errors"
	"fmt"
	"time"
)

// state is what a machine waits for.
type state uint8

const (
	stateEnded       state = iota // failed or closed; lets nothing in
	stateEstablished              // both digests are right; lets nothing in

	awaitStatus // initiator
	awaitChallenge
	awaitAck

	awaitName // acceptor
	awaitAnswer
	awaitReply

	stateCount
)

// states is a set of them.
type states uint16

func stateSet(of ...state) states {
	var s states
	for _, st := range of {
		s |= 1 << st
	}
	return s
}

func (s states) has(st state) bool { return s&(1<<st) != 0 }

// stateRow is all that can happen in one state: the one tag let in, how long its
// message may be, where it may lead, and what to do. A step that fails may
// still return a message to write before the conn is closed.
type stateRow[M any] struct {
	stage Stage
	tag   byte
	limit int
	next  states
	first bool // the peer's first message: junk means it speaks something else
	step  func(m M, body []byte) ([][]byte, state, error)
}

var (
	errOver       = errors.New("the handshake is over")
	errTransition = errors.New("a step led where its row does not")
)

// handshake is what both roles keep. It is not safe for concurrent use.
type handshake struct {
	role   Role
	local  Local
	remote Remote
	label  string // the peer in errors as long as it has no name
	state  state
	waited time.Duration // how long the message at hand took to come
	own    uint32        // our challenge, outstanding while asked
	asked  bool
	want   string                  // the name dialled, "" if that is not known
	vouch  func(name string) error // of the peer's certificate; nil in the clear
}

// unnamed stands for a peer of which nothing is known.
const unnamed = "a peer"

// newHandshake is the one gate for a Local that would make the proof worthless.
func newHandshake(role Role, l Local, st state) (handshake, error) {
	s := handshake{role: role, local: l, label: unnamed, state: st}
	if err := l.check(); err != nil {
		s.state = stateEnded
		return s, s.fail(StageConnect, err)
	}
	return s, nil
}

// advance takes one message through the table of a role. done is true once,
// when the peer has proved the cookie; any error ends the machine for good.
func advance[M any](s *handshake, rows *[stateCount]stateRow[M], m M, body []byte, waited time.Duration) (out [][]byte, done bool, err error) {
	r := rows[s.state]
	if r.step == nil {
		return nil, false, s.fail(StageAck, fmt.Errorf("%w: %w", ErrProtocol, errOver))
	}
	s.waited = waited
	next := stateEnded
	if err = r.admit(body); err == nil {
		out, next, err = r.step(m, body)
	}
	if err == nil && !r.next.has(next) {
		err = fmt.Errorf("%w: %w", ErrProtocol, errTransition)
	}
	if err != nil {
		s.end(stateEnded)
		return out, false, s.fail(r.stage, err)
	}
	s.state = next
	if next == stateEstablished {
		s.end(stateEstablished)
	}
	return out, next == stateEstablished, nil
}

// admit holds a message against the row's limit and tag.
func (r *stateRow[M]) admit(body []byte) error {
	if len(body) > r.limit {
		return fmt.Errorf("%w: message of %d bytes, at most %d", ErrProtocol, len(body), r.limit)
	}
	if len(body) > 0 && body[0] == r.tag {
		return nil
	}
	if r.first && r.tag == tagName {
		return strangeName(body)
	}
	if r.first {
		return notDist(body)
	}
	return fmt.Errorf("%w: message begins with %+q, want %q", ErrProtocol, body[:min(len(body), 1)], r.tag)
}

// strangeName says what came in place of a name message.
func strangeName(body []byte) error {
	if oldName(body) {
		return fmt.Errorf("%w: name message in the form of before OTP 23", ErrTooOld)
	}
	e := &NotDistError{Seen: string(body[:min(len(body), 16)])}
	if len(body) > 0 && (body[0] == 'x' || body[0] == 'z' || body[0] == 'n' || body[0] == 'd') {
		e.Looks = "a request to epmd"
	}
	return e
}

// oldName reports the name message of handshake version 5. OTP 23 and 24 send
// it where they have no epmd; like OTP 25.2 we hang up on it.
func oldName(body []byte) bool {
	return len(body) >= 7 && body[0] == tagOldName && body[1] == 0 && body[2] == 5
}

// ask draws our challenge. It is outstanding until the machine ends.
func (s *handshake) ask() uint32 {
	s.own, s.asked = s.local.Challenges.New(), true
	return s.own
}

// learn checks and keeps what the peer says of itself.
func (s *handshake) learn(h Hello) {
	s.remote = Remote{Name: h.Name, Creation: h.Creation, Flags: h.Flags, Agreed: s.local.Flags.Expand() & h.Flags}
}

// vouched asks the peer's certificate whether it stands for the name that the peer
// gives.
func (s *handshake) vouched(name string) error {
	if s.vouch == nil {
		return nil
	}
	return s.vouch(name)
}

// meetsSelf reports a peer with our name, which must never become a link.
func (s *handshake) meetsSelf(h Hello) error {
	switch {
	case h.Name != s.local.Name:
		return nil
	case h.Creation == s.local.Creation:
		return ErrSelf
	default:
		return ErrSameName
	}
}

// end stops the machine and lets its challenge go. Safe to call again.
func (s *handshake) end(st state) {
	if s.asked {
		s.local.Challenges.Release(s.own)
		s.asked = false
	}
	s.state = st
}

// Close ends a handshake that will not go on and releases its challenge. It
// does nothing after the end.
func (s *handshake) Close() {
	if s.state != stateEstablished {
		s.end(stateEnded)
	}
}

// Remote is the peer; complete only when Step has reported done.
func (s *handshake) Remote() Remote { return s.remote }

func (s *handshake) fail(stage Stage, err error) error {
	peer := s.remote.Name
	if peer == "" {
		peer = s.label
	}
	return &HandshakeError{Role: s.role, Stage: stage, Peer: peer, Err: err}
}

func (s *handshake) base() *handshake { return s }
