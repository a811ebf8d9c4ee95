package discovery

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// State words of a TargetStatus.
const (
	StateWaiting  = "waiting"   // for Next
	StateDialling = "dialling"  // a dial is out
	StateYielded  = "yielded"   // waiting for the peer's own attempt, until Next
	StateLinked   = "linked"    // its node is up
	StateAside    = "set aside" // it is this node itself: not dialled
)

var stateWords = [...]string{
	waiting: StateWaiting, dialling: StateDialling, yielded: StateYielded,
	linked: StateLinked, aside: StateAside,
}

// TargetStatus tells where one target stands.
type TargetStatus struct {
	Target
	State string
	Tries int       // that failed since the node was last up
	Err   error     // of the last dial; nil if there was none or it made a link
	Last  time.Time // end of the last dial, zero if none
	Next  time.Time // of the next dial, for StateWaiting and StateYielded; zero: at once
}

// Status lists the targets in the order of their coming.
func (p *Plan) Status() []TargetStatus {
	list := make([]TargetStatus, 0, len(p.targets))
	for _, t := range p.targets {
		if t.gone {
			continue
		}
		s := TargetStatus{Target: t.Target, State: stateWords[t.state], Tries: t.tries, Err: t.err, Last: t.last}
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
	Refused  uint64 // peers not taken in, or let go for another, because there were MaxPeers
	GivenUp  uint64 // told peers that did not answer or refused us
}

// Stats returns the counts now.
func (p *Plan) Stats() PlanStats {
	return PlanStats{Targets: len(p.targets), InFlight: p.flying, Refused: p.refused, GivenUp: p.givenUp}
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
