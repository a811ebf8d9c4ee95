package dist

import (
	"fmt"
	"time"
)

// Acceptor is the listening side of one handshake, without I/O. Give Step each
// message that comes, until it is done or fails; Close it if it is dropped
// before that. Accept does all this over a conn.
type Acceptor struct {
	handshake
	hooks AcceptorHooks
}

// acceptorRows is all an acceptor ever does. Only awaitReply leads to the end.
var acceptorRows = [stateCount]stateRow[*Acceptor]{
	awaitName:   {StageName, tagName, maxNamed, stateSet(awaitAnswer, awaitReply), true, (*Acceptor).onName},
	awaitAnswer: {StageStatus, tagStatus, maxPlain, stateSet(awaitReply), false, (*Acceptor).onAnswer},
	awaitReply:  {StageReply, tagReply, maxPlain, stateSet(stateEstablished), false, (*Acceptor).onReply},
}

// NewAcceptor starts a handshake as l. It fails if l is not usable.
func NewAcceptor(l Local, h AcceptorHooks) (*Acceptor, error) {
	s, err := newHandshake(RoleAcceptor, l, awaitName)
	if err != nil {
		return nil, err
	}
	return &Acceptor{handshake: s, hooks: h}, nil
}

// Step takes the next message, without its length, and returns those to write
// in answer, also without. waited is the time since our last message was
// written. Messages that come with an error are to be written before the conn
// is closed.
func (a *Acceptor) Step(body []byte, waited time.Duration) (out [][]byte, done bool, err error) {
	return advance(&a.handshake, &acceptorRows, a, body, waited)
}

// Limit is the longest message that the present state lets in, in bytes.
func (a *Acceptor) Limit() int { return acceptorRows[a.state].limit }

// Stage is the message that the present state waits for, "" after the end.
func (a *Acceptor) Stage() Stage { return acceptorRows[a.state].stage }

func (a *Acceptor) onName(body []byte) ([][]byte, state, error) {
	g, err := parseName(body)
	if err != nil {
		return nil, stateEnded, err
	}
	if g.flags.Has(FlagNameMe) {
		return notAllowed(fmt.Errorf("%w: it asks for a dynamic name", ErrName))
	}
	if !nameForm(g.name) { // no status: OTP hangs up on it too
		return nil, stateEnded, fmt.Errorf("%w: %s is not NAME@HOST", ErrName, quoteText(string(g.name)))
	}
	if err := CheckName(string(g.name)); err != nil {
		return notAllowed(err)
	}
	h := g.hello()
	a.learn(h)
	if err := a.vouched(h.Name); err != nil {
		return notAllowed(err)
	}
	if missing := h.Flags.Missing(); missing != nil {
		return notAllowed(&TooOldError{Missing: missing})
	}
	return a.welcome(h)
}

// notAllowed answers not_allowed and ends with why.
func notAllowed(why error) ([][]byte, state, error) {
	return [][]byte{statusMessage(statusTexts[StatusNotAllowed])}, stateEnded, why
}

func (a *Acceptor) welcome(h Hello) ([][]byte, state, error) {
	switch err := a.meetsSelf(h); err {
	case nil:
		return a.answer(a.admit(h))
	case ErrSelf: // challenged, so that our dialling half sees its own name
		out := [][]byte{statusMessage(statusTexts[StatusOK]), a.challenge()}
		return out, stateEnded, err
	default:
		return notAllowed(err)
	}
}

func (a *Acceptor) admit(h Hello) Status {
	if a.hooks.Admit == nil {
		return StatusOK
	}
	return a.hooks.Admit(h)
}

// answer writes the status and goes where it leads. A value that is no status
// refuses.
func (a *Acceptor) answer(s Status) ([][]byte, state, error) {
	switch s {
	case StatusOK, StatusOKSimultaneous:
		return [][]byte{statusMessage(statusTexts[s]), a.challenge()}, awaitReply, nil
	case StatusAlive:
		return [][]byte{statusMessage(statusTexts[s])}, awaitAnswer, nil
	case StatusNOK:
		return [][]byte{statusMessage(statusTexts[s])}, stateEnded, ErrNOK
	default:
		return notAllowed(ErrNotAllowed)
	}
}

func (a *Acceptor) challenge() []byte { return challengeMessage(a.local, a.ask()) }

func (a *Acceptor) onAnswer(body []byte) ([][]byte, state, error) {
	switch text := string(body[1:]); text {
	case answerTrue:
		return [][]byte{a.challenge()}, awaitReply, nil
	case answerFalse:
		return nil, stateEnded, ErrAlive
	default:
		return nil, stateEnded, fmt.Errorf("%w: answer %s to alive", ErrProtocol, quoteText(text))
	}
}

// onReply checks the digest before it looks at anything else, and hangs up
// without a word where it is wrong. The answer is made with the cookie that the
// initiator proved: it may have no other of ours.
func (a *Acceptor) onReply(body []byte) ([][]byte, state, error) {
	theirs, digest, err := parseReply(body)
	if err != nil {
		return nil, stateEnded, err
	}
	set := a.local.cookies()
	a.remote.Cookie = fitting(set, a.own, digest)
	if a.remote.Cookie < 0 {
		return nil, stateEnded, fmt.Errorf("%w: its digest is wrong", ErrCookie)
	}
	if a.local.Challenges.Outstanding(theirs) {
		return nil, stateEnded, ErrReflection
	}
	a.remote.RTT = a.waited
	if a.hooks.Established != nil {
		if err := a.hooks.Established(a.remote); err != nil {
			return nil, stateEnded, err
		}
	}
	return [][]byte{ackMessage(set[a.remote.Cookie].digest(theirs))}, stateEstablished, nil
}
