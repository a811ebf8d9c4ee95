package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/liminal-bus/liminal/internal/config"
	"github.com/liminal-bus/liminal/internal/control"
	"github.com/liminal-bus/liminal/node"
	"github.com/liminal-bus/liminal/tui"
)

// lookSettings are those that dialling from outside needs.
var lookSettings = []string{"node.cookie_file", "node.cookie_accept_file", "node.epmd", "cluster.dial_timeout", "tls.cert", "tls.key", "tls.ca"}

// attachFlags are those of commands that can look at a cluster from outside.
func attachFlags() []cli.Flag {
	attach := &cli.StringSliceFlag{Name: "attach", Usage: "look from outside, where no node of ours is: at the cluster of `ADDR`; repeats"}
	return append([]cli.Flag{attach}, settingFlags(lookSettings...)...)
}

// attached says whether the command looks from outside.
func (c *call) attached() bool { return c.cli.IsSet("attach") }

// attach looks at the cluster of the addresses of --attach. The source is as good
// as the control socket of a node in that cluster, but for channels; target names
// the nodes that are looked at. done ends the look. ctx bounds the first look
// around. Errors are told for people.
func (c *call) attach(ctx context.Context) (src tui.Source, target string, done func(), err error) {
	if c.cli.IsSet("node") || c.cli.IsSet("socket") {
		return nil, "", nil, usage("--attach and a node of this machine exclude each other", "--attach needs no node of ours", c.cli.Command)
	}
	l, err := c.newLooker(fullName(c.cli.Command) + " --attach")
	if err != nil {
		return nil, "", nil, err
	}
	addresses := list(c.cli, "attach")
	n, err := node.Look(ctx, l.lookConfig(addresses))
	if err != nil {
		return nil, "", nil, l.explain(ctx, err, addresses)
	}
	done = func() { _ = n.Close() } // has no error
	if err := n.Looked(ctx); err != nil {
		done()
		return nil, "", nil, l.explain(ctx, err, addresses)
	}
	s := l.source(n)
	for _, seed := range n.Status().Seeds {
		if seed.Err != nil {
			c.out.note("liminal: %s\n", l.advise(explainDial(seed.Address, seed.Err, l.me), seed.Err, seed.Address).Message)
		}
	}
	return s, s.target, done, nil
}

// looker is what commands have in common that look from outside.
type looker struct {
	call    *call
	config  node.Config // of which dialling takes its part
	cookie  config.Cookie
	dir     string // runtime directory
	me      self
	command string // what the address stands behind: "peers --attach"
}

func (c *call) newLooker(command string) (*looker, error) {
	l := &looker{call: c, command: command, config: c.set.Node()}
	var err error
	if l.dir, err = runtimeDir(c.env); err != nil {
		return nil, err
	}
	if l.cookie, err = c.set.Cookie(); err != nil {
		return nil, explainConfig(err, c.cli.Command)
	}
	if l.config.TLS, err = c.set.TLS(); err != nil {
		return nil, explainConfig(err, c.cli.Command)
	}
	l.me = self{
		name: "liminal-look-0@localhost", cookie: describeCookie(l.cookie), tick: durationText(l.config.Tick), epmd: epmdPort(l.config),
		host: shortHost(), ca: c.set.TLSFiles().CA,
	}
	return l, nil
}

// shortHost is what stands behind the @ of a short name of this machine.
func shortHost() string {
	name, _ := node.FullName("a") // without one, addresses are given in full
	return hostPart(name)
}

func (l *looker) lookConfig(addresses []string) node.LookConfig {
	return node.LookConfig{
		Addresses: addresses, Cookie: l.cookie.Value, Accept: l.cookie.Accept, EPMD: l.config.EPMD, EPMDPort: l.config.EPMDPort,
		DialTimeout: l.config.DialTimeout, RetryMax: l.config.RetryMax,
		Local: localNodes(l.localDirs()), Claim: l.claim, TLS: l.config.TLS,
	}
}

// localDirs are where nodes of this machine may be.
func (l *looker) localDirs() []string {
	env := l.call.env
	if dirs, err := config.ClientRuntimeDirs(env.Getenv); err == nil && env.Getenv("LIMINAL_RUNTIME_DIR") == "" {
		return dirs
	}
	return []string{l.dir}
}

// claim is the node.ClaimName of this user: a lock in a directory of its own,
// since a lock in the runtime directory means a node with a socket.
func (l *looker) claim(name string) (release func(), err error) {
	dir := filepath.Join(l.dir, "look")
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, ioError("cannot make "+dir, err, "set LIMINAL_RUNTIME_DIR to a directory of yours")
	}
	lock, err := control.AcquireLock(dir, name)
	if errors.As(err, new(*control.LockedError)) {
		return nil, fmt.Errorf("%w: %w", node.ErrLooks, err)
	}
	if err != nil {
		return nil, ioError("cannot lock the name "+name, err, "set LIMINAL_RUNTIME_DIR to a directory of yours")
	}
	return func() { _ = lock.Release() }, nil // the kernel lets go in any case
}

// source is a look as the screen and the lists want it.
func (l *looker) source(n *node.Node) *lookSource {
	s := &lookSource{
		backend: &backend{
			node: embedded{n}, cookie: l.me.cookie, tick: l.config.Tick, pid: l.call.env.PID, now: l.call.env.Now, stop: func() {},
		},
		node: n, command: l.command,
	}
	s.target = strings.Join(s.targets(), ",")
	return s
}

// lookSource is a backend without a socket, whose node stands outside of what it
// shows.
type lookSource struct {
	*backend
	node    *node.Node
	target  string // the nodes that are looked at, joined by commas
	command string
}

// targets are the addresses' nodes that are up.
func (s *lookSource) targets() (names []string) {
	for _, seed := range s.node.Status().Seeds {
		if seed.Node != "" && seed.State == "up" {
			names = append(names, seed.Node)
		}
	}
	return names
}

// Status is that of the look, under the name of what is looked at.
func (s *lookSource) Status(ctx context.Context) (control.Status, error) {
	status, err := s.backend.Status(ctx)
	status.Node = s.target
	return status, err
}

// Peers lists the targets, the nodes that they are connected to, and how it is
// that we cannot reach some of them.
func (s *lookSource) Peers(ctx context.Context, f control.Filter) (control.Peers, error) {
	all, err := s.backend.Peers(ctx, f)
	if unknown := (*control.Error)(nil); errors.As(err, &unknown) {
		own := *unknown
		own.Why, own.Try = s.target+" does not list it", "liminal "+s.command+" "+s.target
		err = &own
	}
	all.Node = s.target
	seen := map[string]node.Peer{}
	for _, p := range s.node.Peers() {
		seen[p.Name] = p
	}
	target := map[string]bool{}
	for _, name := range s.targets() {
		target[name] = true
	}
	for i := range all.Peers {
		p := &all.Peers[i]
		p.Note = lookNote(*p, seen[p.Name], target[p.Name])
	}
	return all, err
}

// lookNote says what stands between us and a row.
func lookNote(row control.Peer, p node.Peer, target bool) *string {
	switch {
	case target && isUp(row):
		return optional("attached here")
	case p.State != node.StateDialling:
		return row.Note
	}
	by, why := "", "not reached yet"
	if p.ToldBy != "" {
		by = "seen by " + p.ToldBy
	}
	if p.LastError != "" {
		why = "cannot be reached from here: " + p.LastError
	}
	return optional(joinWords("; ", by, why))
}

// Channels has nothing to show: a look has no scope.
func (s *lookSource) Channels(context.Context, []string) (control.Channels, error) {
	return control.Channels{}, fail("no_channels", "there are no channels to see from outside",
		"who looks takes no part, and is told of no groups", "liminal node start --seed "+s.target+", then liminal channels")
}
