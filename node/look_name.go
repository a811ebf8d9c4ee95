package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/liminal-bus/liminal/internal/discovery"
)

// LookSlots is how many names a host has to look under. A target keeps the name
// of who was once connected for ever.
const LookSlots = 16

// lookPrefix begins the names of looks: liminal-look-0@host to liminal-look-15@host.
const lookPrefix = "liminal-look-"

// ClaimName makes sure that no other process of this machine looks under a name,
// which is that of a slot without host, until release is called. An error that
// wraps ErrLooks says that one does.
type ClaimName func(name string) (release func(), err error)

func isLookName(name string) bool { return strings.HasPrefix(name, lookPrefix) }

// maxRefusals bounds the names that are tried where a target does not allow us:
// it is hardly about the name, and each try is an error in its log.
const maxRefusals = 2

// underLookName calls try with one name after the other until it does not fail
// for the name. On success release lets go of the name.
func underLookName(ctx context.Context, claim ClaimName, to discovery.Address, own *TLS, try func(name string, last bool) error) (release func(), err error) {
	w := lookNames{ctx: ctx, host: certifiedHost(lookHost(ctx, to), own), tls: own, try: try}
	refusals := 0
	for slot := range LookSlots {
		name := fmt.Sprintf("%s%d", lookPrefix, slot)
		release := func() {}
		if claim != nil {
			if release, err = claim(name); errors.Is(err, ErrLooks) {
				continue
			} else if err != nil {
				return nil, err
			}
		}
		last := slot == LookSlots-1
		if err = w.tryName(name, last); err == nil {
			return release, nil
		}
		release()
		if errors.Is(err, ErrRefused) {
			refusals++
		}
		if !nameTaken(err) || refusals == maxRefusals || ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

// lookNames knows the host that goes with the names.
type lookNames struct {
	ctx    context.Context
	host   string
	tls    *TLS
	turned bool // the form of the host was changed
	try    func(name string, last bool) error
}

// tryName tries a name, and where the target turns out to have a name of the
// other form, short or long, the same name with a host of that form. Where the
// address asks for a name that it has not, no form of ours fits, and only the
// first error knows what it is called.
func (w *lookNames) tryName(name string, last bool) error {
	err := w.try(name+"@"+w.host, last)
	var dial *DialError
	if w.turned || !errors.Is(err, ErrNameMode) || !errors.As(err, &dial) {
		return err
	}
	_, host, ok := strings.Cut(dial.Peer, "@")
	if !ok {
		return err
	}
	w.turned, w.host = true, certifiedHost(hostBeside(w.ctx, host), w.tls)
	again := w.try(name+"@"+w.host, last)
	if errors.As(again, &dial) && dial.Peer == "" && errors.Is(again, ErrNameMode) {
		return err
	}
	return again
}

// lookHost is the host of our name for a target: of the same form as its own,
// short or long. Where the address leaves the form open it is guessed, long for
// other machines; a wrong guess costs one more dial.
func lookHost(ctx context.Context, to discovery.Address) string {
	if to.Name != "" {
		return hostBeside(ctx, to.Host)
	}
	if ip, err := netip.ParseAddr(to.Host); err == nil && ip.Unmap().IsLoopback() {
		return hostBeside(ctx, "")
	}
	return hostBeside(ctx, to.Host)
}

// hostBeside is our host in the form of theirs; "" is this machine's short name.
// A host that means the machine itself is ours too.
func hostBeside(ctx context.Context, theirs string) string {
	ip, err := netip.ParseAddr(theirs)
	switch {
	case theirs == "localhost", err == nil && ip.IsLoopback():
		return theirs
	case discovery.IsLong(theirs):
		return longHost(ctx, theirs)
	}
	own, _ := os.Hostname() // without one, nobody has to find us
	short, _, _ := strings.Cut(own, ".")
	if discovery.ValidName("a@"+short) != nil {
		return "localhost"
	}
	return short
}

// longHost is the name of this machine if that is a long one, else the address
// from which it reaches the other.
func longHost(ctx context.Context, theirs string) string {
	own, _ := os.Hostname()
	if discovery.IsLong(own) && discovery.ValidName("a@"+own) == nil {
		return own
	}
	return cmp.Or(addressTowards(ctx, theirs), "127.0.0.1")
}

// addressTowards asks the system for the address of ours that packets to a host
// would carry; none is sent.
func addressTowards(ctx context.Context, host string) string {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", net.JoinHostPort(host, "4369"))
	if err != nil {
		return ""
	}
	defer conn.Close()
	if ap, err := netip.ParseAddrPort(conn.LocalAddr().String()); err == nil {
		return ap.Addr().Unmap().WithZone("").String()
	}
	return ""
}
