package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
)

// statusPeriod is how often systemd is told of a new status at most.
const statusPeriod = time.Second

// reporter keeps systemd informed of a node that runs: what it does, in words,
// when that changes, and that it is alive. Without NOTIFY_SOCKET there is none;
// a nil reporter says nothing.
type reporter struct {
	tell    notifier
	log     *slog.Logger
	changes watcher
	text    func() (status string, passing bool) // passing: it changes without an event
	check   func(ctx context.Context) error      // fails for a node that is stuck
	period  time.Duration                        // of the watchdog; 0 is none

	changed chan struct{}   // there may be a new status
	life    context.Context // of the reports
	cancel  context.CancelFunc
	group   sync.WaitGroup

	mu      sync.Mutex
	last    string // told
	trouble string // what the last reload said, if it was refused
	over    bool   // STOPPING was told
}

// newReporter is nil where nobody wants to hear.
func newReporter(env Env, log *slog.Logger) *reporter {
	socket := env.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	r := &reporter{tell: notifier(socket), log: log, changed: make(chan struct{}, 1)}
	r.life, r.cancel = context.WithCancel(context.Background())
	var err error
	if r.period, err = watchdogPeriod(env.Getenv, env.PID); err != nil {
		log.Warn("no watchdog", "err", err)
	}
	return r
}

// listening tells READY for a service whose listener and socket are open, and
// reports on it until stopping.
func (r *reporter) listening(s *service) {
	if r == nil {
		return
	}
	r.changes, r.check = embedded{s.Node}.Watch(0), s.alive
	r.text = func() (string, bool) { return unitStatus(s.Status(), s.Peers()) }
	r.ready("")
	r.start()
}

func (r *reporter) start() {
	r.group.Go(func() { r.changeLoop(r.life) })
	r.group.Go(func() { r.statusLoopTo(r.life, r.tell.status) })
	if r.period > 0 {
		r.group.Go(func() { r.watchdogLoopTo(r.life, r.tell.alive) })
	}
}

// changeLoop takes every event for a change: which of them are is not worth
// knowing at one status a second.
func (r *reporter) changeLoop(ctx context.Context) {
	defer r.changes.Close()
	for {
		if _, err := r.changes.Next(ctx); err != nil {
			return
		}
		r.nudge()
	}
}

func (r *reporter) nudge() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func (r *reporter) statusLoopTo(ctx context.Context, tell func(string)) {
	tick := time.NewTicker(statusPeriod)
	defer tick.Stop()
	for {
		text, passing := r.text()
		r.say(text, tell)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if passing {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-r.changed:
		}
	}
}

// say tells a status that is news. After the end it says nothing, so that
// STOPPING's own status stays.
func (r *reporter) say(text string, tell func(string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text = joinWords("; ", text, r.trouble)
	if !r.over && text != r.last {
		r.last = text
		tell(text)
	}
}

// ready tells READY with the status, for the start and after each reload;
// trouble is why a reload changed nothing.
func (r *reporter) ready(trouble string) {
	if r == nil {
		return
	}
	text, _ := r.text()
	r.mu.Lock()
	r.trouble, r.last = trouble, ""
	r.mu.Unlock()
	r.say(text, r.tell.ready)
}

func (r *reporter) reloading() {
	if r != nil {
		r.tell.reloading()
	}
}

// watchdogLoopTo tells systemd that the node is alive, and only while it is: one
// that is stuck is restarted by systemd's watchdog. A check takes at most half a
// period, so that two signs of life are never further apart than 3/4 of what the
// unit allows.
func (r *reporter) watchdogLoopTo(ctx context.Context, alive func()) {
	tick := time.NewTicker(r.period)
	defer tick.Stop()
	for {
		if err := r.checkOnce(ctx); err == nil {
			alive()
		} else if ctx.Err() == nil {
			r.log.Error("not alive: the watchdog is not told", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (r *reporter) checkOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.period/2)
	defer cancel()
	return r.check(ctx)
}

// stopping tells of the end and ends the reports. A node that is stuck holds
// nothing up here.
func (r *reporter) stopping(drain time.Duration) {
	if r == nil {
		return
	}
	r.mu.Lock()
	over := r.over
	r.over = true
	r.mu.Unlock()
	if !over {
		r.cancel()
		r.tell.stopping(drain)
	}
}

// end is for after the node's own.
func (r *reporter) end() {
	if r != nil {
		r.cancel()
		r.group.Wait()
	}
}

// unitStatus is the status of a node in one line: "a@dev: 2 peers up, 1 down".
func unitStatus(s node.Status, peers []node.Peer) (text string, passing bool) {
	if s.State == node.NodeJoining {
		tries := 0
		for _, seed := range s.Seeds {
			tries += seed.Tries
		}
		text = s.Name + " is joining"
		if len(s.Seeds) > 0 {
			text += fmt.Sprintf(": none of %s has answered", count(len(s.Seeds), "seed"))
		}
		if tries > 0 {
			text += fmt.Sprintf(" (%s)", countWide(uint64(tries), "try", "tries"))
		}
		return text, true
	}
	c := countPeers(peers)
	text = fmt.Sprintf("%s: %s up", s.Name, count(c.Up+c.Suspect, "peer"))
	for _, more := range []struct {
		n    int
		what string
	}{{c.Suspect, "suspect"}, {c.Dialling, "dialling"}, {c.Down, "down"}} {
		if more.n > 0 {
			text += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	if s.State == node.NodeAlone {
		text = s.Name + ": alone, it has left the cluster"
	}
	return text, false
}

// alive says whether the service does its work: its poll loop goes round and its
// control socket answers. An answer that refuses is one. A socket that somebody
// has removed is a trouble that no restart by the watchdog is due for.
func (s *service) alive(ctx context.Context) error {
	if err := s.Alive(ctx); err != nil && !errors.Is(err, node.ErrClosed) {
		return err
	}
	_, err := (&control.Client{Socket: s.socket}).Status(ctx)
	var answer *control.Error
	if errors.As(err, &answer) || errors.Is(err, control.ErrNoSocket) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the control socket does not answer: %s", strings.TrimPrefix(err.Error(), "control: "))
	}
	return nil
}
