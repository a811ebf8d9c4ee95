package cli

import (
	"context"
	"net/netip"
	"time"

	"github.com/liminal-bus/liminal/internal/control"
)

// localLimit bounds the look at a node beside us: it answers at once or not
// worth waiting for.
const localLimit = time.Second

// localNodes finds the listener of a liminal node of this machine by the part
// of its name before the @, through its lock and its control socket. So nodes
// of one machine find each other without epmd.
func localNodes(dirs []string) func(ctx context.Context, name string) (string, bool) {
	return func(ctx context.Context, name string) (string, bool) {
		ctx, cancel := context.WithTimeout(ctx, localLimit)
		defer cancel()
		for _, dir := range dirs {
			found, _ := control.Inspect(dir) // what cannot be read is not ours to join
			for _, l := range found {
				if l.Name != name || !l.Alive {
					continue
				}
				status, err := (&control.Client{Socket: l.Socket}).Status(ctx)
				if err == nil && nameOf(status.Node) == name {
					return pickListener(status.Listen)
				}
			}
		}
		return "", false
	}
}

// pickListener takes a loopback address if there is one; a listener on every
// address is reached through loopback as well.
func pickListener(listen []string) (string, bool) {
	first := ""
	for _, text := range listen {
		ap, err := netip.ParseAddrPort(text)
		if err != nil {
			continue
		}
		if ap.Addr().IsUnspecified() {
			ap = netip.AddrPortFrom(loopback(ap.Addr()), ap.Port())
		}
		if ap.Addr().IsLoopback() {
			return ap.String(), true
		}
		if first == "" {
			first = ap.String()
		}
	}
	return first, first != ""
}

func loopback(a netip.Addr) netip.Addr {
	if a.Is4() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}
