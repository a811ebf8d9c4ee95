package discovery

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// walk is one run of Candidates. Its steps report whether to go on.
type walk struct {
	r       *Resolver
	ctx     context.Context
	addr    Address // with its host filled in
	seen    map[netip.AddrPort]bool
	yielded bool // anything, candidate or error
	yield   func(netip.AddrPort, error) bool
}

func (w *walk) run() {
	if w.addr.Port != 0 {
		w.fixed(w.addr.Host, w.addr.Port)
		return
	}
	if w.local() && w.known() && w.epmd() && !w.yielded {
		w.fail("name", ErrNoPort)
	}
}

// local asks the machine's own records.
func (w *walk) local() bool {
	if w.r.opts.Local == nil || w.addr.Host != w.r.opts.OurHost {
		return true
	}
	text, ok := w.r.opts.Local(w.ctx, w.addr.Name)
	if !ok {
		return true
	}
	ap, err := netip.ParseAddrPort(text)
	if err != nil {
		return w.fail("name", fmt.Errorf("local address %q: %w", text, err))
	}
	return w.offer(ap)
}

// known goes through what was learned and told of the name.
func (w *walk) known() bool {
	name := w.addr.NodeName("")
	w.r.mu.Lock()
	addrs := append(w.r.learned.get(name), w.r.told.get(name)...)
	w.r.mu.Unlock()
	for _, addr := range addrs {
		host, port, err := splitHost(addr)
		if err != nil {
			return w.fail("name", err) // cannot be: put has checked it
		}
		if !w.fixed(host, port) {
			return false
		}
	}
	return true
}

// fixed offers every address of host at port.
func (w *walk) fixed(host string, port int) bool {
	ips, err := w.ips(host)
	if err != nil {
		return w.fail("host", err)
	}
	for _, ip := range ips {
		if !w.offer(netip.AddrPortFrom(ip, uint16(port))) {
			return false
		}
	}
	return true
}

// epmd asks the epmd at each address of the host. Addresses whose epmd gave
// no port come last, at a port that another gave: epmd may listen on one of
// a host's addresses only.
func (w *walk) epmd() bool {
	if w.r.opts.EPMD == nil {
		return true
	}
	ips, err := w.ips(w.addr.Host)
	if err != nil {
		return w.fail("host", err)
	}
	var mute []netip.Addr
	var errs []error
	port := 0
	for _, ip := range ips {
		p, err := w.ask(ip)
		if err != nil {
			mute, errs = append(mute, ip), append(errs, err)
			continue
		}
		if port = p; !w.offer(netip.AddrPortFrom(ip, uint16(port))) {
			return false
		}
	}
	if port == 0 {
		return w.fail("epmd", oneLine(errs))
	}
	for _, ip := range mute {
		if !w.offer(netip.AddrPortFrom(ip, uint16(port))) {
			return false
		}
	}
	return true
}

// ask is one look-up, with its answer checked.
func (w *walk) ask(ip netip.Addr) (int, error) {
	port, err := w.r.opts.EPMD(w.ctx, ip.String(), w.addr.Name)
	if err == nil && (port < 1 || port > 65535) {
		err = fmt.Errorf("epmd at %s: port %d", ip, port)
	}
	return port, err
}

// ips returns the addresses of host, in the resolver's order, at most maxIPs.
// Our own host is also reached at the loopback address, last: a machine need
// not resolve its own name, and its nodes may listen on loopback only.
func (w *walk) ips(host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	found, err := w.r.opts.LookupIP(w.ctx, host)
	var ips []netip.Addr
	for _, ip := range found {
		if ip = ip.Unmap(); ip.IsValid() && !slices.Contains(ips, ip) && len(ips) < maxIPs {
			ips = append(ips, ip)
		}
	}
	if loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1}); host == w.r.opts.OurHost && !slices.Contains(ips, loopback) {
		ips = append(ips, loopback)
	}
	if len(ips) > 0 {
		return ips, nil
	}
	if err == nil {
		err = errors.New("the answer is empty")
	}
	if w.ctx.Err() != nil {
		return nil, err // the caller gave up: that says nothing about the host
	}
	return nil, fmt.Errorf("%w %q: %w", ErrNoHost, host, err)
}

// offer yields ap unless it was there before.
func (w *walk) offer(ap netip.AddrPort) bool {
	if w.seen[ap] {
		return true
	}
	w.seen[ap], w.yielded = true, true
	return w.yield(ap, nil)
}

// fail yields the failure of one step.
func (w *walk) fail(stage string, err error) bool {
	w.yielded = true
	return w.yield(netip.AddrPort{}, &ResolveError{Address: w.addr, Stage: stage, Err: err})
}

// oneLine joins errors for one line of a log; nil for none.
func oneLine(errs []error) error {
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return joined(errs)
}

type joined []error

func (j joined) Error() string {
	text := j[0].Error()
	for _, err := range j[1:] {
		text += "; " + err.Error()
	}
	return text
}

func (j joined) Unwrap() []error { return j }
