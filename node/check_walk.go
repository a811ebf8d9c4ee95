package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/liminal-bus/liminal/internal/discovery"
	"github.com/liminal-bus/liminal/internal/dist"
	"github.com/liminal-bus/liminal/internal/epmd"
	"github.com/liminal-bus/liminal/internal/links"
)

// checkWalk is one run of Check under one name. The resolver is the one that nodes
// use; what it asks is written down on the way.
type checkWalk struct {
	c      CheckConfig
	a      discovery.Address // with its host filled in
	local  dist.Local
	ours   string // host of our name
	report CheckReport
	worst  failure
	at     CheckStage // of worst
}

func newCheckWalk(c CheckConfig, a discovery.Address, name string) *checkWalk {
	c.DialTimeout = cmp.Or(c.DialTimeout, 5*time.Second)
	c.EPMDPort = cmp.Or(c.EPMDPort, 4369)
	w := &checkWalk{c: c, report: CheckReport{Address: c.Address, As: name}}
	_, w.ours, _ = strings.Cut(name, "@")
	w.a = a.On(w.ours)
	w.local = dist.Local{
		Name: name, Creation: dist.NewCreation(), Flags: cmp.Or(c.flags, dist.OfferLook()),
		Cookie: c.Cookie, Accept: c.Accept, Challenges: new(dist.Challenges),
	}
	return w
}

// step writes down one step that began at start; the zero time is for one that
// asked nothing.
func (w *checkWalk) step(stage CheckStage, r CheckResult, start time.Time, format string, args ...any) {
	s := CheckStep{Stage: stage, Result: r, Detail: fmt.Sprintf(format, args...)}
	if !start.IsZero() {
		s.Took = time.Since(start)
	}
	w.report.Steps = append(w.report.Steps, s)
}

// failed keeps the most telling of several errors, and where it came up.
func (w *checkWalk) failed(stage CheckStage, at netip.AddrPort, err error) {
	if w.worst.add(at, err); w.worst.err == err {
		w.at = stage
	}
}

func (w *checkWalk) run(ctx context.Context) {
	lookup, cancel := context.WithTimeout(ctx, w.c.DialTimeout)
	defer cancel()
	w.given()
	for ap, err := range w.resolver().Candidates(lookup, w.a) {
		if err != nil {
			w.unresolved(err)
			continue
		}
		err = w.try(ctx, ap)
		if err == nil {
			w.report.Peer.Endpoint = ap.String()
			return
		}
		if w.met() || ctx.Err() != nil {
			break
		}
	}
	w.report.Failed = w.at
	w.report.Err = explainDial(w.a.String(), w.worst.at, w.worst.err, w.vet)
	var dial *DialError
	if errors.As(w.report.Err, &dial) {
		dial.Address = w.report.Address
		w.knownNames(ctx, dial)
	}
}

func (w *checkWalk) vet(name string) error { return vetName(w.local.Name, name) }

// met says whether a node has answered, so that no other address is tried: each
// refusal is an error in its log.
func (w *checkWalk) met() bool {
	return w.at == CheckName || w.at == CheckFlags || w.at == CheckCookie || refused(w.worst.err)
}

// given writes down what the address says itself.
func (w *checkWalk) given() {
	if _, err := netip.ParseAddr(w.a.Host); err == nil {
		w.step(CheckResolve, CheckSkipped, time.Time{}, "%s is an address", w.a.Host)
	}
}

// unresolved files an error of the resolver. What the hooks have asked stands in
// the steps already.
func (w *checkWalk) unresolved(err error) {
	stage := CheckEPMD
	var resolve *discovery.ResolveError
	if errors.As(err, &resolve) && resolve.Stage == "host" {
		stage = CheckResolve
	}
	if errors.Is(err, discovery.ErrNoPort) {
		w.step(CheckEPMD, CheckFailed, time.Time{}, "no liminal node %s runs here, and epmd is not asked", w.a.Name)
	}
	w.failed(stage, netip.AddrPort{}, err)
}

// resolver asks as the node's own would.
func (w *checkWalk) resolver() *discovery.Resolver {
	opts := discovery.ResolverOptions{OurHost: w.ours, LookupIP: w.lookupIP}
	if w.c.Local != nil {
		opts.Local = w.lookupLocal
	}
	if w.c.EPMD != EPMDOff {
		opts.EPMD = w.askEPMD
	}
	return discovery.NewResolver(opts)
}

func (w *checkWalk) lookupIP(ctx context.Context, host string) ([]netip.Addr, error) {
	start := time.Now()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	switch {
	case err != nil && host == w.ours:
		w.step(CheckResolve, CheckSkipped, start, "no address for %s; it is this machine, 127.0.0.1", host)
	case err != nil:
		w.step(CheckResolve, CheckFailed, start, "no address for %s: %s", host, resolveWords(err))
	default:
		w.step(CheckResolve, CheckOK, start, "%s is %s", host, ipTexts(ips))
	}
	return ips, err
}

// resolveWords is what a resolver said, without the host and the server.
func resolveWords(err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.Err
	}
	return discovery.Cause(err)
}

func ipTexts(ips []netip.Addr) string {
	var all []string
	seen := map[netip.Addr]bool{}
	for _, ip := range ips {
		if ip = ip.Unmap(); !seen[ip] {
			seen[ip] = true
			all = append(all, ip.String())
		}
	}
	return strings.Join(all, ", ")
}

func (w *checkWalk) lookupLocal(ctx context.Context, name string) (string, bool) {
	start := time.Now()
	addr, ok := w.c.Local(ctx, name)
	if ok {
		if !w.has(CheckResolve) {
			w.step(CheckResolve, CheckSkipped, time.Time{}, "%s is this machine", w.ours)
		}
		w.step(CheckEPMD, CheckSkipped, start, "a liminal node %s of this machine listens at %s", name, addr)
	}
	return addr, ok
}

func (w *checkWalk) askEPMD(ctx context.Context, host, name string) (int, error) {
	start := time.Now()
	at := net.JoinHostPort(host, strconv.Itoa(w.c.EPMDPort))
	port, err := epmd.Client{Port: w.c.EPMDPort}.Lookup(ctx, host, name)
	switch {
	case errors.Is(err, epmd.ErrNoSuchName):
		w.step(CheckEPMD, CheckFailed, start, "%s does not know %s", at, name)
	case errors.Is(err, epmd.ErrBadReply):
		w.step(CheckEPMD, CheckFailed, start, "%s is not an epmd: something else answers there (%s)", at, discovery.Cause(err))
	case err != nil:
		w.step(CheckEPMD, CheckFailed, start, "%s: %s", at, discovery.Cause(err))
	default:
		w.step(CheckEPMD, CheckOK, start, "%s knows %s at port %d", at, name, port)
	}
	return port, err
}

// knownNames adds what an epmd does know to the error of one that did not know the
// name.
func (w *checkWalk) knownNames(ctx context.Context, dial *DialError) {
	if !errors.Is(dial, ErrNoSuchName) || ctx.Err() != nil {
		return
	}
	entries, err := epmd.Client{Port: w.c.EPMDPort}.Names(ctx, w.a.Host)
	if err != nil {
		return // it only says more
	}
	for _, e := range entries {
		dial.Known = append(dial.Known, e.Name)
	}
}

// try shakes hands at one address, with one cookie after the other as a dial does.
func (w *checkWalk) try(ctx context.Context, ap netip.AddrPort) (err error) {
	for cookie := range 1 + len(w.local.Accept) {
		err = w.shake(ctx, ap, cookie)
		if !errors.Is(err, dist.ErrDigest) {
			break
		}
	}
	return err
}

// shake connects to one address and shakes hands there with one cookie. What
// another cookie does not change stands in the steps already.
func (w *checkWalk) shake(ctx context.Context, ap netip.AddrPort, cookie int) error {
	if w.a.Port != 0 && !w.has(CheckEPMD) {
		w.step(CheckEPMD, CheckSkipped, time.Time{}, "the address has a port")
	}
	start := time.Now()
	d := net.Dialer{Timeout: w.c.DialTimeout}
	conn, err := d.DialContext(ctx, "tcp", ap.String())
	if err != nil {
		w.step(CheckConnect, CheckFailed, start, "%s: %s", ap, discovery.Cause(err))
		err = &links.ConnectError{Addr: ap, Err: err}
		w.failed(CheckConnect, ap, err)
		return err
	}
	defer conn.Close()
	if cookie == 0 {
		w.step(CheckConnect, CheckOK, start, "%s", ap)
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	s := checkShake{w: w, at: ap, cookie: cookie}
	return s.run(ctx, conn)
}

func (w *checkWalk) has(stage CheckStage) bool {
	for _, s := range w.report.Steps {
		if s.Stage == stage {
			return true
		}
	}
	return false
}
