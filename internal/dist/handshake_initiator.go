package dist

import (
	"fmt"
	"time"
)

// Initiator is the dialling side of one handshake, without I/O. Write Name,
// then give Step each message that comes, until it is done or fails; Close it
// if it is dropped before that. Dial does all this over a conn.
type Initiator struct {
	handshake
	hooks InitiatorHooks
}

// initiatorRows is all an initiator ever does. Only awaitAck leads to the end.
var initiatorRows = [stateCount]stateRow[*Initiator]{
	awaitStatus:    {StageStatus, tagStatus, maxPlain, stateSet(awaitChallenge), true, (*Initiator).onStatus},
	awaitChallenge: {StageChallenge, tagName, maxNamed, stateSet(awaitAck), false, (*Initiator).onChallenge},
	awaitAck:       {StageAck, tagAck, maxPlain, stateSet(stateEstablished), false, (*Initiator).onAck},
}

// NewInitiator starts a handshake as l. It fails if l or the name wanted is
// not usable.
func NewInitiator(l Local, h InitiatorHooks) (*Initiator, error) {
	s, err := newHandshake(RoleInitiator, l, awaitStatus)
	if err == nil && h.Want != "" {
		if err = CheckName(h.Want); err != nil {
			err = s.fail(StageConnect, fmt.Errorf("name wanted: %w", err))
		} else {
			s.label = h.Want
		}
	}
	if err != nil {
		return nil, err
	}
	s.want = h.Want
	return &Initiator{handshake: s, hooks: h}, nil
}

// Name is the first message, without its length.
func (i *Initiator) Name() []byte { return nameMessage(i.local) }

// Step takes the next message, without its length, and returns those to write
// in answer, also without. waited is the time since our last message was
// written. Messages that come with an error are to be written before the conn
// is closed.
func (i *Initiator) Step(body []byte, waited time.Duration) (out [][]byte, done bool, err error) {
	return advance(&i.handshake, &initiatorRows, i, body, waited)
}

// Limit is the longest message that the present state lets in, in bytes.
func (i *Initiator) Limit() int { return initiatorRows[i.state].limit }

// Stage is the message that the present state waits for, "" after the end.
func (i *Initiator) Stage() Stage { return initiatorRows[i.state].stage }

// heard passes a message on to the hook that follows the exchange.
func (i *Initiator) heard(stage Stage, text string) {
	if i.hooks.Heard != nil {
		i.hooks.Heard(stage, text)
	}
}

func (i *Initiator) onStatus(body []byte) ([][]byte, state, error) {
	text := string(body[1:])
	i.heard(StageStatus, text)
	switch text {
	case statusTexts[StatusOK], statusTexts[StatusOKSimultaneous]:
		return nil, awaitChallenge, nil
	case statusTexts[StatusNOK]:
		return nil, stateEnded, ErrNOK
	case statusTexts[StatusNotAllowed]:
		return nil, stateEnded, ErrNotAllowed
	case statusTexts[StatusAlive]:
		return i.onAlive()
	default: // also named:, which only answers a NAME_ME, and we send none
		return nil, stateEnded, fmt.Errorf("%w: unexpected status %s", ErrProtocol, quoteText(text))
	}
}

func (i *Initiator) onAlive() ([][]byte, state, error) {
	if i.hooks.Alive != nil && !i.hooks.Alive() {
		return [][]byte{statusMessage(answerFalse)}, stateEnded, ErrAlive
	}
	return [][]byte{statusMessage(answerTrue)}, awaitChallenge, nil
}

func (i *Initiator) onChallenge(body []byte) ([][]byte, state, error) {
	g, err := parseChallenge(body)
	if err != nil {
		return nil, stateEnded, err
	}
	i.heard(StageChallenge, "")
	if err := i.judge(g); err != nil {
		return nil, stateEnded, err
	}
	cookie, err := i.choose(g)
	if err != nil {
		return nil, stateEnded, err
	}
	digest := cookie.digest(g.challenge)
	return [][]byte{replyMessage(i.ask(), digest)}, awaitAck, nil
}

// choose settles which cookie this handshake is about. No other is taken from
// the acceptor after that.
func (i *Initiator) choose(g greeting) (Cookie, error) {
	if i.hooks.Cookie != nil {
		i.remote.Cookie = i.hooks.Cookie(g.hello())
	}
	set := i.local.cookies()
	if i.remote.Cookie < 0 || i.remote.Cookie >= len(set) {
		return Cookie{}, fmt.Errorf("no cookie %d among %d", i.remote.Cookie, len(set))
	}
	return set[i.remote.Cookie], nil
}

// judge decides whether the challenge may be answered at all: we prove first,
// and to the wrong listener a digest is a gift.
func (i *Initiator) judge(g greeting) error {
	if err := CheckName(string(g.name)); err != nil {
		return err
	}
	h := g.hello()
	if err := i.meetsSelf(h); err != nil {
		return err
	}
	if i.hooks.Want != "" && h.Name != i.hooks.Want {
		return &WrongNameError{Want: i.hooks.Want, Got: h.Name}
	}
	i.learn(h)
	if err := i.vouched(h.Name); err != nil {
		return err
	}
	if missing := h.Flags.Missing(); missing != nil {
		return &TooOldError{Missing: missing}
	}
	if i.local.Challenges.Outstanding(g.challenge) {
		return ErrReflection
	}
	if i.hooks.Learned != nil {
		return i.hooks.Learned(h)
	}
	return nil
}

func (i *Initiator) onAck(body []byte) ([][]byte, state, error) {
	digest, err := parseAck(body)
	if err != nil {
		return nil, stateEnded, err
	}
	i.heard(StageAck, "")
	if !i.local.cookies()[i.remote.Cookie].proves(i.own, digest) {
		return nil, stateEnded, fmt.Errorf("%w: its digest is wrong", ErrCookie)
	}
	i.remote.RTT = i.waited
	return nil, stateEstablished, nil
}
