package cli

import (
	"context"
	"sync"
	"time"
)

// whileRead calls gone, once, when nobody reads stdout any more: a quiet stream
// would be kept for ever otherwise. It looks until the returned function is
// called, which waits for its end, or ctx ends.
func whileRead(ctx context.Context, env Env, gone func()) (unwatch func()) {
	if env.Unread == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		tick := time.NewTicker(unreadPeriod)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if env.Unread() {
					gone()
					return
				}
			}
		}
	})
	return func() { cancel(); group.Wait() }
}
