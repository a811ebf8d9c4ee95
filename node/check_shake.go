package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/secure"
)

// checkShake is the handshake of a check: the exchange is noted as it goes, and
// told as steps when it is over.
type checkShake struct {
	w      *checkWalk
	at     netip.AddrPort
	cookie int              // which is proved
	mark   time.Time        // when what is awaited was asked
	status string           // what it said to our name
	waited [3]time.Duration // for the status, the challenge, the ack
	tls    checkTLS
}

// run shakes hands over conn.
func (s *checkShake) run(ctx context.Context, conn net.Conn) error {
	w := s.w
	s.mark = time.Now()
	deadline, want := s.mark.Add(dist.SetupTime), w.a.NodeName(w.ours)
	if w.c.TLS != nil {
		conn = s.underTLS(conn, deadline, want)
	}
	remote, err := dist.Dial(conn, deadline, w.local, dist.InitiatorHooks{
		Want:    want,
		Alive:   func() bool { return false }, // that connection is somebody else's
		Learned: s.learned,
		Heard:   s.heard,
		Cookie:  func(dist.Hello) int { return s.cookie },
	})
	stage := shakeStage(err)
	if err == nil {
		w.report.Peer.RTT, w.report.Peer.Cookie = remote.RTT, remote.Cookie
		s.tell("", nil)
		return nil
	}
	s.claimed(err)
	if ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", dist.ErrTimeout, context.Cause(ctx))
	}
	s.tell(stage, err)
	w.failed(stage, s.at, err)
	return err
}

// claimed keeps the name of a peer that failed before it could be learned.
func (s *checkShake) claimed(err error) {
	var shake *dist.HandshakeError
	var wrong *dist.WrongNameError
	switch {
	case errors.As(err, &wrong):
		s.w.report.Peer.Name = wrong.Got
	case errors.Is(err, dist.ErrTooOld) && errors.As(err, &shake):
		s.w.report.Peer.Name = shake.Peer
	}
}

// heard notes when a message has come.
func (s *checkShake) heard(stage dist.Stage, text string) {
	now := time.Now()
	switch stage {
	case dist.StageStatus:
		s.waited[0], s.status = now.Sub(s.mark), text
	case dist.StageChallenge:
		s.waited[1] = now.Sub(s.mark)
	case dist.StageAck:
		s.waited[2] = now.Sub(s.mark)
	}
	s.mark = now
}

// learned keeps what the peer says of itself.
func (s *checkShake) learned(h dist.Hello) error {
	kind := kindOf(h.Flags)
	if mayBeLiminal(h.Flags) {
		kind = KindLiminal
	}
	s.w.report.Peer = CheckPeer{
		Name: h.Name, Kind: kind, Creation: h.Creation, Published: h.Flags.Has(dist.FlagPublished), Flags: h.Flags.Names(),
	}
	return s.w.vet(h.Name)
}

// shakeStage is the stage that a failed handshake stopped at, "" for nil. A peer
// that says nothing we can read, or nothing at all, speaks something else as far
// as can be told.
func shakeStage(err error) CheckStage {
	var shake *dist.HandshakeError
	if err == nil {
		return ""
	}
	if !errors.As(err, &shake) || errors.Is(err, secure.ErrCertificate) {
		return CheckTLS
	}
	switch shake.Stage {
	case dist.StageStatus:
		for _, is := range []error{dist.ErrNotAllowed, dist.ErrNOK, dist.ErrAlive, dist.ErrProtocol} {
			if errors.Is(err, is) {
				return CheckName
			}
		}
	case dist.StageChallenge:
		for _, is := range []error{dist.ErrWrongName, dist.ErrName, dist.ErrSelf, dist.ErrSameName, ErrNameMode} {
			if errors.Is(err, is) {
				return CheckName
			}
		}
		return CheckFlags
	case dist.StageReply, dist.StageAck:
		return CheckCookie
	}
	return CheckTLS
}

// tell writes the steps down, up to the one that failed.
func (s *checkShake) tell(failed CheckStage, err error) {
	p := s.w.report.Peer
	for _, row := range []struct {
		stage  CheckStage
		result CheckResult
		took   time.Duration
		detail string
	}{
		{CheckTLS, s.tls.result(), s.tls.took, s.tls.detail()},
		{CheckName, CheckOK, s.waited[0], fmt.Sprintf("it says %s to %s", printed(s.status), s.w.local.Name)},
		{CheckFlags, CheckOK, s.waited[1], fmt.Sprintf("%s is %s, %s, creation %x", p.Name, kindWord(p.Kind), visibleWord(p.Published), p.Creation)},
		{CheckCookie, CheckOK, s.waited[2], s.proved()},
	} {
		step := CheckStep{Stage: row.stage, Result: row.result, Took: row.took, Detail: row.detail}
		if s.cookie > 0 && row.stage != CheckCookie && row.stage != failed {
			continue
		}
		if row.stage == failed {
			step.Result, step.Detail = CheckFailed, s.cause(err)
			if step.Took == 0 {
				step.Took = time.Since(s.mark)
			}
		}
		s.w.report.Steps = append(s.w.report.Steps, step)
		if row.stage == failed {
			return
		}
	}
}

// proved says which cookie it was.
func (s *checkShake) proved() string {
	if s.cookie == 0 {
		return "each side has proved it to the other"
	}
	return fmt.Sprintf("each side has proved it to the other: not our own, but number %d of those we accept", s.cookie)
}

// cause is what went wrong in a few words.
func (s *checkShake) cause(err error) string {
	var old *dist.TooOldError
	var strange *dist.NotDistError
	var shake *dist.HandshakeError
	switch {
	case errors.As(err, &old):
		return old.Error()
	case errors.As(err, &strange):
		return strange.Error()
	case errors.Is(err, dist.ErrTimeout):
		return dist.ErrTimeout.Error() // the rest is addresses
	case errors.Is(err, dist.ErrDigest) && s.cookie < len(s.w.local.Accept):
		return "it hung up on our digest; another cookie is tried"
	case errors.As(err, &shake):
		return shake.Err.Error()
	}
	return err.Error()
}

// printed quotes what a peer said, unless it is a word of the protocol.
func printed(text string) string { return fmt.Sprintf("%+q", text) }

func kindWord(k Kind) string {
	switch k {
	case KindOTP:
		return "an OTP node"
	case KindLiminal:
		return "a liminal node"
	}
	return "another kind of node"
}

func visibleWord(published bool) string {
	if published {
		return "visible"
	}
	return "hidden"
}
