package observe

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// allowed are the names under which the server may be asked: a web page that
// makes its own name resolve to our address (DNS rebinding) still has to send
// that name.
type allowed map[string]bool

// allow collects hosts, with a port or without.
func allow(hosts ...string) allowed {
	a := allowed{"localhost": true}
	for _, h := range hosts {
		if h = bareHost(h); h != "" {
			a[h] = true
		}
	}
	return a
}

// admits says whether a request names this machine: by a name of the list, a
// loopback address, or the address that the connection came to, under which a
// Prometheus and the probes of Kubernetes ask. An address cannot be rebound.
func (a allowed) admits(r *http.Request) bool {
	host := bareHost(r.Host)
	if host == "" {
		return false
	}
	if a[host] {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	return ip.Unmap().IsLoopback() || ip.Unmap() == cameTo(r)
}

// cameTo is our end of the connection, the zero address if unknown.
func cameTo(r *http.Request) netip.Addr {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if tcp, ok := local.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// bareHost is a host in small letters, without port, brackets, zone and the dot
// that ends a full name.
func bareHost(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	host, _, _ = strings.Cut(host, "%")
	return strings.TrimSuffix(strings.ToLower(host), ".")
}
