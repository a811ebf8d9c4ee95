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
	tell   notifier
	log    *slog.Logger
	text   func() string                   // the status
	check  func(ctx context.Context) error // fails for a node that is stuck
	period time.Duration                   // of the watchdog; 0 is none

	life   context.Context // of the reports
	cancel context.CancelFunc
	group  sync.WaitGroup

	// order keeps statuses in the order in which they were read. It is held
	// while one is sent, which takes notifyLimit at most; stopping does not
	// take it.
	order sync.Mutex

	mu      sync.Mutex // never held while something is sent
	last    string     // told
	trouble string     // what the last reload said, if it was refused
	over    bool       // STOPPING was told
}

// newReporter is nil where nobody wants to hear.
func newReporter(env Env, log *slog.Logger) *reporter {
	socket := env.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	r := &reporter{tell: notifier(socket), log: log}
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
	r.check = s.alive
	r.text = func() string { return unitStatus(s.Status(), s.Peers()) }
	r.ready("")
	r.start()
}

func (r *reporter) start() {
	r.group.Go(func() { r.statusLoopTo(r.life, r.tell.status) })
	if r.period > 0 {
		r.group.Go(func() { r.watchdogLoopTo(r.life, r.tell.alive) })
	}
}

// statusLoopTo reads the status once a period: some of what it says, such as that
// the node has left, is no event of any peer.
func (r *reporter) statusLoopTo(ctx context.Context, tell func(string)) {
	tick := time.NewTicker(statusPeriod)
	defer tick.Stop()
	for {
		r.say(tell)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// say tells a status that is news. After the end it says nothing, and an end
// during it is told once more, so that STOPPING's own status stays.
func (r *reporter) say(tell func(string)) {
	r.order.Lock()
	defer r.order.Unlock()
	r.sayInOrder(tell)
}

// sayInOrder is say for who holds r.order.
func (r *reporter) sayInOrder(tell func(string)) {
	text, news := r.news(r.text())
	if !news {
		return
	}
	tell(text)
	if r.ended() {
		r.tell.status(goodbye)
	}
}

func (r *reporter) news(text string) (full string, news bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	full = joinWords("; ", text, r.trouble)
	news = !r.over && full != r.last
	if news {
		r.last = full
	}
	return full, news
}

func (r *reporter) ended() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over
}

// ready tells READY with the status, for the start and after each reload;
// trouble is why a reload changed nothing.
func (r *reporter) ready(trouble string) {
	if r == nil {
		return
	}
	r.order.Lock()
	defer r.order.Unlock()
	r.mu.Lock()
	r.trouble, r.last = trouble, ""
	r.mu.Unlock()
	r.sayInOrder(r.tell.ready)
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

// stopping tells of the end and ends the reports. Neither a node that is stuck
// nor a reader of the socket that is holds the end up.
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
func unitStatus(s node.Status, peers []node.Peer) string {
	if s.State == node.NodeJoining {
		tries := 0
		for _, seed := range s.Seeds {
			tries += seed.Tries
		}
		text := s.Name + " is joining"
		if len(s.Seeds) > 0 {
			text += fmt.Sprintf(": none of %s has answered", count(len(s.Seeds), "seed"))
		}
		if tries > 0 {
			text += fmt.Sprintf(" (%s)", countWide(uint64(tries), "try", "tries"))
		}
		return text
	}
	c := countPeers(peers)
	text := fmt.Sprintf("%s: %s up", s.Name, count(c.Up+c.Suspect, "peer"))
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
	return text
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
