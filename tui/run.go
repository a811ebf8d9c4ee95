package tui

import (
	"context"
	"errors"
	"fmt"

	tea "github.com/charmbracelet/bubbletea"
)

// keyRate is how often a second the terminal may be written to: a key shows
// within 40 ms. What the node tells is held back by the model, see frameEvery.
const keyRate = 12

// Run shows the screen until the user quits, which is nil, or ctx ends, which
// gives its cause. A node that stops does not end it: the screen keeps what it
// knew, says so, and goes on when the node is back. However it ends, the
// terminal is as it was before.
func Run(ctx context.Context, o Options) error {
	w := newWire(ctx, o.Source, o.Now)
	defer w.close()
	m := newModel(o, w)
	m.orphaned = orphaned
	p := tea.NewProgram(m,
		tea.WithContext(ctx), // signals are the caller's: its context ends
		tea.WithoutSignalHandler(),
		tea.WithInput(o.In), tea.WithOutput(o.Out),
		tea.WithAltScreen(), tea.WithFPS(keyRate))
	_, err := p.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, tea.ErrProgramPanic):
		return fmt.Errorf("the screen broke: %w", err)
	}
	return fmt.Errorf("cannot use the terminal: %w", err)
}
