package tui

import (
	"context"
	"io"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// Source is what the screen looks at. A *control.Client is one.
type Source interface {
	Status(ctx context.Context) (control.Status, error)
	Peers(ctx context.Context, f control.Filter) (control.Peers, error)
	Channels(ctx context.Context, names []string) (control.Channels, error)
	Watch(ctx context.Context, r control.WatchRequest, fn func(control.Event) error) error
}

// Options say what to show, and where.
type Options struct {
	Source Source
	// Node is the node's name, for the header until the node has told it, and
	// for the advice how to start it again.
	Node string
	// Attached is the address that is looked at from outside, "" for a node of
	// ours. There are no channels to see then.
	Attached string

	In  io.Reader // the terminal's keys
	Out io.Writer // the terminal

	Colour bool // else no colour, and nothing that only looks marks the difference
	ASCII  bool // no character above 0x7e
	Now    func() time.Time
}
