package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/liminal-bus/liminal/internal/bus"
	"github.com/liminal-bus/liminal/internal/discovery"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/epmd"
	"github.com/liminal-bus/liminal/internal/etf"
	"github.com/liminal-bus/liminal/internal/links"
	"github.com/liminal-bus/liminal/internal/membership"
)

// Start runs a node. It returns once one seed has answered, or at once without
// seeds; if none has answered within Config.JoinTimeout the node is closed and
// the error wraps ErrClusterJoin and what each seed said. ctx bounds the
// starting only.
func Start(ctx context.Context, c Config) (*Node, error) {
	n, seeds, err := build(c)
	if err != nil {
		return nil, err
	}
	if err := n.open(ctx); err != nil {
		n.Close()
		return nil, err
	}
	n.opened = true
	n.wg.Go(n.pollLoop)
	n.cfg.Listening(n)
	if err := n.joinSeeds(ctx, seeds); err != nil {
		n.Close()
		return nil, err
	}
	n.joinedAll()
	n.settle(ctx)
	n.log.Info("cluster membership established", "peers", n.PeerNames())
	return n, nil
}

// build makes a node that does nothing yet.
func build(c Config) (*Node, []discovery.Address, error) {
	c = c.withDefaults()
	if err := c.check(); err != nil {
		return nil, nil, err
	}
	name, err := FullName(c.Name)
	if err != nil {
		return nil, nil, err
	}
	seeds, err := parseAddresses(c.Seeds)
	if err != nil {
		return nil, nil, err
	}
	n := &Node{
		cfg: c, name: name, log: c.Logger, creation: c.seams.life(), started: time.Now(),
		tracker: membership.New(), budget: newSubsBudget(time.Now()), state: NodeJoining, feed: newFeed(),
		peers: map[string]*peer{}, calls: map[uint64]*call{}, joins: map[uint64][]chan joinResult{}, flights: map[uint64]*flight{},
		dialFor: c.DialTimeout, forget: c.ForgetAfter, drain: c.Drain,
		returns: newReturns(), leftBy: map[dist.Reason]uint64{},
		rtts: newRTTs(), delays: newPollDelays(),
		greeted: make(chan struct{}),
		nudges:  make(chan struct{}, 1), kicks: make(chan struct{}, 1), settled: make(chan struct{}, 1),
		rounds: make(chan struct{}),
		closed: make(chan struct{}),
	}
	_, n.host, _ = strings.Cut(name, "@")
	n.self = etf.Pid{Node: etf.Atom(name), ID: selfID, Creation: n.creation}
	n.ctx, n.stop = context.WithCancel(context.Background())
	n.groups = newGroups(n, c.Scope)
	n.idHead = fmt.Sprintf("%x-", n.creation)
	n.bus = bus.New(bus.Options{Queue: c.Queue, Ended: n.slow})
	n.tls.init(c.TLS, n.host)
	n.resolver = n.newResolver()
	n.plan, err = discovery.NewPlan(discovery.PlanOptions{
		OurName: name, Retry: discovery.RetryBackoff(c.RetryMax), Rand: c.seams.chance,
	})
	return n, seeds, err
}

// newResolver is the one resolver of the node.
func (n *Node) newResolver() *discovery.Resolver {
	opts := discovery.ResolverOptions{OurHost: n.host, Local: n.cfg.Local}
	if n.cfg.EPMD != EPMDOff {
		client := epmd.Client{Port: n.cfg.EPMDPort}
		opts.EPMD = client.Lookup
	}
	return discovery.NewResolver(opts)
}

// open binds the listener, then registers with epmd: a name that is registered
// but does not accept costs a caller seven seconds.
func (n *Node) open(ctx context.Context) error {
	ls, err := links.ListenOn(ctx, n.cfg.seams.net, n.cfg.Listen, n.host)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return &causeError{ErrPortInUse, err}
		}
		return err
	}
	for _, l := range ls {
		n.listen = append(n.listen, l.Addr().(*net.TCPAddr).AddrPort())
	}
	n.warnOfTLS()
	n.hello = encodeHello(n.advertised())
	n.table = links.New(n.tableConfig(dist.Offer(n.cfg.Hidden)))
	n.table.Serve(ls)
	return n.register(ctx)
}

func (n *Node) tableConfig(offer dist.Flags) links.Config {
	return links.Config{
		Local: dist.Local{
			Name: n.name, Creation: n.creation, Flags: offer,
			Cookie: n.cfg.Cookie, Accept: n.cfg.Accept, Challenges: new(dist.Challenges),
		},
		Handler: handler{n}, Tick: n.cfg.Tick, Net: n.cfg.seams.net, Vet: n.vet, Polite: n.cfg.look, MaxPeers: n.cfg.maxPeers, TLS: n.tls.keeper,
		Up: n.linkUp, Down: n.linkDown, Refused: n.logRefusal,
	}
}

func (n *Node) register(ctx context.Context) error {
	if n.cfg.EPMD == EPMDOff {
		return nil
	}
	short, _, _ := strings.Cut(n.name, "@")
	r, err := epmd.NewRegistrar(epmd.Config{
		Client: epmd.Client{Port: n.cfg.EPMDPort}, Mode: epmd.Mode(n.cfg.EPMD),
		Name: short, Port: int(n.listen[0].Port()), Hidden: n.cfg.Hidden, OnState: n.logEPMD,
	})
	if err != nil {
		return err
	}
	n.epmd = r
	err = r.Register(ctx)
	var taken *epmd.NameInUseError
	switch {
	case errors.As(err, &taken):
		return &NameInUseError{taken.Name, taken.Port}
	case errors.Is(err, epmd.ErrNoEPMD):
		return &causeError{ErrNoEPMD, err}
	}
	return err
}

// vet refuses names of the other form: a node with a short name cannot reach
// one with a long name by that name, nor be reached by it.
func (n *Node) vet(name string) error { return vetName(n.name, name) }

func vetName(ours, name string) error {
	_, our, _ := strings.Cut(ours, "@")
	_, host, _ := strings.Cut(name, "@")
	if discovery.IsLong(host) != discovery.IsLong(our) {
		return fmt.Errorf("%w: ours is %s, theirs %s", ErrNameMode, ours, name)
	}
	return nil
}

// advertised is the address that hello tells: the configured one, or our port
// at whatever address the peer sees us.
func (n *Node) advertised() (host string, port uint16) {
	port = n.listen[0].Port()
	if n.cfg.Advertise == "" {
		return "", port
	}
	host, text := splitAdvertise(n.cfg.Advertise)
	if ap, err := netip.ParseAddrPort("0.0.0.0:" + text); err == nil {
		port = ap.Port()
	}
	return host, port
}

// joinedAll ends NodeJoining, unless Leave or Close came meanwhile.
func (n *Node) joinedAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state == NodeJoining {
		n.state = NodeUp
	}
}
