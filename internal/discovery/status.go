package discovery

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// State words of a TargetStatus.
const (
	StateWaiting  = "waiting"   // for Next
	StateDialling = "dialling"  // a dial is out
	StateYielded  = "yielded"   // waiting for the peer's own attempt, until Next
	StateLinked   = "linked"    // its node is up
	StateAside    = "set aside" // not dialled; Reason says why
)

var stateWords = [...]string{
	waiting: StateWaiting, dialling: StateDialling, yielded: StateYielded,
	linked: StateLinked, aside: StateAside,
}

// TargetStatus tells where one target stands.
type TargetStatus struct {
	Target
	State  string
	Reason string    // of StateAside
	Tries  int       // that failed since the node was last up
	Err    error     // of the last dial; nil if there was none or it made a link
	Last   time.Time // end of the last dial, zero if none
	Next   time.Time // of the next dial, for StateWaiting and StateYielded; zero: at once
}

// Status lists the targets in the order of their coming.
func (p *Plan) Status() []TargetStatus {
	list := make([]TargetStatus, 0, len(p.targets))
	for _, t := range p.targets {
		if t.gone {
			continue
		}
		s := TargetStatus{Target: t.Target, State: stateWords[t.state], Tries: t.tries, Err: t.err, Last: t.last}
		if t.state == aside {
			s.Reason = t.why
		}
		if t.state == waiting || t.state == yielded {
			s.Next = t.next
		}
		list = append(list, s)
	}
	return list
}

// PlanStats counts what a plan holds and what it let go.
type PlanStats struct {
	Targets  int
	InFlight int
	Refused  uint64 // peers not taken in because there were MaxPeers
	GivenUp  uint64 // told peers that did not answer or refused us
}

// Stats returns the counts now.
func (p *Plan) Stats() PlanStats {
	return PlanStats{Targets: len(p.targets), InFlight: p.flying, Refused: p.refused, GivenUp: p.givenUp}
}

// Explain says in one line how the target stands, for example
// "10.0.0.7:9100: connection refused, 3 tries, next in 8 s".
func (s TargetStatus) Explain(now time.Time) string {
	parts := make([]string, 0, 4)
	switch {
	case s.State == StateAside:
		return fmt.Sprintf("%s: %s, not dialled", s.Address, s.Reason)
	case s.State == StateLinked:
		return fmt.Sprintf("%s: up", s.Address)
	case s.Err != nil:
		parts = append(parts, Cause(s.Err))
	}
	if s.Tries == 1 {
		parts = append(parts, "1 try")
	} else if s.Tries > 1 {
		parts = append(parts, fmt.Sprintf("%d tries", s.Tries))
	}
	return fmt.Sprintf("%s: %s", s.Address, strings.Join(append(parts, s.outlook(now)), ", "))
}

// outlook says what comes next.
func (s TargetStatus) outlook(now time.Time) string {
	if s.State == StateDialling {
		return "dialling"
	}
	wait := s.Next.Sub(now)
	switch {
	case s.Next.IsZero() || wait <= 0:
		return "next at once"
	case wait < time.Second:
		return "next in less than 1 s"
	case wait < time.Minute:
		return fmt.Sprintf("next in %d s", wait.Round(time.Second)/time.Second)
	}
	return fmt.Sprintf("next in %d min", wait.Round(time.Minute)/time.Minute)
}

// Cause returns the part of a dial's error that a person needs: the system's
// words where there are some, "timed out", what could not be resolved, or the
// whole text.
func Cause(err error) string {
	var resolve *ResolveError
	var errno syscall.Errno
	var nerr net.Error
	switch {
	case errors.As(err, &resolve):
		return resolve.Err.Error() // whose errno, if any, is not the peer's
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &nerr) && nerr.Timeout():
		return "timed out"
	}
	return err.Error()
}
