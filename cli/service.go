package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/liminal-bus/liminal/internal/config"
	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
	"github.com/liminal-bus/liminal/node/observe"
)

// service is a node with what makes it one of this machine: its lock and its
// control socket. node start runs one, demo runs three.
type service struct {
	*node.Node
	socket  string
	lock    *control.Lock
	server  *control.Server
	backend *backend        // behind server
	http    *observe.Server // nil where none was asked for
	serving sync.WaitGroup
	stopped chan struct{} // closed when a control call asked for the end
	ask     sync.Once
	abort   context.CancelCauseFunc // ends a start that is still under way
}

// errStopped ends a start during which a control call asked for the end.
var errStopped = errors.New("stopped before it had joined")

// serviceSpec is what a service needs to start.
type serviceSpec struct {
	config node.Config
	http   string // where to serve health and metrics, "" for nowhere
	dir    string // runtime directory: ours, 0700
	socket string // "" is NAME.sock in dir
	cookie string // described, for status and errors
	pid    int
	now    func() time.Time
	log    *slog.Logger
	// listening is called once the listener and the socket are open.
	listening func(*service)
}

// startService takes the lock, starts the node and opens its socket before the
// first seed is dialled, so that status answers while it joins.
func startService(ctx context.Context, spec serviceSpec) (*service, error) {
	full, err := node.FullName(spec.config.Name)
	me := self{name: full, cookie: spec.cookie, tick: durationText(spec.config.Tick), epmd: epmdPort(spec.config)}
	if t := spec.config.TLS; t != nil {
		me.ca = t.Info().Files.CA
	}
	if err != nil {
		return nil, explainStart(err, spec.config, me)
	}
	s := &service{socket: spec.socket, stopped: make(chan struct{})}
	if s.socket == "" {
		if s.socket, err = config.SocketPath(spec.dir, nameOf(full)); err != nil {
			return nil, explainConfig(err, nil)
		}
	} else if err := config.CheckSocketPath(s.socket); err != nil {
		return nil, explainConfig(err, nil)
	}
	if err := s.takeLock(spec.dir, nameOf(full)); err != nil {
		return nil, err
	}
	if err := s.start(ctx, spec); err != nil {
		return nil, errors.Join(explainStart(err, spec.config, me), s.release())
	}
	return s, nil
}

func (s *service) takeLock(dir, name string) error {
	lock, err := control.AcquireLock(dir, name)
	if locked := (*control.LockedError)(nil); errors.As(err, &locked) {
		return alreadyRunning(locked)
	}
	if err != nil {
		return ioError("cannot lock the name "+name, err, "set LIMINAL_RUNTIME_DIR to a directory of yours")
	}
	s.lock = lock
	return nil
}

// start runs node.Start with the socket opened inside it. A socket that cannot
// be opened ends the start.
func (s *service) start(ctx context.Context, spec serviceSpec) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.abort = cancel
	var openErr error
	c := spec.config
	c.Listening = func(n *node.Node) {
		s.Node = n
		if openErr = s.open(spec); openErr != nil {
			cancel(openErr)
			return
		}
		if spec.listening != nil {
			spec.listening(s)
		}
	}
	n, err := node.Start(ctx, c)
	if openErr != nil {
		if err == nil {
			openErr = errors.Join(openErr, n.Close())
		}
		return openErr
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (s *service) open(spec serviceSpec) error {
	ln, err := control.Listen(s.socket)
	if err != nil {
		return explainSocket(err, s.socket)
	}
	if err := s.lock.SetSocket(s.socket); err != nil {
		return errors.Join(ioError("cannot write the lock", err, "liminal status"), ln.Close())
	}
	s.backend = &backend{
		node: embedded{s.Node}, socket: s.socket, cookie: spec.cookie, tick: spec.config.Tick, pid: spec.pid,
		now: spec.now, stop: s.askToStop,
	}
	if err := s.openHTTP(spec, s.backend); err != nil {
		return errors.Join(err, ln.Close())
	}
	s.server = control.NewServer(s.backend, spec.log)
	s.serving.Go(func() {
		if err := s.server.Serve(ln); err != nil {
			spec.log.Error("control socket failed", "err", err)
		}
	})
	return nil
}

// askToStop is called by a control call, which Close waits for: so it only says
// that the end is wanted.
func (s *service) askToStop() {
	s.ask.Do(func() { close(s.stopped) })
	s.abort(errStopped)
}

// Close says goodbye, then closes the socket and lets go of the lock, in this
// order: while the node drains, status still answers, and who sees the lock
// free may start a node of that name at once.
func (s *service) Close() error {
	return errors.Join(s.Node.Close(), s.release()) // until then /ready says that it stops
}

// release undoes what is not the node's own.
func (s *service) release() error {
	var err error
	if s.http != nil {
		err = s.http.Close()
	}
	if s.server != nil {
		err = errors.Join(err, s.server.Close())
		s.serving.Wait()
	}
	lockErr := s.lock.Release()
	if errors.Is(lockErr, fs.ErrNotExist) {
		lockErr = nil // somebody cleared the directory: it is gone, as it should be
	}
	return errors.Join(err, lockErr)
}

// describeCookie says where a cookie came from and how long it is, and how many
// are accepted besides.
func describeCookie(c config.Cookie) string {
	text := fmt.Sprintf("%d characters from %s", c.Length, c.Source)
	if len(c.Accept) > 0 {
		text += fmt.Sprintf("; %d more from %s", len(c.Accept), c.From)
	}
	return text
}

// runtimeDir is the directory of the user's nodes, made if need be.
func runtimeDir(env Env) (string, error) {
	dir, err := config.RuntimeDir(env.Getenv)
	if err != nil {
		return "", explainConfig(err, nil)
	}
	return dir, nil
}

// removeAll clears a directory that we made; the error is told, not fatal.
func removeAll(dir string, o *output) {
	if err := os.RemoveAll(dir); err != nil {
		o.note("liminal: cannot remove %s: %v\n", dir, err)
	}
}
