package cli

import (
	"context"

	"github.com/liminal-bus/liminal/internal/control"
)

// watchExecDescription is what the help of watch says of --exec.
const watchExecDescription = "--exec runs a program for each event and prints nothing itself: the event as --json\n" +
	"would print it is the program's stdin, and LIMINAL_TYPE, _PEER, _STATE, _KIND, _CHANNEL,\n" +
	"_SEQ and _COUNT its environment, as far as the event has them. A snapshot is handed over\n" +
	"only where --events names it. Words are split at blanks outside quotes, and nothing is\n" +
	"expanded. While --exec-jobs of them run nothing is read, and what that loses comes as a\n" +
	"gap. A program that fails or takes too long is told on stderr, and makes the exit status 1."

// programEvents hands each event to a program.
type programEvents struct {
	ctx  context.Context
	exec *runner
}

func (programEvents) begin(string, control.WatchRequest, bool) {}

func (p programEvents) event(e control.Event, _ bool) error {
	doc, err := encodeJSON(e)
	if err != nil {
		return err
	}
	return p.exec.run(p.ctx, doc, eventVars(&e))
}

// handTo has the events go to programs. A snapshot is nothing that happened, so
// it is handed over only where --events names it.
func (s *eventStream) handTo(ctx context.Context, exec *runner, stop context.CancelCauseFunc) {
	exec.endWith(stop)
	s.exec, s.write = exec, programEvents{ctx, exec}
	if s.watchFlags.wanted == nil {
		s.watchFlags.wanted = map[string]bool{}
		for _, typ := range control.EventTypes {
			s.watchFlags.wanted[typ] = true
		}
	}
}
