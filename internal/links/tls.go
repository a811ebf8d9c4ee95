package links

import (
	"net"
	"strings"
)

// Every socket passes one of these two on its way to a handshake, so that with
// Config.TLS there is none in the clear. The handshake of TLS itself is the first
// step of dist.Accept and dist.Dial, within the same time and the same places.

// underTLS is for a connection that others began.
func (t *Table) underTLS(conn net.Conn) net.Conn {
	if t.cfg.TLS == nil {
		return conn
	}
	return t.cfg.TLS.Server(conn)
}

// towards is for one of ours, to the node want, "" if that is not known.
func (t *Table) towards(conn net.Conn, want string) net.Conn {
	if t.cfg.TLS == nil {
		return conn
	}
	_, host, _ := strings.Cut(want, "@")
	return t.cfg.TLS.Client(conn, host)
}
