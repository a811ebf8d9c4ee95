package discovery

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"sync"
)

const (
	maxBook    = 1024 // learned addresses, and told ones, each
	maxPerName = 4    // told addresses of one name
	maxIPs     = 16   // addresses of one host that are tried
)

var (
	// ErrNoHost means that a host name has no address.
	ErrNoHost = errors.New("no address for host")

	// ErrNoPort means that nothing knows where a node listens and there is no
	// epmd to ask.
	ErrNoPort = errors.New("no known port")
)

// ResolveError tells which part of an address could not be resolved.
type ResolveError struct {
	Address Address
	Stage   string // "host": no address for it; "epmd": it gave no port; "name": nothing knows the port
	Err     error  // ErrNoHost or ErrNoPort, or what the epmd look-up returned
}

func (e *ResolveError) Error() string {
	return fmt.Sprintf("resolve %s: %s: %v", e.Address, e.Stage, e.Err)
}

func (e *ResolveError) Unwrap() error { return e.Err }

// ResolverOptions wires a Resolver to the world. Only OurHost is required.
type ResolverOptions struct {
	OurHost string // host part of our own node name

	// LookupIP finds a host's addresses, in order; nil asks the system.
	LookupIP func(ctx context.Context, host string) ([]netip.Addr, error)

	// Local finds a node of this machine by the name before its @, and returns
	// its "ip:port". Asked for our own host only. It may be nil.
	Local func(ctx context.Context, name string) (addr string, ok bool)

	// EPMD asks the epmd of host (an IP address) for a node's port; nil: no epmd.
	EPMD func(ctx context.Context, host, name string) (port int, err error)
}

// Resolver turns addresses into IP addresses and ports. One serves the whole
// node, so that what one part learns helps all. It is safe for concurrent use
// and starts no goroutine.
type Resolver struct {
	opts ResolverOptions

	mu      sync.Mutex
	learned book // where a dial led to an authenticated name
	told    book // what peers say of themselves and others: to be tried, not believed
}

// NewResolver returns a Resolver that has learned nothing.
func NewResolver(opts ResolverOptions) *Resolver {
	if opts.LookupIP == nil {
		opts.LookupIP = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	return &Resolver{
		opts:    opts,
		learned: book{max: maxBook, perName: 1},
		told:    book{max: maxBook, perName: maxPerName},
	}
}

// Learn remembers that dialling addr ("host:port") led to the node name.
func (r *Resolver) Learn(name, addr string) error { return r.put(&r.learned, name, addr) }

// Tell remembers addr ("host:port") as one at which a peer says that name
// listens. At most 1,024 are kept, 4 a name; the oldest give way.
func (r *Resolver) Tell(name, addr string) error { return r.put(&r.told, name, addr) }

func (r *Resolver) put(b *book, name, addr string) error {
	if err := ValidName(name); err != nil {
		return err
	}
	host, port, err := splitHost(addr)
	if err == nil && port == 0 {
		err = errors.New("the port is missing")
	}
	if err != nil {
		return fmt.Errorf("address %q of %s: %w", addr, name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b.put(name, Address{Host: host, Port: port}.String())
	return nil
}

// Forget drops all that was learned or told of name.
func (r *Resolver) Forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.learned.forget(name)
	r.told.forget(name)
}

// ResolverStats counts what a Resolver holds and what gave way to newer entries.
type ResolverStats struct {
	Learned, Told               int
	LearnedDropped, ToldDropped uint64
}

// Stats returns the counts now.
func (r *Resolver) Stats() ResolverStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return ResolverStats{
		Learned: len(r.learned.entries), LearnedDropped: r.learned.dropped,
		Told: len(r.told.entries), ToldDropped: r.told.dropped,
	}
}

// Candidates yields where to dial a, best first and none twice: a port that a
// itself names settles it; else the Local hook, the learned address, the told
// ones, epmd. Each step is taken only when the loop comes to it, so a dial that
// succeeds early never waits for epmd. Names are resolved afresh each time and
// every address of a host is yielded. A step that fails yields a *ResolveError;
// steps that know nothing yield nothing, but at least one pair is yielded.
func (r *Resolver) Candidates(ctx context.Context, a Address) iter.Seq2[netip.AddrPort, error] {
	return func(yield func(netip.AddrPort, error) bool) {
		w := &walk{r: r, ctx: ctx, addr: a.On(r.opts.OurHost), seen: map[netip.AddrPort]bool{}, yield: yield}
		w.run()
	}
}
