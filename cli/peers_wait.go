package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// waitStep is how often a wait looks again. Asking a local socket for a list
// takes well under a millisecond, so this costs next to nothing, works before
// the node exists, and cannot miss a change as a broken stream could.
const waitStep = 50 * time.Millisecond

// waitPeers returns once N of the wanted peers are up, then shows the list. A
// node that is not there yet counts as not yet, as does a peer not listed yet.
func (c *call) waitPeers(ctx context.Context, v peersView) error {
	want, err := c.wanted(v)
	if err != nil {
		return err
	}
	var seen control.Peers
	var missing error // why the last look found nothing
	err = c.wait(ctx, func(ctx context.Context, t *target) (bool, error) {
		peers, err := v.waitLook(ctx, t, want)
		if unknown := (*control.Error)(nil); errors.As(err, &unknown) && unknown.Code == control.CodeUnknownPeer {
			if want == 0 {
				return false, unknown // there is nothing to wait for
			}
			missing = unknown
			return false, nil
		}
		if err == nil { // a look that the time-out cut short says nothing
			seen, missing = peers, nil
		}
		return err == nil && countUp(peers.Peers) >= want, err
	})
	if late := (*lateError)(nil); errors.As(err, &late) {
		return c.peersLate(late, want, seen.Peers, missing)
	}
	if err != nil {
		return err
	}
	return c.showPeers(seen, v)
}

// waitLook asks for as little as tells that enough are up, and then for all that
// is shown.
func (v peersView) waitLook(ctx context.Context, t *target, want int) (control.Peers, error) {
	brief := v.filter
	brief.Brief = true
	peers, err := t.Peers(ctx, brief)
	if err != nil || countUp(peers.Peers) < want || v.filter.Brief {
		return peers, err
	}
	return t.Peers(ctx, v.filter)
}

// wanted is the number of --wait.
func (c *call) wanted(v peersView) (int, error) {
	want := c.cli.Int("wait")
	if want < 0 {
		return 0, usage("--wait takes a number from 0 on", "it counts peers", c.cli.Command)
	}
	if s := v.filter.States; want > 0 && len(s) > 0 && !slices.Contains(s, "up") && !slices.Contains(s, "suspect") {
		return 0, usage("--wait counts peers that are up, and --state leaves none of them", "it would wait for ever", c.cli.Command)
	}
	return want, nil
}

func countUp(peers []control.Peer) int {
	n := 0
	for _, p := range peers {
		if isUp(p) {
			n++
		}
	}
	return n
}

// lateError is a wait that ran out of time.
type lateError struct {
	limit time.Duration
	last  error // why the node could not be asked; nil if it answered
	at    *target
}

func (e *lateError) Error() string { return "timed out after " + durationText(e.limit) }

// wait calls look until it says true, its time is over, or it fails in a way
// that waiting does not mend.
func (c *call) wait(ctx context.Context, look func(context.Context, *target) (bool, error)) error {
	late := &lateError{limit: c.set.timeout()}
	if late.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, late.limit, late)
		defer cancel()
	}
	tick := time.NewTicker(waitStep)
	defer tick.Stop()
	for {
		done, err := c.lookOnce(ctx, late, look)
		if done || err != nil && !mends(err) {
			return err
		}
		if ctx.Err() == nil {
			late.last = err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func (c *call) lookOnce(ctx context.Context, late *lateError, look func(context.Context, *target) (bool, error)) (bool, error) {
	t := late.at
	if t == nil { // once found, the node stays the one that is asked
		var err error
		if t, err = c.pick(); err != nil {
			return false, err
		}
	}
	done, err := look(ctx, t)
	if err == nil {
		late.at = t
	}
	if err != nil {
		err = t.explainCall(err, fullName(c.cli.Command), late.limit)
	}
	return done && err == nil, err
}

// mends reports whether waiting may make err go away: no node yet, or one that
// is on its way up or down.
func mends(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || isCancel(err) || errors.As(err, new(*lateError)) {
		return true // the wait's own end, told by its loop
	}
	switch asError(err).Code {
	case "node_not_running", "stale_socket", "node_stopped", "stopping", "control", "busy", "timeout":
		return true
	}
	return false
}

// peersLate says what the wait still missed when its time was over.
func (c *call) peersLate(late *lateError, want int, peers []control.Peer, missing error) error {
	what := fmt.Sprintf("%v: %d of %s up", late, countUp(peers), countIs(want, "peer"))
	for _, err := range []error{late.last, missing} {
		if err != nil {
			e := asError(err)
			return fail("timeout", what, joinWords(": ", e.Message, e.Why), e.Try+", or raise --timeout")
		}
	}
	var why, names []string
	for _, p := range peers {
		if !isUp(p) && len(why) < 3 {
			why = append(why, p.Name+" is "+p.State+bracketed(": ", peerAddress(p), text(p.Note)))
			names = append(names, nameOf(p.Name))
		}
	}
	if len(why) == 0 {
		return fail("timeout", what, c.seedsLate(late.at), "liminal join ADDR, or raise --timeout")
	}
	return fail("timeout", what, strings.Join(why, "; "), "start "+strings.Join(names, ", ")+", or raise --timeout")
}

// seedsLate says how dialling the seeds goes when no peer is known by name yet.
func (c *call) seedsLate(t *target) string {
	none := "the node knows of no other peer"
	if t == nil {
		return none
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	status, err := t.Status(ctx)
	if err != nil {
		return none
	}
	var why []string
	for _, s := range status.Seeds {
		if s.Error != nil && len(why) < 3 {
			why = append(why, fmt.Sprintf("seed %s: %s, %s", s.Address, *s.Error, tries(s.Tries)))
		}
	}
	if len(why) == 0 {
		return none
	}
	return strings.Join(why, "; ")
}

func tries(n int) string {
	if n == 1 {
		return "1 try"
	}
	return fmt.Sprintf("%d tries", n)
}

func countIs(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return fmt.Sprintf("%d %ss are", n, noun)
}

// joinWords joins those that are not empty.
func joinWords(sep string, words ...string) string {
	var kept []string
	for _, w := range words {
		if w != "" {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, sep)
}

func bracketed(sep string, words ...string) string {
	if s := joinWords(sep, words...); s != "" {
		return " (" + s + ")"
	}
	return ""
}
