package cli

import (
	"context"
	"errors"
	"net"
	"syscall"

	"github.com/liminal-bus/liminal/node/observe"
)

// openHTTP serves health, readiness and metrics, where that was asked for. b
// learns where, for status.
func (s *service) openHTTP(spec serviceSpec, b *backend) error {
	if spec.http == "" {
		return nil
	}
	names := observe.Options{Hosts: []string{spec.config.Advertise}}
	var err error
	if s.http, err = observe.Listen(context.Background(), spec.http, s.Node, names, spec.log); err != nil {
		return httpError(spec.http, err)
	}
	b.http = s.http.Addr()
	if s.http.Exposed() {
		b.warnings = append(b.warnings, "health and metrics are served beyond this machine, in the clear and to everybody: "+b.http.String())
		spec.log.Warn("health and metrics are served beyond this machine, in the clear and to everybody", "http", b.http)
	}
	return nil
}

func httpError(addr string, err error) error {
	host, _, _ := net.SplitHostPort(addr)
	free := "liminal node start --http " + net.JoinHostPort(host, "0") + " (any free port)"
	if errors.Is(err, syscall.EADDRINUSE) {
		return fail("port_in_use", "cannot serve HTTP on "+addr, "another program has the port", free)
	}
	return fail("io", "cannot serve HTTP on "+addr, err.Error(), free)
}

// httpText is where health and metrics are served, "" for nowhere.
func (s *service) httpText() string {
	if s.http == nil {
		return ""
	}
	return s.http.Addr().String()
}
