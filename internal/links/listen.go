package links

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
)

// Listen binds spec, [HOST]:PORT. The host "localhost" stands for the loopback
// addresses of this machine: 127.0.0.1, and the one that nodeHost resolves to
// if that is a loopback address too, as 127.0.1.1 is on Debian, since peers
// that look the name up dial that one. With port 0 all get the same free port.
func Listen(ctx context.Context, spec, nodeHost string) ([]net.Listener, error) {
	host, port, err := net.SplitHostPort(spec)
	if err != nil {
		return nil, fmt.Errorf("listen address %q: %w", spec, err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("listen address %q: port must be 0 to 65535", spec)
	}
	if host != "localhost" {
		return bindAll(ctx, []string{host}, int(n))
	}
	return listenLoopback(ctx, nodeHost, int(n))
}

func listenLoopback(ctx context.Context, nodeHost string, port int) ([]net.Listener, error) {
	hosts := []string{"127.0.0.1"}
	for _, ip := range lookup(ctx, nodeHost) {
		if ip.IsLoopback() && !slices.Contains(hosts, ip.String()) {
			hosts = append(hosts, ip.String())
		}
	}
	return bindAll(ctx, hosts, port)
}

func lookup(ctx context.Context, host string) []netip.Addr {
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil // a node may have a name that no resolver knows
	}
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ips
}

// freePortTries bounds the search for a port that is free on every address.
const freePortTries = 20

func bindAll(ctx context.Context, hosts []string, port int) ([]net.Listener, error) {
	for try := 1; ; try++ {
		ls, err := bindOnce(ctx, hosts, port)
		if err == nil || port != 0 || try == freePortTries || !errors.Is(err, syscall.EADDRINUSE) {
			return ls, err
		}
	}
}

func bindOnce(ctx context.Context, hosts []string, port int) ([]net.Listener, error) {
	var ls []net.Listener
	for _, host := range hosts {
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if len(ls) > 0 && (errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)) {
			continue // a name may resolve to an address this machine does not have
		}
		if err != nil {
			for _, open := range ls {
				open.Close()
			}
			return nil, err
		}
		port = l.Addr().(*net.TCPAddr).Port
		ls = append(ls, l)
	}
	return ls, nil
}
