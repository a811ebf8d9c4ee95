package node

import (
	"context"
	"log/slog"
	"testing"
	"time"
)

// joinWatch is a log that looks at its node when a join is logged.
type joinWatch struct {
	slog.Handler
	look func()
}

func (h joinWatch) Enabled(context.Context, slog.Level) bool { return true }

func (h joinWatch) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "peer joined" {
		h.look()
	}
	return nil
}

// A poll that finds nothing to do returns without a lock: by then what the poll
// before it found must be announced. And a log that is slow holds up no link.
func TestPollAnnouncesBeforeItCounts(t *testing.T) {
	c := quiet(t, "a")
	c.Poll, c.Tick, c.NoNudge = time.Hour, 9*time.Hour, true
	var n *Node
	var early, locked bool
	c.Logger = slog.New(joinWatch{slog.DiscardHandler, func() {
		early = n.polled.Load() == n.table.Version()+1
		if locked = !n.mu.TryLock(); !locked {
			n.mu.Unlock()
		}
	}})
	n = start(t, c)
	newLight(t, "b", sayingHello).dial(n)
	waitFor(t, n, "hello has come", saidHello)
	n.PollOnce() // from here on nobody else takes Node.mu
	if len(n.PeerNames()) != 1 || early || locked {
		t.Errorf("%v: counted as polled before it was announced: %t, logged under the lock: %t", n.PeerNames(), early, locked)
	}
}
