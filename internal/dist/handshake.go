package dist

import (
	"errors"
	"fmt"
	"time"
)

// The handshake, version 6, as a short play (OTP distribution protocol,
// handshake; dist_util.erl). The acceptor is the one asked last and answers
// last, so it is the initiator who proves the cookie first.
//
//	initiator                          acceptor
//	name: flags, creation, name  ->
//	                             <-    status: ok, or why not
//	[status: true or false]      ->        only after alive
//	                             <-    challenge: flags, number, creation, name
//	reply: number, digest        ->        wrong: hangs up without a word
//	                             <-    ack: digest
//
// Initiator and Acceptor are the two parts as closed state machines without
// any I/O: a message comes in, messages to write come out. Dial and Accept
// drive them over a conn. In each state one tag alone is let in, and the only
// rows of the tables that lead to the end check a digest first.
//
// Under TLS the handshake of TLS comes first, and each name is held against the
// certificate of who gives it.
//
// Two points where this departs from what OTP does. A peer that asks for a
// dynamic name (NAME_ME) sends a host in place of a name; it is told
// not_allowed before its name is looked at. A name message with our own name
// and our own creation can only come from this very process: it gets ok and
// the challenge, so that the dialling half learns that it has met itself, and
// ends there; our name with any other creation is not_allowed.

// SetupTime is how long a handshake may take in all. OTP starts its seven
// seconds again at every step, so a peer that drips bytes keeps it waiting.
const SetupTime = 7 * time.Second

// Local is this node as it shows itself in handshakes.
type Local struct {
	Name       string      // full, as CheckName wants it
	Creation   uint32      // see NewCreation
	Flags      Flags       // see Offer
	Cookie     Cookie      // our own, not empty: what an initiator proves unless its hooks say otherwise
	Accept     []Cookie    // taken as well from whoever dials us, fewer than MaxCookies
	Challenges *Challenges // the node's own set, not nil
}

func (l Local) check() error {
	if err := CheckName(l.Name); err != nil {
		return fmt.Errorf("local name: %w", err)
	}
	if err := l.checkCookies(); err != nil {
		return err
	}
	if l.Challenges == nil {
		return errors.New("local challenges: none")
	}
	return nil
}

// Hello is what a peer says of itself before it has proved anything.
type Hello struct {
	Name     string // valid by CheckName
	Creation uint32
	Flags    Flags // as offered, expanded
}

// Remote is the peer at the end of a good handshake.
type Remote struct {
	Name     string
	Creation uint32
	Flags    Flags         // as offered, expanded
	Agreed   Flags         // ours and theirs, both expanded
	RTT      time.Duration // from writing our last question to its answer read
	Cookie   int           // which both proved: 0 is Local.Cookie, n the n-th of Local.Accept
}

// Status is the acceptor's answer to a name.
type Status uint8

// The statuses. Their texts are those of the protocol.
const (
	StatusNotAllowed     Status = iota // refused
	StatusOK                           // go on
	StatusOKSimultaneous               // go on; the acceptor has given up its own attempt
	StatusNOK                          // stop; the acceptor's own attempt wins
	StatusAlive                        // a connection under this name is up; does the initiator mean it?
)

var statusTexts = [...]string{
	StatusNotAllowed:     "not_allowed",
	StatusOK:             "ok",
	StatusOKSimultaneous: "ok_simultaneous",
	StatusNOK:            "nok",
	StatusAlive:          "alive",
}

func (s Status) String() string {
	if int(s) < len(statusTexts) {
		return statusTexts[s]
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// Answers of the initiator to alive.
const (
	answerTrue  = "true"
	answerFalse = "false"
)

// InitiatorHooks are the initiator's questions to the connection table. They
// run on the goroutine of Dial, under its deadline. Any may be nil.
type InitiatorHooks struct {
	// Want is the exact name dialled, "" where it is not known: then any valid
	// name is learned.
	Want string
	// Alive answers status alive: true goes on and replaces the peer's old
	// connection, false gives up with ErrAlive. Nil is true.
	Alive func() bool
	// Learned is given what the challenge said, before it is answered. An
	// error ends the handshake with that error: a link that exists, a
	// simultaneous connect that was lost. Nothing in it is proved yet.
	Learned func(Hello) error
	// Cookie chooses which cookie is proved to that peer, counted as
	// Remote.Cookie is. It is called right before our digest goes out. Nil is 0.
	Cookie func(Hello) int
	// Heard is told of each message that came in its place and has its form, in
	// order and before it is judged: the text of a status, "" with the others.
	Heard func(stage Stage, text string)
}

// AcceptorHooks are the acceptor's questions to the connection table. They run
// on the goroutine of Accept, under its deadline. Any may be nil.
type AcceptorHooks struct {
	// Admit judges a peer whose name and flags are in order and whose name is
	// not ours. Nothing in Hello is proved, so no link may be dropped for it;
	// answer StatusAlive instead. Nil is StatusOK.
	Admit func(Hello) Status
	// Established is called once the digest has been checked and before the
	// ack is written; here the table replaces an old link. An error ends the
	// handshake without an ack, which the initiator cannot tell from a wrong
	// cookie. Writing the ack may still fail after it.
	Established func(Remote) error
}
