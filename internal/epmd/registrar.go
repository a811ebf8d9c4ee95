package epmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Mode says how much a node wants of epmd.
type Mode string

const (
	ModeAuto    Mode = "auto"    // register whenever a local epmd answers
	ModeRequire Mode = "require" // no epmd at the start is an error
	ModeOff     Mode = "off"     // leave epmd alone
)

// ParseMode reads a mode as a setting spells it.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case ModeAuto, ModeRequire, ModeOff:
		return m, nil
	}
	return "", fmt.Errorf("epmd: mode must be auto, require or off, not %q", s)
}

const (
	// localhost is the only epmd a node registers with: names belong to a machine.
	localhost = "127.0.0.1"

	retryBroken = 2 * time.Second // as OTP's erl_epmd does
	retryAbsent = 5 * time.Second // auto mode, while no epmd answers
)

// Config is what a Registrar keeps registered.
type Config struct {
	Client Client
	Mode   Mode   // "" is ModeAuto
	Name   string // the node's name before the @, 1 to 255 bytes
	Port   int    // of the node's listener
	Hidden bool   // registers as node type 72 instead of 77

	// OnState, if set, is called when registration comes, goes, or fails in a
	// new way; not for every repeated failure and not by Close. The calls are
	// in order and must not call the Registrar's Close.
	OnState func(State)
}

// State tells how a registration stands.
type State struct {
	Registered bool
	Since      time.Time // when Registered last changed; zero before the first attempt
	Err        error     // why not registered: the last attempt's error, or the loss of the socket
	Attempts   uint64    // registrations tried
	Lost       uint64    // registrations that ended without our doing
	Taken      uint64    // attempts to which epmd said that the name is taken
}

// Registrar keeps one name registered with the local epmd: Register once, Close
// when the node stops. It owns one goroutine from a successful Register to
// Close. Its methods are safe for concurrent use.
type Registrar struct {
	cfg   Config
	ctx   context.Context // ended by Close alone
	stop  context.CancelFunc
	group sync.WaitGroup // keepLoop

	mu      sync.Mutex
	state   State
	conn    net.Conn // the registration, nil without one
	started bool
	closed  bool
}

// NewRegistrar checks cfg; nothing is sent before Register.
func NewRegistrar(cfg Config) (*Registrar, error) {
	if cfg.Mode == "" {
		cfg.Mode = ModeAuto
	}
	if _, err := ParseMode(string(cfg.Mode)); err != nil {
		return nil, err
	}
	if err := checkName(cfg.Name); err != nil {
		return nil, err
	}
	if cfg.Port < 1 || cfg.Port > 65535 {
		return nil, fmt.Errorf("epmd: port to register must be from 1 to 65535, not %d", cfg.Port)
	}
	r := &Registrar{cfg: cfg}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r, nil
}

// Register makes the first attempt and, unless it returns an error, keeps the
// name registered in the background until Close. In every mode but off a taken
// name is a *NameInUseError; in mode require, no epmd is an ErrNoEPMD; in mode
// auto that is fine and tried again. ctx bounds the first attempt only.
func (r *Registrar) Register(ctx context.Context) error {
	if err := r.start(); err != nil || r.cfg.Mode == ModeOff {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)() // Close ends a first attempt too

	nc, err := r.attempt(ctx)
	if err != nil && (r.cfg.Mode == ModeRequire || errors.Is(err, ErrNameInUse) || ctx.Err() != nil) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed // Close has closed the socket, or attempt did
	}
	r.group.Go(func() { r.keepLoop(nc, err) })
	return nil
}

// start admits one call of Register.
func (r *Registrar) start() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	if r.started {
		return errors.New("epmd: Register was called twice")
	}
	r.started = true
	return nil
}

// State returns how the registration stands now.
func (r *Registrar) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// Close unregisters and waits until the socket and the goroutine are gone.
// Calling it again is harmless.
func (r *Registrar) Close() error {
	r.stop()
	r.mu.Lock()
	r.closed = true
	if r.conn != nil {
		r.conn.Close() // wakes keepLoop
		r.conn = nil
	}
	if r.state.Registered {
		r.state.Registered, r.state.Since, r.state.Err = false, time.Now(), nil
	}
	r.mu.Unlock()
	r.group.Wait()
	return nil
}

// keepLoop holds the registration nc, or without one (err says why) tries again,
// until Close.
func (r *Registrar) keepLoop(nc net.Conn, err error) {
	for {
		if nc != nil {
			err = r.hold(nc)
		}
		if !r.pause(r.retryAfter(err)) {
			return
		}
		nc, err = r.attempt(r.ctx)
	}
}

// hold returns when the socket of a registration ends. Whatever epmd sends on
// it has no meaning in the protocol.
func (r *Registrar) hold(nc net.Conn) error {
	_, err := io.Copy(io.Discard, nc)
	if err == nil {
		err = io.EOF
	}
	err = fmt.Errorf("epmd: registration of %q lost: %w", r.cfg.Name, err)
	nc.Close()
	r.note(func(s *State) {
		r.conn = nil
		s.Registered, s.Err, s.Lost = false, err, s.Lost+1
	})
	return err
}

// retryAfter is the pause before the attempt that follows err.
func (r *Registrar) retryAfter(err error) time.Duration {
	if r.cfg.Mode == ModeAuto && errors.Is(err, ErrNoEPMD) {
		return retryAbsent
	}
	return retryBroken
}

// pause waits for d and reports whether the Registrar is still open.
func (r *Registrar) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-r.ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// attempt registers once, files the socket under r.conn and notes the outcome.
func (r *Registrar) attempt(ctx context.Context) (net.Conn, error) {
	nc, err := r.alive(ctx)
	if err == nil && !r.file(nc) {
		nc.Close()
		nc, err = nil, ErrClosed
	}
	r.note(func(s *State) {
		s.Attempts++
		s.Registered, s.Err = err == nil, err
		if errors.Is(err, ErrNameInUse) {
			s.Taken++
		}
	})
	return nc, err
}

// file hands the socket to Close, or reports that Close was there first.
func (r *Registrar) file(nc net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.conn = nc
	return true
}

// alive sends ALIVE2_REQ and returns the socket that is the registration.
func (r *Registrar) alive(ctx context.Context) (net.Conn, error) {
	c, cfg := r.cfg.Client, r.cfg
	var result byte
	nc, err := c.open(ctx, localhost, alive2(cfg.Name, cfg.Port, cfg.Hidden), func(rd io.Reader) (err error) {
		result, err = readAlive(rd)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("epmd: register %q at %s: %w", cfg.Name, c.addr(localhost), err)
	}
	if result == 0 {
		return nc, nil
	}
	nc.Close() // epmd leaves a refused socket open
	if result != 1 {
		return nil, fmt.Errorf("epmd: register %q: %w: result %d", cfg.Name, ErrBadReply, result)
	}
	port, _ := c.Lookup(ctx, localhost, cfg.Name) // only to say more; 0 if it fails
	return nil, &NameInUseError{Name: cfg.Name, Port: port}
}

// note changes the state under the lock and tells OnState what is new. After
// Close nothing is noted: the last word was said there.
func (r *Registrar) note(change func(*State)) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return
	}
	old := r.state
	change(&r.state)
	if r.state.Registered != old.Registered || old.Since.IsZero() {
		r.state.Since = time.Now()
	}
	now := r.state
	r.mu.Unlock()
	if r.cfg.OnState != nil && (now.Registered != old.Registered || text(now.Err) != text(old.Err)) {
		r.cfg.OnState(now)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
