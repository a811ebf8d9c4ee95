package links

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// Net is where sockets come from, in the words of net.ListenConfig and
// net.Dialer. Listeners must have addresses of type *net.TCPAddr. A nil Net is
// the kernel's: only a simulation has another.
type Net interface {
	Listen(ctx context.Context, network, address string) (net.Listener, error)
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// ListenOn is Listen on another network than the kernel's, where n is one. It
// knows no host names.
func ListenOn(ctx context.Context, n Net, spec, nodeHost string) ([]net.Listener, error) {
	if n == nil {
		return Listen(ctx, spec, nodeHost)
	}
	l, err := n.Listen(ctx, "tcp", spec)
	if err != nil {
		return nil, err
	}
	return []net.Listener{l}, nil
}

// connect makes the socket of a dial.
func (t *Table) connect(ctx context.Context, timeout time.Duration, addr netip.AddrPort) (net.Conn, error) {
	if t.cfg.Net == nil {
		d := net.Dialer{Timeout: timeout}
		return d.DialContext(ctx, "tcp", addr.String())
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return t.cfg.Net.DialContext(ctx, "tcp", addr.String())
}
