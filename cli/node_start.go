package cli

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/config"
	"github.com/liminal-bus/liminal/node"
)

// nodeCommand is the group `liminal node`.
func (a *app) nodeCommand() *cli.Command {
	return &cli.Command{
		Name:        "node",
		Usage:       "run a node, stop one, or list those that run here",
		Subcommands: []*cli.Command{a.nodeStartCommand(), a.nodeStopCommand(), a.nodeListCommand()},
	}
}

func (a *app) nodeStartCommand() *cli.Command {
	return &cli.Command{
		Name:  "start",
		Usage: "run a node in the foreground",
		Description: "Prints one line an event on stdout; the log goes to stderr. SIGINT and SIGTERM say\n" +
			"goodbye and end it, a second one ends it at once. SIGHUP re-reads the file.",
		Flags:  nodeFlags(),
		Action: a.action(command{settings: true}, runNode),
	}
}

// nodeRun is one `liminal node start`.
type nodeRun struct {
	*call
	*service
	log    *slog.Logger
	logger *logger
	report *reporter // nil without systemd
	cookie config.Cookie

	applied *config.Values // what the last reload made of the file; owned by reloadLoop
}

func runNode(ctx context.Context, c *call) error {
	r := &nodeRun{call: c, logger: &logger{quiet: c.out.quiet}, applied: c.set.Values}
	r.logger.set(c.set.Values, c.env.StderrTTY)
	log, lines := r.logger.to(c.env.Stderr)
	defer lines.end()
	r.log = log
	events := newLineQueue(c.out.stdout, func(lines uint64) { log.Warn("the event lines were not read in time", "lines_dropped", lines) })
	defer events.end() // before the log's end, so that it can still tell
	c.out.stdout = events
	c.app.takeHup.Store(true)
	spec, err := r.spec()
	if err != nil {
		return err
	}
	r.warn()
	r.report = newReporter(c.env, log)
	defer r.report.end()
	stop := context.AfterFunc(ctx, func() { r.report.stopping(spec.config.Drain) }) // while it joins
	r.service, err = startService(ctx, spec)
	stop()
	if err != nil {
		if errors.Is(err, errStopped) || isCancel(err) {
			return nil // it was asked to end before it had joined, and did
		}
		return err
	}
	return r.live(ctx)
}

// live shows events until a signal or a control call ends the node.
func (r *nodeRun) live(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reloads := make(chan struct{})
	go func() { defer close(reloads); r.reloadLoop(ctx) }()
	go func() {
		select {
		case <-r.stopped:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := r.ready()
	if err == nil {
		err = r.follow(ctx)
	}
	cancel()
	<-reloads
	r.report.stopping(r.applied.Node().Drain)
	return errors.Join(err, r.Close())
}

// spec gathers what the node needs from settings and machine.
func (r *nodeRun) spec() (serviceSpec, error) {
	dir, err := runtimeDir(r.env)
	if err != nil {
		return serviceSpec{}, err
	}
	if err := config.CheckSocketPath(r.set.Socket()); err != nil {
		return serviceSpec{}, explainConfig(err, r.cli.Command)
	}
	if r.cookie, err = r.set.Cookie(); err != nil {
		return serviceSpec{}, explainConfig(err, r.cli.Command)
	}
	c := r.set.Node()
	if c.TLS, err = r.set.TLS(); err != nil {
		return serviceSpec{}, explainConfig(err, r.cli.Command)
	}
	c.Cookie, c.Accept, c.Logger, c.Local = r.cookie.Value, r.cookie.Accept, r.log, localNodes(r.localDirs(dir))
	return serviceSpec{
		config: c, http: r.set.HTTP(), dir: dir, socket: r.set.Socket(), cookie: describeCookie(r.cookie), pid: r.env.PID, now: r.env.Now,
		log: r.log, listening: func(s *service) { r.report.listening(s) },
	}, nil
}

// localDirs are where other nodes of this machine may be.
func (r *nodeRun) localDirs(own string) []string {
	if dirs, err := config.ClientRuntimeDirs(r.env.Getenv); err == nil && r.env.Getenv("LIMINAL_RUNTIME_DIR") == "" {
		return dirs
	}
	return []string{own}
}

// warn tells at once what the settings leave to be desired.
func (r *nodeRun) warn() {
	for _, note := range r.set.Notes {
		r.log.Warn("unknown variable", "note", note)
	}
	if r.cookie.Warning != "" {
		r.log.Warn(r.cookie.Warning)
	}
}

// readyDoc is the first line of `liminal node start --json`.
type readyDoc struct {
	Type   string    `json:"type"` // node.ready
	Boot   string    `json:"boot"`
	Time   time.Time `json:"time"`
	Node   string    `json:"node"`
	PID    int       `json:"pid"`
	Listen []string  `json:"listen"`
	Socket string    `json:"socket"`
	Cookie string    `json:"cookie"`
	HTTP   *string   `json:"http"` // where health and metrics are served
}

// ready prints the block that says how to go on.
func (r *nodeRun) ready() error {
	listen := addrTexts(r.ListenAddr())
	now := r.env.Now()
	switch r.out.form {
	case formJSON:
		return r.out.json(readyDoc{"node.ready", bootText(r.Creation()), wireTime(now), r.Name(), r.env.PID, listen, r.socket, describeCookie(r.cookie), optional(r.httpText())})
	case formPlain:
		r.out.printf("%s ready %s (%s; %s)\n", r.out.stamp(now), r.Name(), joinWords("; http ", strings.Join(listen, ", "), r.httpText()), cookieText(r.cookie))
		return nil
	}
	if r.out.quiet {
		return nil
	}
	r.out.printf("liminal: %s is ready (%s)\n", r.Name(), cookieText(r.cookie))
	where := strings.Join(listen, ", ")
	if allLoopback(r.ListenAddr()) {
		where += ", this machine only (--listen :9100 opens it)"
	}
	r.out.printf("  listening  %s\n", where)
	if t := r.Status().TLS; t != nil {
		r.out.printf("  tls        %s\n", tlsText(tlsOf(t)))
	}
	if at := r.httpText(); at != "" {
		r.out.printf("  http       %s (/health, /ready, /metrics)\n", at)
	}
	short := nameOf(r.Name())
	other := "b"
	if short == other {
		other = "c"
	}
	r.out.printf("  next       liminal node start --name %s --seed %s\n", sibling(r.Name(), other), sibling(r.Name(), short))
	r.out.printf("             liminal watch --node %s\n", short)
	return nil
}

// cookieText: "cookie ~/.erlang.cookie, created", "cookie from LIMINAL_COOKIE".
func cookieText(c config.Cookie) string {
	if c.Source == "LIMINAL_COOKIE" {
		return "cookie from LIMINAL_COOKIE"
	}
	return "cookie " + c.String()
}

// follow prints events until ctx ends.
func (r *nodeRun) follow(ctx context.Context) error {
	w := r.Watch(0)
	defer w.Close()
	boot := bootText(r.Creation())
	for {
		e, err := w.Next(ctx)
		if ctx.Err() != nil || errors.Is(err, node.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.out.event(eventOf(e, boot), ""); err != nil {
			return err
		}
	}
}
