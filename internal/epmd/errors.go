package epmd

import (
	"errors"
	"fmt"
)

var (
	// ErrNoEPMD means that nobody answered: the connection failed, or no answer
	// came in time. It wraps the cause.
	ErrNoEPMD = errors.New("no epmd answers")

	// ErrNoSuchName means that the host's epmd answered and does not know the name.
	ErrNoSuchName = errors.New("no such name")

	// ErrBadReply means that something answered that is not the EPMD protocol,
	// or that an answer broke off.
	ErrBadReply = errors.New("bad reply")

	// ErrNameInUse is what a *NameInUseError matches with errors.Is.
	ErrNameInUse = errors.New("name in use")

	// ErrClosed is returned by Register on a closed Registrar.
	ErrClosed = errors.New("epmd: registrar is closed")
)

// NameInUseError reports that epmd holds our name for another node.
type NameInUseError struct {
	Name string // without host
	Port int    // where that node listens; 0 if epmd would not say
}

func (e *NameInUseError) Error() string {
	if e.Port == 0 {
		return fmt.Sprintf("epmd: name %q is in use", e.Name)
	}
	return fmt.Sprintf("epmd: name %q is in use for port %d", e.Name, e.Port)
}

// Is makes errors.Is(err, ErrNameInUse) true.
func (e *NameInUseError) Is(target error) bool { return target == ErrNameInUse }
