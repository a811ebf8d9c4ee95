package node

import (
	"context"
	"fmt"
)

// Alive returns once the poll loop has been round, which is at once where it
// goes round at all: it fails with the cause of ctx while the loop is stuck, and
// with ErrClosed after it has ended.
func (n *Node) Alive(ctx context.Context) error {
	select {
	case n.rounds <- struct{}{}: // unbuffered: only the loop can take it
		return nil
	case <-n.ctx.Done():
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("the poll loop does not go round: %w", context.Cause(ctx))
	}
}
