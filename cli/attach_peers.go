package cli

import (
	"context"
	"errors"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/tui"
)

// attachedPeers is `liminal peers --attach`.
func (c *call) attachedPeers(ctx context.Context, v peersView) error {
	want := 0
	if c.cli.IsSet("wait") {
		var err error
		if want, err = c.wanted(v); err != nil {
			return err
		}
	}
	w := attachWait{call: c, view: v, want: want, late: &lateError{limit: c.set.timeout()}}
	if w.late.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, w.late.limit, w.late)
		defer cancel()
	}
	if err := w.run(ctx); err != nil {
		return err
	}
	return c.showPeers(w.seen, v)
}

// attachWait is a look that goes on until enough peers are up.
type attachWait struct {
	*call
	view peersView
	want int
	late *lateError

	seen    control.Peers
	missing error // why the last look found nothing
}

// attachStep is how long it takes until a target that cannot be reached is dialled
// again.
const attachStep = 250 * time.Millisecond

// run looks once, or with --wait until enough is seen: a target that has not
// started yet counts as not yet.
func (w *attachWait) run(ctx context.Context) error {
	waits := w.cli.IsSet("wait") && w.want > 0
	for {
		err := w.look(ctx, waits)
		switch {
		case ctx.Err() != nil && errors.Is(context.Cause(ctx), w.late) && waits:
			return w.tooLate()
		case err == nil || !waits || !mendsOutside(err):
			return err
		}
		w.missing = err
		select {
		case <-time.After(attachStep):
		case <-ctx.Done():
		}
	}
}

// mendsOutside says whether what is looked at from outside may yet start.
func mendsOutside(err error) bool {
	switch asError(err).Code {
	case "unreachable", "no_such_name", "epmd_remote", "cluster_join", "timeout", control.CodeUnknownPeer:
		return true
	}
	return false
}

// look is one look, which lasts until enough is seen.
func (w *attachWait) look(ctx context.Context, waits bool) error {
	src, _, done, err := w.attach(ctx)
	if err != nil {
		return err
	}
	defer done()
	tick := time.NewTicker(waitStep)
	defer tick.Stop()
	for {
		enough, err := w.enough(ctx, src, waits)
		if enough || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (w *attachWait) enough(ctx context.Context, src tui.Source, waits bool) (bool, error) {
	peers, err := src.Peers(ctx, w.view.filter)
	if unknown := (*control.Error)(nil); waits && errors.As(err, &unknown) && unknown.Code == control.CodeUnknownPeer {
		w.missing = err
		return false, nil
	}
	if err != nil {
		return false, err
	}
	w.seen, w.missing = peers, nil
	return countUp(peers.Peers) >= w.want, nil
}

// tooLate says what was still missing when the time was over.
func (w *attachWait) tooLate() error {
	e := *asError(w.peersLate(w.late, w.want, w.seen.Peers, w.missing))
	if len(w.seen.Peers) > 0 && e.Try == "liminal join ADDR, or raise --timeout" {
		e.Why, e.Try = "no other peer is seen", "raise --timeout"
	}
	return &e
}
