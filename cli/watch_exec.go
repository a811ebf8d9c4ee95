package cli

import (
	"context"

	"github.com/liminal-bus/liminal/internal/control"
)

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
