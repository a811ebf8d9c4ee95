package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/internal/display"
)

// execTally counts how runs ended. A run that our own end stopped has not
// failed.
type execTally struct{ runs, failed, late, stopped int }

// String is "41 runs, 2 failed, 1 timed out".
func (t execTally) String() string {
	text := count(t.runs, "run")
	for _, part := range []struct {
		n    int
		what string
	}{{t.failed, "failed"}, {t.late, "timed out"}, {t.stopped, "stopped"}} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	return text
}

// ended counts a run and complains of one that failed. What is said is put
// together under the lock and written after it: a stderr that nobody reads holds
// up this run alone.
func (r *runner) ended(err error, record string, took time.Duration) {
	how := r.how(err)
	failed := err != nil && !errors.Is(err, errExecStopped)
	r.tell(r.count(err, how, record))
	if r.out.verbose && !failed && r.speaks() {
		r.out.note("liminal: exec: %s in %s (%s)\n", how, display.Span(took), record)
	}
	if failed && r.stop != nil {
		r.stop(errExecStop)
	}
}

// count gives what is to be said by now.
func (r *runner) count(err error, how, record string) (complaint string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.runs++
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errExecStopped):
		r.tally.stopped++
		return ""
	case errors.Is(err, errExecLate):
		r.tally.late++
	default:
		r.tally.failed++
	}
	r.last = how + " (" + record + ")"
	r.untold++
	now := r.now()
	if !r.told.IsZero() && now.Sub(r.told) < lossEvery {
		return ""
	}
	r.told = now
	return r.complaint()
}

// how says it in words: "exit status 3", "timed out after 30s".
func (r *runner) how(err error) string {
	switch {
	case err == nil:
		return "exit status 0"
	case errors.Is(err, errExecLate):
		text := "timed out after " + durationText(r.timeout)
		if errors.Is(err, errUnkillable) {
			text += ", and cannot be stopped"
		}
		if errors.Is(err, errExecRest) {
			return "what it left running " + text
		}
		return text
	}
	return strings.ReplaceAll(err.Error(), "\n", ", ")
}

// complaint is of failures: the first at once, more of them in sums, as often as
// losses. The caller holds r.mu.
func (r *runner) complaint() string {
	untold := r.untold
	r.untold = 0
	switch {
	case untold == 1:
		return say("liminal: exec: %s\n", r.last)
	case untold > 1:
		return say("liminal: exec: %s more, the last: %s\n", count(untold, "failure"), r.last)
	}
	return ""
}

// tell writes a complaint; errors are told with --quiet too.
func (r *runner) tell(complaint string) {
	if complaint != "" && r.speaks() {
		r.out.complain(complaint)
	}
}

// speaks: with --json stderr is for the one object of a failure, which has the
// sums and the last failure.
func (r *runner) speaks() bool { return r.out.form != formJSON }

// finish waits for the programs that run, ends what they have left running,
// tells what is left to tell, and is an error if a program failed. Where a signal
// has stopped one, that is the error, also if the stream had ended before.
func (r *runner) finish() error {
	r.leaders.Wait()
	close(r.over)
	r.group.Wait()
	r.mu.Lock()
	complaint, tally, last := r.complaint(), r.tally, r.last
	r.mu.Unlock()
	r.tell(complaint)
	text := "exec: " + tally.String()
	if tally.failed+tally.late > 0 {
		return fail("exec_failed", text, "the last: "+last, r.show+" (shows what the program gets)")
	}
	if tally.runs > 0 && r.speaks() {
		r.out.note("liminal: %s\n", text)
	}
	if tally.stopped > 0 {
		return context.Cause(r.life)
	}
	return nil
}

// after is finish for a stream that ended with err, which goes before the
// failures of programs: those are then told beside it. A nil runner has none.
func (r *runner) after(err error) error {
	if r == nil {
		return err
	}
	bad := r.finish()
	switch {
	case err == nil:
		return bad
	case bad == nil || isCancel(bad):
		return err
	case !r.speaks():
		return r.inOne(err, asError(bad))
	}
	r.out.complain(say("liminal: %s\n", bad))
	return err
}

// inOne tells two failures in one object: of an end that says nothing itself, the
// object is that of the programs.
func (r *runner) inOne(err error, bad *control.Error) error {
	var status exitError
	var sig *signalError
	both := *asError(err)
	switch {
	case errors.As(err, &sig):
		both = *bad
		both.Exit = 128 + sig.number
	case errors.As(err, &status):
		both = *bad
		both.Exit = int(status)
	default:
		both.Why = joinWords("; ", both.Why, bad.Message+", "+bad.Why)
		return because(&both, err)
	}
	r.out.report(&both)
	return err
}
